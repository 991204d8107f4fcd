"""Files are read as they are meant, and hostile ones end with a sentence, in bounded time and memory."""

import io
import time
import zipfile
from typing import Any

import pytest
from tests.commerce.imports.files import csv_of, package_with_sheet, xlsx_of

from stockade.commerce.imports.reading import child as reader
from stockade.commerce.imports.reading import read_file
from stockade.commerce.imports.reading.limits import MOST_CELL, MOST_COLUMNS, Refused
from stockade.commerce.imports.reading.sniffing import encoding_of, separator_of

POLISH = "Żółta łódź pływała; Gęś; Ósmy; ćma\n"
MOST_SECONDS = 30


@pytest.mark.parametrize(("text", "encoding"), [
    (POLISH, "utf-8"), (POLISH, "cp1250"), (POLISH, "iso8859_2"), (POLISH, "utf-16"),
    ("Café crème, Größe, Señor, naïve", "cp1252"), ("plain", "utf-8"),
])  # fmt: skip
def test_the_encoding_is_found_by_the_letters(text: str, encoding: str) -> None:
    assert encoding_of(text.encode(encoding)) == encoding


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_what_divides_the_lines_evenly(separator: str) -> None:
    rows = [["sku", "name", "price"], ["A-1", "One, two; three", "1,50"], ["A-2", "Four", "2,50"]]
    text = "\n".join(separator.join(f'"{cell}"' for cell in row) for row in rows)
    assert separator_of(text) == separator


async def test_a_line_with_breaks_in_a_cell_keeps_its_number_in_the_file() -> None:
    sheet = await read_file(b'sku,name\n\nA-1,"two\nlines"\n,,\nA-2,x\n')
    assert sheet.header == ["sku", "name"]
    assert sheet.lines == [(3, ["A-1", "two\nlines"]), (6, ["A-2", "x"])]


async def test_a_spreadsheet_s_values_become_the_texts_that_a_person_sees() -> None:
    sheet = await read_file(xlsx_of(["sku", "ean", "price", "stocked"], ["A-1", 4006381333931, 12.5, True], [], [7]))
    assert sheet.lines == [(2, ["A-1", "4006381333931", "12.5", "true"]), (4, ["7"])]


async def test_a_formula_is_read_as_its_text_and_never_run() -> None:
    sheet = await read_file(csv_of("sku,name", 'A-1,"=HYPERLINK(""https://evil.example"")"', "A-2,'=1+1"))
    assert [cells[1] for _, cells in sheet.lines] == ['=HYPERLINK("https://evil.example")', "=1+1"]


def bomb() -> bytes:
    """A package that unpacks to half a gigabyte of nothing."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made,
        made.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(500):
            part.write(b"\0" * 1_000_000)
    return out.getvalue()


def long_cell() -> bytes:
    """A small package with a cell of fifty million letters."""
    content = bytearray(
        package_with_sheet('<row r="1"><c r="A1" t="inlineStr"><is><t>' + "a" * 50_000_000 + "</t></is></c></row>")
    )
    return bytes(content)


HOSTILE: dict[str, Any] = {
    "a zip bomb": bomb,
    "a cell in the last corner": lambda: package_with_sheet(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    ),
    "a cell of fifty megabytes in a sheet": long_cell,
    "a cell of ten megabytes": lambda: b"sku,name\nA-1," + b"x" * 10_000_000,
    "a quotation mark that never ends": lambda: b'sku,name\nA-1,"' + b"x\n" * 1_000_000,
    "a million columns": lambda: b"," .join([b"a"] * 1_000_000),
    "a million empty columns": lambda: b"sku\n" + b"," * 1_000_000 + b"x",
    "NUL": lambda: b"sku,name\nA-1,\0\0\n",
    "noise": lambda: bytes(range(256)) * 100,
    "half a package": lambda: xlsx_of(["sku"])[:200],
    "an empty package": lambda: b"PK\x05\x06" + b"\0" * 18,
    "an old spreadsheet": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512,
    "nothing but blanks": lambda: b"\n \n,,,\n",
    "too many lines": lambda: b"a\n" * 100_002,
}  # fmt: skip


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_a_hostile_file_is_refused_with_a_sentence_in_bounded_time(name: str) -> None:
    content = HOSTILE[name]()
    began = time.monotonic()
    with pytest.raises(Refused) as refused:
        await read_file(content)
    assert time.monotonic() - began < MOST_SECONDS
    assert str(refused.value).endswith((".", "?"))


async def test_as_many_lines_as_are_allowed_are_read() -> None:
    sheet = await read_file(b"sku,name\n" + b"".join(b"A-%d,Name\n" % number for number in range(100_000)))
    assert len(sheet.lines) == 100_000


async def test_entities_in_a_spreadsheet_s_xml_are_not_expanded() -> None:
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>&lol;</t></is></c></row>'
    content = package_with_sheet(rows)
    try:
        sheet = await read_file(content)
    except Refused:
        return
    assert sheet.header in ([], ["&lol;"], [""])


def test_the_bounds_are_those_that_are_promised() -> None:
    def over(cells: list[str]) -> str:
        with pytest.raises(Refused) as refused:
            list(reader.bounded([(7, cells)]))
        return str(refused.value)

    assert over(["x"] * (MOST_COLUMNS + 1)) == "Line 7 has more than 200 columns."
    assert over(["x" * (MOST_CELL + 1)]) == "Line 7 has a cell of more than 4000 characters."


async def test_the_reading_process_has_no_secret_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    class Seen(Exception):
        """The process was about to be started."""

    async def start(*arguments: Any, **options: Any) -> Any:
        given.update(options)
        raise Seen

    monkeypatch.setenv("STOCKADE_SECRET_PIN", "secret")
    monkeypatch.setattr("asyncio.create_subprocess_exec", start)
    with pytest.raises(Seen):
        await read_file(b"a")
    assert set(given["env"]) == {"PYTHONPATH"}
