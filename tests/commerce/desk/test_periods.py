"""Periods: a running one is compared with the same stretch of the one before, a finished one with all of it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.commerce.desk.periods import EARLIEST, RUN, Length, Span, change_percent, period_of

LENGTHS: tuple[Length, ...] = ("day", "week", "month")
DAYS = st.dates(date(1985, 1, 1), date(2100, 1, 1))


def test_a_running_month_is_compared_with_as_many_days_of_the_last_one() -> None:
    found = period_of("month", date(2026, 11, 9), date(2026, 11, 9))
    assert found.so_far == Span(date(2026, 11, 1), date(2026, 11, 9))
    assert found.before == Span(date(2026, 10, 1), date(2026, 10, 9))


def test_the_last_days_of_a_running_march_are_compared_with_no_more_than_february() -> None:
    found = period_of("month", date(2026, 3, 30), date(2026, 3, 30))
    assert found.before == Span(date(2026, 2, 1), date(2026, 2, 28))


def test_a_finished_february_is_compared_with_all_of_january() -> None:
    found = period_of("month", date(2026, 2, 3), date(2026, 11, 9))
    assert found.before == Span(date(2026, 1, 1), date(2026, 1, 31))


def test_a_week_begins_on_monday() -> None:
    found = period_of("week", date(2026, 11, 21), date(2026, 11, 21))
    assert found.so_far == Span(date(2026, 11, 16), date(2026, 11, 21))
    assert found.before == Span(date(2026, 11, 9), date(2026, 11, 14))


@pytest.mark.parametrize("length", LENGTHS)
@given(on=DAYS, today=st.dates(EARLIEST, date(2100, 1, 1)))
def test_the_run_is_without_gaps_and_ends_with_the_period(length: Length, on: date, today: date) -> None:
    found = period_of(length, on, today)
    assert len(found.run) == RUN[length]
    assert found.run[-1] == found.so_far
    assert found.so_far.last <= today
    for one, next_one in zip(found.run, found.run[1:], strict=False):
        assert one.last + timedelta(days=1) == next_one.first


@pytest.mark.parametrize(("now", "before", "change"), [(150, 100, 50), (50, 100, -50), (3, 8, -62), (5, 0, None)])
def test_a_change_is_whole_per_cent_and_needs_something_before(now: int, before: int, change: int | None) -> None:
    assert change_percent(now, before) == change
