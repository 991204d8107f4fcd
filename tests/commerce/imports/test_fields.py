"""Cells are read as people mean them, and columns found by what people call them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.commerce.imports.fields import Reader, Source, decimal_in, decimals_in, guessed, plainly
from stockade.commerce.imports.rejects import harmless
from stockade.commerce.imports.targets import TARGETS
from stockade.commerce.imports.targets.products import Products

PRODUCTS = Products()


@pytest.mark.parametrize(("text", "decimals", "value"), [
    ("1,234.50", ".", "1234.50"), ("1 234,50", ",", "1234.50"), ("1.234,50", ",", "1234.50"), ("12", ",", "12"),
    ("€ 12.50", ".", "12.50"), ("12,50 zł", ",", "12.50"), ("-3", ".", "-3"), ("1'000.5", ".", "1000.5"),
    (".5", ".", "0.5"),
])  # fmt: skip
def test_a_number_is_read_as_it_is_written(text: str, decimals: str, value: str) -> None:
    assert decimal_in(text, decimals) == Decimal(value)


@pytest.mark.parametrize(("text", "decimals"), [
    ("1,5", "."), ("1.5", ","), ("1,2345", "."), ("12,34,56", "."), ("NaN", "."), ("1e9", "."), ("abc", "."),
    ("--1", "."), ("٣", "."), ("1" * 60, "."), ("-", "."), ("", "."), ("=1+1", "."),
])  # fmt: skip
def test_what_could_be_read_two_ways_is_no_number(text: str, decimals: str) -> None:
    with pytest.raises(ValueError):
        decimal_in(text, decimals)


@given(st.decimals(0, 10**9, places=2), st.sampled_from([".", ","]))
def test_a_written_number_comes_back(value: Decimal, decimals: str) -> None:
    assert decimal_in(str(value).replace(".", decimals), decimals) == value


def test_the_decimal_mark_is_the_one_that_most_numbers_have() -> None:
    assert decimals_in(["1,50", "2,75", "3"]) == ","
    assert decimals_in(["1.50", "2,000.75", "x"]) == "."
    assert decimals_in([]) == "."


@pytest.mark.parametrize(("header", "fields"), [
    (["Stock code", "Product name", "Unit price", "VAT rate"], ["sku", "name", "list_price", "vat_category"]),
    (["INDEKS", "Nazwa towaru", "CENA NETTO", "Stawka VAT"], ["sku", "name", "list_price", "vat_category"]),
    (["nr", "j.m.", "Kod kreskowy", "Stan minimalny"], ["", "unit", "barcode", "reorder_point"]),
])  # fmt: skip
def test_columns_are_found_by_what_people_call_them(header: list[str], fields: list[str]) -> None:
    found = guessed(header, PRODUCTS.fields)
    assert {name: source.column for name, source in found.items()} == {
        name: at for at, name in enumerate(fields) if name
    }  # fmt: skip


def test_no_column_is_taken_twice() -> None:
    assert len(guessed(["Code", "Code"], TARGETS["products"].fields)) == 1


def test_every_synonym_is_written_as_it_is_compared() -> None:
    for target in TARGETS.values():
        for field in target.fields:
            assert all(plainly(name) for name in field.synonyms), field.name


def test_all_that_is_wrong_with_a_line_is_said_at_once() -> None:
    mapped = {name: Source(column=at) for at, name in enumerate(("sku", "list_price", "stocked", "barcode"))}
    reader = Reader(PRODUCTS.fields, PRODUCTS.types, mapped, ".")
    values, reasons = reader.read(["bad sku", "x", "perhaps", "1", "more"], 4)
    assert values == {}
    assert {reason.field: reason.said() for reason in reasons} == {
        "": "The line has more cells than the header.", "sku": "This is not written as it has to be.",
        "list_price": "Write a number.", "stocked": "Write yes or no.", "barcode": "At least 8 characters.",
    }  # fmt: skip


@given(st.text(max_size=30))
def test_no_cell_of_the_rejects_is_taken_for_a_formula(text: str) -> None:
    made = harmless(text)
    assert not made.startswith(("=", "@", "\t", "\r"))
    assert made.lstrip("'") == text.lstrip("'")
    if made[:1] in ("+", "-"):
        assert Decimal(made) is not None
