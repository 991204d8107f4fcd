"""Bounded fields: what decoding lets in, and what it keeps out."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.access.fields import (
    CountryCode,
    CurrencyCode,
    Email,
    MinorAmount,
    Percent,
    Phone,
    Quantity,
    SignedQuantity,
    Text80,
    Text200,
    Text2000,
    UnitPrice,
    Version,
    checked_percent,
    checked_price,
    lowered,
    merged,
)


class Priced(msgspec.Struct):
    price: UnitPrice = Decimal(0)
    percent: Percent = Decimal(0)

    def __post_init__(self) -> None:
        checked_price(self.price)
        checked_percent(self.percent)


class Row(msgspec.Struct, frozen=True):
    name: str
    note: str | None
    version: int


class Change(msgspec.Struct, frozen=True):
    expected_version: int
    name: str | msgspec.UnsetType = msgspec.UNSET
    note: str | msgspec.UnsetType | None = msgspec.UNSET


def accepts(kind: Any, value: Any) -> bool:
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize("kind", [Text80, Text200])
@pytest.mark.parametrize(
    "text", ["", " ", " a", "a ", "a\n", "a\nb", "a\0b", "a\x1b[2Jb", "a\u202eb", "a\u2028b", "a\x85b"]
)
def test_a_line_holds_no_control_character_and_no_outer_space(kind: Any, text: str) -> None:
    assert not accepts(kind, text)


@pytest.mark.parametrize("text", ["a", "a b", "Zażółć gęślą jaźń", "日本", "O'Hara & Søn <b>", "-", "👩‍🔬"])
def test_a_line_holds_whatever_people_write(text: str) -> None:
    assert accepts(Text80, text)


def test_a_text_may_be_empty_and_have_line_breaks_but_no_nul() -> None:
    assert accepts(Text2000, "")
    assert accepts(Text2000, "one\n\ttwo\n")
    assert not accepts(Text2000, "a\0b")
    assert not accepts(Text2000, "x" * 2001)


@given(st.text(max_size=90))
def test_no_accepted_line_holds_what_postgresql_refuses(text: str) -> None:
    if accepts(Text80, text):
        assert "\0" not in text
        assert text == text.strip()
        assert 1 <= len(text) <= 80


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [
        (Quantity, [1, 1_000_000], [0, -1, 1_000_001, 1.5, "1", True]),
        (SignedQuantity, [-1_000_000, 0, 1_000_000], [-1_000_001, 1_000_001]),
        (MinorAmount, [0, 10**15], [-1, 10**15 + 1, 2**63]),
        (Version, [1, 2**31 - 1], [0, 2**31]),
        (CurrencyCode, ["EUR"], ["eur", "EURO", "EU", "EU\n", "ÉUR"]),
        (CountryCode, ["DE"], ["de", "DEU", "D", "D\n"]),
        (Email, ["ada@example.com", "A.b+c@x-y.co.uk"],
         ["ada", "ada@localhost", "a b@c.de", "a@b..de", "a@b.de\n", "a@-b.de", "é@b.de"]),
        (Phone, ["+44 20 7946 0958", "030/1234-5"], ["call me", "+", "123\n"]),
    ],
)  # fmt: skip
def test_bounds_are_where_they_are_said_to_be(kind: Any, inside: list[Any], outside: list[Any]) -> None:
    assert [value for value in inside if not accepts(kind, value)] == []
    assert [value for value in outside if accepts(kind, value)] == []


@pytest.mark.parametrize(
    "price",
    ["NaN", "sNaN", "Infinity", "-0.01", "0.0000001", "1000000000000.01", "1E+13", "1E+999999", "0E+999999", "1" * 50],
)
def test_a_price_that_the_database_would_refuse_is_refused_before(price: str) -> None:
    assert not accepts(Priced, {"price": price})


@pytest.mark.parametrize("price", ["0", "0.000001", "1000000000000", "1E+12", "12.50"])
def test_a_price_within_its_bounds_is_accepted(price: str) -> None:
    assert accepts(Priced, {"price": price})


def test_a_percentage_goes_from_nought_to_a_hundred_in_thousandths() -> None:
    assert [text for text in ("0", "0.001", "100") if not accepts(Priced, {"percent": text})] == []
    assert [text for text in ("-1", "0.0001", "100.001", "NaN") if accepts(Priced, {"percent": text})] == []


def test_an_address_is_compared_in_lower_case() -> None:
    assert lowered("Ada@Example.COM") == "ada@example.com"
    assert lowered(None) is None


def test_a_change_keeps_what_it_leaves_out_and_clears_what_it_sets_to_null() -> None:
    row = Row("Ada", "first", 3)
    assert merged(row, Change(3, name="Eve")) == Row("Eve", "first", 3)
    assert merged(row, Change(3, note=None)) == Row("Ada", None, 3)
