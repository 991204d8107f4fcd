"""The application as tests ask it: in process, through the edge, on this worker's database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from stockade.access.permissions import RANK
from stockade.apps.installation import Installation
from stockade.apps.site import build
from stockade.identity.service.keys import Scope, issue_key
from stockade.kernel.ids import new_id
from stockade.kernel.settings import Settings
from stockade.tenancy.transaction import Database
from stockade.web.limits import Concurrency, prepare_concurrency, prepare_limits
from stockade.web.metrics import prepare_metrics

ORIGIN = "https://localhost:8443"


@dataclass(frozen=True)
class Site:
    """A running application: a client for it, and its inside."""

    client: httpx.AsyncClient
    app: Any
    installation: Installation
    database: Database

    @property
    def concurrency(self) -> Concurrency:
        """The places for heavy operations, as every process of the host sees them."""
        found: Concurrency = self.app.app.app.state.concurrency
        return found

    async def key(self, tenant: Any, role: str = "owner", *, read_only: bool = False) -> str:
        """A fresh API key of a tenant."""
        assert role in RANK
        async with self.database.transaction(tenant.principal) as tx:
            return await issue_key(
                tx, self.installation.credentials, id=new_id(), name=role, scope=Scope(role=role, read_only=read_only)
            )

    async def call(self, key: str | None, method: str, path: str, **given: Any) -> httpx.Response:
        """Ask the API; what makes something gets an idempotency key of its own."""
        headers = dict(given.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if method == "POST":
            headers.setdefault("Idempotency-Key", new_id().hex)
        return await self.client.request(method, path, headers=headers, **given)


@asynccontextmanager
async def running_site(
    home: Path, run: Path, admin_dsn: str, database: Database, **settings: Any
) -> AsyncIterator[Site]:
    """Start the application on an open database; ``home`` holds the secrets, ``run`` is for its shared memory."""
    limits = ("address_requests_per_minute", "credential_requests_per_minute", "sign_in_attempts_per_minute")
    wanted: dict[str, Any] = dict.fromkeys(limits, 10**6)
    chosen = Settings(home=home, database_url=admin_dsn, **(wanted | settings))
    installation = Installation(chosen)
    prepare_limits(run / "limits")
    prepare_concurrency(run / "concurrency")
    prepare_metrics(run / "metrics")
    app = build(installation, database=database, run_folder=run)
    async with _lifespan(app), client_of(app) as client:
        yield Site(client, app, installation, database)


def client_of(app: Any, **headers: str) -> httpx.AsyncClient:
    """Return a client for an application, with a jar of cookies of its own."""
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 12345), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)


def browser(site: Site, **headers: str) -> httpx.AsyncClient:
    """Return a client that wants pages, with a jar of cookies of its own."""
    return client_of(site.app, **{"Accept": "text/html"} | headers)


@asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[None]:
    events: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    told: asyncio.Queue[str] = asyncio.Queue()

    async def receive() -> dict[str, str]:
        return await events.get()

    async def send(message: dict[str, str]) -> None:
        await told.put(message["type"])

    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send))
    await events.put({"type": "lifespan.startup"})
    assert await told.get() == "lifespan.startup.complete"
    yield
    await events.put({"type": "lifespan.shutdown"})
    await told.get()
    await task
