"""Orders: what a customer wants, line by line, and how far each line has come."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Integer, Numeric, Text, Uuid, false, func, true
from sqlalchemy.orm import Mapped

from stockade.commerce.catalog.model import UNIT_PRICE, Product
from stockade.commerce.parties.model import Customer
from stockade.commerce.stock.model import Warehouse
from stockade.tenancy.declaration import (
    TenantDetail,
    TenantTable,
    belongs_to,
    business,
    check,
    column,
    index,
    personal,
    reference,
    stages,
    technical,
    unique,
)
from stockade.tenancy.masks import hidden, initials

STAGES = ("draft", "confirmed", "picking", "shipped", "invoiced", "closed", "cancelled")
HOLD_KINDS = ("credit", "stock", "manual")


class Order(TenantTable, table="orders.sales_order", document=True):
    """A sales order. Its stage changes only through ``orders.rules.TRANSITIONS``; its totals follow from its lines.

    Totals are in minor units of ``currency``: net after discounts, VAT by rate group, gross is their sum.
    """

    number: Mapped[str] = column(Text, business(), fixed=True)
    customer_id: Mapped[UUID] = reference(Customer, business(), fixed=True)
    warehouse_id: Mapped[UUID] = reference(Warehouse, business(), fixed=True)
    stage: Mapped[str] = stages(*STAGES, rule=business(event="orders.stage_changed"))
    currency: Mapped[str] = column(Text, business(), fixed=True)
    customer_reference: Mapped[str | None] = column(Text, business())
    """The customer's own purchase order number."""
    placed_at: Mapped[datetime] = column(DateTime(timezone=True), business(), fixed=True, server_default=func.now())
    requested_on: Mapped[date | None] = column(Date, business())
    net_minor: Mapped[int] = column(BigInteger, business())
    vat_minor: Mapped[int] = column(BigInteger, business())
    gross_minor: Mapped[int] = column(BigInteger, business())
    note: Mapped[str | None] = column(Text, business())
    version: Mapped[int] = column(Integer, technical(), server_default="1")
    updated_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())

    __constraints__ = (
        unique("number"),
        index("placed_at", "id"),
        index("stage", "placed_at", "id"),
        index("customer_id", "placed_at", "id"),
    )


class Line(TenantDetail, table="orders.line", part_of="order_id", grants="select insert update delete"):
    """One product of an order. Of ``quantity``, ``reserved`` is held in stock, ``shipped`` has left, ``cancelled`` will
    not come; the rest is the backorder. Price per unit in major units before VAT; ``net_minor`` is discounted."""

    order_id: Mapped[UUID] = reference(Order, business(), fixed=True, primary_key=True)
    position: Mapped[int] = column(Integer, business(), fixed=True, primary_key=True)
    product_id: Mapped[UUID] = reference(Product, business(), fixed=True)
    sku: Mapped[str] = column(Text, business(), fixed=True)
    description: Mapped[str] = column(Text, business())
    quantity: Mapped[int] = column(Integer, business())
    unit_price: Mapped[Decimal] = column(UNIT_PRICE, business(event="orders.price_changed"))
    discount_percent: Mapped[Decimal] = column(
        Numeric(6, 3), business(event="orders.discount_changed"), server_default="0"
    )
    vat_category: Mapped[str] = column(Text, business())
    vat_rate: Mapped[Decimal] = column(Numeric(6, 3), business())
    net_minor: Mapped[int] = column(BigInteger, business())
    stocked: Mapped[bool] = column(Boolean, business(), fixed=True, server_default=true())
    reserved: Mapped[int] = column(Integer, business(), server_default="0")
    shipped: Mapped[int] = column(Integer, business(), server_default="0")
    invoiced: Mapped[int] = column(Integer, business(), server_default="0")
    cancelled: Mapped[int] = column(Integer, business(), server_default="0")
    whole: Mapped[bool] = column(Boolean, business(), server_default=false())
    """It waits until stock covers all that is left of it, and reserves nothing before."""

    __constraints__ = (
        check("quantity", "quantity > 0"),
        check("discount_percent", "discount_percent between 0 and 100"),
        check(
            "progress",
            "reserved >= 0 and shipped >= 0 and cancelled >= 0 and reserved + shipped + cancelled <= quantity",
        ),
        check("invoiced", "invoiced between 0 and quantity"),
        index("product_id", "order_id"),
    )


class Delivery(TenantDetail, table="orders.delivery", part_of="order_id", grants="select insert update delete"):
    """Where an order goes if somebody chose: a copy, so that the order stays as agreed when the customer's address
    changes. Without one, it goes to the customer's first delivery address."""

    order_id: Mapped[UUID] = reference(Order, business(), fixed=True, primary_key=True)
    recipient: Mapped[str] = column(Text, personal("delivery", mask=initials, erase="pseudonym"))
    street: Mapped[str] = column(Text, personal("delivery", mask=hidden, erase="drop"))
    postcode: Mapped[str] = column(Text, personal("delivery", mask=hidden, erase="drop"))
    city: Mapped[str] = column(Text, personal("delivery", mask=hidden, erase="drop"))
    country: Mapped[str] = column(Text, business())


class Hold(TenantTable, table="orders.hold", insert_event="orders.held"):
    """A reason why an order may not go on, and who let it go on after all."""

    order_id: Mapped[UUID] = reference(Order, business(), fixed=True)
    kind: Mapped[str] = stages(*HOLD_KINDS, rule=business(), fixed=True)
    reason: Mapped[str] = column(Text, business(), fixed=True)
    placed_at: Mapped[datetime] = column(DateTime(timezone=True), business(), fixed=True, server_default=func.now())
    released_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(event="orders.hold_released"))
    released_by: Mapped[UUID | None] = column(Uuid, business())

    __constraints__ = (index("order_id"), unique("order_id", "kind", where="released_at is null"))


class Shipment(TenantTable, table="orders.shipment", grants="select insert", insert_event="orders.shipped"):
    """Goods that left for an order, all of it or a part."""

    order_id: Mapped[UUID] = reference(Order, business(), fixed=True)
    number: Mapped[str] = column(Text, business(), fixed=True)
    shipped_at: Mapped[datetime] = column(DateTime(timezone=True), business(), fixed=True, server_default=func.now())
    carrier: Mapped[str | None] = column(Text, business(), fixed=True)
    tracking: Mapped[str | None] = column(Text, business(), fixed=True)

    __constraints__ = (unique("number"), index("order_id"))


class ShipmentLine(TenantDetail, table="orders.shipment_line", part_of="shipment_id", grants="select insert"):
    """How much of which order line a shipment held."""

    shipment_id: Mapped[UUID] = reference(Shipment, business(), fixed=True, primary_key=True)
    position: Mapped[int] = column(Integer, business(), fixed=True, primary_key=True)
    order_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    quantity: Mapped[int] = column(Integer, business(), fixed=True)

    __constraints__ = (
        check("quantity", "quantity > 0"),
        belongs_to(Line, order_id="order_id", position="position"),
    )
