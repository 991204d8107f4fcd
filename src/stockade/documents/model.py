"""What a document says, complete and already decided: the renderer computes nothing and looks nothing up.

Amounts are printed as they are given, so a credit note carries positive amounts (EN 16931, type 381). A document whose
figures disagree with each other refuses to be made, because a printed invoice cannot be taken back.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from stockade.kernel.money import Money
from stockade.kernel.problems import Problem
from stockade.kernel.words import said

Locale = Literal["en", "pl"]
"""The language, number format and date format of a document."""

VatCategory = Literal["S", "Z", "E", "AE", "K", "G", "O"]
"""VAT category of EN 16931 (UNTDID 5305): standard, zero, exempt, reverse charge, intra-Community, export, outside."""

EntryKind = Literal["opening", "invoice", "credit_note", "payment", "refund", "write_off", "adjustment"]
"""What moved a customer's balance."""


class FiguresDisagree(Problem):
    """The amounts of a document do not add up, or are not all in its currency."""

    type = "/problems/documents/figures-disagree"
    title = "The figures of this document do not add up"
    status = 500


class Party(msgspec.Struct, frozen=True):
    """A company as a document names it; ``lines`` is its address from street to country."""

    name: str
    lines: tuple[str, ...] = ()
    vat_id: str | None = None
    registration: str | None = None
    email: str | None = None
    phone: str | None = None
    website: str | None = None


class DocumentLine(msgspec.Struct, frozen=True):
    """One invoiced line: unit price in major units (six places at most), VAT rate and discount in per cent."""

    position: int
    description: str
    quantity: Decimal
    unit_price: Decimal
    vat_rate: Decimal
    net: Money
    code: str = ""
    unit: str = ""
    vat_category: VatCategory = "S"
    discount_percent: Decimal | None = None


class VatGroup(msgspec.Struct, frozen=True):
    """VAT of one rate and category (EN 16931, BG-23); ``note`` is the reason of an exemption (BT-120)."""

    rate: Decimal
    net: Money
    vat: Money
    category: VatCategory = "S"
    note: str = ""


class PaymentInstructions(msgspec.Struct, frozen=True):
    """Where to pay, and the reference that lets the payment find its invoice."""

    iban: str = ""
    bic: str = ""
    bank: str = ""
    account_holder: str = ""
    reference: str = ""
    terms: str = ""


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """What every document with prices says.

    Promises: all amounts share ``currency``, lines sum to ``net``, VAT groups to ``net`` and ``vat``, and
    net + VAT + rounding = gross. Raises ``FiguresDisagree`` otherwise.
    """

    number: str
    issued_on: date
    seller: Party
    buyer: Party
    currency: str
    lines: tuple[DocumentLine, ...]
    vat_groups: tuple[VatGroup, ...]
    net: Money
    vat: Money
    rounding: Money
    gross: Money
    ship_to: Party | None = None
    buyer_reference: str = ""
    notes: tuple[str, ...] = ()
    locale: Locale = "en"

    def __post_init__(self) -> None:
        groups, none = self.vat_groups, Money(0, self.currency)
        _agree(self.number, "lines and net", _total((line.net for line in self.lines), none), self.net)
        _agree(self.number, "VAT groups and net", _total((group.net for group in groups), none), self.net)
        _agree(self.number, "VAT groups and VAT", _total((group.vat for group in groups), none), self.vat)
        _agree(self.number, "net, VAT, rounding and gross", self.net + self.vat + self.rounding, self.gross)


class InvoiceDocument(Priced, frozen=True, kw_only=True):
    """An invoice or a credit note as it was issued; ``corrects`` is the number of the invoice that it corrects.

    Promises what ``Priced`` does, and gross - paid = open.
    """

    kind: Literal["invoice", "credit_note"]
    paid: Money
    open: Money
    supplied_on: date | None = None
    due_on: date | None = None
    order_number: str = ""
    corrects: str = ""
    corrects_issued_on: date | None = None
    payment: PaymentInstructions | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _agree(self.number, "gross, paid and open", self.gross - self.paid, self.open)


class OrderConfirmation(Priced, frozen=True, kw_only=True):
    """What a customer ordered and will pay; no invoice. ``issued_on`` is the day of the order.

    A line's description may end with a line of its own that says what of it follows later.
    """

    requested_on: date | None = None
    customer_number: str = ""
    terms_days: int | None = None


