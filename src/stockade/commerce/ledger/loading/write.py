"""From columns to rows: a batch in one transaction, a statement for each kind of thing.

``INSERT ... SELECT ... FROM unnest(...)``, because COPY passes by row-level security only where there is none. Each
line is sent once and written twice, as the order's and as the invoice's. Places in arrays stand for ids: a million
4-byte numbers are cheaper to send than as many UUIDs.
"""

from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from stockade.commerce.ledger.loading.shape import Booked, Issued, Moves, Shaped
from stockade.database.statements import affected
from stockade.kernel.problems import Refusal
from stockade.tenancy.transaction import Transaction

SETTINGS = """
select set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true),
    set_config('lock_timeout', '60s', true), set_config('synchronous_commit', 'off', true),
    set_config('enable_seqscan', 'off', true)
"""
"""For an import's transactions. A crash may lose the last commits, but with a batch it loses the count of that batch,
which is in the same transaction; so nothing is ever missing behind ``batches_done``. The last commit is synchronous.

Foreign keys and the balance check are queries whose plans are kept. Made while a table is empty, they may read all of
it for each row until autovacuum has counted it; without sequential scans they use the keys from the first row on.
"""

_ISSUE = """
with d as materialized (
    select * from unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::uuid[],
        $12::text[], $13::text[], $14::timestamptz[], $15::date[], $16::date[], $17::bigint[], $18::uuid[], $19::uuid[],
        $20::uuid[])
    as d (id, order_id, kind, number, period, sequence, customer_id, buyer, currency, at, issued_on, due_on, net_minor,
        payment_id, allocation_id, refund_id)
), placed as (
    insert into orders.sales_order (tenant_id, id, number, customer_id, warehouse_id, stage, currency, placed_at,
        net_minor, vat_minor, gross_minor)
    select $1::uuid, order_id, number, customer_id, $2::uuid, 'closed', currency, at, net_minor, 0, net_minor
    from d where order_id is not null
), issued as (
    insert into invoicing.invoice (tenant_id, id, kind, series, period, sequence, number, customer_id, order_id,
        issued_on, supplied_on, due_on, currency, net_minor, vat_minor, gross_minor, seller, buyer, issued_at)
    select $1, id, kind, $3::text, period, sequence, number, customer_id, order_id, issued_on, issued_on, due_on,
        currency, net_minor, 0, net_minor, $4::jsonb, buyer::jsonb, at
    from d
), grouped as (
    insert into invoicing.vat_group (tenant_id, invoice_id, vat_category, vat_rate, net_minor, vat_minor)
    select $1, id, 'outside', 0, net_minor, 0 from d
), owed as (
    insert into receivables.open_item (tenant_id, invoice_id, customer_id, currency, due_on, gross_minor, open_minor)
    select $1, id, customer_id, currency, due_on, net_minor, case when payment_id is null then net_minor else 0 end
    from d where kind = 'invoice'
), credited as (
    insert into receivables.credit (tenant_id, credit_note_id, customer_id, currency, gross_minor, unallocated_minor)
    select $1, id, customer_id, currency, net_minor, case when refund_id is null then net_minor else 0 end
    from d where kind = 'credit_note'
), paid as (
    insert into receivables.payment (tenant_id, id, customer_id, method, external_id, received_on, currency,
        amount_minor, unallocated_minor)
    select $1, payment_id, customer_id, 'import', number, due_on, currency, net_minor, 0
        from d where payment_id is not null
), allocated as (
    insert into receivables.allocation (tenant_id, id, invoice_id, payment_id, amount_minor, allocated_on)
    select $1, allocation_id, id, payment_id, net_minor, due_on from d where payment_id is not null
)
insert into receivables.posting (tenant_id, journal_id, position, account, customer_id, source_id, booked_on, currency,
    amount_minor)
select $1, side.journal_id, side.position, side.account, d.customer_id, side.source_id, side.booked_on, d.currency,
    case when d.kind = 'invoice' then side.amount_minor else -side.amount_minor end
from d cross join lateral (values
    (d.id, 1, 'receivable', d.id, d.issued_on, d.net_minor), (d.id, 2, 'revenue', d.id, d.issued_on, -d.net_minor),
    (d.payment_id, 1, 'bank', d.payment_id, d.due_on, d.net_minor),
    (d.payment_id, 2, 'receivable', d.payment_id, d.due_on, -d.net_minor),
    (d.refund_id, 1, 'bank', d.refund_id, d.issued_on, d.net_minor),
    (d.refund_id, 2, 'receivable', d.refund_id, d.issued_on, -d.net_minor)
) as side (journal_id, position, account, source_id, booked_on, amount_minor)
where side.journal_id is not null and d.net_minor <> 0
"""

