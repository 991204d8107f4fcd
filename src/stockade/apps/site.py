"""The web application: every route of every slice, behind admission and the edge. What granian serves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from litestar import Controller, Litestar, Response, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig

from stockade import __version__
from stockade.access import alerts as alerts_api
from stockade.access import api as access_api
from stockade.access import factors as factors_api
from stockade.access import importing as importing_api
from stockade.access import provisioning
from stockade.access import reviews as reviews_api
from stockade.access import sessions as sessions_api
from stockade.access import sign_on as sign_on_api
from stockade.access import ways_in as ways_in_api
from stockade.access.admission import PLATFORM, Admission, permission_of, within
from stockade.access.permissions import PUBLIC
from stockade.apps import public, tokens
from stockade.apps.admin import pages as admin
from stockade.apps.description import API_PREFIX, describe
from stockade.apps.installation import Installation
from stockade.apps.platform import pages as console
from stockade.apps.platform.show import show_failure as show_console_failure
from stockade.apps.show import AnyRequest, Shower
from stockade.commerce.catalog import api as catalog_api
from stockade.commerce.imports import api as imports_api
from stockade.commerce.invoicing import api as invoicing_api
from stockade.commerce.numbering import api as numbering_api
from stockade.commerce.orders import api as orders_api
from stockade.commerce.parties import api as parties_api
from stockade.commerce.receivables import api as receivables_api
from stockade.commerce.stock import api as stock_api
from stockade.database.roles import Role
from stockade.identity.factors.ceremony import Party
from stockade.identity.sso.keys import Keys
from stockade.identity.sso.outside import OUTSIDE, Outside
from stockade.identity.sso.reaching import Reach
from stockade.identity.tokens.access import AccessTokens
from stockade.identity.tokens.signing import SigningKeys
from stockade.kernel.control import RouteInfo
from stockade.kernel.problems import NotFound, Refusal
from stockade.platform import api as platform_api
from stockade.platform import customer_api as support_api
from stockade.platform.admission import Door, PlatformAdmission, operator_permission_of
from stockade.tenancy.transaction import Database
from stockade.web.csrf import Csrf
from stockade.web.edge import Edge
from stockade.web.limits import Concurrency, Limiter
from stockade.web.maintenance import Maintenance
from stockade.web.metrics import Metrics, MetricsPage

SLICES = (
    catalog_api, parties_api, numbering_api, stock_api, orders_api, invoicing_api, receivables_api, imports_api,
    access_api, factors_api, importing_api, sessions_api, alerts_api, support_api, sign_on_api, ways_in_api,
    reviews_api, tokens,
)  # fmt: skip
PLATFORM_ROUTES = (*platform_api.ROUTES, *console.ROUTES)
PAGES = (*admin.ROUTES, *public.ROUTES, *tokens.PUBLISHED)
DIRECTORY = provisioning.ROUTES
"""What only a directory's token opens: neither the API nor a page."""
SIGNER_RELOAD_SECONDS = 15.0
PLATFORM_CONNECTIONS = 2
PLATFORM_PREFIX = "/platform"


def application() -> Edge:
    """Make the application of the installation that the environment describes (granian's factory)."""
    return build(Installation())


def build(installation: Installation, *, database: Database | None = None, run_folder: Path | None = None) -> Edge:
    """Make an installation's application; with ``database``, on connections that are open already.

    ``run_folder`` holds the shared memory of its processes (limits, metrics), prepared once per start, and the
    file that closes it for maintenance.
    """
    settings, credentials = installation.settings, installation.credentials
    run_folder = run_folder or settings.home / "run"
    limiter, metrics = Limiter(run_folder / "limits"), Metrics(run_folder / "metrics")
    csrf = Csrf(installation.keyring.secret("session"))
    admission = Admission(credentials, csrf, limiter, settings.credential_requests_per_minute)
    door = Door(lambda: installation.connect(Role.PLATFORM, size=PLATFORM_CONNECTIONS))
    platform_admission = PlatformAdmission(credentials, door)
    shower = Shower(installation, csrf)
    provider_keys = Keys(Reach.of(settings))
    access_tokens = AccessTokens(SigningKeys(installation.sealer), settings.origin)
    credentials.verified[OUTSIDE] = access_tokens.or_else(Outside(provider_keys).find)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with _opened(installation, database) as opened:
            app.state.database = admission.database = platform_admission.database = opened
            metrics.watch_pool("application", lambda: _pool_figures(opened))
            reload = asyncio.create_task(_follow_signer(installation, opened))
            metering = asyncio.create_task(admission.meter.keep_writing(opened))
            yield
            reload.cancel()
            metering.cancel()
            await door.close()

    def show_failure(request: AnyRequest, exc: Exception) -> Response[Any]:
        on_console = request.scope["path"].startswith(PLATFORM_PREFIX)
        return show_console_failure(request, exc) if on_console else shower.show_failure(request, exc)

    app = Litestar(
        route_handlers=[
            Router(API_PREFIX, route_handlers=[route for part in SLICES for route in part.ROUTES]),
            *PAGES, *PLATFORM_ROUTES, *DIRECTORY,
        ],
        middleware=[admission, platform_admission],
        exception_handlers={Exception: show_failure},
        lifespan=[lifespan],
        openapi_config=OpenAPIConfig(
            title="Stockade", version=__version__,
            openapi_controller=NoFrameworkPages,  # type: ignore[arg-type]  # any controller will do
        ),
        logging_config=None,
    )  # fmt: skip
    app.state.update(
        installation=installation, credentials=credentials, admission=admission, csrf=csrf, shower=shower,
        limiter=limiter, metrics=metrics, concurrency=Concurrency(run_folder / "concurrency"),
        signer=installation.evidence_signer, sealer=installation.sealer, party=Party.of(settings),
        observe_transaction=None, platform=door, provider_keys=provider_keys, access_tokens=access_tokens,
    )  # fmt: skip
    refuse_ungoverned(app)
    app.state.description = cache(partial(describe, app))  # when somebody asks: no start waits for it
    mounted = {"/static/": shower.static, "/metrics": MetricsPage(metrics, settings)}
    front = Front(app, mounted, Maintenance(run_folder / "maintenance.json"), settings.operator_networks)
    return Edge(front, settings, limiter, metrics, show=shower.show_at_edge)


