"""The mailed ways in, as pages: asking for a letter, confirming an address, a new password, a former address back."""

from typing import Any

from litestar.response import Redirect

from stockade.access.factors import MANAGE_OWN, require_person
from stockade.access.permissions import PUBLIC
from stockade.access.routes import opened
from stockade.access.ways_in import asked_cookie, browser_asked, door_in, locale_in, new_browser
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.admin.sign_in import go_on, limit_attempts, pending_in, visitor_of
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.mailed import addresses, following
from stockade.identity.mailed.addresses import AddressHeld, AddressLinkEnded, AddressTaken
from stockade.identity.mailed.asking import LettersBraked, Wanted, ask
from stockade.identity.mailed.following import OtherBrowser, PasswordsNotUsed
from stockade.identity.service.sign_in import LinkRefused
from stockade.identity.signing_in import flow
from stockade.identity.signing_in.brake import TooManyAttempts
from stockade.identity.signing_in.flow import FactorRefused, SignInHeld
from stockade.identity.signing_in.recent import StepUpNeeded
from stockade.identity.sso.requiring import SignOnRequired
from stockade.kernel.problems import Invalid, Problem
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

FORGOT, RESET, VERIFY, UNDO = "/sign-in/forgot", "/sign-in/reset", "/sign-in/verify", "/sign-in/undo"
EMAIL, CONFIRM = "/security/email", "/security/email/confirm"


@page(FORGOT, permission=PUBLIC)
async def show_forgot(request: AnyRequest) -> Shown:
    """The form that asks for a letter."""
    return _forgot_page(request, "")


@form(FORGOT, permission=PUBLIC)
async def take_forgot(request: AnyRequest, fields: Fields) -> Any:
    """Ask for a letter; the answer is the same for everybody."""
    email = fields.get("email", "").strip()
    wanted: Wanted = "sign_in" if fields.get("wanted") == "sign_in" else "reset"
    if "@" not in email or len(email) > 254 or not email.isprintable():
        told = N_("Enter the e-mail address that you sign in with.")
        return _forgot_page(request, "".join(filter(str.isprintable, email))[:254], told, status=422)
    limit_attempts(request)
    browser, state = browser_asked(request) or new_browser(), request.app.state
    try:
        await ask(state.database, state.credentials, visitor_of(request), email=email, wanted=wanted, browser=browser)
    except LettersBraked as braked:
        return _forgot_page(request, email, braked.detail, status=braked.status)
    return Redirect(f"{FORGOT}/sent", status_code=303, cookies=[asked_cookie(browser)])


@page(f"{FORGOT}/sent", permission=PUBLIC)
async def show_sent(request: AnyRequest) -> Shown:
    """Say that a letter is on its way, if there is an account: nobody is told whether there is."""
    return Shown("mailed/sent.html", {"mails": _mails(request)})


@page(VERIFY, permission=PUBLIC)
async def show_verify(request: AnyRequest) -> Any:
    """Say to somebody whose address is not proved yet that a letter is on its way."""
    return _verify_page(request, sent=request.query_params.get("sent") == "again")


@form(VERIFY, permission=PUBLIC)
async def take_verify(request: AnyRequest, fields: Fields) -> Any:
    """Send that letter again, within the brake."""
    limit_attempts(request)
    try:
        await flow.ask_letter_again(door_in(request), visitor_of(request), token=pending_in(request))
    except FactorRefused:
        return "/sign-in"
    except LettersBraked as braked:
        return _verify_page(request, error=braked.detail, status=braked.status)
    return f"{VERIFY}?sent=again"


@page(RESET, permission=PUBLIC)
async def show_reset(request: AnyRequest) -> Shown:
    """The form for a new password. Opening it spends nothing."""
    secret = request.query_params.get("token", "")[:200]
    link = await following.look_at(door_in(request), secret, browser_asked(request) or "")
    if link is None or link.purpose != "reset":
        return _expired()
    return _elsewhere() if link.elsewhere else _reset_page(secret)


