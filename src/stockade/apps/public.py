"""What anybody may see: health, the API's description, the trust page."""

from typing import Any

import msgspec
from litestar import Response
from litestar.response import Redirect

from stockade import __version__
from stockade.access.permissions import PUBLIC
from stockade.access.routes import get
from stockade.apps.admin.routes import page
from stockade.apps.show import AnyRequest, Shown
from stockade.tenancy.transaction import Busy
from stockade.trust.page import claims_json, page_context

_DESCRIPTION_TYPE = "application/vnd.oai.openapi+json;version=3.1"


class Health(msgspec.Struct):
    """That the process answers, and in which version."""

    status: str
    version: str


@get("/healthz", permission=PUBLIC, include_in_schema=False)
async def healthz(request: AnyRequest) -> Health:
    """Say that the process lives."""
    return Health("ok", __version__)


@get("/readyz", permission=PUBLIC, include_in_schema=False)
async def readyz(request: AnyRequest) -> Health:
    """Say whether requests can be served: the database answers."""
    try:
        async with request.app.state.database.main().acquire(timeout=2) as connection:
            await connection.fetchval("select 1", timeout=2)
    except (OSError, TimeoutError) as error:
        raise Busy("The database does not answer.") from error
    return Health("ready", __version__)


@get("/api/openapi.json", permission=PUBLIC, include_in_schema=False)
async def openapi(request: AnyRequest) -> Response[bytes]:
    """The API's description (OpenAPI 3.1)."""
    body = msgspec.json.encode(request.app.state.description())
    return Response(body, media_type=_DESCRIPTION_TYPE, headers={"cache-control": "public, max-age=300"})


@page("/api/docs", permission=PUBLIC)
async def api_docs(request: AnyRequest) -> Shown:
    """The API's documentation, drawn from its description."""
    return Shown("api_docs.html", {"api": request.app.state.description()})


@page("/trust", permission=PUBLIC)
async def trust(request: AnyRequest) -> Shown:
    """The security page: every claim with the result of its last check."""
    state = request.app.state
    return Shown(
        "trust.html", await page_context(state.database, state.signer, origin=state.installation.settings.origin)
    )


@get("/trust/claims.json", permission=PUBLIC, include_in_schema=False)
async def claims(request: AnyRequest) -> Response[bytes]:
    """The same as a signed document, for programs."""
    state = request.app.state
    body = await claims_json(state.database, state.signer)
    return Response(body, media_type="application/json")


@page("/", permission=PUBLIC)
async def start(request: AnyRequest) -> Any:
    """The first page: the dashboard of who is signed in, else the sign-in."""
    return Redirect("/dashboard" if request.scope["state"].get("principal") else "/sign-in", status_code=303)


ROUTES = [healthz, readyz, openapi, api_docs, trust, claims, start]
