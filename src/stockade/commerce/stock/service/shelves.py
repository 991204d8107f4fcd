"""Shelves under lock: the one way in which levels change.

Every verb that changes levels first locks their rows in the order of the primary key, so that two of them can never
wait for each other; what the lock returns is then the truth until COMMIT. A statement that waits for a lock still sees
the other tables as they were when it began, so what is read besides is read by the next statement.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.stock.rules import Shelf
from stockade.database.statements import Statement, raw
from stockade.tenancy.transaction import Transaction


class Held(msgspec.Struct, frozen=True):
    """A locked level, in units."""

    warehouse_id: UUID
    product_id: UUID
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        """What is there and promised to nobody."""
        return self.on_hand - self.reserved


_LOCK = raw(
    """
    select l.warehouse_id, l.product_id, l.on_hand, l.reserved
    from unnest($2::uuid[], $3::uuid[]) as k (warehouse_id, product_id)
    join stock.level as l on l.tenant_id = $1 and l.warehouse_id = k.warehouse_id and l.product_id = k.product_id
    order by l.warehouse_id, l.product_id
    for no key update of l
    """,
    "this_tenant warehouses products",
    Held,
)
_ENSURE: Statement[Any] = raw(
    """
    insert into stock.level (tenant_id, warehouse_id, product_id)
    select $1::uuid, w.id, p.id
    from unnest($2::uuid[], $3::uuid[]) as k (warehouse_id, product_id)
    join stock.warehouse as w on w.tenant_id = $1 and w.id = k.warehouse_id and w.state = 'active'
    join catalog.product as p on p.tenant_id = $1 and p.id = k.product_id and p.stocked
    order by w.id, p.id
    on conflict do nothing
    """,
    "this_tenant warehouses products",
)


async def lock_shelves(tx: Transaction, shelves: Iterable[Shelf]) -> dict[Shelf, Held]:
    """Lock the levels that exist among the given ones, and return them."""
    wanted = list(shelves)
    rows = await _LOCK.all(tx, warehouses=[shelf[0] for shelf in wanted], products=[shelf[1] for shelf in wanted])
    return {(row.warehouse_id, row.product_id): row for row in rows}


async def ensure_shelves(tx: Transaction, shelves: Iterable[Shelf]) -> None:
    """Make the levels that are missing, for stocked products in active warehouses; others get none."""
    wanted = list(shelves)
    await _ENSURE.run(tx, warehouses=[shelf[0] for shelf in wanted], products=[shelf[1] for shelf in wanted])
