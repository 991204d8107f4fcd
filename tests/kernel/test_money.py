"""Money: whole minor units, half up, never across currencies."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from stockade.kernel.money import CurrencyMismatch, Money, extend, round_half_up


@pytest.mark.parametrize(("value", "rounded"), [("2.5", 3), ("3.5", 4), ("-2.5", -3), ("2.4999", 2), ("0", 0)])
def test_halves_are_rounded_away_from_zero(value: str, rounded: int) -> None:
    assert round_half_up(Decimal(value)) == rounded


@pytest.mark.parametrize(("currency", "minor"), [("GBP", 1000), ("JPY", 10), ("KWD", 9999)])
def test_a_price_is_extended_in_the_minor_unit_of_its_currency(currency: str, minor: int) -> None:
    assert extend(Decimal("3.333"), 3, currency) == Money(minor, currency)


def test_amounts_of_different_currencies_do_not_add_up() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR") + Money(1, "PLN")


@given(some.integers(-(10**15), 10**15), some.integers(-(10**15), 10**15))
def test_what_is_added_can_be_taken_away(one: int, other: int) -> None:
    assert Money(one, "EUR") + Money(other, "EUR") - Money(other, "EUR") == Money(one, "EUR")


def test_an_amount_reads_as_people_write_it() -> None:
    assert (str(Money(1234567, "EUR")), str(Money(-5, "JPY"))) == ("12,345.67 EUR", "-5 JPY")