class NoFrameworkPages(Controller):
    """Stands where Litestar would serve documentation pages with scripts from elsewhere. It serves nothing."""

    path = "/api/schema"


class Front:
    """Sends a few paths to applications of their own, which need neither admission nor routing, and the rest on."""

    def __init__(
        self, app: Any, mounted: dict[str, Any], maintenance: Maintenance, operator_networks: tuple[str, ...] = ()
    ) -> None:
        self.app = app
        self.operator_networks = operator_networks
        self.mounted = tuple(mounted.items())
        self.maintenance = maintenance

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            self.maintenance.check(scope["path"])
            if self.operator_networks and scope["path"].startswith(PLATFORM_PREFIX):
                self._check_network(scope)
            for prefix, app in self.mounted:
                if scope["path"] == prefix or (prefix.endswith("/") and scope["path"].startswith(prefix)):
                    await app(scope, receive, send)
                    return
        await self.app(scope, receive, send)

    def _check_network(self, scope: Any) -> None:
        """Answer nothing on the operators' surface to whoever comes from elsewhere, not even that it is there."""
        if not within(scope["state"]["address"], self.operator_networks):
            raise NotFound


def routes_of() -> list[RouteInfo]:
    """Return every route with its permission, as the controls and the walls' tests look at them."""
    listed = [(API_PREFIX, handler) for part in SLICES for handler in part.ROUTES]
    listed += [("", handler) for handler in PAGES]
    listed += [("", handler) for handler in DIRECTORY]
    found = []
    for prefix, handler in listed:
        permission = permission_of(handler)
        surface = (
            "public"
            if permission is PUBLIC
            else "api"
            if prefix
            else "scim"
            if permission is provisioning.PROVISION
            else "page"
        )
        for path in handler.paths:
            for method in handler.http_methods:
                found.append(RouteInfo(method, prefix + path, permission.name if permission else None, surface))
    for handler in PLATFORM_ROUTES:
        asked = operator_permission_of(handler)
        found += [
            RouteInfo(method, path, asked.name if asked else None, PLATFORM)
            for path in handler.paths for method in handler.http_methods
        ]  # fmt: skip
    return found


def handlers_of(app: Litestar) -> list[HTTPRouteHandler]:
    """Return every HTTP handler that is served, once."""
    found: dict[int, HTTPRouteHandler] = {}
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler):
                found[id(handler)] = handler
    return list(found.values())


def refuse_ungoverned(app: Litestar) -> None:
    """Stop the start if a route has no permission: none may be open by omission."""
    for handler in handlers_of(app):
        if permission_of(handler) is None and operator_permission_of(handler) is None:
            raise Refusal(
                f"The route {sorted(handler.paths)} declares no permission; write PUBLIC if it is meant for everybody."
            )


@asynccontextmanager
async def _opened(installation: Installation, database: Database | None) -> AsyncIterator[Database]:
    if database is not None:
        yield database
        return
    async with installation.connect(Role.APPLICATION) as opened:
        yield opened


async def _follow_signer(installation: Installation, database: Database) -> None:
    """Take up a rotated pin key within its overlap."""
    while True:
        await asyncio.sleep(SIGNER_RELOAD_SECONDS)
        database.use_signer(installation.signer)


def _pool_figures(database: Database) -> dict[str, int]:
    pool = database.main()
    return {"open": pool.get_size(), "idle": pool.get_idle_size()}
