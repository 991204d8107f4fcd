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
from stockade.access.routes import post
from stockade.access.ways_in import door_in
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.admin.sign_in import (
    cookie_in,
    cookie_of,
    limit_attempts,
    local_path,
    visitor_of,
    welcome,
)
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.saml.refusal import SamlRefused
from stockade.identity.service.sign_in import SignInRefused
from stockade.identity.sso import attempts, saml_way, signing
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


@post("/sign-in/saml/{connection_id:uuid}", permission=PUBLIC, include_in_schema=False)
async def take_saml_post(request: AnyRequest, connection_id: UUID) -> Any:
    """Lay down what a SAML provider's page posts, and send the browser on to come for it with its cookie."""
    limit_attempts(request)
    fields = await request.form()
    state, answer = str(fields.get("RelayState", "")), str(fields.get("SAMLResponse", ""))
    await signing.lay_down(entrance_of(request), connection_id, state=state, answer=answer)
    return Redirect(f"/sign-in/saml/{connection_id}/done?{urlencode({'state': state[:100]})}", status_code=303)


@page("/sign-in/saml/{connection_id:uuid}/done", permission=PUBLIC)
async def take_saml_answer(request: AnyRequest, connection_id: UUID) -> Any:
    """Take a SAML provider's answer that was laid down, in the browser that asked for it."""
    limit_attempts(request)
    try:
        outcome = await signing.finish_saml(
            entrance_of(request), visitor_of(request), connection_id, browser=cookie_in(request, SSO_COOKIE),
            state=request.query_params.get("state", ""),
        )  # fmt: skip
    except Problem as refused:
        return refused_page(refused)
    return await concluded(request, outcome)


@page("/sign-in/saml/{connection_id:uuid}/metadata", permission=PUBLIC)
async def show_saml_metadata(request: AnyRequest, connection_id: UUID) -> Response[bytes]:
    """What the provider has to know of us. It is public: keys for encryption, and addresses."""
    entrance = entrance_of(request)
    tenant_id, _ = await signing.home_of(request.app.state.database, connection_id)
    connection = await signing.held(entrance, tenant_id, connection_id)
    if connection.kind != "saml":
        raise NotFound
    body = saml_way.metadata(connection, entrance.origin)
    return Response(body, media_type="application/samlmetadata+xml")


@page("/sign-in/ldap/{connection_id:uuid}", permission=PUBLIC)
async def show_directory(request: AnyRequest, connection_id: UUID) -> Shown:
    """The form for a directory's name and password."""
    following = request.query_params.get("next", "")
    try:
        connection = await signing.active_connection(entrance_of(request), connection_id)
    except NotFound:
        return refused_page(SignOnRefused(N_("This sign-on is not in use.")))
    return _directory_page(connection, "", following)


@form("/sign-in/ldap/{connection_id:uuid}", permission=PUBLIC)
async def take_directory(request: AnyRequest, fields: Fields, connection_id: UUID) -> Any:
    """Sign in by a directory's name and password."""
    limit_attempts(request)
    username, following = fields.get("username", "")[:256], fields.get("next", "")
    entrance = entrance_of(request)
    try:
        connection = await signing.active_connection(entrance, connection_id)
    except NotFound:
        return refused_page(SignOnRefused(N_("This sign-on is not in use.")))
    try:
        session = await signing.with_directory(
            entrance, visitor_of(request), connection, username=username, password=fields.get("password", "")
        )
    except Problem as refused:
        told = N_("You have no place here.") if isinstance(refused, SignInRefused) else refused.detail or refused.title
        return _directory_page(connection, username.replace("\0", ""), following, told, status=refused.status)
    return await welcome(request, session, following)


def entrance_of(request: AnyRequest) -> Entrance:
    """Return what sign-on needs of this installation."""
    state = request.app.state
    return Entrance(door_in(request), state.provider_keys, state.installation.settings.origin)


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
    told = refused.detail or refused.title
    if isinstance(refused, SignInRefused):
        told = N_("You have no place here.")
    if isinstance(refused, SamlRefused):  # its sentences are for whoever tests the configuration
        told = refused.title
    return Shown("sso/refused.html", {"told": told}, refused.status)


def _start_page(email: str, following: str, error: str = "", *, status: int = 200) -> Shown:
    checked = local_path(following) if following else ""
    return Shown("sso/start.html", {"email": email, "error": error, "next": checked}, status)


def _directory_page(connection: Held, username: str, following: str, error: str = "", *, status: int = 200) -> Shown:
    checked = local_path(following) if following else ""
    return Shown("sso/directory.html", {
        "connection": connection, "username": username, "error": error, "next": checked,
    }, status)  # fmt: skip


ROUTES = [
    show_start, take_start, begin_sign_on, take_oidc_answer, take_saml_post, take_saml_answer, show_saml_metadata,
    show_directory, take_directory,
]  # fmt: skip
