"""What was asked of a list, as it stands in the address: so that a list is linked, kept and exported as it is seen."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from stockade.access.pages import decode_cursor, encode_cursor
from stockade.commerce.desk.listing.declaration import (
    Column,
    Days,
    Entity,
    Filter,
    Flag,
    Kind,
    Listing,
    Records,
    Search,
)
from stockade.kernel.problems import Invalid
from stockade.kernel.words import said

MOST_LETTERS = 100
MOST_RECORDS = 100
PAGE_SIZE = 50
Value = str | date | UUID
_PLACE_TYPES: Mapping[Kind, type] = {
    "money": int, "quantity": int, "percent": Decimal, "price": Decimal, "day": date, "moment": datetime, "flag": bool,
}  # fmt: skip


class Asked(msgspec.Struct, frozen=True):
    """A question to a list: values by the filter's parameter, columns, the order, and the place to go on from."""

    values: dict[str, Value]
    columns: tuple[Column, ...]
    sort: Column
    descending: bool
    after: tuple[Any, UUID] | None = None
    before: tuple[Any, UUID] | None = None
    chosen_columns: bool = False

    def address(self, listing: Listing, **changed: Any) -> str:
        """Return the query of this question with some parameters changed; None and "" take one away."""
        sort = ("-" if self.descending else "") + self.sort.name
        given: dict[str, Any] = {name: str(value) for name, value in self.values.items()}
        given["sort"] = sort if sort != listing.sort else None
        given["columns"] = ",".join(column.name for column in self.columns) if self.chosen_columns else None
        return urlencode({name: value for name, value in (given | changed).items() if value not in (None, "")})

    def cursor(self, place: Any, key: UUID) -> str:
        """Return the cursor of a row."""
        return encode_cursor(place, key)


def asked_of(listing: Listing, query: Mapping[str, str], may: Callable[[str], bool]) -> Asked:
    """Read a question from an address; ``Invalid`` names the parameter that cannot be understood.

    What the person may not see is not there: a column of it in the address is passed over.
    """
    allowed = [column for column in listing.columns if not column.permission or may(column.permission)]
    values: dict[str, Value] = {}
    for wanted in listing.filters:
        if not wanted.permission or may(wanted.permission):
            values |= _values_of(wanted, query)
    names = [name for name in query.get("columns", "")[:1000].split(",") if name]
    columns = [column for column in allowed if column.name in names]
    chosen = any(column.link or column.kind in ("code", "text") for column in columns)
    sort = query.get("sort", "") or listing.sort
    by = next((column for column in allowed if column.sort and column.name == sort.removeprefix("-")), None)
    if by is None:
        raise Invalid("The list cannot be sorted by this.", field="sort")
    place = (_PLACE_TYPES.get(by.kind, str), UUID)
    after, before = query.get("after"), query.get("before")
    return Asked(
        values, tuple(columns if chosen else (column for column in allowed if column.shown)), by, sort.startswith("-"),
        after=_place(after, place), before=None if after else _place(before, place), chosen_columns=chosen,
    )  # fmt: skip


def _place(cursor: str | None, types: tuple[Any, ...]) -> tuple[Any, UUID] | None:
    return decode_cursor(cursor[:1000], types) if cursor else None


def _values_of(wanted: Filter, query: Mapping[str, str]) -> dict[str, Value]:
    if isinstance(wanted, Days):
        ends = {f"{wanted.name}_{end}": query.get(f"{wanted.name}_{end}", "") for end in ("from", "to")}
        return {name: _day(text, name) for name, text in ends.items() if text}
    text = query.get(wanted.name, "").strip()
    if not text:
        return {}
    if isinstance(wanted, Search):
        if len(text) > MOST_LETTERS or not text.isprintable():
            raise Invalid(said("Search for at most {most} letters.", most=MOST_LETTERS), field="q")
        return {"q": text}
    if isinstance(wanted, Entity):
        return {wanted.name: _id(text, wanted.name)}
    if isinstance(wanted, Records):
        return {wanted.name: ",".join(str(_id(part, wanted.name)) for part in text.split(",", MOST_RECORDS))}
    if text not in (("1",) if isinstance(wanted, Flag) else wanted.options):
        raise Invalid("The list cannot be filtered by this.", field=wanted.name)
    return {wanted.name: text}


def _day(text: str, name: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Invalid("This is no date: write it like 2026-11-21.", field=name) from None
    if not 1900 <= day.year <= 2999:
        raise Invalid("This is no date: write it like 2026-11-21.", field=name)
    return day


def _id(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("This names no record.", field=name) from None
