"""Files as they come: Parquet, CSV in two dialects, and files that cannot be used."""

import csv
from pathlib import Path

import pytest

from stockade.commerce.ledger import line_count, load_mapping, write_rejects
from stockade.kernel.problems import Refusal

from .conftest import COLUMNS, flat, import_file, line, write_parquet

GERMAN = """
name = "lager"
currency = "EUR"
timezone = "Europe/Berlin"
price_places = 4
credit_documents = "^GU"
[columns]
document = "Beleg"
date = "Datum"
code = "Artikel"
quantity = "Menge"
price = "Preis"
currency = "Währung"
[text]
delimiter = ";"
encoding = "latin-1"
decimal = ","
dates = ["%d.%m.%Y"]
[[rules]]
line = "fee"
charge = "freight"
code = "^FRACHT$"
[[rules]]
line = "credit"
document = "^GU"
[[rules]]
line = "sale"
quantity = "positive"
"""


def write_csv(path: Path, lines) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([COLUMNS, *lines])
    return path


def test_csv_and_parquet_of_the_same_lines_import_the_same(tmp_path, online_retail):
    lines = [
        line(),
        line("C2", quantity=-1, text='12" "HEART", RED'),
        line("3", "POST", 1, 18.0),
        line("4", price=0.001),
    ]
    ours = import_file(write_parquet(tmp_path / "a.parquet", lines), online_retail)
    theirs = import_file(write_csv(tmp_path / "a.csv", lines), online_retail)
    assert theirs[1] == ours[1]
    assert theirs[0] == ours[0]


def test_another_wholesalers_columns_and_dialect_need_a_mapping_and_no_code(tmp_path):
    (tmp_path / "lager.toml").write_text(GERMAN, encoding="utf-8")
    rows = (
        "Beleg;Datum;Artikel;Menge;Preis;Währung\nR1;31.12.2025;00123;3;1,2345;EUR\nGU1;31.12.2025;FRACHT;-1;4,90;CHF\n"
    )
    path = tmp_path / "buch.csv"
    path.write_text(rows, encoding="latin-1")
    _, batches, account = import_file(path, load_mapping(str(tmp_path / "lager.toml")))
    assert [row[:4] for row in flat(batches)] == [("sale", "R1", "sale", None), ("credit", "GU1", "fee", "freight")]
    assert batches[0].lines.code == ["00123", "FRACHT"]
    assert batches[0].documents.currency == ["EUR", "CHF"]
    assert batches[0].documents.net_minor == [370, -490]  # 3 x 1.2345 is 3.7035
    assert account.balanced


def test_rejects_name_line_and_reason_and_repeat_the_original(tmp_path, online_retail):
    path = tmp_path / "dirty.csv"
    good = "1,85123A,HEART,6,2010-07-01 09:30:00,2.95,13085,EIRE\n"
    two_lines = '1,85123A,"HEART\nWHITE",6,2010-07-01 09:30:00,2.95,13085,EIRE\n'
    text = ",".join(COLUMNS) + "\n" + two_lines + "too,short\n" + good + '2,85123A,"a, ""b""",six,x,2.95,,\n' + good
    path.write_text(text)
    _, batches, account = import_file(path, online_retail)
    assert write_rejects(tmp_path / "rejects.csv", path, online_retail, account.rejects()) == 2
    with (tmp_path / "rejects.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert rows == [
        ["2", "malformed-record", *[""] * 8, "too,short"],
        ["4", "unreadable-date", "2", "85123A", 'a, "b"', "six", "x", "2.95", "", "", ""],
    ]
    assert batches[0].lines.line == [1, 3, 5]
    assert account.balanced


def test_a_file_of_nothing_but_malformed_records_is_all_rejected(tmp_path, online_retail):
    path = tmp_path / "bad.csv"
    path.write_text(",".join(COLUMNS) + "\na,b\nc\n")
    _, batches, account = import_file(path, online_retail)
    assert (batches, account.lines, account.balanced) == ([], 2, True)


def test_numbers_that_an_export_wrote_as_decimals_are_whole_again(tmp_path, online_retail):
    path = write_csv(tmp_path / "a.csv", [line("500001.0", quantity="6.0", customer="13085.0")])
    master, batches, _ = import_file(path, online_retail)
    assert (batches[0].documents.number, master.customers[0].key, batches[0].lines.quantity) == (
        ["500001"],
        "13085",
        [6],
    )


def test_a_thousands_separator_is_refused_and_not_guessed(tmp_path, online_retail):
    _, _, account = import_file(write_csv(tmp_path / "a.csv", [line(price="1,234.50")]), online_retail)
    assert account.rejects()["reason"].to_pylist() == ["unreadable-price"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.csv", None, "There is no file"),
        ("ledger.xlsx", b"PK", "neither Parquet"),
        ("ledger.parquet", b"no parquet at all", "cannot be read"),
        ("ledger.csv", b"", "cannot be read"),
        ("ledger.csv", b"InvoiceNo,Quantity\n1,2\n", "'StockCode'"),
        ("ledger.csv", ",".join(COLUMNS).encode() + b"\n1,a,\xff,1,2010-01-01,1,1,UK\n", "cannot be read"),
    ],
    ids=["missing", "unknown kind", "damaged parquet", "empty", "columns missing", "not utf-8"],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(tmp_path, online_retail, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Refusal, match=says) as refusal:
        import_file(tmp_path / name, online_retail)
    assert "\n" not in str(refusal.value)


def test_a_folder_is_refused(tmp_path, online_retail):
    with pytest.raises(Refusal, match="is not a file"):
        import_file(tmp_path, online_retail)


def test_parquet_says_its_lines_beforehand(tmp_path):
    assert line_count(write_parquet(tmp_path / "a.parquet", [line(), line()])) == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('line = "credit"', 'line = "credits"'), "credits"),
        (('document = "Beleg"', 'dokument = "Beleg"'), "dokument"),
        (('charge = "freight"', ""), "rule 1 needs 'charge'"),
        (('code = "^FRACHT$"', 'code = "(FRACHT"'), "rule 1 has a 'code'"),
        (("price_places = 4", "price_places = 7"), "0 to 6"),
        (("Europe/Berlin", "Europe/Bonn"), "not known"),
        (('currency = "EUR"', 'currency = "euro"'), "ISO 4217"),
    ],
)
def test_a_mapping_with_a_mistake_is_refused_and_the_mistake_named(tmp_path, change, says):
    assert change[0] in GERMAN
    (tmp_path / "m.toml").write_text(GERMAN.replace(*change), encoding="utf-8")
    with pytest.raises(Refusal, match=says):
        load_mapping(str(tmp_path / "m.toml"))


def test_an_unknown_mapping_is_refused_and_the_known_ones_named():
    with pytest.raises(Refusal, match="online-retail"):
        load_mapping("no-such")
