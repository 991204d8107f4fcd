"""Numbers, dates and sentences follow the reader's language."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from stockade.kernel.clock import now
from stockade.kernel.money import Money
from stockade.kernel.words import said
from stockade.web.languages import (
    ago,
    chosen,
    day,
    language,
    moment,
    money,
    parsed_decimal,
    percent,
    price,
    quantity,
    typed_decimal,
)

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Money(5, "EUR"), f"0.05{NBSP}EUR"),
        (Money(-123456789, "GBP"), f"-1,234,567.89{NBSP}GBP"),
        (Money(1500, "JPY"), f"1,500{NBSP}JPY"),
        (Money(1500, "BHD"), f"1.500{NBSP}BHD"),
    ],
)
def test_money_has_the_places_of_its_currency(value: Money, text: str) -> None:
    assert money(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (Decimal("2.500"), "2.5"),
        (Decimal("1200"), "1,200"),
        (Decimal("1E+3"), "1,000"),
    ],
)
def test_a_quantity_has_no_needless_zeros(value: int | Decimal, text: str) -> None:
    assert quantity(value) == text


def test_a_moment_is_told_in_utc() -> None:
    late = datetime(2026, 11, 22, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert moment(late) == "21 Nov 2026, 23:30 UTC"
    assert day(late) == "21 Nov 2026"
    assert moment(datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "pl") == "2 sty 2026, 03:04 UTC"
    assert day(date(2026, 1, 2)) == "2 Jan 2026"


@pytest.mark.parametrize(
    ("preferred", "accepted", "spoken"),
    [
        ("pl", "en", "pl"), (None, "pl-PL,pl;q=0.9,en;q=0.8", "pl"), (None, "fr,de;q=0.5", "en"), (None, "", "en"),
        ("xx", "pl", "pl"), (None, "\xff;;;,,,=", "en"),
    ],
)  # fmt: skip
def test_the_choice_counts_before_what_the_browser_accepts(preferred: str | None, accepted: str, spoken: str) -> None:
    assert chosen(preferred, accepted) == spoken


@pytest.mark.parametrize(
    ("text", "locale"), [("1,234.50", "en"), ("1234.5", "en"), ("1 234,50", "pl"), ("1234,5", "pl")]
)
def test_a_number_is_read_as_its_language_writes_it(text: str, locale: str) -> None:
    assert parsed_decimal(text, locale) == Decimal("1234.5")


@pytest.mark.parametrize(
    ("text", "locale"), [("12,50", "en"), ("1.234", "pl"), ("12.50.1", "en"), ("", "en"), ("NaN", "en"), ("1e5", "en")]
)
def test_a_number_that_could_mean_two_things_is_refused(text: str, locale: str) -> None:
    with pytest.raises(ValueError):
        parsed_decimal(text, locale)


@pytest.mark.parametrize("value", [Decimal("0.000001"), Decimal("1234567.5"), Decimal("-3"), Decimal("12.50")])
@pytest.mark.parametrize("locale", ["en", "pl"])
def test_what_a_field_shows_can_be_read_back(value: Decimal, locale: str) -> None:
    assert parsed_decimal(typed_decimal(value, locale), locale) == value


def test_a_price_keeps_every_place_and_shows_two_at_least() -> None:
    assert [price(Decimal(text)) for text in ("12.5", "1.123456", "1000")] == ["12.50", "1.123456", "1,000.00"]
    assert percent(Decimal("7.700")) == "7.7%"


def test_an_age_is_told_in_its_largest_unit() -> None:
    assert ago(now() - timedelta(minutes=2, seconds=5)) == "2 minutes ago"


def test_a_sentence_keeps_its_values_in_another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    polish = language("pl")
    monkeypatch.setattr(polish, "gettext", {"{n} left of {total}": "Z {total} zostało {n}"}.__getitem__)
    text = said("{n} left of {total}", n=1200, total=Money(5, "EUR"))
    assert text.startswith("1200 left of")
    assert polish.say(text) == f"Z 0,05{NBSP}EUR zostało 1{NBSP}200"


def test_an_empty_text_stays_empty() -> None:
    assert language("pl").say("") == ""
