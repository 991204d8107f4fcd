"""Sessions: a real sign-in by a one-time link of the probe tenant, and what its cookies are like (B5 and B10)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode

from stockade.kernel.control import Finding, Installation, control, finding
from stockade.web.wire import HTML, Line, Reply

_OFTEN = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
FORM = {"Accept": HTML, "Content-Type": "application/x-www-form-urlencoded"}
FIRST_PAGE = "/orders"


class CannotSignIn(Exception):
    """The probe's sign-in did not come about; the message says where it ended."""


@dataclass
class Form:
    """A form of a page: where it posts to, and its hidden fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """Reads the forms of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.feed(page.decode("utf-8", "replace"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form, or a hidden field of the last one."""
        given = dict(attrs)
        if tag == "form":
            self.found.append(Form(given.get("action") or ""))
        elif tag == "input" and given.get("type") == "hidden" and self.found:
            self.found[-1].fields[given.get("name") or ""] = given.get("value") or ""

    def to(self, action: str) -> Form:
        """Return the form that posts to a path; ``CannotSignIn`` if there is none."""
        for item in self.found:
            if item.action == action:
                return item
        raise CannotSignIn(f"there is no form that posts to {action}")


@dataclass(frozen=True)
class Signed:
    """A session: its cookie as a browser sends it, every Set-Cookie seen on the way, and the form that ends it."""

    cookie: str
    set_cookies: tuple[str, ...]
    sign_out: Form


@asynccontextmanager
async def signed_in(installation: Installation, line: Line) -> AsyncIterator[Signed]:
    """Sign in to the probe tenant as a browser does, and sign out at the end; ``CannotSignIn`` if that fails."""
    probe_link = getattr(installation, "probe_link", None)
    if probe_link is None:
        raise CannotSignIn("the installation gives no one-time link of a probe")
    opened = await line.ask("GET", f"/sign-in/once?{urlencode({'token': await probe_link()})}", {"Accept": HTML})
    form = Forms(opened.body).to("/sign-in/once")
    answer = await post(line, form, _cookies(opened))
    session = _cookies(answer)
    if answer.status != 303 or not session:
        raise CannotSignIn(f"the one-time link was answered with {answer.status}")
    first = await line.ask("GET", FIRST_PAGE, {"Accept": HTML, "Cookie": session})
    if first.status != 200:
        raise CannotSignIn(f"the first page after signing in was answered with {first.status}")
    out = Forms(first.body).to("/sign-out")
    try:
        yield Signed(session, (*opened.all("set-cookie"), *answer.all("set-cookie")), out)
    finally:
        await post(line, out, session)


async def post(line: Line, form: Form, cookie: str, headers: dict[str, str] | None = None) -> Reply:
    """Send a form with the cookies of a browser."""
    return await line.ask(
        "POST", form.action, FORM | {"Cookie": cookie} | (headers or {}), urlencode(form.fields).encode()
    )


@control(
    id="web.session-cookies-stay-home", claims=("B5", "B10"), every=_OFTEN, max_age=_HOUR,
    standards=("OWASP ASVS 5.0 V3.3", "SOC 2 CC6.1"),
    statement="Every cookie of a real sign-in has the __Host- prefix, HttpOnly, Secure, SameSite, the path / and no "
    "domain, and after signing out its value admits nobody.",
)  # fmt: skip
async def session_cookies_stay_home(installation: Installation) -> Finding:
    """Sign in with a one-time link, look at each cookie, sign out, and try the cookie again."""
    wrong: list[str] = []
    async with Line(installation) as line:
        try:
            async with signed_in(installation, line) as session:
                kinds = {text.partition("=")[0] for text in session.set_cookies}
                for text in session.set_cookies:
                    wrong += cookie_breaches(text)
                if len(kinds) < 2:
                    wrong.append("the visitor's cookie and the session's are not two cookies")
        except CannotSignIn as reason:
            return Finding(False, f"It cannot be checked: {reason}.")
        after = await line.ask("GET", FIRST_PAGE, {"Accept": HTML, "Cookie": session.cookie})
        if after.status == 200:
            wrong.append("the session's cookie still admits after signing out")
    return finding(len(session.set_cookies), "cookies", wrong)


def cookie_breaches(text: str) -> list[str]:
    """Return what a Set-Cookie header lacks (RFC 6265bis)."""
    pair, *rest = (part.strip() for part in text.split(";"))
    name = pair.partition("=")[0]
    given = {key.lower(): value for key, _, value in (part.partition("=") for part in rest)}
    wrong = [f"{name} lacks {what}" for what in ("Secure", "HttpOnly") if what.lower() not in given]
    if not name.startswith("__Host-"):
        wrong.append(f"{name} lacks the prefix __Host-")
    if given.get("samesite", "").lower() not in ("lax", "strict"):
        wrong.append(f"{name} lacks SameSite")
    if given.get("path") != "/" or "domain" in given:
        wrong.append(f"{name} has another path than /, or a domain")
    return wrong


def _cookies(reply: Reply) -> str:
    """Return the cookies that an answer sets, as a browser sends them back."""
    return "; ".join(text.partition(";")[0] for text in reply.all("set-cookie"))
