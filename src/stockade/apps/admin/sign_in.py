"""Signing in and out, as pages: the faces of the flow in ``stockade.identity.signing_in``."""

import contextlib
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Response
from litestar.datastructures import Cookie
from litestar.response import Redirect

from stockade.access.admission import SESSION_COOKIE
from stockade.access.permissions import PUBLIC
from stockade.access.routes import opened, post
from stockade.access.ways_in import browser_asked, door_in
from stockade.apps.admin.first_day import first_page
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.identity.mailed import following
from stockade.identity.service.sign_in import SESSION_LIFETIME, LinkRefused, SignedIn, SignInRefused, Visitor, sign_out
from stockade.identity.signing_in import flow
from stockade.identity.signing_in.brake import TooManyAttempts
from stockade.identity.signing_in.flow import (
    PENDING_VALID,
    FactorRefused,
    SignInHeld,
    Unverified,
    Wait,
    device_mark,
    read_mark,
)
from stockade.identity.sso.requiring import SignOnRequired
from stockade.identity.suspicion.noting import new_device
from stockade.kernel.problems import Problem
from stockade.kernel.words import N_
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Unauthenticated
from stockade.web.cookies import read_cookie
from stockade.web.problems import MalformedRequest, TooManyRequests

FIRST_PAGE = "/orders"
PENDING_COOKIE = "__Host-sign-in"
DEVICE_COOKIE = "__Host-device"
DEVICE_SECONDS = 180 * 86_400
ENROL_PAGE = "/security"


class PasskeyAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """What the browser's passkey answered (``PublicKeyCredential.toJSON()``), and where to go on to."""

    answer: dict[str, Any]
    next: str = ""


class GoOn(msgspec.Struct, frozen=True):
    """Where the browser goes next."""

    go: str


@page("/sign-in", permission=PUBLIC)
async def show_sign_in(request: AnyRequest) -> Shown:
    """The sign-in form."""
    return _sign_in_page("", {}, request.query_params.get("next", ""))


@form("/sign-in", permission=PUBLIC)
async def take_sign_in(request: AnyRequest, fields: Fields) -> Any:
    """Sign in by password."""
    email, password = fields.get("email", "").strip(), fields.get("password", "")
    following = fields.get("next", "")
    errors = {}
    if "@" not in email or len(email) > 254 or "\0" in email:
        errors["email"] = N_("Enter the e-mail address that you were invited with.")
    if not password or "\0" in password:
        errors["password"] = N_("Enter your password.")
    if errors:
        return _sign_in_page(email[:254].replace("\0", ""), errors, following, status=422)
    limit_attempts(request)
    try:
        outcome = await flow.with_password(
            door_in(request), visitor_of(request), email=email, password=password, device=_device(request)
        )
    except SignInRefused as refused:
        return _sign_in_page(email, {"password": f"{refused.title}."}, following, status=refused.status)
    except SignOnRequired as refused:
        return Shown("sso/required.html", {"start": refused.members["start"]}, refused.status)
    except (TooManyAttempts, SignInHeld) as refused:
        return _sign_in_page(email, {"form": refused.detail or refused.title}, following, status=refused.status)
    return await go_on(request, outcome, following)


@page("/sign-in/once", permission=PUBLIC)
async def show_one_time(request: AnyRequest) -> Shown:
    """The page that a one-time link opens; only its button uses the link up, since mail scanners open links, too.

    One that was asked for in another browser is told so, and stays unused.
    """
    secret = request.query_params.get("token", "")[:200]
    link = await following.look_at(door_in(request), secret, browser_asked(request) or "") if secret else None
    if link is not None and link.purpose == "sign_in" and link.elsewhere:
        return Shown("mailed/elsewhere.html", {})
    return Shown("one_time.html", {"token": secret or None})


@form("/sign-in/once", permission=PUBLIC)
async def take_one_time(request: AnyRequest, fields: Fields) -> Any:
    """Sign in by a one-time link."""
    limit_attempts(request)
    try:
        outcome = await flow.with_link(
            door_in(request), visitor_of(request), secret=fields.get("token", "")[:200],
            browser=browser_asked(request) or "",
        )  # fmt: skip
    except LinkRefused as refused:
        return Shown("one_time.html", {"token": None}, refused.status)
    except SignOnRequired as refused:
        return Shown("sso/required.html", {"start": refused.members["start"]}, refused.status)
    except SignInHeld as held:
        return _sign_in_page("", {"form": held.detail or held.title}, "", status=held.status)
    return await go_on(request, outcome, "")


