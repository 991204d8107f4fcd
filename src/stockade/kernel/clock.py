"""Time: always aware, always UTC."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """Return this moment in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return today's date in UTC."""
    return now().date()
