"""Numbers for documents and customers, taken in the transaction that uses them."""

from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Insert, insert

from stockade.commerce.numbering.model import Counter, Series
from stockade.database.statements import TENANT, Statement, param, statement
from stockade.tenancy.transaction import Transaction

_KEY = (Counter.tenant_id, Counter.series, Counter.period)
_FIRST: Insert = insert(Counter).values(tenant_id=TENANT, series=param("series"), period=param("period"))
_ONE_MORE = _FIRST.values(last=1).on_conflict_do_update(index_elements=_KEY, set_={"last": Counter.last + 1})
_NEXT = statement(_ONE_MORE.returning(Counter.last), int)
_PREFIX = select(Series.prefix).where(Series.tenant_id == TENANT, Series.series == param("series")).scalar_subquery()


class Taken(msgspec.Struct, frozen=True):
    """A number of a series, and how the tenant's numbers of it begin; None for the usual way."""

    sequence: int
    prefix: str | None


_TAKE = statement(_ONE_MORE.returning(Counter.last.label("sequence"), _PREFIX.label("prefix")), Taken)
_given = _FIRST.values(last=param("number"))
_PASS_OVER: Statement[Any] = statement(
    _given.on_conflict_do_update(index_elements=_KEY, set_={"last": func.greatest(Counter.last, _given.excluded.last)})
)


async def next_number(tx: Transaction, series: str, period: str) -> int:
    """Return the next number of the tenant's ``series`` in ``period``, from 1.

    A series that never starts anew has the period ``""``. The counter stays locked until COMMIT and a rollback gives
    the number back, so that no gap can appear. Where many wait for one series, let this be the last statement.
    """
    return await _NEXT.one(tx, series=series, period=period)


async def take(tx: Transaction, series: str, period: str) -> Taken:
    """Return what ``next_number`` does, and the series' prefix."""
    return await _TAKE.one(tx, series=series, period=period)


async def pass_over(tx: Transaction, series: str, period: str, number: int) -> None:
    """Let the series go on after ``number``, which somebody chose by hand; never backwards."""
    await _PASS_OVER.run(tx, series=series, period=period, number=number)
