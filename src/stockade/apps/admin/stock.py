"""Stock as pages: levels, moves, and the forms that bring goods in, correct, and carry them from place to place."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.lists import list_routes, listed
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.desk.stock import LEVELS, MOVES, REASON_LABELS
from stockade.commerce.stock import service
from stockade.commerce.stock.api import NewAdjustment, NewReceipt, NewTransfer, NewWarehouse, Reversal
from stockade.commerce.stock.permissions import ADJUST, CONFIGURE, READ, RECEIVE
from stockade.commerce.stock.service.warehouses import WarehouseView
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

MOST_WAREHOUSES = 200
LINES_SHOWN = 6
TOLD = {
    "received": N_("The goods are on the shelves."), "adjusted": N_("The correction is booked."),
    "transferred": N_("The goods are in the other warehouse."), "reversed": N_("The move is undone by its opposite."),
    "warehouse": N_("The warehouse is there."),
}  # fmt: skip
ADJUSTMENT_REASONS = {name: REASON_LABELS[name] for name in ("adjustment", "damage", "return", "opening")}


@page("/stock", permission=READ)
async def show_levels(tx: Transaction, request: AnyRequest) -> Shown:
    """What lies where."""
    return await listed(tx, request, LEVELS, title=N_("Stock"), template="stock/levels.html", told=_told(request))


@page("/stock/moves", permission=READ)
async def show_moves(tx: Transaction, request: AnyRequest) -> Shown:
    """Everything that came and went."""
    return await listed(tx, request, MOVES, title=N_("Movements"), template="stock/moves.html", told=_told(request))


@page("/stock/moves/{move_id:uuid}", permission=READ)
async def show_move(tx: Transaction, request: AnyRequest, move_id: UUID) -> Shown:
    """One move, and the button that undoes it."""
    return await _move_page(tx, move_id, Form())


@form("/stock/moves/{move_id:uuid}/reverse", permission=ADJUST)
async def take_reversal(request: AnyRequest, fields: Fields, move_id: UUID) -> Shown | str:
    """Undo a move by its opposite."""
    return await submitted(
        request, fields, Reversal, lambda tx, read: service.reverse(tx, move_id, note=read.note),
        again=lambda tx, filled: _move_page(tx, move_id, filled), then="/stock/moves?done=reversed",
    )  # fmt: skip


@page("/stock/receive", permission=RECEIVE)
async def show_receiving(tx: Transaction, request: AnyRequest) -> Shown:
    """The form that books goods in."""
    return await _goods_page(tx, "receive", Form())


@form("/stock/receive", permission=RECEIVE)
async def take_receipt(request: AnyRequest, fields: Fields) -> Shown | str:
    """Book goods in."""

    async def receive(tx: Transaction, id: UUID, new: NewReceipt) -> None:
        quantities = [(line.product_id, line.quantity) for line in new.lines]
        await service.receive(tx, id=id, warehouse_id=new.warehouse_id, quantities=quantities, note=new.note)

    return await submitted_new(
        request, _filled_lines(fields), NewReceipt, receive, then=lambda _: "/stock/moves?done=received",
        again=lambda tx, filled: _goods_page(tx, "receive", filled),
    )  # fmt: skip


@page("/stock/transfer", permission=RECEIVE)
async def show_transfer(tx: Transaction, request: AnyRequest) -> Shown:
    """The form that carries goods to another warehouse."""
    return await _goods_page(tx, "transfer", Form())


@form("/stock/transfer", permission=RECEIVE)
async def take_transfer(request: AnyRequest, fields: Fields) -> Shown | str:
    """Carry goods to another warehouse."""

    async def transfer(tx: Transaction, id: UUID, new: NewTransfer) -> None:
        quantities = [(line.product_id, line.quantity) for line in new.lines]
        await service.transfer(
            tx, id=id, from_id=new.from_id, to_id=new.to_id, quantities=quantities, note=new.note
        )  # fmt: skip

    return await submitted_new(
        request, _filled_lines(fields), NewTransfer, transfer, then=lambda _: "/stock/moves?done=transferred",
        again=lambda tx, filled: _goods_page(tx, "transfer", filled),
    )  # fmt: skip


@page("/stock/adjust", permission=ADJUST)
async def show_adjustment(tx: Transaction, request: AnyRequest) -> Shown:
    """The form that corrects what is on hand."""
    return await _goods_page(tx, "adjust", Form({"reason": "adjustment"}))


@form("/stock/adjust", permission=ADJUST)
async def take_adjustment(request: AnyRequest, fields: Fields) -> Shown | str:
    """Correct what is on hand."""

    async def adjust(tx: Transaction, id: UUID, new: NewAdjustment) -> None:
        await service.adjust(tx, id=id, **{name: getattr(new, name) for name in new.__struct_fields__})

    return await submitted_new(
        request, fields, NewAdjustment, adjust, then=lambda _: "/stock/moves?done=adjusted",
        again=lambda tx, filled: _goods_page(tx, "adjust", filled),
    )  # fmt: skip


@page("/stock/warehouses", permission=READ)
async def show_warehouses(tx: Transaction, request: AnyRequest) -> Shown:
    """The places that store goods."""
    return await _warehouses_page(tx, Form(), _told(request))


@form("/stock/warehouses", permission=CONFIGURE)
async def take_warehouse(request: AnyRequest, fields: Fields) -> Shown | str:
    """Make a warehouse."""

    async def make(tx: Transaction, id: UUID, new: NewWarehouse) -> None:
        await service.create_warehouse(tx, id=id, code=new.code, name=new.name)

    return await submitted_new(
        request, {**fields, "code": fields.get("code", "").upper()}, NewWarehouse, make,
        again=_warehouses_page, then=lambda _: "/stock/warehouses?done=warehouse",
    )  # fmt: skip


async def active_warehouses(tx: Transaction) -> list[WarehouseView]:
    """Return the warehouses that goods can be in, by code."""
    return [place for place in await service.list_warehouses(tx, count=MOST_WAREHOUSES) if place.state == "active"]


def _filled_lines(fields: Fields) -> Mapping[str, str]:
    """Return a form without the lines that name no product: their quantity may stand there as it was offered."""
    empty = {name.rpartition(".")[0] for name, text in fields.items() if name.endswith(".product_id") and not text}
    return {name: text for name, text in fields.items() if name.rpartition(".")[0] not in empty}


async def _goods_page(tx: Transaction, what: str, filled: Form) -> Shown:
    numbers = [int(part) for name in filled.values if (part := name.partition(".")[2].partition(".")[0]).isdigit()]
    return Shown("stock/goods.html", {
        "what": what, "form": filled, "warehouses": await active_warehouses(tx), "reasons": ADJUSTMENT_REASONS,
        "line_numbers": range(max([LINES_SHOWN, *(number + 1 for number in numbers)])),
    })  # fmt: skip


async def _move_page(tx: Transaction, move_id: UUID, filled: Form) -> Shown:
    move = await service.read_move(tx, move_id)
    context: dict[str, Any] = {"move": move, "reasons": REASON_LABELS, "form": filled}
    return Shown("stock/move.html", context)


async def _warehouses_page(tx: Transaction, filled: Form, told: str | None = None) -> Shown:
    places = await service.list_warehouses(tx, count=MOST_WAREHOUSES)
    return Shown("stock/warehouses.html", {"warehouses": places, "form": filled, "told": told})


def _told(request: AnyRequest) -> str | None:
    return TOLD.get(request.query_params.get("done", ""))


ROUTES = (
    show_levels, show_moves, show_move, take_reversal, show_receiving, take_receipt, show_transfer, take_transfer,
    show_adjustment, take_adjustment, show_warehouses, take_warehouse, *list_routes(LEVELS), *list_routes(MOVES),
)  # fmt: skip
