"""An order under lock: read for a change, and written back with the next version.

Every verb that changes an order begins with ``lock_order`` and ends with ``save``. Locks are taken in one order
everywhere: the order, then its customer, then levels by key, then counters; so no two changes wait for each other.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.orders.rules import require
from stockade.commerce.orders.service.read import read_order
from stockade.commerce.orders.views import LineView, OrderView
from stockade.database.statements import Statement, raw
from stockade.kernel.clock import now
from stockade.kernel.problems import VersionConflict
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction

RESERVED_ON_HOLD = timedelta(days=7)
"""How long an order with an open hold keeps stock from others."""

_LOCK = raw(
    # NO KEY UPDATE: what only refers to the order (an invoice) need not wait for it.
    "select version from orders.sales_order where tenant_id = $1 and id = $2 for no key update",
    "this_tenant id",
    int,
)
_SAVE: Statement[Any] = raw(
    """
    with changed as (
        update orders.line as l
        set reserved = d.reserved, shipped = d.shipped, invoiced = d.invoiced, cancelled = d.cancelled
        from unnest($4::int[], $5::int[], $6::int[], $7::int[], $8::int[])
            as d (position, reserved, shipped, invoiced, cancelled)
        where l.tenant_id = $1 and l.order_id = $2 and l.position = d.position
    )
    update orders.sales_order set stage = $3, version = version + 1, updated_at = now() where tenant_id = $1 and id = $2
    """,
    "this_tenant id stage positions reserved shipped invoiced cancelled",
)


async def lock_order(
    tx: Transaction, order_id: UUID, action: str | None = None, expected_version: int | None = None
) -> OrderView:
    """Lock an order until COMMIT and return it as it is then.

    Raises ``NotFound``, ``VersionConflict`` if it is not the version that the caller has read, and what
    ``rules.require`` raises if ``action`` is not possible now.
    """
    version = await _LOCK.one(tx, id=order_id)
    if expected_version is not None and version != expected_version:
        raise VersionConflict(
            said(
                "You have version {expected_version}; it is at {version} now.",
                expected_version=expected_version,
                version=version,
            ),
            current_version=version,
        )
    # A statement of its own: the one that waited for the lock still sees the lines as they were before it waited.
    order = await read_order(tx, order_id)
    if action is not None:
        require(order, action)
    return order


async def save(tx: Transaction, order: OrderView, stage: str, lines: Mapping[int, LineView]) -> None:
    """Write the stage and the progress of the given lines (by position) of a locked order; its version goes up."""
    await _SAVE.run(
        tx, id=order.id, stage=stage, positions=list(lines), reserved=[line.reserved for line in lines.values()],
        shipped=[line.shipped for line in lines.values()], invoiced=[line.invoiced for line in lines.values()],
        cancelled=[line.cancelled for line in lines.values()],
    )  # fmt: skip


def advanced(order: OrderView, **by: Mapping[int, int]) -> dict[int, LineView]:
    """Return the lines that progress changes, by position: ``advanced(order, shipped={1: 5}, reserved={1: -5})``."""
    touched = {position for change in by.values() for position in change}
    return {
        line.position: msgspec.structs.replace(
            line, **{name: getattr(line, name) + change.get(line.position, 0) for name, change in by.items()}
        )
        for line in order.lines
        if line.position in touched
    }


def with_lines(order: OrderView, changed: Mapping[int, LineView]) -> list[LineView]:
    """Return all lines of the order, the changed ones in place of the old."""
    return [changed.get(line.position, line) for line in order.lines]


def keep_until(open_holds: int) -> datetime | None:
    """Return until when reservations hold: for good, or for a week while a hold is open."""
    return now() + RESERVED_ON_HOLD if open_holds else None
