"""What can be asked of orders: the bodies of requests, and the commands that verbs take."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from stockade.access.fields import (
    ExpectedVersion,
    Percent,
    Quantity,
    Text80,
    Text200,
    Text2000,
    UnitPrice,
    checked_percent,
    checked_price,
)

MAX_LINES = 500
Position = Annotated[int, msgspec.Meta(ge=1, le=MAX_LINES)]
"""A line of an order, counted from 1."""


class NewLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product and how much of it. Price and discount need the permission ``orders:price``; without a price, the list
    price counts (or, when a draft is changed, the one that the line has). ``whole``: nothing is reserved for it until
    stock covers all of it, so that it comes in one piece."""

    product_id: UUID
    quantity: Quantity
    unit_price: UnitPrice | None = None
    discount_percent: Percent | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        if self.unit_price is not None:
            checked_price(self.unit_price)
        if self.discount_percent is not None:
            checked_percent(self.discount_percent)


Lines = Annotated[list[NewLine], msgspec.Meta(min_length=1, max_length=MAX_LINES)]


class NewOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a customer orders. Without a warehouse, the first active one by code serves it; without a delivery address,
    it goes to the customer's first one."""

    customer_id: UUID
    lines: Lines
    warehouse_id: UUID | None = None
    delivery_address_id: UUID | None = None
    customer_reference: Text80 | None = None
    requested_on: date | None = None
    note: Text2000 | None = None


class Quotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an order would come to; it may have no lines yet."""

    customer_id: UUID
    lines: Annotated[list[NewLine], msgspec.Meta(max_length=MAX_LINES)] = []
    warehouse_id: UUID | None = None


class DraftChange(ExpectedVersion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes different; what is absent stays. ``lines`` replaces all of them, by position."""

    lines: Lines | msgspec.UnsetType = msgspec.UNSET
    customer_reference: Text80 | msgspec.UnsetType | None = msgspec.UNSET
    requested_on: date | msgspec.UnsetType | None = msgspec.UNSET
    note: Text2000 | msgspec.UnsetType | None = msgspec.UNSET


class Confirmation(ExpectedVersion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``complete_only``: a shortage puts the order on hold instead of making a backorder. ``reserve_until``: when its
    stock is given back if it has not shipped; absent: never, or after a week while a hold is open. A hold that is
    placed or released later, and picking, set that moment anew."""

    complete_only: bool = False
    reserve_until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class NewHold(ExpectedVersion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the order may not go on."""

    reason: Text200


class Cancellation(ExpectedVersion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines will not come, as far as they have not left; absent: all of them."""

    positions: Annotated[list[Position], msgspec.Meta(min_length=1, max_length=MAX_LINES)] | None = None


class LineToShip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of which line leaves."""

    position: Position
    quantity: Quantity


class NewShipment(ExpectedVersion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What leaves; without lines, everything that is reserved."""

    order_id: UUID
    lines: Annotated[list[LineToShip], msgspec.Meta(min_length=1, max_length=MAX_LINES)] | None = None
    carrier: Text80 | None = None
    tracking: Text80 | None = None

    def __post_init__(self) -> None:
        positions = [line.position for line in self.lines or ()]
        if len(positions) != len(set(positions)):
            raise ValueError("Name each line once")