@page("/sign-in/factor", permission=PUBLIC)
async def show_factor(request: AnyRequest) -> Any:
    """The page that asks for the second factor of a sign-in that waits for it."""
    return await _factor_page(request, request.query_params.get("next", ""))


@form("/sign-in/factor", permission=PUBLIC)
async def take_factor(request: AnyRequest, fields: Fields) -> Any:
    """Take a code of the authenticator app, or a recovery code."""
    limit_attempts(request)
    following = fields.get("next", "")
    try:
        signed_in = await flow.with_factor(
            door_in(request), visitor_of(request), token=pending_in(request), code=fields.get("code", "")[:40]
        )
    except (FactorRefused, TooManyAttempts) as refused:
        return await _factor_page(request, following, refused)
    return await welcome(request, signed_in, following)


@post("/sign-in/passkey/options", permission=PUBLIC, include_in_schema=False)
async def ask_passkey(request: AnyRequest) -> dict[str, Any]:
    """Return what ``navigator.credentials.get`` takes; for a sign-in that waits for a factor, of that person."""
    browser, token = _ours(request), pending_in(request)
    door = door_in(request)
    if token:
        with contextlib.suppress(FactorRefused):
            return {"publicKey": msgspec.json.decode(await flow.factor_passkey_options(door, token, browser))}
    return {"publicKey": msgspec.json.decode(await flow.passkey_options(door, browser))}


@post("/sign-in/passkey", permission=PUBLIC, include_in_schema=False)
async def take_passkey(request: AnyRequest) -> Response[GoOn]:
    """Sign in by a passkey (``PasskeyAnswer``); the answer says where to go, the session comes as its cookie."""
    browser, token = _ours(request), pending_in(request)
    try:
        data = msgspec.json.decode(await request.body(), type=PasskeyAnswer)
    except msgspec.MsgspecError as error:
        raise MalformedRequest(str(error)) from None
    door, visitor = door_in(request), visitor_of(request)
    signed_in = None
    if token:
        with contextlib.suppress(FactorRefused):
            signed_in = await flow.with_passkey_as_factor(
                door, visitor, token=token, browser=browser, answer=data.answer
            )
    if signed_in is None:
        signed_in = await flow.with_passkey(door, visitor, browser=browser, answer=data.answer)
    target = local_path(data.next) if data.next else await _first(request, signed_in)
    return Response(GoOn(target), status_code=200, cookies=_cookies(request, signed_in))


@form("/sign-out", permission=PUBLIC)
async def take_sign_out(request: AnyRequest, fields: Fields) -> Any:
    """End the session, in the database first and then in the browser."""
    state = request.scope["state"]
    if state.get("principal") is not None and state["principal"].kind is ActorKind.OPERATOR:
        return Redirect("/operator-access/leave", status_code=307)  # The same form, to where an access is ended.
    if state.get("principal") is not None:
        with contextlib.suppress(Unauthenticated):  # It has ended already; then only the cookie is left to remove.
            async with opened(request) as tx:
                await sign_out(tx, request.app.state.credentials, state["credential"])
    return Redirect("/sign-in", status_code=303, cookies=[cookie_of(SESSION_COOKIE, "", 0)])


def local_path(target: str) -> str:
    """Return a path of ours to go on to; for anything else the first page.

    Attack: an open redirect sends people from our sign-in to a stranger's.
    """
    try:
        parts = urlsplit(target)
    except ValueError:  # "//[" is no address at all
        return FIRST_PAGE
    plain = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return target if plain and target.isprintable() and "\\" not in target else FIRST_PAGE


def visitor_of(request: AnyRequest) -> Visitor:
    """Return where a sign-in comes from."""
    state = request.scope["state"]
    if "device" not in state:
        known = read_mark(request.app.state.credentials, cookie_in(request, DEVICE_COOKIE))
        state["device"] = known[1] if known else new_device()
    return Visitor(
        state["address"],
        request.headers.get("user-agent", ""),
        state["request_id"],
        state["device"],
        locale_of(request.scope),
    )


