"""Orders and shipments through the API. Every change names the version that the caller has read."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar.params import QueryParameter

from stockade.access.fields import ExpectedVersion, Search
from stockade.access.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from stockade.access.permissions import Forbidden
from stockade.access.routes import create, get, patch, post
from stockade.commerce.orders import service
from stockade.commerce.orders.commands import Cancellation, Confirmation, DraftChange, NewHold, NewOrder, NewShipment
from stockade.commerce.orders.papers import ROUTES as PAPERS
from stockade.commerce.orders.permissions import CANCEL, CHANGE, CLOSE, CONFIRM, HOLD, PLACE, READ, RELEASE, SHIP
from stockade.commerce.orders.rules import (
    NoBackorder,
    NoOpenHold,
    NothingLeft,
    NothingToShip,
    NotInThisStage,
    OnHold,
)
from stockade.commerce.orders.service import AlreadyHeld, CustomerArchived
from stockade.commerce.orders.views import OrderRow, OrderView, ShipmentView
from stockade.commerce.stock.rules import NotEnoughStock
from stockade.kernel.problems import NotFound, VersionConflict
from stockade.tenancy.transaction import Transaction

Stage = Literal["draft", "confirmed", "picking", "shipped", "invoiced", "closed", "cancelled"]
NumberStart = Annotated[Search, QueryParameter(description="How the order's number begins.")]
_STALE = (NotInThisStage, VersionConflict)


@get("/orders/{order_id:uuid}", permission=READ)
async def read_order(tx: Transaction, order_id: UUID) -> OrderView:
    """Read an order with its lines, holds and shipments."""
    return await service.read_order(tx, order_id)


@get("/orders", permission=READ)
async def list_orders(
    tx: Transaction, stage: Stage | None = None, customer_id: UUID | None = None, number: NumberStart | None = None,
    on_hold: bool | None = None, after: Cursor | None = None, limit: Limit = 50,
) -> Page[OrderRow]:  # fmt: skip
    """List orders, newest first."""
    place = None if after is None else decode_cursor(after, (datetime, UUID))
    wanted = service.Filter(stage, customer_id, number, on_hold)
    rows = await service.list_orders(tx, wanted, after=place, count=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], encode_cursor(last.placed_at, last.id) if last else None)


@create("/orders", permission=PLACE, read=read_order, problems=[Forbidden])
async def place_order(tx: Transaction, id: UUID, data: NewOrder) -> OrderView:
    """Place an order as a draft.

    Lines without a price get the list price. A price or discount of your own needs the permission `orders:price`.
    """
    return await service.place_order(tx, id, data)


@patch("/orders/{order_id:uuid}", permission=CHANGE, problems=[*_STALE, Forbidden])
async def change_order(tx: Transaction, order_id: UUID, data: DraftChange) -> OrderView:
    """Change a draft.

    `lines` replaces all lines. A line that keeps its product at its position keeps its price unless one is given.
    """
    return await service.change_draft(tx, order_id, data)


@post("/orders/{order_id:uuid}/confirm", permission=CONFIRM, problems=[*_STALE, CustomerArchived])
async def confirm_order(tx: Transaction, order_id: UUID, data: Confirmation) -> OrderView:
    """Confirm a draft: check credit, reserve stock.

    Over the credit limit the order gets a `credit` hold. What is not in stock is a backorder, or with `complete_only` a
    `stock` hold.
    """
    return await service.confirm(tx, order_id, data)


@post("/orders/{order_id:uuid}/allocate", permission=CONFIRM, problems=[*_STALE, NoBackorder])
async def allocate_order(tx: Transaction, order_id: UUID, data: ExpectedVersion) -> OrderView:
    """Reserve what has arrived for an order's backorder."""
    return await service.allocate(tx, order_id, data.expected_version)


@post("/orders/{order_id:uuid}/holds", permission=HOLD, problems=[*_STALE, AlreadyHeld])
async def hold_order(tx: Transaction, order_id: UUID, data: NewHold) -> OrderView:
    """Put an order on hold by hand."""
    return await service.place_hold(tx, order_id, data.reason, data.expected_version)


@post("/orders/{order_id:uuid}/holds/{hold_id:uuid}/release", permission=RELEASE, problems=[*_STALE, NoOpenHold])
async def release_hold(tx: Transaction, order_id: UUID, hold_id: UUID, data: ExpectedVersion) -> OrderView:
    """Release a hold, whatever placed it."""
    return await service.release_hold(tx, order_id, hold_id, data.expected_version)


@post("/orders/{order_id:uuid}/pick", permission=SHIP, problems=[*_STALE, OnHold, NothingToShip])
async def pick_order(tx: Transaction, order_id: UUID, data: ExpectedVersion) -> OrderView:
    """Start picking; refused while a hold is open."""
    return await service.start_picking(tx, order_id, data.expected_version)


@post("/orders/{order_id:uuid}/cancel", permission=CANCEL, problems=[*_STALE, NothingLeft])
async def cancel_order(tx: Transaction, order_id: UUID, data: Cancellation) -> OrderView:
    """Cancel what has not left of an order, or of some of its lines."""
    return await service.cancel(tx, order_id, data)


@post("/orders/{order_id:uuid}/close", permission=CLOSE, problems=[*_STALE])
async def close_order(tx: Transaction, order_id: UUID, data: ExpectedVersion) -> OrderView:
    """Close an invoiced order."""
    return await service.close(tx, order_id, data.expected_version)


@get("/shipments/{shipment_id:uuid}", permission=READ)
async def read_shipment(tx: Transaction, shipment_id: UUID) -> ShipmentView:
    """Read a shipment."""
    return await service.read_shipment(tx, shipment_id)


@create(
    "/shipments", permission=SHIP, read=read_shipment,
    problems=[*_STALE, OnHold, NothingToShip, NotEnoughStock, NotFound],
)  # fmt: skip
async def ship_order(tx: Transaction, id: UUID, data: NewShipment) -> ShipmentView:
    """Ship an order, or a part of it.

    Without `lines`, everything that is reserved leaves. What is not kept in stock leaves with the first shipment.
    """
    return await service.ship(tx, id, data)


ROUTES = [
    read_order, list_orders, place_order, change_order, confirm_order, allocate_order, hold_order, release_hold,
    pick_order, cancel_order, close_order, read_shipment, ship_order, *PAPERS,
]  # fmt: skip
