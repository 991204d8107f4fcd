"""Reservations: what an order's line holds of a shelf. Taken, given back, consumed by a shipment, expired.

Whoever calls these holds the lock on the order already (``orders`` locks it first); levels are locked here, in the
order of their keys. So an order's reservations are always what its lines say, and a level's ``reserved`` is their sum.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.stock.rules import Demand, NotEnoughStock, needed, share_out
from stockade.commerce.stock.service.shelves import lock_shelves
from stockade.database.statements import Statement, raw
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Transaction


class ReservationRow(msgspec.Struct, frozen=True):
    """A reservation as it stands, in units."""

    order_id: UUID
    position: int
    warehouse_id: UUID
    product_id: UUID
    quantity: int


_ROWS = """
    select r.order_id, r.position, r.warehouse_id, r.product_id, r.quantity
    from stock.reservation as r
    join stock.level as l on l.tenant_id = $1 and l.warehouse_id = r.warehouse_id and l.product_id = r.product_id
    where r.tenant_id = $1 and {condition}
    order by l.warehouse_id, l.product_id, r.order_id, r.position
    for no key update of l, r
"""
_LOCK_OF_ORDER = raw(_ROWS.format(condition="r.order_id = $2"), "this_tenant order_id", ReservationRow)
_LOCK_EXPIRED = raw(
    _ROWS.format(condition="r.order_id = any($2::uuid[]) and r.expires_at <= $3"),
    "this_tenant order_ids now",
    ReservationRow,
)
_TAKE: Statement[Any] = raw(
    """
    with granted as (
        select * from unnest($2::uuid[], $3::int[], $4::uuid[], $5::uuid[], $6::int[])
            as g (order_id, position, warehouse_id, product_id, quantity)
    ), held as (
        insert into stock.reservation as r (
            tenant_id, order_id, position, warehouse_id, product_id, quantity, expires_at
        )
        select $1::uuid, order_id, position, warehouse_id, product_id, quantity, $7::timestamptz from granted
        on conflict (tenant_id, order_id, position, warehouse_id)
            do update set quantity = r.quantity + excluded.quantity, expires_at = excluded.expires_at
    )
    update stock.level as l set reserved = l.reserved + g.quantity
    from (select warehouse_id, product_id, sum(quantity) as quantity from granted group by 1, 2) as g
    where l.tenant_id = $1 and l.warehouse_id = g.warehouse_id and l.product_id = g.product_id
    """,
    "this_tenant orders positions warehouses products quantities expires_at",
)
_GIVE_BACK = """
    with taken as (
        select * from unnest($2::uuid[], $3::int[], $4::uuid[], $5::uuid[], $6::int[])
            as t (order_id, position, warehouse_id, product_id, quantity)
    ), ended as (
        delete from stock.reservation as r using taken as t
        where r.tenant_id = $1 and r.order_id = t.order_id and r.position = t.position
            and r.warehouse_id = t.warehouse_id and r.quantity = t.quantity
    ), lessened as (
        update stock.reservation as r set quantity = r.quantity - t.quantity from taken as t
        where r.tenant_id = $1 and r.order_id = t.order_id and r.position = t.position
            and r.warehouse_id = t.warehouse_id and r.quantity > t.quantity
    ){more}
    update stock.level as l set reserved = l.reserved - t.quantity{also}
    from (select warehouse_id, product_id, sum(quantity) as quantity from taken group by 1, 2) as t
    where l.tenant_id = $1 and l.warehouse_id = t.warehouse_id and l.product_id = t.product_id
