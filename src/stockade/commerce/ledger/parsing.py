"""From a file's values to a ledger's: text cleaned, prices exact, moments in UTC, each distinct value read once.

A ledger repeats itself (a million lines know some thousand codes, prices and minutes), so each chunk's columns are
dictionary-encoded and a plain function reads each distinct value: exact and readable at the speed of columns.

What a value must be:
- **price**: a decimal, counted in millionths of the currency's major unit. Floats are taken at the shortest decimal
  that reads back as the same float, rounded half up to the mapping's ``price_places``; where that moves the value by
  more than a float's dirt (a thousandth of the last place), the line is refused. Text must be exact.
- **quantity**: a whole number within PostgreSQL's integer. Their product must fit 64 bits in millionths.
- **date**: a moment; without a zone it is local time in the mapping's zone. Its year is 1900 to 2199.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from stockade.commerce.ledger.arrow import pa, pc
from stockade.commerce.ledger.mapping import MOST_PRICE_PLACES, Mapping, is_currency
from stockade.commerce.ledger.reading import Chunk

MICRO = 10**MOST_PRICE_PLACES
LONGEST_KEY = 64
LARGEST_QUANTITY = 2**31 - 1
LARGEST_PRICE = Decimal(10**9)
PLAUSIBLE_YEARS = range(1900, 2200)
LARGEST_AMOUNT_MICRO = 9e18  # a little under 2**63, so that rounding half a minor unit up cannot overflow


class Reason(StrEnum):
    """Why a line is rejected; the mapping's rules add reasons of their own."""

    MALFORMED_RECORD = "malformed-record"  # too few or too many fields
    NO_DOCUMENT_NUMBER = "no-document-number"
    NO_CODE = "no-code"
    UNREADABLE_DATE = "unreadable-date"
    UNREADABLE_QUANTITY = "unreadable-quantity"
    UNREADABLE_PRICE = "unreadable-price"  # or more decimals than the mapping declares
    UNREADABLE_CURRENCY = "unreadable-currency"
    OVERLONG_KEY = "overlong-key"  # document number, code or customer
    AMOUNT_TOO_LARGE = "amount-too-large"
    ANOTHER_CUSTOMER = "another-customer-in-the-document"
    ANOTHER_CURRENCY = "another-currency-in-the-document"
    NO_RULE = "no-rule-matches"
    NO_QUANTITY = "quantity-zero"  # moves neither goods nor money, and no document has room for it


