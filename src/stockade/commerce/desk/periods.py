"""Periods that the dashboard tells of: a day, a week or a month, each against the same stretch of the one before.

A period that still runs is compared up to the same day: the first nine days of a month with the first nine of the last
one, never with all of it. Weeks begin on Monday (ISO 8601). Pure functions.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Literal

import msgspec

Length = Literal["day", "week", "month"]
_DAY = timedelta(days=1)


class Span(msgspec.Struct, frozen=True):
    """Days from ``first`` to ``last``, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


class Period(msgspec.Struct, frozen=True):
    """One period: ``so_far`` is what has passed of ``whole``, ``before`` the same stretch of the period before.

    ``run`` is the periods that lead up to this one, oldest first, itself the last.
    """

    length: Length
    whole: Span
    so_far: Span
    before: Span
    run: tuple[Span, ...]

    @property
    def is_running(self) -> bool:
        """Whether its last day has not come yet."""
        return self.so_far.last < self.whole.last


RUN: Mapping[Length, int] = {"day": 30, "week": 13, "month": 12}
"""How many periods are drawn."""
EARLIEST = date(1990, 1, 1)
"""No distributor's books begin before; it keeps the arithmetic away from the calendar's edge."""


def period_of(length: Length, on: date, today: date) -> Period:
    """Return the period that a day lies in; a day outside of what can be told is taken to its nearest one."""
    on = min(max(on, EARLIEST), today)
    whole = _spans[length](on)
    so_far = Span(whole.first, min(whole.last, today))
    earlier = _spans[length](whole.first - _DAY)
    # A month that is over is compared with all of the one before, even if that one is longer.
    passed = so_far.last - so_far.first
    before = earlier if so_far == whole else Span(earlier.first, min(earlier.first + passed, earlier.last))
    run = [so_far]
    while len(run) < RUN[length]:
        run.append(_spans[length](run[-1].first - _DAY))
    return Period(length, whole, so_far, before, tuple(reversed(run)))


def change_percent(now: int, before: int) -> int | None:
    """Return the change in whole per cent, rounded half up; None if there is nothing to compare with."""
    if before <= 0:
        return None
    return (200 * (now - before) + before) // (2 * before)


def _week(day: date) -> Span:
    first = day - timedelta(days=day.weekday())
    return Span(first, first + timedelta(days=6))


def _month(day: date) -> Span:
    return Span(day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))


_spans: Mapping[Length, Callable[[date], Span]] = {"day": lambda day: Span(day, day), "week": _week, "month": _month}