class StatementEntry(msgspec.Struct, frozen=True):
    """One movement of a customer's account and the balance after it (debit: owed to us; credit: settled)."""

    on: date
    kind: EntryKind
    balance: Money
    number: str = ""
    due_on: date | None = None
    debit: Money | None = None
    credit: Money | None = None


class AgeingBucket(msgspec.Struct, frozen=True):
    """What is open and overdue by ``from_days`` to ``to_days`` days; no start is "not yet due", no end "and more"."""

    from_days: int | None
    to_days: int | None
    amount: Money


class StatementDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's account as of a date.

    Promises: entries run to ``balance`` one by one, and the ageing buckets, where given, sum to it.
    Raises ``FiguresDisagree`` otherwise.
    """

    seller: Party
    customer: Party
    as_of: date
    currency: str
    entries: tuple[StatementEntry, ...]
    ageing: tuple[AgeingBucket, ...]
    balance: Money
    customer_number: str = ""
    from_on: date | None = None
    overdue: Money | None = None
    payment: PaymentInstructions | None = None
    notes: tuple[str, ...] = ()
    locale: Locale = "en"

    def __post_init__(self) -> None:
        name, none = self.customer.name, Money(0, self.currency)
        running: Money | None = None
        for entry in self.entries:
            moved = (entry.debit or none) - (entry.credit or none)
            if running is not None or entry.kind != "opening":
                _agree(name, f"balance of {entry.on} {entry.number}", (running or none) + moved, entry.balance)
            running = entry.balance
        _agree(name, "last entry and balance", running or none, self.balance)
        if self.ageing:
            _agree(name, "ageing and balance", _total((bucket.amount for bucket in self.ageing), none), self.balance)


class DeliveryLine(msgspec.Struct, frozen=True):
    """One line of a delivery note: what of the ordered quantity came with it, and what is ``to_follow``."""

    position: int
    description: str
    ordered: int
    quantity: int
    to_follow: int = 0
    code: str = ""
    unit: str = ""


class DeliveryNote(msgspec.Struct, frozen=True, kw_only=True):
    """What travels with the goods: never a price, since those who unpack need not know them.

    ``waiting`` are lines of the order of which nothing came, and something is to follow.
    """

    number: str
    shipped_on: date
    order_number: str
    seller: Party
    buyer: Party
    lines: tuple[DeliveryLine, ...]
    waiting: tuple[DeliveryLine, ...] = ()
    ship_to: Party | None = None
    carrier: str = ""
    tracking: str = ""
    buyer_reference: str = ""
    notes: tuple[str, ...] = ()
    locale: Locale = "en"


class PickLine(msgspec.Struct, frozen=True):
    """One thing to fetch: how many units of it, in cases of ``case_pack``; ``barcode`` is its GTIN."""

    code: str
    description: str
    quantity: int
    unit: str = ""
    case_pack: int = 1
    barcode: str | None = None


class PickList(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody walks through the warehouse with, in the order of ``lines``, for one order."""

    order_number: str
    printed_on: date
    seller: Party
    customer: str
    lines: tuple[PickLine, ...]
    warehouse: str = ""
    requested_on: date | None = None
    ship_to: Party | None = None
    notes: tuple[str, ...] = ()
    locale: Locale = "en"


Document = InvoiceDocument | StatementDocument | OrderConfirmation | DeliveryNote | PickList
"""Everything that can be rendered."""


class Branding(msgspec.Struct, frozen=True):
    """A tenant's looks: an accent colour (``#rrggbb``), a logo (the bytes of an SVG or PNG file), a text for the foot.

    The text stands under the seller's address at the foot of each page, in up to a few lines.
    """

    accent: str = "#1f4e5f"
    logo: bytes | None = None
    footer: str = ""


def _total(amounts: Iterable[Money], start: Money) -> Money:
    """Return the sum of amounts, zero in the currency of ``start`` when there are none."""
    for amount in amounts:
        start = start + amount
    return start


def _agree(document: str, what: str, computed: Money, stated: Money) -> None:
    """Refuse a document in which two figures that must be equal are not."""
    if computed != stated:
        raise FiguresDisagree(
            said(
                "{document}: {what} disagree ({computed} against {stated}).",
                document=document,
                what=what,
                computed=computed,
                stated=stated,
            )
        )
