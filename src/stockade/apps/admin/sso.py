"""Signing in by the organisation's own sign-on, as pages: faces of ``stockade.identity.sso.signing``.

The browser that begins a sign-in gets a cookie; the provider's answer counts in that browser alone. The cookie is
``SameSite=Lax``: an answer that comes by a GET carries it. SAML's comes by a POST from the provider's site, without it;
it is only laid down, and the browser is sent on by a GET of ours, which carries it. A cookie that every site's posts
carry is thus not needed.
"""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response
from litestar.response import Redirect

from stockade.access.permissions import PUBLIC
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.admin.sign_in import (
    cookie_in,
    cookie_of,
    door_of,
    limit_attempts,
    local_path,
    visitor_of,
    welcome,
)
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.service.sign_in import SignInRefused
from stockade.identity.sso import attempts, signing
from stockade.identity.sso.attempts import ATTEMPT_VALID, Purpose
from stockade.identity.sso.connections import Held
from stockade.identity.sso.reaching import ProviderUnreachable
from stockade.identity.sso.signing import Entered, Entrance, Tested
from stockade.identity.sso.steps import LABELS, SignOnRefused
from stockade.kernel.problems import NotFound, Problem
from stockade.kernel.words import N_

ADDRESS = "/sign-in/sso"
SSO_COOKIE = "__Host-sso"
_ANSWER = ("state", "code", "iss", "error", "error_description")


@page(ADDRESS, permission=PUBLIC)
async def show_start(request: AnyRequest) -> Shown:
    """The form that asks for an address, to find its organisation's sign-on."""
    return _start_page("", request.query_params.get("next", ""))


@form(ADDRESS, permission=PUBLIC)
async def take_start(request: AnyRequest, fields: Fields) -> Any:
    """Show the sign-on of an address's domain, with a link that leads there.

    A page, and no redirect: browsers hold what a form leads to against the page's policy (``form-action``), which
    knows no provider.
    """
    limit_attempts(request)
    email, following = fields.get("email", "").strip()[:254].replace("\0", ""), fields.get("next", "")
    if "@" not in email:
        return _start_page(email, following, N_("Enter your e-mail address at work."), status=422)
    found = await signing.connections_for(request.app.state.database, email)
    if not found:
        return _start_page(email, following, N_("There is no sign-on for this address. Use a password or passkey."))
    checked = f"?{urlencode({'next': local_path(following)})}" if following else ""
    return Shown("sso/choose.html", {"offered": found, "query": checked})


@page(ADDRESS + "/{connection_id:uuid}", permission=PUBLIC)
async def begin_sign_on(request: AnyRequest, connection_id: UUID) -> Any:
    """Begin a sign-in, and go to where the provider wants the person."""
    limit_attempts(request)
    following = request.query_params.get("next", "")
    try:
        connection = await signing.active_connection(entrance_of(request), connection_id)
        return await begun(request, connection, local_path(following) if following else "", "sign_in")
    except NotFound:
        return refused_page(SignOnRefused(N_("This sign-on is not in use.")))
    except (SignOnRefused, ProviderUnreachable) as refused:
        return refused_page(refused)


@page("/sign-in/oidc/callback", permission=PUBLIC)
async def take_oidc_answer(request: AnyRequest) -> Any:
    """Take an OpenID Connect provider's answer."""
    limit_attempts(request)
    answer = {name: request.query_params[name] for name in _ANSWER if name in request.query_params}
    try:
        outcome = await signing.finish_oidc(
            entrance_of(request), visitor_of(request), browser=cookie_in(request, SSO_COOKIE), answer=answer
        )
    except Problem as refused:
        return refused_page(refused)
    return await concluded(request, outcome)


def entrance_of(request: AnyRequest) -> Entrance:
    """Return what sign-on needs of this installation."""
    state = request.app.state
    return Entrance(door_of(request), state.provider_keys, state.installation.settings.origin)


async def begun(request: AnyRequest, connection: Held, going_to: str, purpose: Purpose) -> Response[Any]:
    """Begin a sign-in by a connection in this browser, and lead it to the provider."""
    held = cookie_in(request, SSO_COOKIE)
    browser = held if held is not None and attempts.is_browser(held) else attempts.new_browser()
    address = await signing.begin(
        entrance_of(request), connection, browser=browser, going_to=going_to, purpose=purpose
    )  # fmt: skip
    cookie = cookie_of(SSO_COOKIE, browser, int(ATTEMPT_VALID.total_seconds()))
    return Redirect(address, status_code=303, cookies=[cookie])


async def concluded(request: AnyRequest, outcome: Entered | Tested) -> Any:
    """Go inside, or show what a test did."""
    if isinstance(outcome, Entered):
        return await welcome(request, outcome.session, outcome.going_to)
    return Shown("sso/tested.html", {"tested": outcome, "labels": LABELS})


def refused_page(refused: Problem) -> Shown:
    """Return the page that says why a sign-on did not let somebody in, and what to do."""
    told = N_("You have no place here.") if isinstance(refused, SignInRefused) else refused.detail or refused.title
    return Shown("sso/refused.html", {"told": told}, refused.status)


def _start_page(email: str, following: str, error: str = "", *, status: int = 200) -> Shown:
    checked = local_path(following) if following else ""
    return Shown("sso/start.html", {"email": email, "error": error, "next": checked}, status)


ROUTES = [show_start, take_start, begin_sign_on, take_oidc_answer]
