"""Money on orders: half up, VAT by rate, totals that add up."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from stockade.commerce.orders.amounts import MAX_AMOUNT_MINOR, Taxed, line_net, totals, vat_groups
from stockade.kernel.problems import Invalid

PRICES = some.decimals(min_value=0, max_value=10**6, places=6)
QUANTITIES = some.integers(1, 1_000_000)
PERCENTS = some.decimals(min_value=0, max_value=100, places=3)
LINES = some.lists(
    some.builds(
        Taxed,
        some.sampled_from(["standard", "reduced", "zero"]),
        some.sampled_from([Decimal("20"), Decimal("5"), Decimal("7.7"), Decimal(0)]),
        some.integers(0, 10**9),
    ),
    min_size=1,
    max_size=30,
)


@given(PRICES, QUANTITIES, PERCENTS)
def test_a_line_is_the_exact_product_rounded_half_up_once(price: Decimal, quantity: int, discount: Decimal) -> None:
    exact = (
        Fraction(price) * quantity * (100 - Fraction(discount))
    )  # in hundredths: minor units of a currency with two places
    assert line_net(price, quantity, discount, "EUR") == int(exact + Fraction(1, 2))


@pytest.mark.parametrize(
    ("price", "quantity", "discount", "net"),
    [
        ("0.005", 1, "0", 1),
        ("0.004999", 1, "0", 0),
        ("1.005", 1, "0", 101),
        ("2.50", 3, "10", 675),
        ("1", 1, "99.5", 1),
    ],
)
def test_half_a_cent_rounds_up(price: str, quantity: int, discount: str, net: int) -> None:
    assert line_net(Decimal(price), quantity, Decimal(discount), "EUR") == net


def test_a_currency_without_minor_units_is_rounded_to_whole_ones() -> None:
    assert line_net(Decimal("99.5"), 1, Decimal(0), "JPY") == 100


@given(LINES)
def test_groups_partition_the_lines_and_totals_are_their_sums(lines: list[Taxed]) -> None:
    groups, sums = vat_groups(lines), totals(lines)
    assert sum(group.net_minor for group in groups) == sum(line.net_minor for line in lines) == sums.net_minor
    assert len({(group.vat_category, group.vat_rate) for group in groups}) == len(groups)
    assert sums.gross_minor == sums.net_minor + sums.vat_minor
    assert sums.vat_minor == sum(group.vat_minor for group in groups)


@given(LINES)
def test_vat_of_a_group_is_its_net_times_its_rate_rounded_half_up_once(lines: list[Taxed]) -> None:
    for group in vat_groups(lines):
        exact = Decimal(group.net_minor) * group.vat_rate / 100
        assert group.vat_minor == exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)


def test_vat_is_not_the_sum_of_line_vats() -> None:
    lines = [Taxed("standard", Decimal(20), 2)] * 3  # 0.4 each rounds to nothing; 1.2 of all three does not
    assert totals(lines).vat_minor == 1


def test_equal_rates_of_different_categories_stay_apart() -> None:
    groups = vat_groups([Taxed("zero", Decimal(0), 5), Taxed("reverse_charge", Decimal(0), 7)])
    assert [(group.vat_category, group.net_minor) for group in groups] == [("reverse_charge", 7), ("zero", 5)]


def test_an_amount_too_large_to_keep_is_refused() -> None:
    with pytest.raises(Invalid, match="more than can be kept"):
        line_net(Decimal(10**12), 1_000_000, Decimal(0), "EUR")
    with pytest.raises(Invalid):
        totals([Taxed("zero", Decimal(0), MAX_AMOUNT_MINOR), Taxed("zero", Decimal(0), 1)])
