"""Documents as the API shows them: amounts with their currency."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from stockade.commerce.invoicing.rules import Buyer, Invoice, Seller
from stockade.kernel.money import Money


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line; on a credit note, ``position`` is the invoice line's. The unit price is before VAT and discount."""

    position: int
    product_id: UUID
    order_position: int | None
    sku: str
    description: str
    quantity: int
    unit: str
    unit_price: Decimal
    discount_percent: Decimal
    vat_category: str
    vat_rate: Decimal
    net: Money


class VatGroupView(msgspec.Struct, frozen=True, kw_only=True):
    """VAT of one category and rate."""

    vat_category: str
    vat_rate: Decimal
    net: Money
    vat: Money


class InvoiceView(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or a credit note; net + VAT + rounding = gross.

    ``open`` is what is left to pay of an invoice, or what is left of a credit note to settle other invoices with.
    """

    id: UUID
    kind: str
    number: str
    customer_id: UUID
    order_id: UUID | None
    order_number: str | None
    corrects_id: UUID | None
    corrects_number: str | None
    issued_on: date
    supplied_on: date
    due_on: date
    currency: str
    net: Money
    vat: Money
    rounding: Money
    gross: Money
    open: Money
    seller: Seller
    buyer: Buyer
    note: str | None
    issued_at: datetime
    lines: list[LineView]
    vat_groups: list[VatGroupView]


def view_of(invoice: Invoice) -> InvoiceView:
    """Return a document as the API shows it."""
    currency = invoice.currency
    return InvoiceView(
        id=invoice.id, kind=invoice.kind, number=invoice.number, customer_id=invoice.customer_id,
        order_id=invoice.order_id, order_number=invoice.order_number, corrects_id=invoice.corrects_id,
        corrects_number=invoice.corrects_number, issued_on=invoice.issued_on, supplied_on=invoice.supplied_on,
        due_on=invoice.due_on, currency=currency, net=Money(invoice.net_minor, currency),
        vat=Money(invoice.vat_minor, currency), rounding=Money(invoice.rounding_minor, currency),
        gross=Money(invoice.gross_minor, currency), open=Money(invoice.open_minor, currency), seller=invoice.seller,
        buyer=invoice.buyer, note=invoice.note, issued_at=invoice.issued_at, lines=_lines(invoice),
        vat_groups=_groups(invoice),
    )  # fmt: skip


def _lines(invoice: Invoice) -> list[LineView]:
    return [
        LineView(
            position=line.position, product_id=line.product_id, order_position=line.order_position, sku=line.sku,
            description=line.description, quantity=line.quantity, unit=line.unit, unit_price=line.unit_price,
            discount_percent=line.discount_percent, vat_category=line.vat_category, vat_rate=line.vat_rate,
            net=Money(line.net_minor, invoice.currency),
        )
        for line in invoice.lines
    ]  # fmt: skip


def _groups(invoice: Invoice) -> list[VatGroupView]:
    return [
        VatGroupView(
            vat_category=group.vat_category, vat_rate=group.vat_rate, net=Money(group.net_minor, invoice.currency),
            vat=Money(group.vat_minor, invoice.currency),
        )
        for group in invoice.vat_groups
    ]  # fmt: skip
