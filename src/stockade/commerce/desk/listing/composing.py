"""A question as SQL: composed once for each shape that is asked for. Every part is a constant; every value is bound."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from stockade.commerce.desk.listing.asking import Asked
from stockade.commerce.desk.listing.declaration import (
    SQL_TYPES,
    Choice,
    Column,
    Days,
    Entity,
    Filter,
    Flag,
    Listing,
    Records,
    Search,
)
from stockade.database.statements import Statement, raw


class Shape(msgspec.Struct, frozen=True):
    """What makes two questions the same statement: everything but the values."""

    listing: str
    columns: tuple[str, ...]
    sort: str
    ascending: bool
    given: frozenset[str]
    place: str
    """``<`` or ``>`` if the page goes on from a place, else empty."""
    limited: bool


def statement_for(listing: Listing, asked: Asked, *, limited: bool = True) -> Statement[Any]:
    """Return the statement that answers a question; its last columns are its key, place and record.

    Its parameters are the question's values, ``today``, ``place``, ``place_key`` and ``count``.
    """
    backward = asked.before is not None
    ascending = asked.descending == backward
    goes_on = asked.before is not None or asked.after is not None
    shape = Shape(
        listing.name, tuple(column.name for column in asked.columns), asked.sort.name, ascending,
        frozenset(asked.values), (">" if ascending else "<") if goes_on else "", limited,
    )  # fmt: skip
    return _composed(shape, _Listed(listing))


class _Listed:
    """A listing as a part of the cache's key: its name says which it is."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Listed) and other.listing is self.listing

    def __hash__(self) -> int:
        return id(self.listing)


@lru_cache(maxsize=2000)
def _composed(shape: Shape, listed: _Listed) -> Statement[Any]:
    listing = listed.listing
    columns = [listing.column(name) for name in shape.columns]
    sort = listing.column(shape.sort)
    names = _Names()
    filters = [wanted for wanted in listing.filters if _parameters(wanted) & shape.given]
    conditions = [listing.where, *(part for wanted in filters for part in _conditions(wanted, shape.given, names))]
    if shape.place:
        place = f"({names.bound('place', SQL_TYPES[sort.kind])}, {names.bound('place_key', 'uuid')})"
        conditions.append(f"({sort.sql}, {listing.key}) {shape.place} {place}")
    direction = "asc" if shape.ascending else "desc"
    needed = {need for part in (*columns, sort, *filters) for need in part.needs}
    joins = " ".join(text for name, text in listing.joins.items() if name in needed)
    selected = ", ".join([*(part for column in columns for part in _parts(column)), listing.key, sort.sql,
                          listing.record or listing.key])  # fmt: skip
    limit = f"limit {names.bound('count', 'int')}" if shape.limited else ""
    # Joins and filters may refer to the day, too.
    sql = (
        f"select {selected} from {listing.source} {joins} where {' and '.join(f'({part})' for part in conditions)} "
        f"order by {sort.sql} {direction}, {listing.key} {direction} {limit}"
    )
    if "{today}" in sql:
        sql = sql.replace("{today}", names.bound("today", "date"))
    return raw(sql, " ".join(names.known))


class _Names:
    """The parameters of a statement, numbered as they come up; ``$1`` is the tenant."""

    def __init__(self) -> None:
        self.known = ["this_tenant"]

    def bound(self, name: str, kind: str) -> str:
        """Return the placeholder of a parameter."""
        if name not in self.known:
            self.known.append(name)
        return f"${self.known.index(name) + 1}::{kind}"


def _parts(column: Column) -> tuple[str, ...]:
    return (column.sql, column.currency) if column.kind == "money" else (column.sql,)


def _parameters(wanted: Filter) -> frozenset[str]:
    if isinstance(wanted, Days):
        return frozenset({f"{wanted.name}_from", f"{wanted.name}_to"})
    return frozenset({wanted.name})


def _conditions(wanted: Filter, given: frozenset[str], names: _Names) -> Iterable[str]:
    if isinstance(wanted, Days):
        for end, sign in (("from", ">="), ("to", "<")):
            if (name := f"{wanted.name}_{end}") in given:
                day = names.bound(name, "date") + (" + 1" if end == "to" else "")
                yield f"{wanted.sql} {sign} " + (
                    f"({day})::timestamp at time zone 'UTC'" if wanted.moment else f"({day})"
                )
    elif isinstance(wanted, Flag):
        yield wanted.sql
    elif isinstance(wanted, Search | Choice | Entity | Records):
        kind = "uuid" if isinstance(wanted, Entity) else "text"
        yield wanted.sql.replace("{0}", names.bound(wanted.name, kind))
