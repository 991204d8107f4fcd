"""Moves: stock that comes and goes, each with its reason. Never changed; corrected by a reversal."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, Uuid, select, tuple_

from stockade.commerce.stock.model import Move
from stockade.commerce.stock.rules import Change, NotEnoughStock, NotReversible, checked_reason, reversal_of, sum_of
from stockade.commerce.stock.service.shelves import ensure_shelves, lock_shelves
from stockade.database.statements import TENANT, Statement, param, raw, statement
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction, on_violation

on_violation("move_source_id_reason_uidx", NotReversible)
on_violation("level_covered_check", NotEnoughStock)


class MoveView(msgspec.Struct, frozen=True):
    """A move as it was made; ``source_id`` is the receipt, shipment, or (of a reversal) the move that it undoes."""

    id: UUID
    warehouse_id: UUID
    product_id: UUID
    quantity: int
    reason: str
    source_id: UUID | None
    note: str | None
    moved_at: datetime


_COLUMNS = (
    Move.id, Move.warehouse_id, Move.product_id, Move.quantity, Move.reason, Move.source_id, Move.note, Move.moved_at,
)  # fmt: skip
_BY_ID = statement(select(*_COLUMNS).where(Move.tenant_id == TENANT, Move.id == param("id")), MoveView)
_BY_SOURCE = statement(
    select(*_COLUMNS).where(Move.tenant_id == TENANT, Move.source_id == param("source_id")).order_by(Move.id), MoveView
)
_REVERSED = raw(
    "select exists (select from stock.move where tenant_id = $1 and source_id = $2 and reason = 'reversal')",
    "this_tenant id",
    bool,
)
_PAGE = (
    select(*_COLUMNS)
    .where(Move.tenant_id == TENANT, Move.product_id == param("product_id"))
    .order_by(Move.moved_at.desc(), Move.id.desc())
    .limit(param("count"))
)
_FIRST_PAGE = statement(_PAGE, MoveView)
_NEXT_PAGE = statement(
    _PAGE.where(
        tuple_(Move.moved_at, Move.id) < tuple_(param("after_at", DateTime(timezone=True)), param("after_id", Uuid))
    ),
    MoveView,
)
_APPLY: Statement[Any] = raw(
    """
    with change as (
        select * from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::uuid[], $8::text[])
            as c (id, warehouse_id, product_id, quantity, reason, source_id, note)
    ), moved as (
        insert into stock.move (tenant_id, id, warehouse_id, product_id, quantity, reason, source_id, note)
        select $1::uuid, id, warehouse_id, product_id, quantity, reason, source_id, note from change
    )
    update stock.level as l set on_hand = l.on_hand + c.quantity
    from (select warehouse_id, product_id, sum(quantity) as quantity from change group by 1, 2) as c
    where l.tenant_id = $1 and l.warehouse_id = c.warehouse_id and l.product_id = c.product_id
    """,
    "this_tenant ids warehouses products quantities reasons sources notes",
)


async def make_moves(tx: Transaction, changes: Sequence[Change]) -> None:
    """Make moves and bring the levels along, all of them or none.

    Raises ``Invalid`` for a product or warehouse that is not there (or takes no stock), ``NotEnoughStock`` if less
    would be left than is promised.
    """
    totals = sum_of(changes)
    await ensure_shelves(tx, totals)
    levels = await lock_shelves(tx, totals)
    if len(levels) < len(totals):
        raise Invalid("There is no such stocked product, or no such active warehouse.", field="product_id")
    for shelf, total in totals.items():
        if levels[shelf].available + total < 0:
            raise NotEnoughStock(
                said(
                    "{value} would go, but only {available} are free.", value=-total, available=levels[shelf].available
                ),
                product_id=str(shelf[1]),
            )
    await _APPLY.run(
        tx, ids=[item.id for item in changes], warehouses=[item.warehouse_id for item in changes],
        products=[item.product_id for item in changes], quantities=[item.quantity for item in changes],
        reasons=[item.reason for item in changes], sources=[item.source_id for item in changes],
        notes=[item.note for item in changes],
    )  # fmt: skip


async def receive(
    tx: Transaction, *, id: UUID, warehouse_id: UUID, quantities: Sequence[tuple[UUID, int]], note: str | None = None
) -> None:
    """Book a delivery in: a move for each (product, quantity), all with the receipt's ``id`` as their source."""
    await make_moves(
        tx, [Change(new_id(), warehouse_id, product, quantity, "receipt", id, note) for product, quantity in quantities]
    )


async def adjust(
    tx: Transaction, *, id: UUID, warehouse_id: UUID, product_id: UUID, quantity: int, reason: str, note: str | None
) -> None:
    """Correct what is on hand by a signed quantity, for a reason; ``id`` becomes the move's."""
    await make_moves(tx, [Change(id, warehouse_id, product_id, quantity, checked_reason(reason, quantity), None, note)])


async def reverse(tx: Transaction, move_id: UUID, *, note: str | None = None) -> MoveView:
    """Undo a move by its opposite and return that; each move once (``NotReversible``).

    Of two at the same time, the unique index refuses the second.
    """
    move = await read_move(tx, move_id)
    if await _REVERSED.one(tx, id=move_id):
        raise NotReversible("It has been reversed already.")
    made = reversal_of(
        Change(move.id, move.warehouse_id, move.product_id, move.quantity, move.reason), id=new_id(), note=note
    )
    await make_moves(tx, [made])
    return await read_move(tx, made.id)


async def read_move(tx: Transaction, move_id: UUID) -> MoveView:
    """Return a move, or raise ``NotFound``."""
    return await _BY_ID.one(tx, id=move_id)


async def read_moves_of(tx: Transaction, source_id: UUID) -> list[MoveView]:
    """Return the moves that a receipt or shipment made, or raise ``NotFound``."""
    found = await _BY_SOURCE.all(tx, source_id=source_id)
    if not found:
        raise NotFound
    return found


async def list_moves(
    tx: Transaction, *, product_id: UUID, after: tuple[datetime, UUID] | None = None, count: int
) -> list[MoveView]:
    """Return up to ``count`` moves of a product, newest first, those after the given (moved_at, id)."""
    if after is None:
        return await _FIRST_PAGE.all(tx, product_id=product_id, count=count)
    return await _NEXT_PAGE.all(tx, product_id=product_id, count=count, after_at=after[0], after_id=after[1])


async def transfer(
    tx: Transaction, *, id: UUID, from_id: UUID, to_id: UUID, quantities: Sequence[tuple[UUID, int]], note: str | None
) -> None:  # fmt: skip
    """Bring goods from one warehouse to another: for each (product, quantity) a move out and one in, all or nothing.

    ``id`` is the source of all of them. ``NotEnoughStock`` if less would be left than is promised.
    """
    if from_id == to_id:
        raise Invalid("Goods are brought to another warehouse.", field="to_id")
    ways = ((from_id, -1), (to_id, 1))
    await make_moves(
        tx,
        [
            Change(new_id(), warehouse_id, product, sign * quantity, "transfer", id, note)
            for product, quantity in quantities
            for warehouse_id, sign in ways
        ],
    )
