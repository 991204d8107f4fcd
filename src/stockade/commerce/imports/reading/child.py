"""The process that reads a file. It has limits of its own and nothing to lose.

What people upload is hostile until it is read: spreadsheets that unpack to gigabytes (zip bombs), a cell in the last
corner of a sheet so that the reader reserves room for all before it, cells without end. So the file is read in a
process of its own, with bounded memory and time, no environment, no connections; the worst that a file can do is to end
it. It reads a line of JSON and the file from standard input, and writes lines of JSON: what it found, then each line.
"""

import csv
import io
import resource
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import msgspec
from python_calamine import CalamineWorkbook

from stockade.commerce.imports.reading.limits import MOST_CELL, MOST_COLUMNS, MOST_LINES, MOST_TEXT, Refused
from stockade.commerce.imports.reading.sniffing import ENCODINGS, SEPARATORS, decoded, encoding_of, separator_of

MEMORY_BYTES = 1_200_000_000
CPU_SECONDS = 25
MOST_UNPACKED = 300_000_000
_MOST_PARTS = 2_000
_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Numbered = tuple[int, list[str]]


class Asked(msgspec.Struct):
    """How the file is to be read; what is empty is found out."""

    encoding: str = ""
    separator: str = ""


class Head(msgspec.Struct):
    """How the file was read, and what its columns are called. ``refused`` and its ``values``: it was not read."""

    encoding: str = ""
    separator: str = ""
    header: list[str] = []
    refused: str = ""
    values: dict[str, str] = {}


def main() -> None:
    """Read, write, end."""
    _limit()
    first, _, content = sys.stdin.buffer.read().partition(b"\n")
    _answer(msgspec.json.decode(first, type=Asked), content, sys.stdout.buffer)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(asked: Asked, content: bytes, out: BinaryIO) -> None:
    try:
        head, rows = read(asked, content)
        lines = [msgspec.json.encode(row) for row in rows]
    except Refused as refused:
        values = {name: str(value) for name, value in refused.text.values.items()}
        head, lines = Head(refused=refused.text.pattern, values=values), []
    except MemoryError:
        head, lines = Head(refused="The file needs too much memory to be read."), []
    except BaseException:  # noqa: BLE001  # also a panic of the spreadsheet reader, which is no Exception
        head, lines = Head(refused="The file is damaged, or is no CSV or XLSX file."), []
    out.write(b"\n".join([msgspec.json.encode(head), *lines]))


def read(asked: Asked, content: bytes) -> tuple[Head, Iterator[Numbered]]:
    """Return how a file was read and its lines, each with its number in the file; ``Refused`` if it cannot be."""
    if content.startswith(_OLD_EXCEL):
        raise Refused("This is an old Excel file: save it as .xlsx or CSV.")
    if content.startswith(_ZIP):
        head, rows = Head(), _spreadsheet(content)
    else:
        encoding = asked.encoding if asked.encoding in ENCODINGS else encoding_of(content)
        text = decoded(content, encoding)
        separator = asked.separator if asked.separator in SEPARATORS else separator_of(text)
        head, rows = Head(encoding, separator), _text(text, separator)
    whole = bounded(rows)
    first = next(whole, None)
    if first is None:
        raise Refused("The file is empty.")
    head.header = [name[:80] for name in first[1]]
    return head, whole


def bounded(rows: Iterable[tuple[int, list[str]]]) -> Iterator[Numbered]:
    """Yield the rows that hold anything; ``Refused`` when there is more than ``limits`` allows."""
    lines, length = 0, 0
    for number, cells in rows:
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        lines, length = lines + 1, length + sum(map(len, cells))
        if len(cells) > MOST_COLUMNS:
            raise Refused("Line {line} has more than {most} columns.", line=number, most=MOST_COLUMNS)
        if any(len(cell) > MOST_CELL for cell in cells):
            raise Refused("Line {line} has a cell of more than {most} characters.", line=number, most=MOST_CELL)
        if lines > MOST_LINES + 1:
            raise Refused("The file has more than {most} lines: divide it.", most=MOST_LINES)
        if length > MOST_TEXT:
            raise Refused("The file holds more than {most} characters: divide it.", most=MOST_TEXT)
        yield number, cells


def _text(text: str, separator: str) -> Iterator[Numbered]:
    csv.field_size_limit(MOST_CELL * 2)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    number = 1
    try:
        for row in reader:
            yield number, [_cleaned(cell) for cell in row]
            number = reader.line_num + 1
    except csv.Error:
        raise Refused("Line {line} cannot be read: is a quotation mark missing?", line=number) from None


def _spreadsheet(content: bytes) -> Iterator[Numbered]:
    """Yield the rows of the first sheet. What a package claims to unpack to is believed only if it is little."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        parts = package.infolist()
        if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
            raise Refused("The spreadsheet unpacks to too much.")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    if sheet.total_width > MOST_COLUMNS:
        raise Refused("Line {line} has more than {most} columns.", line=1, most=MOST_COLUMNS)
    for number, row in enumerate(sheet.iter_rows(), 1):
        yield number, [_cleaned(_written(value)) for value in row]


def _written(value: Any) -> str:
    """Return a cell's value as text: numbers without an exponent or needless noughts, dates as ISO 8601."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        value = value.date()
    return value.isoformat() if isinstance(value, date) else str(value)


def _cleaned(text: str) -> str:
    """Return a cell without space around it, without NUL, and without the quotation mark that made a formula a text."""
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}").replace("\N{NO-BREAK SPACE}", " ").strip()
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA else text


if __name__ == "__main__":
    main()
