"""Every page's server time on the imported ledger: a million order lines, every control on, asked in process.

Pages about one record are asked about the largest there is (the order with most lines, the customer with most orders);
lists are asked for their first page, and for one nine tenths down. Look-ups are asked for what people type.
"""

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from bench.results import Measure
from bench.running import running
from bench.world import Site, Tenant, World
from stockade.access.admission import permission_of
from stockade.access.pages import encode_cursor
from stockade.access.permissions import PUBLIC
from stockade.apps.admin import pages as admin
from stockade.commerce.desk.listing import Listing
from stockade.commerce.ledger import load_mapping, open_ledger
from stockade.commerce.ledger.loading import load
from stockade.tenancy.principal import Principal

PAGE_MS, LOOK_UP_MS = 100.0, 50.0
TURNS, WARM_UP = 7, 2
DEEP = 0.9
_MOST = "select {0} from {1} where tenant_id = $1 and {0} is not null group by 1 order by count(*) desc limit 1"
_ANY = "select id from {0} where tenant_id = $1 limit 1"
LARGEST = {
    "order_id": _MOST.format("order_id", "orders.line"),
    "customer_id": _MOST.format("customer_id", "orders.sales_order"),
    "product_id": _MOST.format("product_id", "orders.line"),
    "invoice_id": _MOST.format("invoice_id", "invoicing.line"),
    "payment_id": _MOST.format("payment_id", "receivables.allocation"),
    "shipment_id": _MOST.format("shipment_id", "orders.shipment_line"),
    "move_id": _ANY.format("stock.move"),
    "warehouse_id": _ANY.format("stock.warehouse"),
    "entry_id": _ANY.format("audit.entry"),
}
"""The record to ask about, by the name of the path's parameter; pages about others are not measured, and said so."""
LOOK_UPS = ("/look-up/everything?q=wh", "/look-up/customers?q=1", "/look-up/products?q=lunch", "/look-up/orders?q=SO",
            "/orders/entry/customers?q=1", "/orders/entry/products?q=bag")  # fmt: skip


def pages(world: World, ledger: Path) -> list[Measure]:
    """Import the ledger into a site of its own, and measure every page on it."""
    site = world.site("bench_pages", 1)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):  # the access log
        return asyncio.run(_measured(site, ledger))


async def _measured(site: Site, ledger: Path) -> list[Measure]:
    tenant = site.tenants[0]
    with open_ledger(ledger, load_mapping("online-retail")) as opened:
        async with site.installation.connect(size=3) as database:
            await load(database, Principal.system(tenant.id), opened, connections=2)
    behind = await asyncpg.connect(site.dsn)
    try:
        await behind.execute("vacuum analyze")
        ids = {name: await behind.fetchval(sql, tenant.id) for name, sql in LARGEST.items()}
        deep = [address async for address in _deep_pages(behind, tenant)]
    finally:
        await behind.close()
    async with running(site) as product:
        return [item async for item in _ask_all(product.client, tenant, ids, deep)]


async def _deep_pages(behind: "asyncpg.Connection[asyncpg.Record]", tenant: Tenant) -> Any:
    for listing in _listings():
        count = await behind.fetchval(f"select count(*) from {listing.source} where {listing.where}", tenant.id)
        sort = listing.column(listing.sort.removeprefix("-"))
        joins = " ".join(text for name, text in listing.joins.items() if name in sort.needs)
        direction = "desc" if listing.sort.startswith("-") else "asc"
        row = await behind.fetchrow(
            f"select {sort.sql}, {listing.key} from {listing.source} {joins} where {listing.where} "
            f"order by 1 {direction}, 2 {direction} offset {int(count * DEEP)} limit 1",
            tenant.id,
        )
        if row is not None:
            yield (
                f"{listing.address}?after={encode_cursor(*row)}",
                f"{listing.address}, {count:,} rows, {DEEP:.0%} down",
            )


def _listings() -> Iterator[Listing]:
    found = {
        id(value): value for module in admin.MODULES for value in vars(module).values() if isinstance(value, Listing)
    }
    yield from found.values()


def _addresses(ids: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for handler in admin.ROUTES:
        if handler.http_methods != {"GET"} or permission_of(handler) is PUBLIC or handler.opt.get("heavy"):
            continue
        for path in handler.paths:
            if path.startswith(("/look-up", "/orders/entry")):
                continue
            address = path
            for name, value in ids.items():
                address = address.replace("{" + name + ":uuid}", str(value))
            yield address, path


async def _ask_all(client: httpx.AsyncClient, tenant: Tenant, ids: dict[str, Any], deep: list[tuple[str, str]]) -> Any:
    for address, name in sorted([*_addresses(ids), *deep]):
        if "{" in address:
            yield Measure(f"page: {name}", None, "ms", note="not measured: the ledger holds no such record")
        else:
            yield await _asked(client, tenant, address, f"page: {name}", PAGE_MS)
    for address in LOOK_UPS:
        yield await _asked(client, tenant, address, f"look-up: {address}", LOOK_UP_MS)


async def _asked(client: httpx.AsyncClient, tenant: Tenant, address: str, name: str, bar: float) -> Measure:
    headers = {"Authorization": f"Bearer {tenant.key}", "Accept": "text/html"}
    spent = []
    for _ in range(WARM_UP + TURNS):
        began = time.perf_counter()
        answer = await client.get(address, headers=headers)
        spent.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            return Measure(name, None, "ms", note=f"answered with {answer.status_code}")
    kept = spent[WARM_UP:]
    return Measure(name, statistics.median(kept), "ms", bar, "at most", low=min(kept), high=max(kept))
