"""The product's application run in this process, without a socket: for what cannot be seen from outside."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.world import Site
from stockade.apps.site import build
from stockade.web.limits import prepare_concurrency, prepare_limits
from stockade.web.metrics import prepare_metrics


@dataclass(frozen=True)
class Running:
    """The application, and a client that asks it."""

    client: httpx.AsyncClient
    state: Any
    """Litestar's, where ``observe_transaction`` is."""


@asynccontextmanager
async def running(site: Site) -> AsyncIterator[Running]:
    """Run a site's application until the block is left."""
    async with site.installation.connect(size=1) as database:
        with tempfile.TemporaryDirectory() as folder:
            shared = Path(folder)
            prepare_limits(shared / "limits")
            prepare_concurrency(shared / "concurrency")
            prepare_metrics(shared / "metrics")
            edge = build(site.installation, database=database, run_folder=shared)
            transport = httpx.ASGITransport(edge, client=("127.0.0.1", 12345))
            async with (
                _alive(edge),
                httpx.AsyncClient(transport=transport, base_url="https://localhost:8443") as client,
            ):
                yield Running(client, edge.app.app.state)  # type: ignore[attr-defined]  # edge, front, Litestar


@asynccontextmanager
async def _alive(app: Any) -> AsyncIterator[None]:
    """Speak the ASGI lifespan protocol."""
    events: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    told: asyncio.Queue[str] = asyncio.Queue()

    async def send(message: dict[str, str]) -> None:
        await told.put(message["type"])

    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, events.get, send))
    await events.put({"type": "lifespan.startup"})
    if await told.get() != "lifespan.startup.complete":
        raise RuntimeError("The application did not start.")
    yield
    await events.put({"type": "lifespan.shutdown"})
    await task
