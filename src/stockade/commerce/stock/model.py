"""What is on the shelves: append-only moves, and levels that are their projection."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, Integer, Text, Uuid, false, func
from sqlalchemy.orm import Mapped

from stockade.commerce.catalog.model import Product
from stockade.tenancy.declaration import (
    TenantDetail,
    TenantTable,
    business,
    check,
    column,
    index,
    reference,
    stages,
    technical,
    unique,
)
from stockade.tenancy.limiting import CUSTOMERS, WAREHOUSE_ROWS, WAREHOUSES, following

REASONS = ("receipt", "shipment", "return", "adjustment", "count", "damage", "opening", "reversal", "transfer")


class Warehouse(TenantTable, table="stock.warehouse", document=True, rows=(WAREHOUSE_ROWS,)):
    """A place that stores goods."""

    code: Mapped[str] = column(Text, business(), fixed=True)
    name: Mapped[str] = column(Text, business())
    state: Mapped[str] = stages("active", "archived", rule=business())

    __constraints__ = (unique("code"),)


class Level(TenantDetail, table="stock.level", audited=False):
    """How much of a product a warehouse holds, and how much of that is promised. The sum of the moves and reservations.

    The CHECK is the last line against overselling: whatever the code does, no more is promised than is there.
    """

    warehouse_id: Mapped[UUID] = reference(Warehouse, business(), fixed=True, primary_key=True)
    product_id: Mapped[UUID] = reference(Product, business(), fixed=True, primary_key=True)
    on_hand: Mapped[int] = column(BigInteger, business(), server_default="0")
    reserved: Mapped[int] = column(BigInteger, business(), server_default="0")

    __constraints__ = (check("covered", "reserved between 0 and on_hand"), index("product_id"))


class Move(TenantTable, table="stock.move", grants="select insert"):
    """A quantity that came (positive) or went (negative), why, and for what. Corrected by a reversal, never changed."""

    warehouse_id: Mapped[UUID] = reference(Warehouse, business(), fixed=True)
    product_id: Mapped[UUID] = reference(Product, business(), fixed=True)
    quantity: Mapped[int] = column(Integer, business(), fixed=True)
    reason: Mapped[str] = stages(*REASONS, rule=business(), fixed=True)
    source_id: Mapped[UUID | None] = column(Uuid, business(), fixed=True)
    """The shipment, credit note, count or move that caused it."""
    note: Mapped[str | None] = column(Text, business(), fixed=True)
    moved_at: Mapped[datetime] = column(DateTime(timezone=True), business(), fixed=True, server_default=func.now())

    __constraints__ = (
        check("quantity", "quantity <> 0"),
        index("moved_at", "id"),
        index("product_id", "moved_at"),
        index("source_id", where="source_id is not null"),
        unique("source_id", "reason", where="reason = 'reversal'"),
    )


class Count(TenantTable, table="stock.count", document=True):
    """A stock count: what somebody found on the shelves of a warehouse, until it is approved.

    Approval books the differences.
    """

    number: Mapped[str] = column(Text, business(), fixed=True)
    warehouse_id: Mapped[UUID] = reference(Warehouse, business(), fixed=True)
    state: Mapped[str] = stages("open", "approved", "cancelled", rule=business(event="stock.count_closed"))
    blind: Mapped[bool] = column(Boolean, business(), fixed=True, server_default=false())
    """Whoever counts does not see what the books say."""
    note: Mapped[str | None] = column(Text, business(), fixed=True)
    opened_at: Mapped[datetime] = column(DateTime(timezone=True), business(), fixed=True, server_default=func.now())
    closed_at: Mapped[datetime | None] = column(DateTime(timezone=True), business())

    __constraints__ = (unique("number"), index("opened_at", "id"))


class CountLine(
    TenantDetail, table="stock.count_line", part_of="count_id", grants="select insert update", audited=False
):
    """A product that is to be counted. ``booked`` is what the books said when the count was opened."""

    count_id: Mapped[UUID] = reference(Count, business(), fixed=True, primary_key=True)
    product_id: Mapped[UUID] = reference(Product, business(), fixed=True, primary_key=True)
    booked: Mapped[int] = column(BigInteger, business(), fixed=True)
    left_out: Mapped[bool] = column(Boolean, business(), server_default=false())
    """Its difference is not booked."""
    recounted_at: Mapped[datetime | None] = column(DateTime(timezone=True), business())
    """What was entered before this moment does not count any more."""


class CountEntry(TenantTable, table="stock.count_entry", grants="select insert"):
    """A quantity that somebody found somewhere. Entries of a product add up; ``booked`` is what the books said then."""

    count_id: Mapped[UUID] = reference(Count, business(), fixed=True)
    product_id: Mapped[UUID] = reference(Product, business(), fixed=True)
    quantity: Mapped[int] = column(Integer, business(), fixed=True)
    booked: Mapped[int] = column(BigInteger, business(), fixed=True)
    counted_by: Mapped[UUID] = column(Uuid, business(), fixed=True)
    counted_at: Mapped[datetime] = column(
        DateTime(timezone=True), business(), fixed=True, server_default=func.clock_timestamp()
    )

    __constraints__ = (check("quantity", "quantity >= 0"), index("count_id", "product_id", "counted_at"))


class Reservation(
    TenantDetail, table="stock.reservation", grants="select insert update delete", part_of="order_id",
    rows=(following("order_id", "orders.sales_order", CUSTOMERS | WAREHOUSES),),
):  # fmt: skip
    """What an order's line holds of a warehouse's stock, until it ships, is cancelled or expires. One owner each."""

    order_id: Mapped[UUID] = column(Uuid, business(), fixed=True, primary_key=True)
    position: Mapped[int] = column(Integer, business(), fixed=True, primary_key=True)
    warehouse_id: Mapped[UUID] = reference(Warehouse, business(), fixed=True, primary_key=True)
    product_id: Mapped[UUID] = reference(Product, business(), fixed=True)
    quantity: Mapped[int] = column(Integer, business())
    expires_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())

    __constraints__ = (check("quantity", "quantity > 0"), index("expires_at", where="expires_at is not null"))
