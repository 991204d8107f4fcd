"""The rules of invoices and credit notes: what is billed, what may be credited, what it amounts to. Pure functions.

Each document is right by itself: every VAT group is the group's net times its rate, rounded once (EN 16931, BR-CO-17).
Parts add up to the whole all the same. A line billed or credited in parts gives each part the difference of two running
totals. What VAT loses or gains by rounding each credit note by itself goes into that note's ``rounding`` (BT-114), so
that an invoice that was credited in parts is credited to the last penny, and never beyond.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from stockade.commerce.orders.rules import require, stage_after
from stockade.commerce.pricing.rules import VatGroup, line_net, totals_of, vat_groups, vat_of
from stockade.kernel.money import round_half_up
from stockade.kernel.problems import Conflict
from stockade.kernel.words import said

SERIES = {"invoice": "INV", "credit_note": "CN"}


class CompanyUnknown(Conflict):
    """An invoice names its seller (Directive 2006/112/EC, article 226), and nobody has said who that is."""

    type = "/problems/invoicing/company-unknown"
    title = "Enter your company's details first"


class CreditExceedsInvoice(Conflict):
    """More would be credited than was invoiced and not credited before."""

    type = "/problems/invoicing/credit-exceeds-invoice"
    title = "That is more than was invoiced and not credited yet"


class Seller(msgspec.Struct, frozen=True, kw_only=True):
    """The distributor as it was on the day of issue; ``lines`` is the address as another system's document had it.

    ``branding`` is how documents looked then, so that every copy is the same.
    """

    name: str
    lines: tuple[str, ...] = ()
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    vat_id: str | None = None
    email: str | None = None
    phone: str | None = None
    iban: str | None = None
    bic: str | None = None
    locale: str = "en"
    branding: UUID | None = None


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """The customer as it was on the day of issue; ``reference`` is its own order number, ``lines`` as the seller's."""

    name: str
    lines: tuple[str, ...] = ()
    number: str = ""
    recipient: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    vat_id: str | None = None
    vat_treatment: str = "domestic"
    reference: str | None = None
    terms_days: int = 0


class OrderLine(msgspec.Struct, frozen=True):
    """What billing has to know of an order's line."""

    position: int
    product_id: UUID
    sku: str
    description: str
    unit: str
    quantity: int
    unit_price: Decimal
    discount_percent: Decimal
    vat_category: str
    vat_rate: Decimal
    stocked: bool
    reserved: int
    shipped: int
    invoiced: int
    cancelled: int


class Billing(msgspec.Struct, frozen=True):
    """An order as its own rules look at it, to ask whether it may be invoiced; a hold does not keep it from that."""

    stage: str
    lines: Sequence[OrderLine]
    open_holds: int = 0


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an invoice, or of a credit note: that one has the position of the line it credits."""

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
    net_minor: int


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or a credit note with all its rows.

    ``open_minor`` is what is left to pay of the one, to use of the other.
    """

    id: UUID
    kind: str
    series: str
    period: str
    sequence: int
    number: str
    customer_id: UUID
    order_id: UUID | None
    corrects_id: UUID | None
    issued_on: date
    supplied_on: date
    due_on: date
    currency: str
    net_minor: int
    vat_minor: int
    rounding_minor: int
    gross_minor: int
    seller: Seller
    buyer: Buyer
    note: str | None
    issued_at: datetime
    open_minor: int
    order_number: str | None
    corrects_number: str | None
    corrects_issued_on: date | None
    lines: tuple[Line, ...]
    vat_groups: tuple[VatGroup, ...]


class Credited(msgspec.Struct, frozen=True):
    """How much of an invoice's line earlier credit notes hold."""

    position: int
    quantity: int
    net_minor: int


class Correction(msgspec.Struct, frozen=True):
    """The lines and amounts of a credit note."""

    lines: tuple[Line, ...]
    vat_groups: tuple[VatGroup, ...]
    net_minor: int
    vat_minor: int
    rounding_minor: int
    gross_minor: int


