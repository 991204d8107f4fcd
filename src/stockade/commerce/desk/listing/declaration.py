"""What a list is: where its rows come from, which columns it can show, by what it can be filtered and sorted."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import msgspec

from stockade.access.permissions import Permission

Kind = Literal["text", "code", "money", "quantity", "percent", "price", "day", "moment", "flag", "badge", "list"]
Badge = tuple[str, str, str]
"""What a value is called, its tone (good, bad, warn, info, hollow or empty), and its icon or empty."""
SQL_TYPES: Mapping[Kind, str] = {
    "text": "text", "code": "text", "badge": "text", "money": "bigint", "quantity": "bigint", "percent": "numeric",
    "price": "numeric", "day": "date", "moment": "timestamptz", "flag": "boolean",
}  # fmt: skip
FIGURES: frozenset[Kind] = frozenset({"money", "quantity", "percent", "price"})
"""The kinds that stand right-aligned."""


class Column(msgspec.Struct, frozen=True):
    """One column: what it is called, the SQL expression that it shows, and how.

    ``money`` is in minor units of ``currency`` (an expression, too). ``link`` makes it the row's link, with ``{id}``
    for its key. ``needs`` names the joins of the listing that the expression refers to. Without its ``permission`` a
    column is not there: not shown, not offered, not sorted by, not exported.
    """

    name: str
    label: str
    sql: str
    kind: Kind = "text"
    sort: bool = False
    link: str = ""
    currency: str = ""
    shown: bool = True
    permission: str = ""
    badges: Mapping[str, Badge] = {}
    needs: tuple[str, ...] = ()

    @property
    def is_figure(self) -> bool:
        """Whether it stands right-aligned."""
        return self.kind in FIGURES


class _Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What filters share: in ``sql``, ``{0}`` is the value and ``{today}`` the day; without its ``permission`` a filter
    is not there."""

    kind: ClassVar[str]
    needs: tuple[str, ...] = ()
    permission: str = ""


class Search(_Filter, frozen=True):
    """Free text, ``?q=``."""

    sql: str
    label: str
    kind: ClassVar[str] = "search"
    name: ClassVar[str] = "q"


class Choice(_Filter, frozen=True):
    """One of some values. ``tabs=True`` draws them as tabs over the list."""

    name: str
    label: str
    options: Mapping[str, str]
    sql: str
    tabs: bool = False
    kind: ClassVar[str] = "choice"


class Flag(_Filter, frozen=True):
    """Only rows of which something is true, ``?late=1``."""

    name: str
    label: str
    sql: str
    kind: ClassVar[str] = "flag"


class Days(_Filter, frozen=True):
    """From one day to another, both included, ``?placed_from=…&placed_to=…``; of a moment, its day in UTC."""

    name: str
    label: str
    sql: str
    moment: bool = False
    kind: ClassVar[str] = "days"


class Entity(_Filter, frozen=True):
    """Rows that belong to one record, ``?customer=<id>``. ``shown`` selects what the record is called, for the page."""

    name: str
    label: str
    sql: str
    look_up: str
    shown: str = ""
    kind: ClassVar[str] = "entity"


class Records(_Filter, frozen=True):
    """Some records by their ids, ``?only=<id>,<id>``: what was chosen by hand, to be downloaded."""

    sql: str
    kind: ClassVar[str] = "records"
    name: ClassVar[str] = "only"


Filter = Search | Choice | Flag | Days | Entity | Records


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A list of records that can be searched, filtered, sorted, paged and exported.

    ``source`` is the FROM clause, ``joins`` are parts of it that are there when a column or filter needs them. Each
    table in them names its tenant (``tenant_id = $1``) besides its policy. ``key`` is the row's id (uuid); together
    with the column that is sorted by it says where a page goes on, so that any depth costs the same; so no two rows may
    share it. ``record`` is the id that links mean, where that is not the row's own.
    """

    name: str
    address: str
    permission: Permission
    source: str
    where: str
    key: str
    columns: Sequence[Column]
    filters: Sequence[Filter] = ()
    joins: Mapping[str, str] = {}
    sort: str
    record: str = ""

    def __post_init__(self) -> None:
        known = {column.name for column in self.columns if column.sort}
        if self.sort.removeprefix("-") not in known:
            raise TypeError(f"The list {self.name} is sorted by {self.sort}, which is no sortable column of it.")
        for part in (*self.columns, *self.filters):
            if unknown := set(part.needs) - set(self.joins):
                raise TypeError(f"The list {self.name} has no join {unknown}.")

    def column(self, name: str) -> Column:
        """Return a column; ``KeyError`` if there is none of the name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