class Parser:
    """Reads the chunks of one ledger under one mapping."""

    def __init__(self, mapping: Mapping) -> None:
        self._columns = mapping.columns
        self._mapping = mapping
        self._zone = ZoneInfo(mapping.timezone)
        self._integral = re.compile(r"[+-]?\d+(?:\.0*)?")
        self._number = re.compile(rf"[+-]?\d*(?:{re.escape(mapping.text.decimal)}\d*)?(?:[eE][+-]?\d{{1,2}})?")

    def parse(self, chunk: Chunk) -> tuple[pa.Table, pa.Table]:
        """Return the lines that can be read, and number and reason of those that cannot.

        Lines: line (int64), document, code, description, customer, country, currency (dictionaries of text; the last
        but two nullable), at (timestamp in microseconds, UTC), quantity, price_micro (int64).
        """
        lines = self._values(chunk)
        problem = _first_true(
            [
                (pc.is_null(lines["document"]), Reason.NO_DOCUMENT_NUMBER),
                (pc.is_null(lines["code"]), Reason.NO_CODE),
                (_overlong(lines), Reason.OVERLONG_KEY),
                (pc.is_null(lines["at"]), Reason.UNREADABLE_DATE),
                (pc.is_null(lines["quantity"]), Reason.UNREADABLE_QUANTITY),
                (pc.is_null(lines["price_micro"]), Reason.UNREADABLE_PRICE),
                (pc.is_null(lines["currency"]), Reason.UNREADABLE_CURRENCY),
                (_too_large(lines["quantity"], lines["price_micro"]), Reason.AMOUNT_TOO_LARGE),
            ]
        )
        good = pc.is_null(problem)
        rejects = pa.table({"line": lines["line"], "reason": problem}).filter(pc.invert(good))
        malformed = pa.table(
            {
                "line": pa.array([number for number, _ in chunk.malformed], pa.int64()),
                "reason": pa.array([str(Reason.MALFORMED_RECORD)] * len(chunk.malformed), pa.string()),
            }
        )
        return (lines if pc.all(good).as_py() is not False else lines.filter(good)), pa.concat_tables(
            [rejects, malformed]
        )

    def _values(self, chunk: Chunk) -> pa.Table:
        """Return every column read; null where a value is missing or cannot be read."""
        names, rows = self._columns, chunk.rows
        code = _upper if self._mapping.upper_case_codes else _text

        def column(name: str | None, read: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
            return pa.nulls(len(rows), kind) if name is None else distinct(rows.column(name), read, kind)

        text = pa.string()
        if names.currency is None:
            currency = pa.array([self._mapping.currency] * len(rows), text)
        else:
            currency = column(names.currency, _currency, text)
        return pa.table(
            {
                "line": chunk.numbers,
                "document": column(names.document, _key, text),
                "code": column(names.code, code, text),
                "description": column(names.description, _words, text),
                "customer": column(names.customer, _key, text),
                "country": column(names.country, _words, text),
                "currency": currency,
                "at": column(names.date, self._moment, pa.timestamp("us", "UTC")),
                "quantity": column(names.quantity, self._quantity, pa.int64()),
                "price_micro": column(names.price, self._price_micro, pa.int64()),
            }
        )

    def _quantity(self, value: Any) -> int | None:
        if isinstance(value, str):
            value = value.strip()
            if not self._integral.fullmatch(value):
                return None
            value = Decimal(value)
        try:
            whole = int(value)
        except (ValueError, OverflowError, TypeError):  # not a number, or infinite
            return None
        return whole if whole == value and abs(whole) <= LARGEST_QUANTITY else None

    def _price_micro(self, value: Any) -> int | None:
        dirt = Decimal(0)
        if isinstance(value, float):
            value, dirt = repr(value), Decimal(1).scaleb(-self._mapping.price_places - 3)
        elif isinstance(value, str):
            value = value.strip()
            if not self._number.fullmatch(value):
                return None
            value = value.replace(",", ".")
        try:
            exact = Decimal(value)
        except (InvalidOperation, ValueError, TypeError):
            return None
        if not exact.is_finite() or abs(exact) >= LARGEST_PRICE:
            return None
        recorded = exact.quantize(Decimal(1).scaleb(-self._mapping.price_places), rounding=ROUND_HALF_UP)
        return int(recorded.scaleb(MOST_PRICE_PLACES)) if abs(recorded - exact) <= dirt else None

    def _moment(self, value: Any) -> datetime | None:
        moment = self._dated(value.strip()) if isinstance(value, str) else value
        if isinstance(moment, date) and not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        if not isinstance(moment, datetime):
            return None
        if moment.year not in PLAUSIBLE_YEARS:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).astimezone(UTC)

    def _dated(self, text: str) -> datetime | None:
        for form in self._mapping.text.dates:
            try:
                return datetime.strptime(text, form)
            except ValueError:
                continue
        return None


def distinct(column: pa.Array, read: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
    """Return the column with each distinct value read once; text stays a dictionary."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # no ledger counts nanoseconds
    encoded = column.dictionary_encode()
    values = pa.array([None if value is None else read(value) for value in encoded.dictionary.to_pylist()], kind)
    return values.take(encoded.indices)


def _words(value: Any) -> str | None:
    """Return the words of a text with single spaces between; None if there are none."""
    return " ".join(str(value).replace("\0", " ").split()) or None  # PostgreSQL's text cannot hold a NUL


def _text(value: Any) -> str | None:
    return str(value).replace("\0", " ").strip() or None


def _upper(value: Any) -> str | None:
    text = _text(value)
    return None if text is None else text.upper()


def _key(value: Any) -> str | None:
    """Return a number or key as text; 13085.0, which is how exports write a column with gaps, is 13085."""
    text = _text(value)
    if text is not None and text.endswith(".0") and text[:-2].isdecimal():
        return text[:-2]
    return None if isinstance(value, float) and value != value else text


def _currency(value: Any) -> str | None:
    text = _upper(value)
    return text if text is not None and is_currency(text) else None


def _overlong(lines: pa.Table) -> pa.Array:
    """Return which lines have a key that would fit into no column, and into no index either."""
    lengths = [pc.greater(pc.utf8_length(lines[name]), LONGEST_KEY) for name in ("document", "code", "customer")]
    return pc.or_kleene(pc.or_kleene(lengths[0], lengths[1]), lengths[2])


def _too_large(quantity: pa.Array, price_micro: pa.Array) -> pa.Array:
    product = pc.multiply(quantity.cast(pa.float64()), price_micro.cast(pa.float64(), safe=False))
    return pc.greater(pc.abs(product), LARGEST_AMOUNT_MICRO)


def _first_true(cases: list[tuple[pa.Array, str]]) -> pa.Array:
    """Return for each line the reason of the first case that holds; null if none does."""
    flags = [flag.combine_chunks() if isinstance(flag, pa.ChunkedArray) else flag for flag, _ in cases]
    return pc.case_when(pc.make_struct(*flags), *(pa.scalar(str(reason), pa.string()) for _, reason in cases))
