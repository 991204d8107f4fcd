"""Orders as they are shown: one with everything that belongs to it, and a row of the list."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from stockade.kernel.money import Money


class CustomerRef(msgspec.Struct, frozen=True):
    """Whose order it is."""

    id: UUID
    number: str
    name: str


class WarehouseRef(msgspec.Struct, frozen=True):
    """Where it is served from; code and name are in the list of warehouses, which changes seldom."""

    id: UUID


class LineView(msgspec.Struct, frozen=True):
    """A line. Price per unit in major units before VAT; quantities in units; ``net`` is after the discount."""

    position: int
    product_id: UUID
    sku: str
    description: str
    quantity: int
    unit_price: Decimal
    discount_percent: Decimal
    vat_category: str
    vat_rate: Decimal
    net: Money
    stocked: bool
    reserved: int = 0
    shipped: int = 0
    invoiced: int = 0
    cancelled: int = 0
    whole: bool = False


class DeliveryView(msgspec.Struct, frozen=True):
    """Where an order goes, as it was agreed; ``country`` is a code of ISO 3166-1."""

    recipient: str
    street: str
    postcode: str
    city: str
    country: str


class HoldView(msgspec.Struct, frozen=True):
    """A reason why the order may not go on; open until ``released_at``."""

    id: UUID
    kind: str
    reason: str
    placed_at: datetime
    released_at: datetime | None
    released_by: UUID | None


class ShippedLine(msgspec.Struct, frozen=True):
    """How much of which line left."""

    position: int
    quantity: int


class ShipmentView(msgspec.Struct, frozen=True):
    """Goods that left for an order."""

    id: UUID
    order_id: UUID
    number: str
    shipped_at: datetime
    carrier: str | None
    tracking: str | None
    lines: list[ShippedLine]


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order with its lines, holds and shipments. ``version`` is what every change must name.

    Totals are of the order as it was confirmed; what is cancelled later stays in them, and is never invoiced.
    """

    id: UUID
    number: str
    stage: str
    customer: CustomerRef
    warehouse: WarehouseRef
    customer_reference: str | None
    placed_at: datetime
    requested_on: date | None
    net: Money
    vat: Money
    gross: Money
    note: str | None
    version: int
    lines: list[LineView]
    delivery: DeliveryView | None = None
    """None: the customer's first delivery address."""
    holds: list[HoldView] = []
    shipments: list[ShipmentView] = []

    @property
    def open_holds(self) -> int:
        """How many holds keep it from going on (``rules.OrderState``)."""
        return sum(hold.released_at is None for hold in self.holds)


class OrderRow(msgspec.Struct, frozen=True):
    """An order in a list."""

    id: UUID
    number: str
    stage: str
    customer_id: UUID
    customer_name: str
    placed_at: datetime
    requested_on: date | None
    gross: Money
    on_hold: bool
    version: int
