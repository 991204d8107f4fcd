"""When a review opens, is due, and is reminded of. Pure; quarters are those of UTC, as every day of the platform is."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

Every = Literal["quarter", "half_year", "year"]
_QUARTERS: dict[Every, frozenset[int]] = {
    "quarter": frozenset({1, 2, 3, 4}), "half_year": frozenset({1, 3}), "year": frozenset({1}),
}  # fmt: skip
WEEK_BEFORE, DUE_DAY = timedelta(days=8), timedelta(days=1)
"""How long before the end the letters leave: seven days before the day that is the last, and on it."""
UNUSED_AFTER = timedelta(days=90)
"""Access that was not used for so long is pointed at."""


class Quarter(msgspec.Struct, frozen=True, order=True):
    """A quarter of a year."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> "Quarter":
        """Return the quarter that a moment lies in, wherever its clock stands."""
        if moment.tzinfo is None:
            raise ValueError("A moment without a time zone lies in no quarter.")
        at = moment.astimezone(UTC)
        return cls(at.year, (at.month + 2) // 3)

    @property
    def period(self) -> str:
        """What it is called, as in 2026-Q4."""
        return f"{self.year}-Q{self.number}"

    @property
    def starts_at(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.number * 3 - 2, 1, tzinfo=UTC)

    def next(self) -> "Quarter":
        """Return the one after it."""
        return Quarter(self.year, self.number + 1) if self.number < 4 else Quarter(self.year + 1, 1)


def is_reviewed(every: Every, quarter: Quarter) -> bool:
    """Return whether a quarter begins with a review."""
    return quarter.number in _QUARTERS[every]


def next_reviewed(every: Every, quarter: Quarter) -> Quarter:
    """Return the first quarter after one that begins with a review."""
    found = quarter.next()
    while not is_reviewed(every, found):
        found = found.next()
    return found


def due_at(opened_at: datetime, days: int) -> datetime:
    """Return when a review ends: midnight (UTC) after the last day, which is so many days after its opening."""
    opened = opened_at.astimezone(UTC)
    return opened.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days + 1)


def letters_due(opened_at: datetime, ends_at: datetime, at: datetime) -> int:
    """Return how many letters should have left: one at the opening, one a week before, one on the last day.

    A letter whose moment was missed by another one's is not made up for: whoever is reminded today is reminded once.
    """
    if at >= ends_at - DUE_DAY:
        return 3
    return 2 if at >= ends_at - WEEK_BEFORE else 1 if at >= opened_at else 0


def is_unused(last_used_at: datetime | None, at: datetime) -> bool:
    """Return whether access lay idle: never used, or not for 90 days."""
    return last_used_at is None or at - last_used_at >= UNUSED_AFTER
