"""A list as a file: complete, typed, and harmless to the spreadsheet that opens it."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from stockade.apps.admin import exporting
from stockade.apps.admin.exporting import Csv, Exported, Xlsx, defused

HOSTILE = ['=HYPERLINK("https://evil.example")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]


def written(kind: Any, tmp_path: Path, *rows: list[Any]) -> bytes:
    path = tmp_path / "file"
    sink = kind(path)
    sink.head(["A", "B"])
    for row in rows:
        sink.row(row)
    sink.close()
    return path.read_bytes()


def table(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_taken_for_a_formula_in_csv(text: str, tmp_path: Path) -> None:
    assert table(written(Csv, tmp_path, [text, 1]))[1][0] == f"'{text}"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_a_formula_or_a_link_in_xlsx(text: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    written(Xlsx, tmp_path, [text, "https://evil.example/"])
    assert CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()[1] == [text, "https://evil.example/"]
    with zipfile.ZipFile(path) as book:
        sheet = book.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert b"<hyperlink" not in sheet


@pytest.mark.parametrize("text", ["-5", "+48123", "-0.5"])
def test_a_plain_number_stays_one(text: str) -> None:
    assert defused(text) == text


def test_csv_keeps_line_breaks_quotes_and_other_scripts(tmp_path: Path) -> None:
    row = ['a "b"\nc, d', "שלום \u202e"]
    assert table(written(Csv, tmp_path, row))[1] == row


def test_xlsx_holds_numbers_days_and_moments_as_such(tmp_path: Path) -> None:
    path = tmp_path / "file"
    written(
        Xlsx,
        tmp_path,
        [Decimal("12.5"), date(2026, 11, 21)],
        [7, datetime(2026, 11, 21, 9, 30, tzinfo=UTC)],
        [None, True],
    )
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    assert rows[1] == [12.5, date(2026, 11, 21)]
    assert rows[2] == [7.0, datetime(2026, 11, 21, 9, 30)]
    assert rows[3] == ["", True]


def test_a_full_sheet_goes_on_in_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_SHEET_ROWS", 2)
    path = tmp_path / "file"
    written(Xlsx, tmp_path, [1, 1], [2, 2], [3, 3])
    book = CalamineWorkbook.from_path(str(path))
    assert [book.get_sheet_by_index(n).to_python() for n in (0, 1)] == [
        [["A", "B"], [1.0, 1.0], [2.0, 2.0]], [["A", "B"], [3.0, 3.0]]
    ]  # fmt: skip


async def test_a_file_is_sent_in_pieces_and_then_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "CHUNK_BYTES", 4)
    made = Exported("orders", "csv")
    made.path.write_bytes(b"0123456789")
    made.media_type = "text/csv"
    response = made.response()
    assert response.headers["content-length"] == "10"
    pieces: AsyncIterator[bytes] = made._pieces()
    assert [piece async for piece in pieces] == [b"0123", b"4567", b"89"]
    assert not made.path.exists()
