"""What the product says to the database: each operation run once in process, with its statements written down.

So ``pgbench`` gets the very texts and values of the application, whatever becomes of them, and round trips are counted
where they happen.
"""

import asyncio
import contextlib
import os
import random
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.site import Site as Running
from tests.site import running_site

from bench.fill import ORDER, ORDERS_EACH, made_id
from bench.load import OPERATIONS, new_order
from bench.world import Site, Tenant
from stockade.tenancy.transaction import Transaction


@dataclass
class Recorded:
    """One operation of one tenant: its statements with their values, between BEGIN with the pin and COMMIT."""

    operation: str
    tenant: Tenant
    key: str = ""
    """The idempotency key, of a create."""
    made: str = ""
    """The id that a create gave."""
    statements: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    begin: str = ""
    round_trips: int = 0


class _Listening:
    """A connection that writes down what it is asked."""

    def __init__(self, connection: Any, heard: Recorded) -> None:
        self._connection = connection
        self._heard = heard

    def __getattr__(self, name: str) -> Any:
        reached = getattr(self._connection, name)
        if name not in ("fetch", "fetchrow", "execute"):
            return reached

        async def ask(sql: str, *values: Any) -> Any:
            self._heard.statements.append((sql, values))
            return await reached(sql, *values)

        return ask


def record(site: Site, tenants: list[Tenant]) -> list[Recorded]:
    """Run each operation for each tenant, and return what was said."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):  # the access log
        return asyncio.run(_record_all(site, tenants))


async def _record_all(site: Site, tenants: list[Tenant]) -> list[Recorded]:
    async with _running(site) as running:
        return [await _record(running, operation, tenant) for operation in OPERATIONS for tenant in tenants]


async def _record(running: Running, operation: str, tenant: Tenant) -> Recorded:
    chance = random.Random(tenant.number)  # a repeatable load, no secret
    heard = Recorded(operation, tenant, key=f"recorded-{tenant.number}")
    opened: list[Transaction] = []

    def listen(tx: Transaction) -> None:
        opened.append(tx)
        tx.connection = _Listening(tx.connection, heard)  # type: ignore[assignment]  # it passes everything on

    await running.call(tenant.key, "GET", "/api/v1/products")  # the credential is known from here on
    running.app.app.app.state.observe_transaction = listen
    headers = {"Idempotency-Key": heard.key, "Content-Type": "application/json"} if operation == "create" else {}
    if operation == "get":
        answer = await running.call(
            tenant.key, "GET", f"/api/v1/orders/{made_id(ORDER, tenant.number, chance.randint(1, ORDERS_EACH))}"
        )
    elif operation == "list":
        answer = await running.call(tenant.key, "GET", "/api/v1/orders")
    else:
        body = new_order(tenant.number, chance)
        answer = await running.call(tenant.key, "POST", "/api/v1/orders", headers=headers, content=body)
        heard.made = answer.json().get("id", "")
    running.app.app.app.state.observe_transaction = None
    answer.raise_for_status()
    (tx,) = opened
    heard.round_trips = tx.round_trips + 1  # COMMIT
    return heard


@asynccontextmanager
async def _running(site: Site) -> AsyncIterator[Running]:
    async with site.installation.connect(size=1) as database:
        with tempfile.TemporaryDirectory() as folder:
            limits = {
                name: getattr(site.installation.settings, name)
                for name in ("address_requests_per_minute", "credential_requests_per_minute")
            }
            async with running_site(site.home, Path(folder), site.dsn, database, **limits) as running:
                yield running
