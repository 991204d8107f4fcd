"""Numbers, amounts, dates and words are written as the readers of each language expect."""

from datetime import date
from decimal import Decimal

import pytest

from stockade.documents import figures
from stockade.documents.letter import readable_accent
from stockade.documents.model import Locale
from stockade.documents.words import ENTRY_KINDS, LABELS, VAT_CATEGORIES
from stockade.kernel.money import Money


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "shown"),
    [
        (123_456_789, "GBP", "en", "1,234,567.89"),
        (123_456_789, "PLN", "pl", "1\u00a0234\u00a0567,89"),
        (-5, "EUR", "en", "\u22120.05"),
        (1_234, "JPY", "en", "1,234"),
        (1_234, "KWD", "pl", "1,234"),
        (0, "USD", "en", "0.00"),
    ],
)
def test_an_amount_has_its_currencys_decimals_and_its_languages_separators(
    minor: int, currency: str, locale: Locale, shown: str
) -> None:
    assert figures.amount(Money(minor, currency), locale) == shown


def test_a_unit_price_shows_more_decimals_only_where_it_has_them() -> None:
    assert figures.unit_price(Decimal("2.500000"), "GBP", "en") == "2.50"
    assert figures.unit_price(Decimal("0.842500"), "GBP", "en") == "0.8425"
    assert figures.unit_price(Decimal(1200), "JPY", "en") == "1,200"


def test_a_negative_number_that_rounds_to_nothing_has_no_sign() -> None:
    assert figures.number(Decimal("-0.001"), 2, "en") == "0.00"


def test_rates_are_marked_where_vat_is_not_simply_charged() -> None:
    assert figures.vat_rate(Decimal("8.50"), "S", "pl") == "8,5%"
    assert figures.vat_rate(Decimal(0), "E", "pl") == "zw."
    assert figures.vat_rate(Decimal(0), "AE", "en") == "0%\u00a0RC"


def test_dates_are_written_in_the_languages_way() -> None:
    assert figures.day(date(2026, 3, 5), "en") == "5\u00a0March\u00a02026"
    assert figures.day(date(2026, 3, 5), "pl") == "05.03.2026"
    assert figures.short_day(date(2026, 9, 5), "en") == "5\u00a0Sep\u00a02026"


def test_an_iban_is_grouped_in_fours_however_it_was_typed() -> None:
    assert figures.iban("de89 370400440532 013000") == "DE89 3704 0044 0532 0130 00".replace(" ", "\u00a0")


def test_a_break_never_parts_a_letter_from_its_accent() -> None:
    broken = figures.printable("e\u0301" * 30)
    assert figures.ZERO_WIDTH_SPACE in broken
    assert figures.ZERO_WIDTH_SPACE + "\u0301" not in broken


def test_short_words_stay_as_they_are() -> None:
    assert figures.printable("Regency cake stand\nthree tiers") == "Regency cake stand\nthree tiers"


def test_every_language_has_every_word() -> None:
    for words in (LABELS, VAT_CATEGORIES, ENTRY_KINDS):
        keys = {locale: set(entries) for locale, entries in words.items()}
        assert keys["en"] == keys["pl"]


def test_a_pale_accent_is_darkened_and_a_dark_one_is_kept() -> None:
    assert readable_accent("#1f4e5f") == "#1f4e5f"
    assert readable_accent("#ffff00") < "#999900"
    assert readable_accent("#ffffff") < "#7f7f7f"
