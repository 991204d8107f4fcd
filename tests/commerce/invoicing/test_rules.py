"""VAT groups, rounding and parts, over many amounts and currencies."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from stockade.commerce.invoicing.rules import Buyer, Credited, Invoice, Line, OrderLine, Seller, billable, correct
from stockade.commerce.pricing.rules import line_net, totals_of, vat_groups, vat_of
from stockade.commerce.receivables.rules import invoice_journal
from stockade.kernel.money import exponent_of

SOME = UUID(int=1)
RATES = st.sampled_from([Decimal(text) for text in ("0", "5", "7", "8.1", "19", "20", "23", "25.5")])
PRICES = st.decimals(min_value=0, max_value=Decimal("9999.999999"), places=6)
DISCOUNTS = st.sampled_from([Decimal(text) for text in ("0", "2.5", "10", "33.333", "100")])
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])
LINES = st.lists(st.tuples(PRICES, st.integers(1, 9), DISCOUNTS, RATES), min_size=1, max_size=6)


def lines_of(rows: list[tuple[Decimal, int, Decimal, Decimal]], currency: str) -> tuple[Line, ...]:
    return tuple(
        Line(
            position=at, product_id=SOME, order_position=at, sku="A", description="A", quantity=quantity, unit="piece",
            unit_price=price, discount_percent=discount, vat_category="standard", vat_rate=rate,
            net_minor=line_net(price, quantity, discount, currency),
        )
        for at, (price, quantity, discount, rate) in enumerate(rows, start=1)
    )  # fmt: skip


def invoice_of(lines: tuple[Line, ...], currency: str) -> Invoice:
    groups = vat_groups(lines)
    totals = totals_of(groups)
    day = date(2026, 1, 1)
    return Invoice(
        id=SOME, kind="invoice", series="INV", period="2026", sequence=1, number="INV-2026-000001", customer_id=SOME,
        order_id=SOME, corrects_id=None, issued_on=day, supplied_on=day, due_on=day, currency=currency,
        net_minor=totals.net_minor, vat_minor=totals.vat_minor, rounding_minor=0, gross_minor=totals.gross_minor,
        seller=Seller(name="S"), buyer=Buyer(name="B"), note=None, issued_at=datetime(2026, 1, 1, tzinfo=UTC),
        open_minor=totals.gross_minor, order_number=None, corrects_number=None, corrects_issued_on=None, lines=lines,
        vat_groups=groups,
    )  # fmt: skip


@given(LINES, CURRENCIES)
def test_vat_of_a_group_is_its_net_times_its_rate_rounded_half_up_once(
    rows: list[tuple[Decimal, int, Decimal, Decimal]], currency: str
) -> None:
    lines = lines_of(rows, currency)
    groups = vat_groups(lines)
    assert sum(group.net_minor for group in groups) == sum(line.net_minor for line in lines)
    assert len({group.vat_rate for group in groups}) == len(groups)
    for group in groups:
        exact = Decimal(group.net_minor) * group.vat_rate / 100
        assert group.vat_minor == exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)


@given(LINES, CURRENCIES)
def test_a_lines_net_is_within_half_a_minor_unit_of_the_exact_amount(
    rows: list[tuple[Decimal, int, Decimal, Decimal]], currency: str
) -> None:
    for line, (price, quantity, discount, _) in zip(lines_of(rows, currency), rows, strict=True):
        exact = price * quantity * (100 - discount) / 100 * 10 ** exponent_of(currency)
        assert abs(line.net_minor - exact) <= Decimal("0.5")


@given(LINES, CURRENCIES)
def test_the_journal_of_an_invoice_sums_to_zero(
    rows: list[tuple[Decimal, int, Decimal, Decimal]], currency: str
) -> None:
    postings = invoice_journal(invoice_of(lines_of(rows, currency), currency))
    assert sum(posting.amount_minor for posting in postings) == 0
    assert all(posting.amount_minor for posting in postings)


@given(LINES, CURRENCIES, st.data())
def test_an_invoice_credited_in_any_parts_is_credited_to_the_last_minor_unit(
    rows: list[tuple[Decimal, int, Decimal, Decimal]], currency: str, data: st.DataObject
) -> None:
    invoice = invoice_of(lines_of(rows, currency), currency)
    left = {line.position: line.quantity for line in invoice.lines}
    credited: dict[int, Credited] = {}
    gross = net = 0
    while any(left.values()):
        wanted = {position: data.draw(st.integers(0, quantity)) for position, quantity in left.items()}
        wanted = wanted if any(wanted.values()) else dict(left)
        note = correct(invoice, list(credited.values()), gross, wanted)
        assert note.net_minor + note.vat_minor + note.rounding_minor == note.gross_minor
        assert note.gross_minor >= 0
        assert all(group.vat_minor == vat_of(group.net_minor, group.vat_rate) for group in note.vat_groups)
        for line in note.lines:
            before = credited.get(line.position, Credited(line.position, 0, 0))
            credited[line.position] = Credited(
                line.position, before.quantity + line.quantity, before.net_minor + line.net_minor
            )
            left[line.position] -= line.quantity
        gross, net = gross + note.gross_minor, net + note.net_minor
        assert gross <= invoice.gross_minor
    assert (gross, net) == (invoice.gross_minor, invoice.net_minor)


@given(PRICES, DISCOUNTS, st.lists(st.integers(1, 5), min_size=1, max_size=6), CURRENCIES)
def test_a_line_billed_in_parts_is_billed_for_what_the_order_says(
    price: Decimal, discount: Decimal, parts: list[int], currency: str
) -> None:
    quantity, invoiced, total = sum(parts), 0, 0
    for part in parts:
        line = OrderLine(
            1, SOME, "A", "A", "piece", quantity, price, discount, "standard", Decimal(20), True, 0, invoiced + part,
            invoiced, 0,
        )  # fmt: skip
        billed, stage = billable("picking", [line], currency)
        total, invoiced = total + billed[0].net_minor, invoiced + part
    assert total == line_net(price, quantity, discount, currency)
    assert stage == "invoiced"


def test_yen_have_no_minor_unit_and_halves_go_up() -> None:
    assert line_net(Decimal("100.5"), 1, Decimal(0), "JPY") == 101
    assert line_net(Decimal("0.125"), 1, Decimal(0), "EUR") == 13
    assert vat_of(125, Decimal(10)) == 13
    assert vat_of(5, Decimal("8.1")) == 0


def test_the_largest_price_times_the_largest_quantity_is_exact() -> None:
    assert line_net(Decimal("9999999999999.999999"), 1_000_000, Decimal(0), "EUR") == 999_999_999_999_999_999_900