"""
_NAMES = "this_tenant orders positions warehouses products quantities"
_RELEASE: Statement[Any] = raw(_GIVE_BACK.format(more="", also=""), _NAMES)
_CONSUME: Statement[Any] = raw(
    _GIVE_BACK.format(
        more=""", moved as (
        insert into stock.move (tenant_id, id, warehouse_id, product_id, quantity, reason, source_id)
        select $1::uuid, m.id, m.warehouse_id, m.product_id, -m.quantity, 'shipment', $8::uuid
        from unnest($7::uuid[], $4::uuid[], $5::uuid[], $6::int[]) as m (id, warehouse_id, product_id, quantity)
    )""",
        also=", on_hand = l.on_hand - t.quantity",
    ),
    f"{_NAMES} move_ids source_id",
)
_SET_EXPIRY: Statement[Any] = raw(
    "update stock.reservation set expires_at = $3 where tenant_id = $1 and order_id = $2",
    "this_tenant order_id expires_at",
)


async def reserve(
    tx: Transaction, demands: Sequence[Demand], *, expires_at: datetime | None = None, all_or_nothing: bool = False
) -> list[Demand]:
    """Promise stock, and return what each demand got; short ones get what is left, unserved ones are missing.

    The demand is summed for each shelf before it is compared, under the lock on the levels. ``expires_at`` None: until
    it is shipped or cancelled.
    """
    levels = await lock_shelves(tx, needed(demands))
    free = {shelf: level.available for shelf, level in levels.items()}
    granted = share_out(demands, free, all_or_nothing=all_or_nothing)
    if granted:
        await _TAKE.run(tx, **_arrays(granted), expires_at=expires_at)
    return granted


async def release(tx: Transaction, order_id: UUID, quantities: Mapping[int, int]) -> None:
    """Give back what the positions of an order hold, as much as is named of each."""
    taken = _portion(await _LOCK_OF_ORDER.all(tx, order_id=order_id), quantities)
    if taken:
        await _RELEASE.run(tx, **_arrays(taken))


async def consume(tx: Transaction, order_id: UUID, quantities: Mapping[int, int], *, source_id: UUID) -> None:
    """Take reserved goods off the shelf: reservations and levels go down, a move says why. ``source_id``: the shipment.

    Raises ``NotEnoughStock`` if a position holds less than is named.
    """
    taken = _portion(await _LOCK_OF_ORDER.all(tx, order_id=order_id), quantities)
    if taken:
        await _CONSUME.run(tx, **_arrays(taken), move_ids=[new_id() for _ in taken], source_id=source_id)


async def release_expired(tx: Transaction, order_ids: Sequence[UUID], now: datetime) -> list[ReservationRow]:
    """Give back what has expired of the orders' reservations, and return it."""
    expired = await _LOCK_EXPIRED.all(tx, order_ids=order_ids, now=now)
    if expired:
        await _RELEASE.run(tx, **_arrays(expired))
    return expired


async def set_expiry(tx: Transaction, order_id: UUID, expires_at: datetime | None) -> None:
    """Say until when an order's reservations hold; None: until they are shipped or cancelled."""
    await _SET_EXPIRY.run(tx, order_id=order_id, expires_at=expires_at)


def _portion(rows: Sequence[ReservationRow], quantities: Mapping[int, int]) -> list[ReservationRow]:
    """Return the part of the reservations that the quantities by position name."""
    left = {position: quantity for position, quantity in quantities.items() if quantity > 0}
    taken = []
    for row in rows:
        quantity = min(row.quantity, left.get(row.position, 0))
        if quantity > 0:
            left[row.position] -= quantity
            taken.append(msgspec.structs.replace(row, quantity=quantity))
    if any(left.values()):
        raise NotEnoughStock("More would be taken than is reserved for this order.")
    return taken


def _arrays(rows: Sequence[Demand] | Sequence[ReservationRow]) -> dict[str, list[object]]:
    """Return the columns of the rows, as ``unnest`` takes them."""
    return {
        "orders": [row.order_id for row in rows],
        "positions": [row.position for row in rows],
        "warehouses": [row.warehouse_id for row in rows],
        "products": [row.product_id for row in rows],
        "quantities": [row.quantity for row in rows],
    }
