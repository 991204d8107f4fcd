"""Plausible documents for the tests of rendering."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from stockade.documents import (
    AgeingBucket,
    DocumentLine,
    InvoiceDocument,
    Party,
    PaymentInstructions,
    StatementDocument,
    StatementEntry,
    VatGroup,
)
from stockade.kernel.money import Money, exponent_of, extend, round_half_up

SELLER = Party(
    name="Harbour & Finch Wholesale Ltd",
    lines=("14 Quayside Court", "Bristol BS1 6XH", "United Kingdom"),
    vat_id="GB 287 4451 09",
    registration="07731204",
    email="accounts@harbourfinch.example",
    phone="+44 117 496 0112",
    website="harbourfinch.example",
)
BUYER = Party(
    name="The Copper Kettle Company",
    lines=("Unit 7, Old Tannery Lane", "Leeds LS9 8AG", "United Kingdom"),
    vat_id="GB 911 2206 73",
)
POLISH_SELLER = Party(
    name="Żółta Łódź Hurtownia Sp. z o.o.",
    lines=("ul. Świętokrzyska 18/4", "30-015 Kraków", "Polska"),
    vat_id="PL6762481120",
    email="ksiegowosc@zoltalodz.example",
)
POLISH_BUYER = Party(
    name="Przedsiębiorstwo Źdźbło S.A.", lines=("ul. Gęsia 3", "00-950 Warszawa", "Polska"), vat_id="PL5261040828"
)
PAYMENT = PaymentInstructions(
    iban="GB33BUKB20201555555555",
    bic="BUKBGB22",
    bank="Barclays Bank UK PLC",
    account_holder="Harbour & Finch Wholesale Ltd",
    reference="INV-2026-004217",
    terms="Please pay within 30 days of the invoice date and quote the reference.",
)
GOODS = (
    ("85123A", "White hanging heart T-light holder", "2.55", "20"),
    ("22423", "Regency cake stand, three tiers, ivory with gilded edge and hand-painted roses on each", "12.75", "20"),
    ("47566B", "Party bunting, organic cotton, 4 m", "4.95", "20"),
    ("20725", "Lunch bag, red retrospot", "1.65", "5"),
    ("BK-0091", "Children's book: The Heron's Winter", "7.49", "0"),
    ("84879", "Assorted colour bird ornament", "0.8425", "20"),
)  # fmt: skip


def invoice(count: int = 6, currency: str = "GBP", **changes: Any) -> InvoiceDocument:
    """Return an invoice of so many lines whose figures agree."""
    lines = tuple(_line(at, currency) for at in range(count))
    groups = tuple(_group(rate, lines, currency) for rate in sorted({line.vat_rate for line in lines}, reverse=True))
    net = Money(sum(line.net.amount_minor for line in lines), currency)
    vat = Money(sum(group.vat.amount_minor for group in groups), currency)
    paid = changes.pop("paid", Money(0, currency))
    fields: dict[str, Any] = {
        "kind": "invoice",
        "number": "INV-2026-004217",
        "issued_on": date(2026, 3, 5),
        "supplied_on": date(2026, 3, 4),
        "due_on": date(2026, 4, 4),
        "seller": SELLER,
        "buyer": BUYER,
        "ship_to": Party(name="Copper Kettle Warehouse", lines=("Gate 3, Aire Valley Park", "Leeds LS10 1AB")),
        "order_number": "SO-118204",
        "buyer_reference": "PO 77-3390",
        "payment": PAYMENT,
        "notes": ("Goods remain our property until they are paid in full.",),
    }
    amounts = {"net": net, "vat": vat, "rounding": Money(0, currency), "gross": net + vat, "paid": paid}
    amounts["open"] = amounts["gross"] - paid
    return InvoiceDocument(
        **(fields | {"currency": currency, "lines": lines, "vat_groups": groups} | amounts | changes)
    )


def statement(**changes: Any) -> StatementDocument:
    """Return a statement whose balances run and whose ageing agrees."""
    fields: dict[str, Any] = {
        "seller": SELLER,
        "customer": BUYER,
        "customer_number": "C-10442",
        "as_of": date(2026, 3, 31),
        "from_on": date(2026, 1, 1),
        "currency": "GBP",
        "entries": (
            StatementEntry(date(2026, 1, 1), "opening", Money(120_000, "GBP")),
            _entry(9, "payment", 0, "PAY-3302", 120_000),
            _entry(15, "invoice", 245_310, "INV-2026-001180", 245_310, due=date(2026, 2, 14)),
            _entry(40, "credit_note", 221_910, "CN-2026-000031", 23_400),
            _entry(63, "invoice", 310_062, "INV-2026-004217", 88_152, due=date(2026, 4, 4)),
        ),
        "ageing": (
            AgeingBucket(None, None, Money(88_152, "GBP")),
            AgeingBucket(1, 30, Money(0, "GBP")),
            AgeingBucket(31, 60, Money(221_910, "GBP")),
            AgeingBucket(61, 90, Money(0, "GBP")),
            AgeingBucket(91, None, Money(0, "GBP")),
        ),
        "balance": Money(310_062, "GBP"),
        "overdue": Money(221_910, "GBP"),
        "payment": PAYMENT,
    }
    return StatementDocument(**(fields | changes))


def _line(at: int, currency: str) -> DocumentLine:
    code, description, price, rate = GOODS[at % len(GOODS)]
    quantity = 6 + at * 7 % 140
    return DocumentLine(
        position=at + 1,
        code=code,
        description=description,
        quantity=Decimal(quantity),
        unit="pcs",
        unit_price=Decimal(price),
        vat_rate=Decimal(rate),
        vat_category="Z" if rate == "0" else "S",
        net=extend(Decimal(price), quantity, currency),
    )


def _group(rate: Decimal, lines: tuple[DocumentLine, ...], currency: str) -> VatGroup:
    """VAT of a rate group is rounded once, from the sum of its lines (EN 16931, BR-CO-17)."""
    net = sum(line.net.amount_minor for line in lines if line.vat_rate == rate)
    assert exponent_of(currency) >= 0
    vat = Money(round_half_up(net * rate / 100), currency)
    return VatGroup(rate=rate, net=Money(net, currency), vat=vat, category="Z" if rate == 0 else "S")


def _entry(day: int, kind: Any, balance: int, number: str, moved: int, due: date | None = None) -> StatementEntry:
    money = Money(moved, "GBP")
    return StatementEntry(
        on=date(2026, 1, 1) + timedelta(days=day),
        kind=kind,
        balance=Money(balance, "GBP"),
        number=number,
        due_on=due,
        debit=money if kind == "invoice" else None,
        credit=None if kind == "invoice" else money,
    )
