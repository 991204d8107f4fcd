"""Signing in and out, as pages."""

import contextlib
from typing import Any
from urllib.parse import urlsplit

from litestar import Response
from litestar.response import Redirect

from stockade.access.admission import SESSION_COOKIE
from stockade.access.permissions import PUBLIC
from stockade.access.routes import opened
from stockade.apps.admin.first_day import first_page
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.service.sign_in import (
    SESSION_LIFETIME,
    LinkRefused,
    SignedIn,
    SignInRefused,
    Visitor,
    sign_in_with_link,
    sign_in_with_password,
    sign_out,
)
from stockade.tenancy.transaction import Unauthenticated
from stockade.web.cookies import deleted_cookie, session_cookie
from stockade.web.problems import TooManyRequests

FIRST_PAGE = "/orders"


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
        errors["email"] = "Enter the e-mail address that you were invited with."
    if not password or "\0" in password:
        errors["password"] = "Enter your password."  # noqa: S105  # a sentence, not a password
    if errors:
        return _sign_in_page(email[:254].replace("\0", ""), errors, following, status=422)
    _limit_attempts(request)
    state = request.app.state
    try:
        signed_in = await sign_in_with_password(
            state.database, state.credentials, _visitor(request), email=email, password=password
        )
    except SignInRefused as refused:
        return _sign_in_page(email, {"password": f"{refused.title}."}, following, status=refused.status)
    return await _welcome(request, signed_in, following)


@page("/sign-in/once", permission=PUBLIC)
async def show_one_time(request: AnyRequest) -> Shown:
    """The page that a one-time link opens; only its button uses the link up, since mail scanners open links, too."""
    return Shown("one_time.html", {"token": request.query_params.get("token", "")[:200] or None})


@form("/sign-in/once", permission=PUBLIC)
async def take_one_time(request: AnyRequest, fields: Fields) -> Any:
    """Sign in by a one-time link."""
    _limit_attempts(request)
    state = request.app.state
    try:
        signed_in = await sign_in_with_link(
            state.database, state.credentials, _visitor(request), secret=fields.get("token", "")[:200]
        )
    except LinkRefused as refused:
        return Shown("one_time.html", {"token": None}, refused.status)
    return await _welcome(request, signed_in, "")


@form("/sign-out", permission=PUBLIC)
async def take_sign_out(request: AnyRequest, fields: Fields) -> Any:
    """End the session, in the database first and then in the browser."""
    state = request.scope["state"]
    if state.get("principal") is not None:
        with contextlib.suppress(Unauthenticated):  # It has ended already; then only the cookie is left to remove.
            async with opened(request) as tx:
                await sign_out(tx, request.app.state.credentials, state["credential"])
    return _redirect("/sign-in", deleted_cookie(SESSION_COOKIE)[1].decode())


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


def _sign_in_page(email: str, errors: dict[str, str], following: str, *, status: int = 200) -> Shown:
    checked = local_path(following) if following else ""
    return Shown("sign_in.html", {"email": email, "errors": errors, "next": checked}, status)


def _visitor(request: AnyRequest) -> Visitor:
    state = request.scope["state"]
    return Visitor(state["address"], request.headers.get("user-agent", ""), state["request_id"])


def _limit_attempts(request: AnyRequest) -> None:
    """Bound the guesses of one address; the password's hash is not computed beyond that."""
    state = request.app.state
    per_minute = state.installation.settings.sign_in_attempts_per_minute
    verdict = state.limiter.hit(b"sign-in " + request.scope["state"]["address"].encode(), per_minute)
    if not verdict.allowed:
        raise TooManyRequests("Too many attempts from here.", retry_after=verdict.retry_after_seconds)


async def _welcome(request: AnyRequest, signed_in: SignedIn, following: str) -> Response[Any]:
    """Go on to where somebody wanted to go; else to the first page, or a new tenant's first steps."""
    _, cookie = session_cookie(SESSION_COOKIE, signed_in.token, int(SESSION_LIFETIME.total_seconds()))
    if following:
        return _redirect(local_path(following), cookie.decode())
    return _redirect(await first_page(request.app.state.database, signed_in, FIRST_PAGE), cookie.decode())


def _redirect(target: str, cookie: str) -> Response[Any]:
    return Redirect(target, status_code=303, headers={"set-cookie": cookie})


ROUTES = [show_sign_in, take_sign_in, show_one_time, take_one_time, take_sign_out]
