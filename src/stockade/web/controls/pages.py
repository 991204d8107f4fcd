"""Pages run our own script only, and stand in nobody's frame (claim D3)."""

import re
from datetime import timedelta

from stockade.kernel.control import Finding, Installation, control, finding
from stockade.web.controls.sessions import CannotSignIn, signed_in
from stockade.web.wire import HTML, Line, Reply

_STANDARDS = ("OWASP ASVS 5.0 V3.4.3", "CSP Level 3", "OWASP A03:2021")
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_-]{22,}={0,2})'")
_SCRIPT = re.compile(rb"<script\b([^>]*)>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_INLINE = re.compile(rb"<[a-z][^>]*\s(?:on[a-z]+|style)\s*=|<style\b|href\s*=\s*[\"']?\s*javascript:", re.IGNORECASE)
_NONE = ["'none'"]


@control(
    id="web.pages-run-own-script-only", claims=("D3",), every=timedelta(minutes=15), max_age=timedelta(hours=1),
    standards=_STANDARDS,
    statement="Every page has a Content-Security-Policy that allows script by a nonce alone, a fresh one each time, "
    "nothing "
    "inline or evaluated and no frame around it, and its markup keeps to that; X-Frame-Options is DENY.",
)  # fmt: skip
async def pages_run_own_script_only(installation: Installation) -> Finding:
    """Fetch every page twice, signed in and as a stranger, and a page that does not exist; read policy and markup."""
    paths = [route.path for route in installation.routes if route.method == "GET" and route.surface == "page"]
    plain = [path for path in paths if "{" not in path]
    looked_at = 0
    wrong: list[str] = []
    async with Line(installation) as line:
        try:
            async with signed_in(installation, line) as session:
                for cookie in ({}, {"Cookie": session.cookie}):
                    for path in (*plain, "/nothing-is-here"):
                        replies = [await line.ask("GET", path, {"Accept": HTML} | cookie) for _ in range(2)]
                        if (replies[0].first("content-type") or "").startswith(HTML):
                            looked_at += 1
                            wrong += [f"{path}: {breach}" for breach in page_breaches(*replies)]
        except CannotSignIn as reason:
            return Finding(False, f"It cannot be checked: {reason}.")
    return finding(looked_at, "pages", wrong)


def page_breaches(first: Reply, second: Reply) -> list[str]:
    """Return what is wrong with a page that was fetched twice."""
    wrong = policy_breaches(first)
    nonces = [_NONCE.findall(reply.first("content-security-policy") or "") for reply in (first, second)]
    if nonces[0] and nonces[0] == nonces[1]:
        wrong.append("the nonce is the same twice")
    if first.all("x-frame-options") != ["DENY"]:
        wrong.append(f"X-Frame-Options is {first.all('x-frame-options')}")
    nonce = nonces[0][0].encode() if nonces[0] else b""
    for attributes, content in _SCRIPT.findall(first.body):
        if not nonce or b'nonce="' + nonce + b'"' not in attributes or content.strip():
            wrong.append("a script is inline, or lacks the nonce")
    if _INLINE.search(first.body):
        wrong.append("the markup has an inline handler or style")
    return wrong


def policy_breaches(reply: Reply) -> list[str]:
    """Return what a page's policy allows that it should not."""
    found = reply.all("content-security-policy")
    if len(found) != 1:
        return [f"there are {len(found)} policies"]
    given = {name.lower(): sources for name, *sources in (part.split() for part in found[0].split(";") if part.strip())}
    wrong = []
    scripts = given.get("script-src", given.get("default-src", ["*"]))
    if scripts != _NONE and (not scripts or not all(_NONCE.fullmatch(source) for source in scripts)):
        wrong.append(f"script-src is {scripts}")
    for name, sources in given.items():
        if loose := [source for source in sources if source.startswith(("'unsafe-", "*", "http:", "https:"))]:
            wrong.append(f"{name} has {loose}")
    if given.get("default-src") not in (_NONE, ["'self'"]):
        wrong.append(f"default-src is {given.get('default-src')}")
    for name in ("frame-ancestors", "base-uri"):
        if given.get(name) != _NONE:
            wrong.append(f"{name} is {given.get(name)}")
    if given.get("object-src", given.get("default-src")) != _NONE or given.get("form-action") not in (
        _NONE,
        ["'self'"],
    ):
        wrong.append("objects or foreign forms are allowed")
    return wrong
