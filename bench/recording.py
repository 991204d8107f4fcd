"""What the product says to the database: each operation run once in process, with its statements written down.

So ``pgbench`` gets the very texts and values of the application, whatever becomes of them, and round trips are counted
where they happen.
"""

import asyncio
import contextlib
import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.fill import ORDER, ORDERS_EACH, made_id
from bench.load import OPERATIONS, new_order
from bench.running import Running, running
from bench.world import Site, Tenant
from stockade.tenancy.transaction import Transaction

PATH = "/api/v1/orders"


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
    async with running(site) as product:
        return [await _record(product, operation, tenant) for operation in OPERATIONS for tenant in tenants]


async def _record(product: Running, operation: str, tenant: Tenant) -> Recorded:
    heard = Recorded(operation, tenant, key=f"recorded-{tenant.number}")
    opened: list[Transaction] = []

    def listen(tx: Transaction) -> None:
        opened.append(tx)
        tx.connection = _Listening(tx.connection, heard)  # type: ignore[assignment]  # it passes everything on

    admission = {"Authorization": f"Bearer {tenant.key}"}
    await product.client.get("/api/v1/products", headers=admission)  # the credential is known from here on
    product.state.observe_transaction = listen
    answer = await _ask(product.client, heard, admission)
    product.state.observe_transaction = None
    answer.raise_for_status()
    if operation == "create":
        heard.made = answer.json()["id"]
    (tx,) = opened
    heard.round_trips = tx.round_trips + 1  # COMMIT
    return heard


async def _ask(client: httpx.AsyncClient, wanted: Recorded, admission: dict[str, str]) -> httpx.Response:
    number = wanted.tenant.number
    chance = random.Random(number)  # a repeatable load, no secret
    if wanted.operation == "get":
        return await client.get(f"{PATH}/{made_id(ORDER, number, chance.randint(1, ORDERS_EACH))}", headers=admission)
    if wanted.operation == "list":
        return await client.get(PATH, headers=admission)
    headers = admission | {"Idempotency-Key": wanted.key, "Content-Type": "application/json"}
    return await client.post(PATH, headers=headers, content=new_order(number, chance))
