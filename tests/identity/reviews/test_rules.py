"""When a review opens, is due and reminds: quarters begin in UTC, wherever a clock stands."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from stockade.identity.reviews.rules import Quarter, due_at, is_reviewed, is_unused, letters_due, next_reviewed

OPENED = datetime(2026, 10, 1, 0, 5, tzinfo=UTC)


def test_a_quarter_begins_and_ends_with_its_midnight() -> None:
    assert Quarter.of(datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)).period == "2026-Q4"
    assert Quarter.of(datetime(2027, 1, 1, tzinfo=UTC)).period == "2027-Q1"
    assert Quarter.of(datetime(2026, 3, 31, 23, 59, tzinfo=UTC)).period == "2026-Q1"
    assert Quarter(2026, 4).starts_at == datetime(2026, 10, 1, tzinfo=UTC)
    assert Quarter(2026, 4).next() == Quarter(2027, 1)


@pytest.mark.parametrize(
    ("hours", "period"), [(14, "2026-Q4"), (2, "2026-Q4"), (0, "2027-Q1"), (-1, "2027-Q1"), (-11, "2027-Q1")]
)
def test_clocks_ahead_of_utc_are_still_in_the_old_quarter(hours: int, period: str) -> None:
    assert Quarter.of(datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=hours)))).period == period


def test_a_moment_without_a_zone_lies_in_no_quarter() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Quarter.of(datetime(2026, 10, 1))  # that is what is refused


def test_a_longer_period_skips_quarters() -> None:
    quarters = [Quarter(2026, number) for number in (1, 2, 3, 4)]
    assert [is_reviewed("quarter", item) for item in quarters] == [True] * 4
    assert [is_reviewed("half_year", item) for item in quarters] == [True, False, True, False]
    assert [is_reviewed("year", item) for item in quarters] == [True, False, False, False]
    assert next_reviewed("year", Quarter(2026, 1)) == Quarter(2027, 1)
    assert next_reviewed("half_year", Quarter(2026, 1)) == Quarter(2026, 3)


def test_the_last_day_counts_to_its_end() -> None:
    assert due_at(OPENED, 21) == datetime(2026, 10, 23, tzinfo=UTC)
    assert due_at(OPENED.astimezone(timezone(timedelta(hours=9))), 21) == datetime(2026, 10, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hour", "due"), [(1, 1, 1), (14, 23, 1), (15, 0, 2), (21, 23, 2), (22, 0, 3), (22, 23, 3), (24, 0, 3)]
)
def test_letters_leave_at_the_opening_seven_days_before_the_last_day_and_on_it(day: int, hour: int, due: int) -> None:
    assert letters_due(OPENED, due_at(OPENED, 21), datetime(2026, 10, day, hour, tzinfo=UTC)) == due


def test_a_short_review_is_reminded_of_once_a_day_at_most() -> None:
    assert letters_due(OPENED, due_at(OPENED, 7), OPENED) == 2


def test_never_used_and_ninety_days_are_unused() -> None:
    assert is_unused(None, OPENED)
    assert is_unused(OPENED - timedelta(days=90), OPENED)
    assert not is_unused(OPENED - timedelta(days=89, hours=23), OPENED)