_BILL = """
with l as materialized (
    select ($2::uuid[])[document] as invoice_id, ($3::uuid[])[document] as order_id,
        ($4::uuid[])[product] as product_id,
        position, ordered, sku, description, quantity, price_micro * 0.000001 as unit_price, net_minor, stocked
    from unnest($5::integer[], $6::integer[], $7::boolean[], $8::integer[], $9::text[], $10::text[], $11::integer[],
        $12::bigint[], $13::bigint[], $14::boolean[])
    as l (document, position, ordered, product, sku, description, quantity, price_micro, net_minor, stocked)
), ordered as (
    insert into orders.line (tenant_id, order_id, position, product_id, sku, description, quantity, unit_price,
        vat_category, vat_rate, net_minor, stocked, shipped, invoiced)
    select $1::uuid, order_id, position, product_id, sku, description, quantity, unit_price, 'outside', 0, net_minor,
        stocked, quantity, quantity
    from l where ordered
)
insert into invoicing.line (tenant_id, invoice_id, position, product_id, order_position, sku, description, quantity,
    unit, unit_price, vat_category, vat_rate, net_minor)
select $1, invoice_id, position, product_id, case when ordered then position end, sku, description, quantity, 'piece',
    unit_price, 'outside', 0, net_minor
from l
"""

_MOVE = """
insert into stock.move (tenant_id, warehouse_id, id, product_id, quantity, reason, source_id, note, moved_at)
select $1::uuid, $2::uuid, id, ($3::uuid[])[product], quantity, reason, source_id, note, moved_at
from unnest($4::uuid[], $5::integer[], $6::integer[], $7::text[], $8::uuid[], $9::text[], $10::timestamptz[])
    as m (id, product, quantity, reason, source_id, note, moved_at)
"""

_BOOK = """
insert into receivables.posting (tenant_id, journal_id, position, account, customer_id, source_id, booked_on, currency,
    amount_minor)
select $1::uuid, b.id, side.position, side.account, $2::uuid, b.id, b.booked_on, b.currency, side.amount_minor
from unnest($3::uuid[], $4::text[], $5::text[], $6::date[], $7::text[], $8::bigint[])
    as b (id, account, against, booked_on, currency, amount_minor)
cross join lateral (values (1, b.account, b.amount_minor), (2, b.against, -b.amount_minor))
    as side (position, account, amount_minor)
"""

_HOLD = """
select from stock.level where tenant_id = $1::uuid and warehouse_id = $2::uuid and product_id = any ($3::uuid[])
order by product_id for update
"""
"""Levels are locked in the order of their key, as orders lock them, so that an import and a sale cannot deadlock."""

_LEVEL = """
update stock.level as l set on_hand = l.on_hand + change.quantity
from unnest($3::uuid[], $4::bigint[]) as change (product_id, quantity)
where l.tenant_id = $1::uuid and l.warehouse_id = $2::uuid and l.product_id = change.product_id
"""

_ADVANCE = """
update ledger.import_run set batches_done = batches_done + 1
where tenant_id = $1 and id = $2 and batches_done = $3 and state = 'running'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a run's rows go: its warehouse, series and seller, and the product ids that places stand for."""

    run_id: UUID
    warehouse_id: UUID
    cash_id: UUID
    series: str
    seller: dict[str, Any]
    product_ids: list[UUID]


async def write_documents(tx: Transaction, target: Target, shaped: Shaped) -> None:
    """Write everything of a batch that no other batch touches."""
    tenant, issued = tx.tenant_id, shaped.issued
    if issued.id:
        await tx.execute(_ISSUE, tenant, target.warehouse_id, target.series, target.seller, *_columns(issued))
    if shaped.billed.document:
        orders = [order_id or id_ for order_id, id_ in zip(issued.order_id, issued.id, strict=True)]
        await tx.execute(_BILL, tenant, issued.id, orders, target.product_ids, *_columns(shaped.billed))
    if shaped.moves.id:
        await tx.execute(_MOVE, tenant, target.warehouse_id, target.product_ids, *_columns(shaped.moves))
    if shaped.booked.id:
        await tx.execute(_BOOK, tenant, target.cash_id, *_columns(shaped.booked))


async def write_projection(tx: Transaction, target: Target, shaped: Shaped) -> None:
    """Bring the levels up and count the batch: the last statements, after the batch before has been committed."""
    changes: dict[int, int] = {}
    for place, quantity in zip(shaped.moves.product, shaped.moves.quantity, strict=True):
        changes[place] = changes.get(place, 0) + quantity
    if changes:
        ids = [target.product_ids[place - 1] for place in changes]
        await tx.execute(_HOLD, tx.tenant_id, target.warehouse_id, ids)
        await tx.execute(_LEVEL, tx.tenant_id, target.warehouse_id, ids, list(changes.values()))
    if not affected(await tx.execute(_ADVANCE, tx.tenant_id, target.run_id, shaped.index)):
        raise Refusal("Another process imports the same ledger; wait for it, or end it and start again.")


def _columns(rows: Issued | Moves | Booked | Any) -> list[list[Any]]:
    return [getattr(rows, column.name) for column in fields(rows)]
