"""What is sold: products with their stock keeping unit, packing, VAT category and list price."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Boolean, Date, DateTime, Integer, Numeric, Text, func, true
from sqlalchemy.orm import Mapped

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

UNIT_PRICE = Numeric(19, 6)
VAT_CATEGORIES = ("standard", "reduced", "super_reduced", "zero", "exempt", "outside")


class VatRate(TenantTable, table="catalog.vat_rate", document=True):
    """The VAT rate of a category in per cent from a day on; the newest day that is not in the future counts."""

    category: Mapped[str] = stages(*VAT_CATEGORIES, rule=business(), fixed=True)
    valid_from: Mapped[date] = column(Date, business(), fixed=True)
    rate: Mapped[Decimal] = column(Numeric(6, 3), business())

    __constraints__ = (unique("category", "valid_from"), check("rate", "rate between 0 and 100"))


class Product(TenantTable, table="catalog.product", document=True):
    """One stock keeping unit. It is archived, never deleted: documents refer to it for ever.

    ``list_price`` and ``cost`` are per ``unit`` in major units of the tenant's currency, before VAT.
    """

    sku: Mapped[str] = column(Text, business(), fixed=True)
    name: Mapped[str] = column(Text, business())
    description: Mapped[str] = column(Text, business(), server_default="")
    unit: Mapped[str] = column(Text, business(), server_default="piece")
    case_pack: Mapped[int] = column(Integer, business(), server_default="1")
    vat_category: Mapped[str] = stages(*VAT_CATEGORIES, rule=business())
    barcode: Mapped[str | None] = column(Text, business())
    list_price: Mapped[Decimal] = column(UNIT_PRICE, business())
    cost: Mapped[Decimal | None] = column(UNIT_PRICE, business(read="catalog:cost"))
    reorder_point: Mapped[int | None] = column(Integer, business())
    stocked: Mapped[bool] = column(Boolean, business(), server_default=true())
    """False for what is charged but never stored: postage, fees, services."""
    state: Mapped[str] = stages("active", "archived", rule=business(event="catalog.state_changed"))
    version: Mapped[int] = column(Integer, technical(), server_default="1")
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    updated_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())

    __constraints__ = (
        unique("sku"),
        unique("barcode", where="barcode is not null"),
        index("name", "id"),
        check("case_pack", "case_pack > 0"),
        check("list_price", "list_price >= 0"),
        check("cost", "cost >= 0"),
    )


class Substitute(TenantDetail, table="catalog.substitute", part_of="product_id", grants="select insert delete"):
    """What can be offered instead of a product that is short: directed, the lowest position first. The other way round
    is a row of its own, if it holds at all."""

    product_id: Mapped[UUID] = reference(Product, business(), fixed=True, primary_key=True)
    position: Mapped[int] = column(Integer, business(), fixed=True, primary_key=True)
    substitute_id: Mapped[UUID] = reference(Product, business(), fixed=True)

    __constraints__ = (
        unique("product_id", "substitute_id"),
        check("position", "position between 1 and 20"),
    )
