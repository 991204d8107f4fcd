"""Lists as files: CSV and XLSX of whatever is filtered, written row by row, sent once the transaction is over.

The file grows on disk while rows are read by a cursor, so that neither memory nor a slow reader's patience bounds its
length, and no connection waits for a network.
"""

import asyncio
import csv
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import xlsxwriter
from litestar.response import Stream
from xlsxwriter.worksheet import Worksheet

from stockade.commerce.desk.listing import Asked, Column, Listing, stream
from stockade.kernel.clock import today
from stockade.kernel.money import Money, exponent_of
from stockade.tenancy.transaction import Transaction

CHUNK_BYTES = 64 * 1024
AT_ONCE = 1000
"""Rows that are written in one go."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
MOST_SHEET_ROWS = 1_048_575
"""What a sheet holds below its head (the format's own limit); the rest goes on in further sheets."""
Translate = Callable[[str], str]


class Sink(Protocol):
    """Takes the rows of a table."""

    media_type: str

    def mark(self, text: str) -> None:
        """Write a line above the table."""

    def head(self, names: Sequence[str]) -> None:
        """Write the names of the columns."""

    def row(self, values: Sequence[Any]) -> None:
        """Write a row of plain values."""

    def close(self) -> None:
        """Finish the file."""


class Csv:
    """UTF-8 with a byte order mark (spreadsheets look for it), comma, RFC 4180."""

    media_type = "text/csv; charset=utf-8"

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")

    def mark(self, text: str) -> None:
        """Write a line above the table."""
        self._writer.writerow([defused(text)])

    def head(self, names: Sequence[str]) -> None:
        """Write the names of the columns."""
        self._writer.writerow(names)

    def row(self, values: Sequence[Any]) -> None:
        """Write a row; texts that a spreadsheet would take for a formula are made texts."""
        self._writer.writerow([defused(plain(value)) for value in values])

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class Xlsx:
    """Numbers, dates and amounts as such; texts only ever as texts, whatever they begin with."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def __init__(self, path: Path) -> None:
        options = {
            "constant_memory": True, "tmpdir": str(path.parent), "strings_to_formulas": False, "strings_to_urls": False
        }  # fmt: skip
        self._book = xlsxwriter.Workbook(path, options)
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._bold = self._book.add_format({"bold": True})
        self._names: Sequence[str] = ()
        self._sheet: Worksheet | None = None
        self._next = 0
        self._mark = ""

    def mark(self, text: str) -> None:
        """Have a line above the table of each sheet."""
        self._mark = text

    def head(self, names: Sequence[str]) -> None:
        """Begin a sheet with the names of the columns."""
        self._names = names
        self._sheet = self._book.add_worksheet()
        above = 1 if self._mark else 0
        if self._mark:
            self._sheet.write_string(0, 0, self._mark)
        self._sheet.freeze_panes(above + 1, 0)
        for place, name in enumerate(names):
            self._sheet.write_string(above, place, name, self._bold)
        self._next = above + 1

    def row(self, values: Sequence[Any]) -> None:
        """Write a row, in a further sheet if this one is full."""
        if self._next > MOST_SHEET_ROWS:
            self.head(self._names)
        assert self._sheet is not None
        for place, value in enumerate(values):
            self._write(self._sheet, place, value)
        self._next += 1

    def _write(self, sheet: Worksheet, place: int, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool):
            sheet.write_boolean(self._next, place, value)
        elif isinstance(value, int | Decimal):
            sheet.write_number(self._next, place, value)
        elif isinstance(value, datetime):
            sheet.write_datetime(self._next, place, value.astimezone(UTC).replace(tzinfo=None), self._moment)
        elif hasattr(value, "isoformat"):
            sheet.write_datetime(self._next, place, value, self._day)
        else:
            sheet.write_string(self._next, place, plain(value)[:32_767])

    def close(self) -> None:
        """Finish the file."""
        if self._sheet is None:
            self._book.add_worksheet()
        self._book.close()


FORMATS: dict[str, Callable[[Path], Sink]] = {"csv": Csv, "xlsx": Xlsx}


class Exported:
    """A finished file in a folder of its own, and how many rows it holds. Its response removes it."""

    def __init__(self, name: str, extension: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="stockade-export-")
        self.path = Path(self._folder.name) / f"{name}.{extension}"
        self.rows = 0
        self.media_type = ""

    def response(self) -> Stream:
        """Return the file as a response that reads it piece by piece."""
        headers = {
            "content-disposition": f'attachment; filename="{self.path.name}"', "cache-control": "no-store",
            "content-length": str(self.path.stat().st_size),
        }  # fmt: skip
        return Stream(self._pieces, media_type=self.media_type, headers=headers)

    async def _pieces(self) -> AsyncIterator[bytes]:
        with self._folder, self.path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                yield piece


async def export(
    tx: Transaction, listing: Listing, asked: Asked, extension: str, translate: Translate, *, mark: str = ""
) -> Exported:  # fmt: skip
    """Write the rows that a question is answered with into a file; amounts get their currency beside them.

    A ``mark`` stands above them: who took the file, where an operator did under an access.
    """
    made = Exported(listing.name, extension)
    sink = FORMATS[extension](made.path)
    if mark:
        sink.mark(mark)
    sink.head([name for column in asked.columns for name in _heads(column, translate)])
    batch: list[list[Any]] = []
    async for row in stream(tx, listing, asked, today=today()):
        cells = zip(asked.columns, row.cells, strict=True)
        batch.append([part for column, value in cells for part in _parts(column, value, translate)])
        if len(batch) == AT_ONCE:
            made.rows += await asyncio.to_thread(_write, sink, batch)
    made.rows += await asyncio.to_thread(_write, sink, batch)
    await asyncio.to_thread(sink.close)
    made.media_type = sink.media_type
    return made


def _write(sink: Sink, batch: list[list[Any]]) -> int:
    """Write some rows, in a thread: other requests go on meanwhile. Return how many there were."""
    for values in batch:
        sink.row(values)
    count = len(batch)
    batch.clear()
    return count


def _heads(column: Column, translate: Translate) -> list[str]:
    label = translate(column.label)
    return [label, f"{label} ({translate('currency')})"] if column.kind == "money" else [label]


def _parts(column: Column, value: Any, translate: Translate) -> list[Any]:
    if column.kind == "money":
        if value is None:
            return [None, None]
        return [Decimal(value.amount_minor).scaleb(-exponent_of(value.currency)), value.currency]
    if column.kind == "badge" and value in column.badges:
        return [translate(column.badges[value][0])]
    return [value]


def plain(value: Any) -> str:
    """Return a value as text: dates as ISO 8601, lists with semicolons, None empty."""
    if value is None:
        return ""
    if isinstance(value, Money):
        return str(Decimal(value.amount_minor).scaleb(-exponent_of(value.currency)))
    if isinstance(value, list | tuple):
        return "; ".join(plain(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def defused(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula (CSV injection, CWE-1236): ``'=HYPERLINK(…)``.

    A plain number stays a number, also a negative one.
    """
    if text.startswith(_FORMULA) and not _is_number(text):
        return "'" + text
    return text


def _is_number(text: str) -> bool:
    body = text[1:] if text[:1] in "+-" else text
    return body.replace(".", "", 1).isascii() and body.replace(".", "", 1).isdigit()
