"""Small ledgers brought into a tenant's books, and what the books then say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conftest import TenantFixture

from stockade.commerce.ledger import Mapping, load_mapping, open_ledger
from stockade.commerce.ledger.loading import Loaded, load
from stockade.tenancy.transaction import Database

from .conftest import write_parquet


async def bring_in(
    database: Database, tenant: TenantFixture, path: Path, mapping: Mapping | None = None, **options: Any
) -> Loaded:
    """Import a file into a tenant."""
    with open_ledger(path, mapping or load_mapping("online-retail")) as ledger:
        return await load(database, tenant.principal, ledger, **options)


async def bring_in_lines(
    database: Database, tenant: TenantFixture, folder: Path, lines: list[tuple[Any, ...]]
) -> Loaded:
    """Import some lines of online-retail's kind."""
    return await bring_in(database, tenant, write_parquet(folder / "ledger.parquet", lines))


async def ask(database: Database, tenant: TenantFixture, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a question about the tenant."""
    async with database.transaction(tenant.principal) as tx:
        return [tuple(row) for row in await tx.fetch(sql, *values)]


async def books(database: Database, tenant: TenantFixture) -> dict[str, Sequence[tuple[Any, ...]]]:
    """Return everything that an import leaves behind, but for ids and the times of writing."""
    questions = {
        "invoices": "select kind, series, period, sequence, number, issued_on, due_on, net_minor, buyer::text "
        "from invoicing.invoice order by issued_on, number",
        "lines": "select i.number, l.position, l.sku, l.quantity, l.unit_price, l.net_minor from invoicing.line l "
        "join invoicing.invoice i on i.id = l.invoice_id order by 1, 2",
        "orders": "select o.number, o.stage, o.placed_at, l.position, l.sku, l.shipped, l.invoiced from orders.line l "
        "join orders.sales_order o on o.id = l.order_id order by 1, 4",
        "moves": "select p.sku, m.quantity, m.reason, m.moved_at, m.note from stock.move m "
        "join catalog.product p on p.id = m.product_id order by 1, 4, 2, 3, 5",
        "levels": "select p.sku, l.on_hand, l.reserved from stock.level l "
        "join catalog.product p on p.id = l.product_id order by 1",
        "postings": "select account, booked_on, currency, amount_minor from receivables.posting order by 2, 1, 4",
        "payments": "select external_id, method, received_on, amount_minor, unallocated_minor from receivables.payment "
        "order by 1",
        "open": "select due_on, gross_minor, open_minor from receivables.open_item order by 1, 2, 3",
        "credits": "select gross_minor, unallocated_minor from receivables.credit order by 1, 2",
        "counters": "select series, period, last from numbering.counter order by 1, 2",
        "trail": "select subject, action, count(*) from audit.entry where subject <> 'tenancy.tenant' "
        "group by 1, 2 order by 1, 2",
        "runs": "select state, batches_done, account::text from ledger.import_run order by id",
    }
    return {name: await ask(database, tenant, sql) for name, sql in questions.items()}
