"""Bounded field types: what a request may hold, so that nothing malformed reaches a rule or the database.

They are msgspec annotations. Decoding refuses what lies outside with 422 and the path of the field, and the same bounds
stand in the OpenAPI description. Texts hold no control characters: PostgreSQL refuses NUL, terminals obey escape
sequences, and bidirectional overrides make a name read as another one (CVE-2021-42574).

msgspec cannot bound a ``Decimal``: a struct with one calls ``checked_price`` or ``checked_percent`` in its
``__post_init__``; the refusal (``ValueError``) then becomes a 422 like any other.
"""

from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec
from litestar.params import QueryParameter

Row = TypeVar("Row", bound=msgspec.Struct)

_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_CONTROL_BUT_BREAKS = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069"
# Python's "$" also matches before a final line break, JSON Schema's does not: the lookahead makes both mean the end.
_END = r"(?!\n)$"
_LINE = rf"^[^\s{_CONTROL}](?:[^{_CONTROL}]*[^\s{_CONTROL}])?{_END}"
_LINES = rf"^[^{_CONTROL_BUT_BREAKS}]*$"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+{_END}"

MAX_QUANTITY = 1_000_000
MAX_MINOR = 10**15
MAX_PRICE = Decimal(10**12)
PRICE_PLACES = 6
PERCENT_PLACES = 3
MAX_DECIMAL_DIGITS = 40
"""A price or a percentage written with more digits than this is refused unread."""

Text80 = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=_LINE)]
"""One line of 1 to 80 characters that neither begins nor ends with a space."""
Text200 = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_LINE)]
"""One line of 1 to 200 characters that neither begins nor ends with a space."""
Text2000 = Annotated[str, msgspec.Meta(max_length=2000, pattern=_LINES)]
"""Up to 2,000 characters in any number of lines; it may be empty."""
Search = Annotated[str | None, QueryParameter(min_length=1, max_length=80, pattern=_LINE)]
"""A query parameter, ``search: Search = None``: what somebody looks for, one line.

The bounds stand outside of the union on purpose: those of ``Annotated[str, ...] | None`` Litestar does not enforce, and
a NUL would reach the database.
"""

Quantity = Annotated[int, msgspec.Meta(ge=1, le=MAX_QUANTITY)]
"""How many units; at least one."""
SignedQuantity = Annotated[int, msgspec.Meta(ge=-MAX_QUANTITY, le=MAX_QUANTITY)]
"""How many units come (positive) or go (negative)."""
MinorAmount = Annotated[int, msgspec.Meta(ge=0, le=MAX_MINOR)]
"""An amount in a currency's minor unit, not negative."""
Version = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
"""The version of a row, as its reader saw it."""

UnitPrice = Annotated[
    Decimal,
    msgspec.Meta(
        description="A price per unit in major units of the currency, 0 to 1000000000000, with up to 6 decimal places.",
        examples=["12.50"],
    ),
]
"""A price per unit in major units; its struct calls ``checked_price``."""
Percent = Annotated[
    Decimal, msgspec.Meta(description="Per cent, 0 to 100, with up to 3 decimal places.", examples=["20"])
]
"""Per cent; its struct calls ``checked_percent``."""

CurrencyCode = Annotated[str, msgspec.Meta(min_length=3, max_length=3, pattern=r"^[A-Z]{3}$", examples=["EUR"])]
"""Shaped like an ISO 4217 code; whether it is one, the rule of its slice says."""
CountryCode = Annotated[str, msgspec.Meta(min_length=2, max_length=2, pattern=r"^[A-Z]{2}$", examples=["DE"])]
"""Shaped like an ISO 3166-1 alpha-2 code; whether it is one, the rule of its slice says."""
Email = Annotated[str, msgspec.Meta(max_length=254, pattern=_EMAIL, examples=["ada@example.com"])]
"""An e-mail address as HTML defines it, with a dot in its domain. Kept as ``lowered`` returns it."""
Phone = Annotated[str, msgspec.Meta(min_length=3, max_length=40, pattern=rf"^\+?[0-9 ()./-]{{2,}}{_END}")]
"""A telephone number with its usual separators."""


class ExpectedVersion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an action on a row: the version that the caller has read."""

    expected_version: Version


def checked_price(value: Decimal) -> Decimal:
    """Return the price if it is finite, 0 to 10^12, with six decimal places at most; else raise ``ValueError``."""
    if not _within(value, MAX_PRICE, PRICE_PLACES):
        raise ValueError("A price is 0 to 1000000000000 with up to 6 decimal places")
    return value


def checked_percent(value: Decimal) -> Decimal:
    """Return the percentage if it is 0 to 100 with three decimal places at most; else raise ``ValueError``."""
    if not _within(value, Decimal(100), PERCENT_PLACES):
        raise ValueError("A percentage is 0 to 100 with up to 3 decimal places")
    return value


def lowered(email: str | None) -> str | None:
    """Return an e-mail address as it is kept and compared: in lower case."""
    return email.lower() if email is not None else None


def merged(row: Row, change: msgspec.Struct) -> Row:
    """Return the row with what the change names, in fields of the same names; what the change leaves out stays."""
    given = {name: getattr(change, name) for name in change.__struct_fields__ if name in row.__struct_fields__}
    return msgspec.structs.replace(row, **{name: value for name, value in given.items() if value is not msgspec.UNSET})


def _within(value: Decimal, most: Decimal, places: int) -> bool:
    shape = value.as_tuple()
    if not isinstance(shape.exponent, int) or len(shape.digits) > MAX_DECIMAL_DIGITS:
        return False  # not a number, or endless digits
    # "0E+999999" is a short text that PostgreSQL and Decimal arithmetic refuse to write out.
    return -places <= shape.exponent <= len(str(MAX_PRICE)) and 0 <= value <= most
