"""The series of numbers that there are, and how a tenant wants them to begin.

A number is never left out and never given twice. So a prefix, and the first number, can be set for as long as no number
of the period was taken; afterwards from the next period on.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from stockade.commerce.numbering.model import Counter, Series
from stockade.database.statements import TENANT, param, statement
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict
from stockade.kernel.words import N_, said
from stockade.tenancy.transaction import Transaction, on_violation


class Kind(msgspec.Struct, frozen=True):
    """A series: what it is called, how its numbers usually begin, and whether it starts anew each year.

    ``fixed`` prefixes stay as they are: the numbers of customers may also be written by hand.
    """

    label: str
    prefix: str
    digits: int = 6
    yearly: bool = True
    fixed: bool = False

    def period(self) -> str:
        """Return the period that numbers are counted in now."""
        return str(today().year) if self.yearly else ""

    def number(self, prefix: str, period: str, sequence: int) -> str:
        """Return how a number is written: ``INV-2026-000123``."""
        return "-".join(part for part in (prefix, period, f"{sequence:0{self.digits}d}") if part)


KINDS: Mapping[str, Kind] = {
    "order": Kind(N_("Orders"), "SO"),
    "shipment": Kind(N_("Shipments"), "SH"),
    "INV": Kind(N_("Invoices"), "INV"),
    "CN": Kind(N_("Credit notes"), "CN"),
    "count": Kind(N_("Stock counts"), "SC"),
    "customer": Kind(N_("Customers"), "C", digits=5, yearly=False, fixed=True),
}
"""Every series by its name in the counter."""


class SeriesInUse(Conflict):
    """A number of this period was given already; to begin elsewhere would leave a gap, or give one twice."""

    type = "/problems/numbering/series-in-use"
    title = "Numbers of this series were given already"


class PrefixTaken(Conflict):
    """Two series that begin alike could give the same number."""

    type = "/problems/numbering/prefix-taken"
    title = "Another series begins like this"


on_violation("series_tenant_id_prefix_key", PrefixTaken)


class SeriesView(msgspec.Struct, frozen=True):
    """A series in its current period. ``open`` says whether prefix and next number can still be set."""

    series: str
    label: str
    prefix: str
    period: str
    next: int
    next_number: str
    yearly: bool
    open: bool


class SeriesSetting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the numbers of a series are to begin, and with which."""

    series: Literal["order", "shipment", "INV", "CN", "customer", "count"]
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9]{0,7}(?!\n)$", examples=["INV"])]
    next: Annotated[int, msgspec.Meta(ge=1, le=999_999_999)] = 1


class _Counted(msgspec.Struct, frozen=True):
    series: str
    period: str
    last: int


class _Setting(msgspec.Struct, frozen=True):
    series: str
    prefix: str
    period: str
    first: int


_COUNTERS = statement(
    select(Counter.series, Counter.period, Counter.last).where(
        Counter.tenant_id == TENANT, or_(Counter.period == "", Counter.period == param("period"))
    ),
    _Counted,
)
_SETTINGS = statement(
    select(Series.series, Series.prefix, Series.period, Series.first).where(Series.tenant_id == TENANT), _Setting
)
_FIRST = insert(Counter).values(tenant_id=TENANT, series=param("series"), period=param("period"), last=param("last"))
_BEGIN = statement(
    _FIRST.on_conflict_do_update(
        index_elements=(Counter.tenant_id, Counter.series, Counter.period),
        set_={"last": _FIRST.excluded.last},
        where=Counter.last == param("unused"),
    )
)
_given = insert(Series).values(
    tenant_id=TENANT, id=param("id"), series=param("series"), prefix=param("prefix"), period=param("period"),
    first=param("first"),
)  # fmt: skip
_SET = statement(
    _given.on_conflict_do_update(
        index_elements=(Series.tenant_id, Series.series),
        set_={name: getattr(_given.excluded, name) for name in ("prefix", "period", "first")},
    )
)


async def list_series(tx: Transaction) -> list[SeriesView]:
    """Return every series as it stands in its current period."""
    period = KINDS["order"].period()
    counted = {(row.series, row.period): row.last for row in await _COUNTERS.all(tx, period=period)}
    settings = {row.series: row for row in await _SETTINGS.all(tx)}
    return [_viewed(series, kind, counted, settings.get(series)) for series, kind in KINDS.items()]


async def set_series(tx: Transaction, setting: SeriesSetting) -> SeriesView:
    """Set how a series begins. Raises ``SeriesInUse``, ``PrefixTaken``."""
    series, kind = setting.series, KINDS[setting.series]
    before = {view.series: view for view in await list_series(tx)}
    if not before[series].open:
        raise SeriesInUse
    taken = {view.prefix for view in before.values() if view.series != series}
    taken |= {other.prefix for name, other in KINDS.items() if name != series}
    if setting.prefix in taken:
        raise PrefixTaken(said("Another series begins with {prefix}.", prefix=setting.prefix), field="prefix")
    if kind.fixed and setting.prefix != kind.prefix:
        raise SeriesInUse("The numbers of customers keep their beginning.", field="prefix")
    period = kind.period()
    # The first number may be taken while we look: then the counter is not as we saw it, and nothing is changed.
    if not await _BEGIN.run(tx, series=series, period=period, last=setting.next - 1, unused=before[series].next - 1):
        raise SeriesInUse
    await _SET.run(tx, id=new_id(), series=series, prefix=setting.prefix, period=period, first=setting.next)
    return next(view for view in await list_series(tx) if view.series == series)


def _viewed(series: str, kind: Kind, counted: Mapping[tuple[str, str], int], setting: _Setting | None) -> SeriesView:
    period = kind.period()
    last = counted.get((series, period))
    prefix = setting.prefix if setting else kind.prefix
    begun_at = setting.first if setting and setting.period == period else 1
    following = begun_at if last is None else last + 1
    is_open = last is None or (setting is not None and setting.period == period and last == setting.first - 1)
    number = kind.number(prefix, period, following)
    return SeriesView(series, kind.label, prefix, period, following, number, kind.yearly, is_open)
