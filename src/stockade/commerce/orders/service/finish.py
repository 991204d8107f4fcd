"""How orders end: cancelled, invoiced, closed; and what becomes of reservations that nobody used."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from stockade.commerce.orders.commands import Cancellation
from stockade.commerce.orders.rules import plan_cancellation, plan_invoice, stage_after
from stockade.commerce.orders.service.locked import advanced, lock_order, save, with_lines
from stockade.commerce.orders.service.read import read_order
from stockade.commerce.orders.views import OrderView
from stockade.commerce.stock import service as stock
from stockade.database.statements import Statement, raw
from stockade.kernel.problems import Invalid
from stockade.tenancy.transaction import Transaction

EXPIRY_BATCH = 200
"""How many orders one transaction of the expiry touches at most."""

_LOCK_EXPIRED = raw(
    # SKIP LOCKED: an order that somebody is changing right now is looked at again in the next run.
    """
    select o.id from orders.sales_order as o
    where o.tenant_id = $1 and o.id = any(array(
        select r.order_id from stock.reservation as r where r.tenant_id = $1 and r.expires_at <= $2
    ))
    order by o.id limit $3
    for no key update skip locked
    """,
    "this_tenant now count",
    UUID,
)
_BACKORDER: Statement[Any] = raw(
    """
    with expired as (
        select order_id, position, sum(quantity) as quantity
        from unnest($2::uuid[], $3::int[], $4::int[]) as e (order_id, position, quantity) group by 1, 2
    ), lines as (
        update orders.line as l set reserved = l.reserved - e.quantity from expired as e
        where l.tenant_id = $1 and l.order_id = e.order_id and l.position = e.position
    )
    update orders.sales_order set version = version + 1, updated_at = now()
    where tenant_id = $1 and id in (select order_id from expired)
    """,
    "this_tenant orders positions quantities",
)


async def cancel(tx: Transaction, order_id: UUID, command: Cancellation) -> OrderView:
    """Cancel what has not left of an order, or of the named lines, and return it. Its stock is free again.

    The order is cancelled if nothing was shipped, else it is shipped with what it had. A draft is cancelled whole.
    """
    order = await lock_order(tx, order_id, "cancel", command.expected_version)
    if order.stage == "draft" and command.positions is not None:
        raise Invalid("Of a draft, take lines out by changing it.", field="positions")
    gone = plan_cancellation(order.lines, command.positions)
    freed = {line.position: line.reserved for line in order.lines if line.position in gone and line.reserved}
    if freed:
        await stock.release(tx, order_id, freed)
    returned = {position: -quantity for position, quantity in freed.items()}
    changed = advanced(order, cancelled=gone, reserved=returned)
    await save(tx, order, stage_after(order.stage, with_lines(order, changed)), changed)
    return await read_order(tx, order_id)


async def mark_invoiced(
    tx: Transaction, order_id: UUID, positions: Mapping[int, int], expected_version: int | None = None
) -> OrderView:
    """Write down that quantities (by position) are invoiced, and return the order; for the slice that invoices.

    Never more than was shipped (``Invalid``). The order is invoiced once it has shipped and all of that is invoiced.
    """
    order = await lock_order(tx, order_id, "invoice", expected_version)
    changed = advanced(order, invoiced=plan_invoice(order.lines, positions))
    await save(tx, order, stage_after(order.stage, with_lines(order, changed)), changed)
    return await read_order(tx, order_id)


async def close(tx: Transaction, order_id: UUID, expected_version: int) -> OrderView:
    """Put an invoiced order away and return it."""
    order = await lock_order(tx, order_id, "close", expected_version)
    await save(tx, order, "closed", {})
    return await read_order(tx, order_id)


async def expire_reservations(tx: Transaction, now: datetime) -> int:
    """Give back what orders have reserved for too long, and return how many orders it touched (a batch at most).

    The lines go on backorder: the order stays confirmed with its holds, and ``allocate`` reserves anew. No hold is
    added: whatever let the reservation expire (an open hold, a deadline) is on the order already.
    """
    order_ids = await _LOCK_EXPIRED.all(tx, now=now, count=EXPIRY_BATCH)
    expired = await stock.release_expired(tx, order_ids, now) if order_ids else []
    if not expired:
        return 0
    return await _BACKORDER.run(
        tx, orders=[row.order_id for row in expired], positions=[row.position for row in expired],
        quantities=[row.quantity for row in expired],
    )  # fmt: skip
