"""Invoices and credit notes: issued once, numbered without a gap, never changed: no role may UPDATE or DELETE them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, Integer, Numeric, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.commerce.catalog.model import UNIT_PRICE, Product
from stockade.commerce.orders.model import Order
from stockade.commerce.parties.model import Customer
from stockade.tenancy.declaration import (
    TenantDetail,
    TenantTable,
    business,
    check,
    column,
    index,
    personal,
    reference,
    stages,
    unique,
)
from stockade.tenancy.masks import hidden

TAX_LAW = "ten years, tax law"
KINDS = ("invoice", "credit_note")


class Invoice(
    TenantTable, table="invoicing.invoice", grants="select insert", insert_event="invoicing.issued", document=True
):
    """An invoice, or a credit note that corrects one (``corrects_id``). Amounts of both are positive, in minor units;
    net + VAT + rounding = gross. Seller and buyer are kept as they were on the day of issue."""

    kind: Mapped[str] = stages(*KINDS, rule=business(retention=TAX_LAW), fixed=True)
    series: Mapped[str] = column(Text, business(), fixed=True)
    period: Mapped[str] = column(Text, business(), fixed=True)
    sequence: Mapped[int] = column(BigInteger, business(), fixed=True)
    number: Mapped[str] = column(Text, business(), fixed=True)
    customer_id: Mapped[UUID] = reference(Customer, business(), fixed=True)
    order_id: Mapped[UUID | None] = reference(Order, business(), fixed=True)
    corrects_id: Mapped[UUID | None] = column(Uuid, business(), fixed=True)
    issued_on: Mapped[date] = column(Date, business(), fixed=True)
    supplied_on: Mapped[date] = column(Date, business(), fixed=True)
    due_on: Mapped[date] = column(Date, business(), fixed=True)
    currency: Mapped[str] = column(Text, business(), fixed=True)
    net_minor: Mapped[int] = column(BigInteger, business(), fixed=True)
    vat_minor: Mapped[int] = column(BigInteger, business(), fixed=True)
    rounding_minor: Mapped[int] = column(BigInteger, business(), fixed=True, server_default="0")
    gross_minor: Mapped[int] = column(BigInteger, business(), fixed=True)
    seller: Mapped[dict[str, Any]] = column(JSONB, business(retention=TAX_LAW), fixed=True)
    buyer: Mapped[dict[str, Any]] = column(
        JSONB, personal("invoice", mask=hidden, erase="pseudonym", retention=TAX_LAW), fixed=True
    )
    note: Mapped[str | None] = column(Text, business(), fixed=True)
    issued_at: Mapped[datetime] = column(DateTime(timezone=True), business(), fixed=True, server_default=func.now())

    __constraints__ = (
        unique("series", "period", "sequence"),
        unique("number"),
        index("issued_on", "id"),
        index("customer_id", "issued_on", "id"),
        index("order_id", where="order_id is not null"),
        index("corrects_id", where="corrects_id is not null"),
        check("sum", "net_minor + vat_minor + rounding_minor = gross_minor"),
        check("corrects", "kind = 'credit_note' or corrects_id is null"),
        check("amounts", "net_minor >= 0 and gross_minor >= 0"),
    )


class InvoiceLine(TenantDetail, table="invoicing.line", part_of="invoice_id", grants="select insert"):
    """One line as it was invoiced or credited."""

    invoice_id: Mapped[UUID] = reference(Invoice, business(), fixed=True, primary_key=True)
    position: Mapped[int] = column(Integer, business(), fixed=True, primary_key=True)
    product_id: Mapped[UUID] = reference(Product, business(), fixed=True)
    order_position: Mapped[int | None] = column(Integer, business(), fixed=True)
    sku: Mapped[str] = column(Text, business(), fixed=True)
    description: Mapped[str] = column(Text, business(), fixed=True)
    quantity: Mapped[int] = column(Integer, business(), fixed=True)
    unit: Mapped[str] = column(Text, business(), fixed=True)
    unit_price: Mapped[Decimal] = column(UNIT_PRICE, business(), fixed=True)
    discount_percent: Mapped[Decimal] = column(Numeric(6, 3), business(), fixed=True, server_default="0")
    vat_category: Mapped[str] = column(Text, business(), fixed=True)
    vat_rate: Mapped[Decimal] = column(Numeric(6, 3), business(), fixed=True)
    net_minor: Mapped[int] = column(BigInteger, business(), fixed=True)


class VatGroup(TenantDetail, table="invoicing.vat_group", part_of="invoice_id", grants="select insert"):
    """VAT of one rate: the sum of its lines' nets times the rate, rounded once (EN 16931, BR-CO-17)."""

    invoice_id: Mapped[UUID] = reference(Invoice, business(), fixed=True, primary_key=True)
    vat_category: Mapped[str] = column(Text, business(), fixed=True, primary_key=True)
    vat_rate: Mapped[Decimal] = column(Numeric(6, 3), business(), fixed=True, primary_key=True)
    net_minor: Mapped[int] = column(BigInteger, business(), fixed=True)
    vat_minor: Mapped[int] = column(BigInteger, business(), fixed=True)