def number_of(series: str, period: str, sequence: int) -> str:
    """Return how a number is written: ``INV-2026-000123``."""
    return f"{series}-{period}-{sequence:06d}"


def due_on(issued_on: date, terms_days: int) -> date:
    """Return the last day to pay."""
    return issued_on + timedelta(days=terms_days)


def billable(stage: str, lines: Sequence[OrderLine], currency: str) -> tuple[tuple[Line, ...], str]:
    """Return what has shipped and was not invoiced yet, and the order's stage once it is.

    Charges (postage, fees, services) count as shipped with the first goods. Raises what the orders' rules refuse:
    ``NotInThisStage``, ``NothingToInvoice``.
    """
    require(Billing(stage, lines), "invoice")
    due = [line for line in lines if line.shipped > line.invoiced]
    billed = tuple(_billed(at, line, line.shipped - line.invoiced, currency) for at, line in enumerate(due, start=1))
    after = stage_after(
        stage, [msgspec.structs.replace(line, invoiced=max(line.invoiced, line.shipped)) for line in lines]
    )
    return billed, after


def _billed(position: int, line: OrderLine, quantity: int, currency: str) -> Line:
    before, after = (
        line_net(line.unit_price, count, line.discount_percent, currency)
        for count in (line.invoiced, line.invoiced + quantity)
    )
    return Line(
        position=position, product_id=line.product_id, order_position=line.position, sku=line.sku,
        description=line.description, quantity=quantity, unit=line.unit, unit_price=line.unit_price,
        discount_percent=line.discount_percent, vat_category=line.vat_category, vat_rate=line.vat_rate,
        net_minor=after - before,
    )  # fmt: skip


def correct(
    invoice: Invoice, credited: Sequence[Credited], credited_minor: int, wanted: dict[int, int] | None
) -> Correction:
    """Return the credit note of ``wanted`` (quantity by position; None is all that is left).

    ``credited`` and ``credited_minor`` are the lines and the gross of earlier credit notes. Raises
    ``CreditExceedsInvoice``.
    """
    before = {row.position: row for row in credited}
    left = {line.position: line.quantity - _of(before, line.position).quantity for line in invoice.lines}
    asked = {position: quantity for position, quantity in (wanted or left).items() if quantity}
    for position, quantity in asked.items():
        if quantity > left.get(position, 0):
            raise CreditExceedsInvoice(
                said("Of line {position}, {value} can be credited.", position=position, value=left.get(position, 0))
            )
    if not asked:
        raise CreditExceedsInvoice("All of this invoice has been credited.")
    lines = tuple(
        _credit(line, asked[line.position], _of(before, line.position))
        for line in invoice.lines
        if line.position in asked
    )
    groups = vat_groups(lines)
    totals = totals_of(groups)
    whole = all(left[position] == asked.get(position, 0) for position in left)
    running = invoice.gross_minor if whole else _gross(invoice, before, lines)
    gross = max(running - credited_minor, 0)
    return Correction(lines, groups, totals.net_minor, totals.vat_minor, gross - totals.gross_minor, gross)


def _of(before: dict[int, Credited], position: int) -> Credited:
    return before.get(position) or Credited(position, 0, 0)


def _credit(line: Line, quantity: int, before: Credited) -> Line:
    """The part of a line's net that falls on ``quantity`` more pieces, such that all parts sum to the line's net."""
    running = round_half_up(Decimal(line.net_minor * (before.quantity + quantity)) / line.quantity)
    return msgspec.structs.replace(line, quantity=quantity, net_minor=running - before.net_minor)


def _gross(invoice: Invoice, before: dict[int, Credited], lines: Sequence[Line]) -> int:
    """The gross of everything credited so far and now, as one document would have it; at most the invoice's."""
    nets: dict[tuple[str, Decimal], int] = {}
    now = {line.position: line.net_minor for line in lines}
    for line in invoice.lines:
        key = (line.vat_category, line.vat_rate)
        net = _of(before, line.position).net_minor + now.get(line.position, 0)
        nets[key] = nets.get(key, 0) + net
    return min(sum(net + vat_of(net, rate) for (_, rate), net in nets.items()), invoice.gross_minor)