@form(RESET, permission=PUBLIC)
async def take_reset(request: AnyRequest, fields: Fields) -> Any:
    """Set the new password, and go on signing in."""
    limit_attempts(request)
    secret, password = fields.get("token", "")[:200], fields.get("password", "")
    door, visitor = door_in(request), visitor_of(request)
    try:
        if "\0" in password:
            raise Invalid(N_("A password holds no such character."), field="password")
        known = await following.set_password(
            door, visitor, secret=secret, browser=browser_asked(request) or "", password=password
        )
        return await go_on(request, await flow.after_reset(door, visitor, known), "")
    except Invalid as refused:
        return _reset_page(secret, refused.detail, refused.status)
    except LinkRefused as refused:
        return _expired(refused.status)
    except OtherBrowser as refused:
        return _elsewhere(refused.status)
    except SignOnRequired as refused:
        return Shown("sso/required.html", {"start": refused.members["start"]}, refused.status)
    except (PasswordsNotUsed, TooManyAttempts, SignInHeld) as refused:
        return _refused(refused)


@page(UNDO, permission=PUBLIC)
async def show_undo(request: AnyRequest) -> Shown:
    """The page behind the way back to a former address. Opening it changes nothing."""
    secret = request.query_params.get("token", "")[:200]
    link = await following.look_at(door_in(request), secret, "")
    return Shown("mailed/undo.html", {"token": secret}) if link and link.purpose == "undo" else _expired()


@form(UNDO, permission=PUBLIC)
async def take_undo(request: AnyRequest, fields: Fields) -> Any:
    """Bring the former address back."""
    limit_attempts(request)
    try:
        email = await addresses.undo_change(door_in(request), visitor_of(request), secret=fields.get("token", "")[:200])
    except LinkRefused as refused:
        return _expired(refused.status)
    except (AddressTaken, TooManyAttempts) as refused:
        return _refused(refused)
    return Shown("mailed/undone.html", {"email": email})


@form(EMAIL, permission=MANAGE_OWN)
async def take_email(request: AnyRequest, fields: Fields) -> Any:
    """Ask for another address of one's own."""
    settings = request.app.state.installation.settings
    try:
        async with opened(request) as tx:
            require_person(tx.principal)
            await addresses.want_address(
                tx, door_in(request), address=fields.get("email", "")[:300], origin=settings.origin,
                locale=locale_in(request),
            )  # fmt: skip
    except StepUpNeeded as needed:
        return f"{needed.members['confirm']}?next=/security"
    except (Invalid, AddressHeld, TooManyAttempts) as refused:
        return _refused(refused, back="/security")
    return "/security?done=letter"


@page(CONFIRM, permission=MANAGE_OWN)
async def show_confirm(tx: Transaction, request: AnyRequest) -> Shown:
    """The page behind a new address's letter. Opening it changes nothing."""
    secret = request.query_params.get("token", "")[:200]
    wanted = await addresses.wanted_address(tx, secret)
    return Shown("mailed/confirm.html", {"token": secret, "email": wanted})


@form(CONFIRM, permission=MANAGE_OWN)
async def take_confirm(request: AnyRequest, fields: Fields) -> Any:
    """Make the new address count."""
    settings = request.app.state.installation.settings
    try:
        async with opened(request) as tx:
            require_person(tx.principal)
            await addresses.confirm_address(
                tx, secret=fields.get("token", "")[:200], origin=settings.origin, locale=locale_in(request)
            )
    except AddressLinkEnded as refused:
        return Shown("mailed/confirm.html", {"token": "", "email": None}, refused.status)
    except AddressTaken as refused:
        return _refused(refused, back="/security")
    return "/security?done=address"


def _mails(request: AnyRequest) -> bool:
    return request.app.state.installation.settings.smtp_url is not None


def _forgot_page(request: AnyRequest, email: str, error: str = "", *, status: int = 200) -> Shown:
    return Shown("mailed/forgot.html", {"email": email, "error": error, "mails": _mails(request)}, status)


def _verify_page(request: AnyRequest, *, sent: bool = False, error: str = "", status: int = 200) -> Shown:
    return Shown("mailed/verify.html", {"sent": sent, "error": error, "mails": _mails(request)}, status)


def _reset_page(secret: str, error: str = "", status: int = 200) -> Shown:
    return Shown("mailed/reset.html", {"token": secret, "error": error}, status)


def _expired(status: int = 200) -> Shown:
    return Shown("mailed/expired.html", {}, status)


def _elsewhere(status: int = 200) -> Shown:
    return Shown("mailed/elsewhere.html", {}, status)


def _refused(refused: Problem, back: str = "/sign-in") -> Shown:
    return Shown("mailed/refused.html", {"title": refused.title, "told": refused.detail, "back": back}, refused.status)


ROUTES: tuple[Any, ...] = (
    show_forgot, take_forgot, show_sent, show_verify, take_verify, show_reset, take_reset, show_undo, take_undo,
    take_email, show_confirm, take_confirm,
)  # fmt: skip
