"""Stock through the API: warehouses, levels, moves."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from stockade.access.fields import Quantity, SignedQuantity, Text80, Text200
from stockade.access.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from stockade.access.routes import create, get, post
from stockade.commerce.stock import service
from stockade.commerce.stock.count_api import ROUTES as COUNTING
from stockade.commerce.stock.permissions import ADJUST, CONFIGURE, READ, RECEIVE
from stockade.commerce.stock.rules import NotEnoughStock, NotReversible
from stockade.commerce.stock.service import CodeTaken, LevelView, LowStock, MoveView, WarehouseView
from stockade.tenancy.transaction import Transaction

MAX_RECEIPT_LINES = 500
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=20, pattern=r"^[A-Z0-9][A-Z0-9-]*(?!\n)$")]


class NewWarehouse(msgspec.Struct, forbid_unknown_fields=True):
    """A warehouse: its code (capital letters, digits, hyphens) stays, its name may change."""

    code: Code
    name: Text80


class ReceivedLine(msgspec.Struct, forbid_unknown_fields=True):
    """How much of a product came."""

    product_id: UUID
    quantity: Quantity


class NewReceipt(msgspec.Struct, forbid_unknown_fields=True):
    """Goods that came in."""

    warehouse_id: UUID
    lines: Annotated[list[ReceivedLine], msgspec.Meta(min_length=1, max_length=MAX_RECEIPT_LINES)]
    note: Text200 | None = None


class Receipt(msgspec.Struct, frozen=True):
    """A receipt: the moves that it made."""

    id: UUID
    moves: list[MoveView]


class NewTransfer(msgspec.Struct, forbid_unknown_fields=True):
    """Goods that go from one warehouse to another."""

    from_id: UUID
    to_id: UUID
    lines: Annotated[list[ReceivedLine], msgspec.Meta(min_length=1, max_length=MAX_RECEIPT_LINES)]
    note: Text200 | None = None


class NewAdjustment(msgspec.Struct, forbid_unknown_fields=True):
    """A correction of what is on hand, by a signed quantity that is not zero."""

    warehouse_id: UUID
    product_id: UUID
    quantity: SignedQuantity
    reason: Literal["adjustment", "count", "damage", "return", "opening"]
    note: Text200 | None = None


class Reversal(msgspec.Struct, forbid_unknown_fields=True):
    """Why a move is undone."""

    note: Text200 | None = None


@get("/warehouses/{warehouse_id:uuid}", permission=READ)
async def read_warehouse(tx: Transaction, warehouse_id: UUID) -> WarehouseView:
    """Read a warehouse."""
    return await service.read_warehouse(tx, warehouse_id)


@get("/warehouses", permission=READ)
async def list_warehouses(tx: Transaction, after: Cursor | None = None, limit: Limit = 50) -> Page[WarehouseView]:
    """List warehouses by code."""
    place = "" if after is None else decode_cursor(after, (str,))[0]
    rows = await service.list_warehouses(tx, after=place, count=limit + 1)
    return Page(rows[:limit], encode_cursor(rows[limit - 1].code) if len(rows) > limit else None)


@create("/warehouses", permission=CONFIGURE, read=read_warehouse, problems=[CodeTaken])
async def create_warehouse(tx: Transaction, id: UUID, data: NewWarehouse) -> WarehouseView:
    """Make a warehouse."""
    return await service.create_warehouse(tx, id=id, code=data.code, name=data.name)


@get("/stock/levels", permission=READ)
async def list_levels(
    tx: Transaction, product_id: UUID | None = None, warehouse_id: UUID | None = None, after: Cursor | None = None,
    limit: Limit = 50,
) -> Page[LevelView]:  # fmt: skip
    """List what is on hand, reserved and available, by SKU."""
    place = None if after is None else decode_cursor(after, (str, UUID))
    rows = await service.list_levels(
        tx, product_id=product_id, warehouse_id=warehouse_id, after=place, count=limit + 1
    )  # fmt: skip
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], encode_cursor(last.sku, last.warehouse_id) if last else None)


@get("/stock/low", permission=READ)
async def list_low_stock(tx: Transaction, after: Cursor | None = None, limit: Limit = 50) -> Page[LowStock]:
    """List products at or below their reorder point, by SKU."""
    place = "" if after is None else decode_cursor(after, (str,))[0]
    rows = await service.list_low_stock(tx, after=place, count=limit + 1)
    return Page(rows[:limit], encode_cursor(rows[limit - 1].sku) if len(rows) > limit else None)


@get("/stock/moves/{move_id:uuid}", permission=READ)
async def read_move(tx: Transaction, move_id: UUID) -> MoveView:
    """Read a move."""
    return await service.read_move(tx, move_id)


@get("/stock/moves", permission=READ)
async def list_moves(
    tx: Transaction, product_id: UUID, after: Cursor | None = None, limit: Limit = 50
) -> Page[MoveView]:
    """List a product's moves, newest first."""
    place = None if after is None else decode_cursor(after, (datetime, UUID))
    rows = await service.list_moves(tx, product_id=product_id, after=place, count=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], encode_cursor(last.moved_at, last.id) if last else None)


@create("/stock/moves", permission=ADJUST, read=read_move, problems=[NotEnoughStock])
async def adjust_stock(tx: Transaction, id: UUID, data: NewAdjustment) -> MoveView:
    """Correct what is on hand, for a reason.

    No more can be taken away than is there and not reserved.
    """
    await service.adjust(
        tx, id=id, warehouse_id=data.warehouse_id, product_id=data.product_id, quantity=data.quantity,
        reason=data.reason, note=data.note,
    )  # fmt: skip
    return await service.read_move(tx, id)


@post("/stock/moves/{move_id:uuid}/reverse", permission=ADJUST, problems=[NotReversible, NotEnoughStock])
async def reverse_move(tx: Transaction, move_id: UUID, data: Reversal) -> MoveView:
    """Undo a move by its opposite; each move once. The answer is the move that undoes it."""
    return await service.reverse(tx, move_id, note=data.note)


@get("/stock/receipts/{receipt_id:uuid}", permission=READ)
async def read_receipt(tx: Transaction, receipt_id: UUID) -> Receipt:
    """Read what came in with a receipt."""
    return Receipt(receipt_id, await service.read_moves_of(tx, receipt_id))


@create("/stock/receipts", permission=RECEIVE, read=read_receipt)
async def receive_stock(tx: Transaction, id: UUID, data: NewReceipt) -> Receipt:
    """Book goods in."""
    await service.receive(
        tx, id=id, warehouse_id=data.warehouse_id, note=data.note,
        quantities=[(line.product_id, line.quantity) for line in data.lines],
    )  # fmt: skip
    return Receipt(id, await service.read_moves_of(tx, id))


@create("/stock/transfers", permission=RECEIVE, read=read_receipt, problems=[NotEnoughStock])
async def transfer_stock(tx: Transaction, id: UUID, data: NewTransfer) -> Receipt:
    """Bring goods from one warehouse to another: for each product a move out and a move in, all or nothing."""
    await service.transfer(
        tx, id=id, from_id=data.from_id, to_id=data.to_id, note=data.note,
        quantities=[(line.product_id, line.quantity) for line in data.lines],
    )  # fmt: skip
    return Receipt(id, await service.read_moves_of(tx, id))


ROUTES = [
    read_warehouse, list_warehouses, create_warehouse, list_levels, list_low_stock, read_move, list_moves, adjust_stock,
    reverse_move, read_receipt, receive_stock, transfer_stock, *COUNTING,
]  # fmt: skip
