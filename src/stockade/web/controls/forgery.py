"""Requests that another site makes a browser send: none of them changes anything (claim D4)."""

import base64
import dataclasses
import os
from datetime import timedelta

from stockade.kernel.control import Finding, Installation, RouteInfo, control, finding
from stockade.web.controls.sessions import FORM, CannotSignIn, Signed, post, signed_in
from stockade.web.wire import Line, Reply, filled

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OF_PEOPLE = frozenset({"api", "page", "public"})
"""Surfaces where a browser's session counts; operators and directories bring their bearer."""
_FROM_PROVIDERS = "/sign-in/saml/"
_PROBLEM = b"/problems/csrf"


@control(
    id="web.forged-requests-refused", claims=("D4",), every=timedelta(minutes=30), max_age=timedelta(hours=2),
    standards=("OWASP ASVS 5.0 V3.5", "OWASP A01:2021"),
    statement="Every form and every endpoint that changes something refuses a browser's session without a CSRF token, "
    "with one that is made up, and, with the right one, a request that another origin sent; the right one "
    "alone is accepted.",
)  # fmt: skip
async def forged_requests_refused(installation: Installation) -> Finding:
    """With a real session, try every route that changes something without a token and with a wrong one."""
    changing = [route for route in installation.routes if route.method not in _SAFE and _is_for_browsers(route)]
    wrong: list[str] = []
    tried = 0
    async with Line(installation) as line:
        try:
            async with signed_in(installation, line) as session:
                for route in changing:
                    for token in (None, base64.urlsafe_b64encode(os.urandom(64)).decode()):
                        tried += 1
                        reply = await _send(line, route, session, token)
                        if not _turned_away(route, reply):
                            kind = "without a token" if token is None else "with a made-up token"
                            wrong.append(f"{route.method} {route.path} {kind} is answered with {reply.status}")
                wrong += await _wrong_about_origins(line, session)
                tried += 4
        except CannotSignIn as reason:
            return Finding(False, f"It cannot be checked: {reason}.")
    return finding(tried if changing else 0, "forged requests", wrong)


def _is_for_browsers(route: RouteInfo) -> bool:
    """What is public on the API looks at no session: there is nothing that a browser could be made to lend."""
    return route.surface in _OF_PEOPLE and not (route.surface == "public" and route.path.startswith("/api/"))


async def _send(line: Line, route: RouteInfo, session: Signed, token: str | None) -> Reply:
    if route.path.startswith("/api/"):
        headers = {"Cookie": session.cookie, "Content-Type": "application/json", "Idempotency-Key": os.urandom(8).hex()}
        if token is not None:
            headers["X-CSRF-Token"] = token
        return await line.ask(route.method, filled(route.path), headers, b"{}")
    body = b"" if token is None else f"csrf_token={token}".encode()
    return await line.ask(route.method, filled(route.path), FORM | {"Cookie": session.cookie}, body)


def _turned_away(route: RouteInfo, reply: Reply) -> bool:
    """What a provider's page posts comes from elsewhere: it is laid down, and lets nobody in by itself."""
    if route.path.startswith(_FROM_PROVIDERS) and reply.status == 303:
        return not reply.all("set-cookie")
    return reply.status == 403 and _PROBLEM in reply.body


async def _wrong_about_origins(line: Line, session: Signed) -> list[str]:
    """Send the right token as if from elsewhere, and at last as it should be: else refusals would prove nothing."""
    wrong = []
    for headers in (
        {"Origin": "https://stranger.example"}, {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    ):  # fmt: skip
        reply = await post(line, session.sign_out, session.cookie, headers)
        if reply.status != 403 or _PROBLEM not in reply.body:
            wrong.append(f"the right token with {headers} is answered with {reply.status}")
    reply = await post(line, dataclasses.replace(session.sign_out), session.cookie)
    if reply.status != 303:
        wrong.append(f"the right token is refused with {reply.status}, so that the refusals prove nothing")
    return wrong