def _sign_in_page(email: str, errors: dict[str, str], following: str, *, status: int = 200) -> Shown:
    checked = local_path(following) if following else ""
    return Shown("sign_in.html", {"email": email, "errors": errors, "next": checked}, status)


async def _factor_page(request: AnyRequest, following: str, refused: Problem | None = None) -> Any:
    try:
        held = await flow.held_by_pending(door_in(request), pending_in(request))
    except FactorRefused:
        return Redirect("/sign-in", status_code=303, cookies=[cookie_of(PENDING_COOKIE, "", 0)])
    told = "" if refused is None else refused.detail or refused.title
    status = 200 if refused is None else refused.status
    checked = local_path(following) if following else ""
    return Shown("sign_in_factor.html", {"held": held, "error": told, "next": checked}, status)


def _ours(request: AnyRequest) -> str:
    """Return what the browser proves itself by, if a page of ours asks in it, and not too often."""
    shower = request.app.state.shower
    shower.check_form(request, request.headers.get("x-csrf-token"))
    limit_attempts(request)
    return str(shower.browser_of(request))


def limit_attempts(request: AnyRequest) -> None:
    """Bound the guesses of one address; the password's hash is not computed beyond that."""
    state = request.app.state
    per_minute = state.installation.settings.sign_in_attempts_per_minute
    verdict = state.limiter.hit(b"sign-in " + request.scope["state"]["address"].encode(), per_minute)
    if not verdict.allowed:
        raise TooManyRequests("Too many attempts from here.", retry_after=verdict.retry_after_seconds)


async def go_on(request: AnyRequest, outcome: SignedIn | Wait | Unverified, going_to: str) -> Response[Any]:
    """Go to what the flow says: the letter that proves the address, the second factor, or inside."""
    if isinstance(outcome, SignedIn):
        return await welcome(request, outcome, going_to)
    if isinstance(outcome, Unverified):
        waits = cookie_of(PENDING_COOKIE, outcome.token, int(PENDING_VALID.total_seconds()))
        return Redirect("/sign-in/verify", status_code=303, cookies=[waits])
    checked = f"?next={local_path(going_to)}" if going_to else ""
    cookie = cookie_of(PENDING_COOKIE, outcome.token, int(PENDING_VALID.total_seconds()))
    return Redirect(f"/sign-in/factor{checked}", status_code=303, cookies=[cookie])


async def welcome(request: AnyRequest, signed_in: SignedIn, following: str) -> Response[Any]:
    """Go on to where somebody wanted to go; else to the first page, or a new tenant's first steps."""
    target = local_path(following) if following else await _first(request, signed_in)
    return Redirect(target, status_code=303, cookies=_cookies(request, signed_in))


async def _first(request: AnyRequest, signed_in: SignedIn) -> str:
    return ENROL_PAGE if signed_in.must_enrol else await first_page(request.app.state.database, signed_in, FIRST_PAGE)


def _cookies(request: AnyRequest, signed_in: SignedIn) -> list[Cookie]:
    """The session, and the mark by which this browser is known when the account is braked."""
    mark = device_mark(request.app.state.credentials, signed_in.account_id, visitor_of(request).device)
    return [
        cookie_of(SESSION_COOKIE, signed_in.token, int(SESSION_LIFETIME.total_seconds())),
        cookie_of(DEVICE_COOKIE, mark, DEVICE_SECONDS), cookie_of(PENDING_COOKIE, "", 0),
    ]  # fmt: skip


def cookie_of(name: str, value: str, seconds: int) -> Cookie:
    """Return a cookie that this origin alone reads, sets and is sent."""
    return Cookie(key=name, value=value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def _device(request: AnyRequest) -> str | None:
    known = read_mark(request.app.state.credentials, cookie_in(request, DEVICE_COOKIE))
    return ".".join(known) if known else None


def pending_in(request: AnyRequest) -> str:
    """Return the token of a sign-in that waits for something; "" for none."""
    return (cookie_in(request, PENDING_COOKIE) or "")[:100]


def cookie_in(request: AnyRequest, name: str) -> str | None:
    """Return what the browser holds under a cookie's name."""
    header = b"; ".join(value for key, value in request.scope["headers"] if key == b"cookie")
    return read_cookie(header, name) if header else None


ROUTES = [
    show_sign_in, take_sign_in, show_one_time, take_one_time, show_factor, take_factor, ask_passkey, take_passkey,
    take_sign_out,
]  # fmt: skip
