"""Holds: reasons why an order may not go on. Placed by hand, by the credit check or by a shortage; released by hand."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from stockade.commerce.orders.service.locked import keep_until, lock_order, save
from stockade.commerce.orders.service.read import read_order
from stockade.commerce.orders.views import OrderView
from stockade.commerce.stock import service as stock
from stockade.database.statements import Statement, raw
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict, NotFound
from stockade.tenancy.transaction import Transaction, on_violation


class AlreadyHeld(Conflict):
    """A hold of this kind is open already."""

    type = "/problems/orders/already-on-hold"
    title = "The order is on hold for such a reason already"


on_violation("hold_order_id_kind_uidx", AlreadyHeld)

_INSERT: Statement[Any] = raw(
    """
    insert into orders.hold (tenant_id, id, order_id, kind, reason)
    select $1::uuid, h.id, $2::uuid, h.kind, h.reason
    from unnest($3::uuid[], $4::text[], $5::text[]) as h (id, kind, reason)
    """,
    "this_tenant order_id ids kinds reasons",
)
_RELEASE: Statement[Any] = raw(
    """
    update orders.hold set released_at = now(), released_by = $4
    where tenant_id = $1 and order_id = $2 and id = any($3::uuid[]) and released_at is null
    """,
    "this_tenant order_id ids actor_id",
)


async def insert_holds(tx: Transaction, order_id: UUID, reasons: Mapping[str, str]) -> None:
    """Write holds down: kind (``HOLD_KINDS``) to reason. For verbs that have the order locked."""
    if reasons:
        await _INSERT.run(
            tx, order_id=order_id, ids=[new_id() for _ in reasons], kinds=list(reasons), reasons=list(reasons.values())
        )


async def end_holds(tx: Transaction, order_id: UUID, hold_ids: list[UUID]) -> int:
    """Release open holds in the name of the principal, and return how many there were."""
    return await _RELEASE.run(tx, order_id=order_id, ids=hold_ids, actor_id=tx.principal.actor_id)


async def place_hold(tx: Transaction, order_id: UUID, reason: str, expected_version: int) -> OrderView:
    """Put an order on hold by hand. From now on its reservations expire after ``RESERVED_ON_HOLD``."""
    order = await lock_order(tx, order_id, "hold", expected_version)
    if any(hold.kind == "manual" and hold.released_at is None for hold in order.holds):
        raise AlreadyHeld
    await insert_holds(tx, order_id, {"manual": reason})
    await stock.set_expiry(tx, order_id, keep_until(1))
    await save(tx, order, order.stage, {})
    return await read_order(tx, order_id)


async def release_hold(tx: Transaction, order_id: UUID, hold_id: UUID, expected_version: int) -> OrderView:
    """Let an order go on in spite of a hold; ``NotFound`` if it is not an open one of this order.

    With the last hold gone, what is reserved stays reserved until it ships.
    """
    order = await lock_order(tx, order_id, "release", expected_version)
    if not await end_holds(tx, order_id, [hold_id]):
        raise NotFound
    if order.open_holds == 1:
        await stock.set_expiry(tx, order_id, None)
    await save(tx, order, order.stage, {})
    return await read_order(tx, order_id)
