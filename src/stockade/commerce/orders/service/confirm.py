"""Confirming: the draft becomes binding. Credit is checked, stock is reserved; what is short is a backorder."""

from collections.abc import Iterable
from uuid import UUID

from stockade.commerce.orders.commands import Confirmation
from stockade.commerce.orders.credit import credit_refusal, lock_standing
from stockade.commerce.orders.rules import backordered
from stockade.commerce.orders.service.holds import end_holds, insert_holds
from stockade.commerce.orders.service.locked import advanced, keep_until, lock_order, save, with_lines
from stockade.commerce.orders.service.read import read_order
from stockade.commerce.orders.views import LineView, OrderView
from stockade.commerce.stock import service as stock
from stockade.commerce.stock.rules import Demand
from stockade.kernel.clock import now
from stockade.kernel.problems import Conflict, Invalid
from stockade.tenancy.transaction import Transaction


class CustomerArchived(Conflict):
    """The customer was archived after the draft was made."""

    type = "/problems/orders/customer-archived"
    title = "The customer is archived and cannot order"


async def confirm(tx: Transaction, order_id: UUID, command: Confirmation) -> OrderView:
    """Confirm a draft and return it.

    Over the credit limit it is confirmed with a ``credit`` hold, not refused. Each line gets what stock there is; the
    rest is a backorder or, with ``complete_only``, a ``stock`` hold on the whole. The customer is locked, then the
    levels, so that orders confirmed at the same time see each other.
    """
    order = await lock_order(tx, order_id, "confirm", command.expected_version)
    if command.reserve_until is not None and command.reserve_until <= now():
        raise Invalid("Stock can be reserved until a moment that is still to come.", field="reserve_until")
    standing = await lock_standing(tx, order.customer.id)
    if standing.state != "active":
        raise CustomerArchived
    reasons = {}
    if refusal := await credit_refusal(tx, order.customer.id, order.gross, standing, order_id=order_id):
        reasons["credit"] = refusal
    demands = _demands(order)
    wanted, free = sum(demand.quantity for demand in demands), command.reserve_until
    granted = await stock.reserve(tx, demands, expires_at=free or keep_until(len(reasons) + command.complete_only))
    if command.complete_only and sum(demand.quantity for demand in granted) < wanted:
        reasons["stock"] = "The order ships only when all of it is reserved, and some of it is not."
    elif command.complete_only and not reasons and free is None:
        await stock.set_expiry(tx, order_id, None)
    await insert_holds(tx, order_id, reasons)
    await save(tx, order, "confirmed", advanced(order, reserved=_by_position(granted)))
    return await read_order(tx, order_id)


async def allocate(tx: Transaction, order_id: UUID, expected_version: int) -> OrderView:
    """Reserve what has arrived for an order's backorder and return the order; unchanged if nothing has.

    A ``stock`` hold is released once everything is reserved.
    """
    order = await lock_order(tx, order_id, "allocate", expected_version)
    open_holds = {hold.kind: hold.id for hold in order.holds if hold.released_at is None}
    granted = await stock.reserve(tx, _demands(order), expires_at=keep_until(len(open_holds)))
    if not granted:
        return order
    changed = advanced(order, reserved=_by_position(granted))
    if "stock" in open_holds and not any(backordered(line) for line in with_lines(order, changed)):
        await end_holds(tx, order_id, [open_holds.pop("stock")])
        if not open_holds:
            await stock.set_expiry(tx, order_id, None)
    await save(tx, order, order.stage, changed)
    return await read_order(tx, order_id)


def _demands(order: OrderView) -> list[Demand]:
    return [
        Demand(order.id, line.position, order.warehouse.id, line.product_id, backordered(line), whole=line.whole)
        for line in _short(order.lines)
    ]


def _short(lines: Iterable[LineView]) -> list[LineView]:
    return [line for line in lines if backordered(line) > 0]


def _by_position(granted: list[Demand]) -> dict[int, int]:
    return {demand.position: demand.quantity for demand in granted}
