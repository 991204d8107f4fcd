"""Rows of a list: a page of them, or all of them one after another."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.desk.listing.asking import PAGE_SIZE, Asked
from stockade.commerce.desk.listing.composing import statement_for
from stockade.commerce.desk.listing.declaration import Column, Listing
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction


class Row(msgspec.Struct, frozen=True):
    """A row: its record's id, a value for each column that was asked for, its key, and its place in the order."""

    id: UUID
    cells: tuple[Any, ...]
    key: UUID
    place: Any


class Rows(msgspec.Struct, frozen=True):
    """A page of a list, and the cursors to the pages around it; None where there is none."""

    found: list[Row]
    next: str | None
    previous: str | None


async def read_page(tx: Transaction, listing: Listing, asked: Asked, *, today: date, size: int = PAGE_SIZE) -> Rows:
    """Answer a question with one page, by one statement."""
    backward = asked.before is not None
    found = await statement_for(listing, asked).all(tx, **_values(asked, today), count=size + 1)
    rows = [_row(asked.columns, values) for values in found]
    more = len(rows) > size
    rows = rows[:size][::-1] if backward else rows[:size]
    if not rows:
        return Rows([], None, None)
    first, last = asked.cursor(rows[0].place, rows[0].key), asked.cursor(rows[-1].place, rows[-1].key)
    return Rows(rows, last if more or backward else None, first if (more if backward else asked.after) else None)


async def stream(tx: Transaction, listing: Listing, asked: Asked, *, today: date) -> AsyncIterator[Row]:
    """Answer a question with every row, in bounded memory, as things are at this moment."""
    everything = msgspec.structs.replace(asked, after=None, before=None)
    async for values in statement_for(listing, everything, limited=False).stream(tx, **_values(everything, today)):
        yield _row(asked.columns, values)


async def ids_of(tx: Transaction, listing: Listing, asked: Asked, *, today: date, most: int) -> list[UUID]:
    """Return the ids of the first ``most`` rows that a question is answered with: what a bulk action is about."""
    bare = msgspec.structs.replace(asked, after=None, before=None, columns=())
    return [row[0] for row in await statement_for(listing, bare).all(tx, **_values(bare, today), count=most)]


def _values(asked: Asked, today: date) -> dict[str, Any]:
    place = asked.before or asked.after or (None, None)
    return asked.values | {"today": today, "place": place[0], "place_key": place[1]}


def _row(columns: Sequence[Column], values: Sequence[Any]) -> Row:
    taken = iter(values)
    cells = tuple(_cell(column, taken) for column in columns)
    key, place, record = taken
    return Row(record, cells, key, place)


def _cell(column: Column, values: Iterator[Any]) -> Any:
    value = next(values)
    if column.kind == "money":
        currency = next(values)
        return None if value is None else Money(value, currency)
    return value
