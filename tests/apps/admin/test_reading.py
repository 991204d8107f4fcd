"""What people type becomes a command, or errors at its fields, all at once."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.access.fields import Email, ExpectedVersion, Quantity, Text80, Text2000, UnitPrice, checked_price
from stockade.apps.admin.reading import read_form, typed

ID = UUID("0198c0c0-0000-7000-8000-000000000001")


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    product_id: UUID
    quantity: Quantity


class Command(ExpectedVersion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Text80
    kind: Literal["a", "b"] = "a"
    email: Email | None = None
    price: UnitPrice | msgspec.UnsetType = msgspec.UNSET
    limit_minor: Annotated[int, msgspec.Meta(ge=0)] | None = None
    note: Text2000 | msgspec.UnsetType | None = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET
    lines: Annotated[list[Line], msgspec.Meta(min_length=1, max_length=3)] | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if self.price is not msgspec.UNSET:
            checked_price(self.price)


LEAST = {"name": "Ada", "expected_version": "1"}


def errors(fields: dict[str, str], **how: Any) -> dict[str, str]:
    read = read_form(LEAST | fields, Command, **how)
    assert read.command is None
    return read.errors


def command(fields: dict[str, str], **how: Any) -> Command:
    read = read_form(LEAST | fields, Command, **how)
    assert read.command is not None, read.errors
    return read.command


def test_every_wrong_field_is_told_at_once() -> None:
    found = errors({"name": "", "email": "nobody", "kind": "z", "limit_minor": "much"}, currency="EUR")
    assert set(found) == {"name", "email", "kind", "limit_minor"}
    assert found["name"] == "Fill this in."
    assert found["email"] == "Write it like ada@example.com."


def test_a_field_that_the_form_does_not_have_is_left_alone() -> None:
    read = command({})
    assert (read.price, read.note, read.active) == (msgspec.UNSET,) * 3


def test_an_emptied_field_is_none_where_that_is_allowed() -> None:
    assert command({"note": "", "email": ""}).note is None


def test_spaces_around_a_text_do_not_count() -> None:
    assert command({"name": "  Ada "}).name == "Ada"


@pytest.mark.parametrize(("locale", "text"), [("en", "1,234.50"), ("pl", "1 234,50")])
def test_amounts_are_typed_in_major_units_in_the_readers_language(locale: str, text: str) -> None:
    assert command({"limit_minor": text}, currency="EUR", locale=locale).limit_minor == 123450


def test_an_amount_with_more_places_than_its_currency_is_refused() -> None:
    assert "limit_minor" in errors({"limit_minor": "1.005"}, currency="EUR")
    assert "limit_minor" in errors({"limit_minor": "1.5"}, currency="JPY")


def test_a_price_beyond_its_bounds_is_told_at_its_field() -> None:
    assert set(errors({"price": "0.1234567"})) == {"price"}


def test_a_checkbox_is_true_false_or_not_there() -> None:
    assert [command(part).active for part in ({"active": "on"}, {"active": ""}, {})] == [True, False, msgspec.UNSET]


def test_numbered_lines_are_read_in_order_and_empty_ones_passed_over() -> None:
    read = command({"lines.10.product_id": str(ID), "lines.10.quantity": "2", "lines.2.product_id": str(ID),
                    "lines.2.quantity": "1", "lines.3.product_id": "", "lines.3.quantity": " "})  # fmt: skip
    assert [line.quantity for line in read.lines] == [1, 2]  # type: ignore[union-attr]


def test_an_error_in_a_line_names_the_line() -> None:
    assert set(errors({"lines.4.product_id": str(ID), "lines.4.quantity": "0"})) == {"lines.4.quantity"}


def test_too_many_lines_are_refused() -> None:
    lines = {
        f"lines.{n}.{part}": value for n in range(4) for part, value in (("product_id", str(ID)), ("quantity", "1"))
    }
    assert set(errors(lines)) == {""}


@given(
    st.dictionaries(
        st.sampled_from(["name", "email", "price", "limit_minor", "note", "active", "kind", "expected_version"]),
        st.text(max_size=30),
    )
)
def test_whatever_is_typed_is_a_command_or_an_error_and_never_a_crash(fields: dict[str, str]) -> None:
    read = read_form(LEAST | fields, Command, currency="EUR", locale="pl")
    assert (read.command is None) == bool(read.errors)


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (None, "x", ""), (True, "x", "on"), (False, "x", ""), (Decimal("1234.50"), "x", "1234.5"),
        (123450, "a_minor", "1234.5"), (7, "x", "7"),
    ],
)  # fmt: skip
def test_a_value_is_shown_as_it_would_be_typed(value: Any, name: str, text: str) -> None:
    assert typed(value, name, currency="EUR") == text
