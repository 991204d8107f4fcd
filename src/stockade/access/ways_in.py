"""Mailed ways in through the API: asking for a letter, a new password by its link, and one's own address.

Asking is answered the same, after the same work, whether or not there is an account. The answer sets a cookie: what the
letter's link does, it does for whoever brings that cookie.
"""

import re
import secrets
from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.datastructures import Cookie

from stockade.access.factors import MANAGE_OWN, READ_OWN, PeopleOnly, require_person
from stockade.access.fields import Email
from stockade.access.inviting import Post
from stockade.access.permissions import PUBLIC
from stockade.access.routes import AnyRequest, get, post
from stockade.identity.mailed import addresses, following
from stockade.identity.mailed.addresses import AddressHeld, AddressTaken
from stockade.identity.mailed.asking import LettersBraked, ask
from stockade.identity.mailed.following import OtherBrowser, PasswordsNotUsed
from stockade.identity.mailed.words import ASKED_VALID
from stockade.identity.service.sign_in import LinkRefused, Visitor
from stockade.identity.signing_in.brake import TooManyAttempts
from stockade.identity.signing_in.flow import Door
from stockade.identity.signing_in.recent import StepUpNeeded
from stockade.identity.sso.requiring import SignOnRequired
from stockade.kernel.problems import Invalid
from stockade.mail.sending import TooManyLetters
from stockade.tenancy.transaction import Transaction
from stockade.web.cookies import read_cookie
from stockade.web.languages import LOCALES, chosen

ASKED_COOKIE = "__Host-asked"
"""What a browser keeps since it asked for a letter."""
LOCALE_COOKIE = "__Host-locale"
_ASKED_SECONDS = 24 * 3600
_RANDOM = re.compile(r"[A-Za-z0-9_-]{43}")
Secret = Annotated[str, msgspec.Meta(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
NewSecret = Annotated[str, msgspec.Meta(min_length=12, max_length=1024, pattern=r"^[^\u0000]+$")]


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """Whose letter, and what its link is for: a new password, or to sign in."""

    email: Email
    wanted: Literal["reset", "sign_in"] = "reset"


class AskedFor(msgspec.Struct, frozen=True):
    """If there is an account, a letter is on its way; how long its link will work."""

    valid_minutes: int


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """The token of the letter's link, and the password to be."""

    token: Secret
    password: NewSecret


class PasswordSet(msgspec.Struct, frozen=True):
    """The password is set, and every session of the account has ended."""

    sessions_ended: bool = True


class OwnAddress(msgspec.Struct, frozen=True):
    """The address that one signs in with."""

    email: str


class WantedAddress(msgspec.Struct, forbid_unknown_fields=True):
    """The address to be."""

    email: Email


class ConfirmedBy(msgspec.Struct, forbid_unknown_fields=True):
    """The token of the letter's link."""

    token: Secret


@post("/sign-in/letters", permission=PUBLIC, problems=[LettersBraked])
async def ask_for_letter(request: AnyRequest, data: Ask) -> Response[AskedFor]:
    """Ask for a letter with a link: for a new password, or to sign in.

    The answer is the same whether or not there is an account. The link works once, in the browser that got this
    answer's cookie.
    """
    browser = browser_asked(request) or new_browser()
    state = request.app.state
    await ask(
        state.database, state.credentials, visitor_in(request), email=data.email, wanted=data.wanted, browser=browser
    )
    minutes = int(ASKED_VALID.total_seconds()) // 60
    return Response(AskedFor(minutes), status_code=200, cookies=[asked_cookie(browser)])


@post(
    "/sign-in/password", permission=PUBLIC,
    problems=[LinkRefused, OtherBrowser, PasswordsNotUsed, SignOnRequired, TooManyAttempts, Invalid],
)  # fmt: skip
async def set_password_by_letter(request: AnyRequest, data: NewPassword) -> PasswordSet:
    """Set a new password by the link of a letter, with the cookie of whoever asked for it. Every session ends."""
    await following.set_password(
        door_in(request), visitor_in(request), secret=data.token, browser=browser_asked(request) or "",
        password=data.password,
    )  # fmt: skip
    return PasswordSet()


@get("/me/email", permission=READ_OWN, problems=[PeopleOnly])
async def read_own_email(tx: Transaction) -> OwnAddress:
    """Read the address that you sign in with."""
    require_person(tx.principal)
    return OwnAddress(await addresses.own_address(tx))


@post(
    "/me/email", permission=MANAGE_OWN,
    problems=[PeopleOnly, StepUpNeeded, AddressHeld, Invalid, TooManyAttempts, TooManyLetters],
)  # fmt: skip
async def want_own_email(tx: Transaction, request: AnyRequest, data: WantedAddress) -> OwnAddress:
    """Ask for another address. It counts once its letter is followed; the answer is the one until then."""
    require_person(tx.principal)
    settings = request.app.state.installation.settings
    await addresses.want_address(
        tx, door_in(request), address=data.email, origin=settings.origin, locale=locale_in(request)
    )
    return OwnAddress(await addresses.own_address(tx))


@post("/me/email/confirm", permission=MANAGE_OWN, problems=[PeopleOnly, LinkRefused, AddressTaken, TooManyLetters])
async def confirm_own_email(tx: Transaction, request: AnyRequest, data: ConfirmedBy) -> OwnAddress:
    """Make the new address count, by the link of its letter. The former one is told, with a way back."""
    require_person(tx.principal)
    settings = request.app.state.installation.settings
    return OwnAddress(
        await addresses.confirm_address(
            tx, secret=data.token, origin=settings.origin, locale=locale_in(request)
        )
    )  # fmt: skip


def post_of(request: AnyRequest) -> Post | None:
    """Return what letters of this installation are made with; None if it sends no mail."""
    settings = request.app.state.installation.settings
    return None if settings.smtp_url is None else Post(settings.origin, locale_in(request))


def door_in(request: AnyRequest) -> Door:
    """Return what the flow needs of this installation."""
    state = request.app.state
    return Door(
        state.database, state.credentials, state.sealer, state.party, state.installation.settings.breached_passwords
    )


def visitor_in(request: AnyRequest) -> Visitor:
    """Return where a request comes from."""
    state = request.scope["state"]
    return Visitor(
        state["address"], request.headers.get("user-agent", ""), state["request_id"], locale=locale_in(request)
    )


def locale_in(request: AnyRequest) -> str:
    """Return the language to write to whoever asks: the one chosen in this browser, else the best that it accepts."""
    named = _cookie(request, LOCALE_COOKIE)
    return chosen(named if named in LOCALES else None, request.headers.get("accept-language", ""))


def browser_asked(request: AnyRequest) -> str | None:
    """Return what this browser keeps since it asked for a letter; None if it never did."""
    kept = _cookie(request, ASKED_COOKIE)
    return kept if kept is not None and _RANDOM.fullmatch(kept) else None


def new_browser() -> str:
    """Return a random value for a browser to keep."""
    return secrets.token_urlsafe(32)


def asked_cookie(browser: str) -> Cookie:
    """Return the cookie that keeps it."""
    return Cookie(
        key=ASKED_COOKIE, value=browser, max_age=_ASKED_SECONDS, path="/", secure=True, httponly=True, samesite="lax"
    )


def _cookie(request: AnyRequest, name: str) -> str | None:
    header = b"; ".join(value for key, value in request.scope["headers"] if key == b"cookie")
    return read_cookie(header, name) if header else None


ROUTES = [
    ask_for_letter, set_password_by_letter, read_own_email, want_own_email, confirm_own_email,
]  # fmt: skip
