"""Banks' files: three countries' habits are read alike, and each line has one fingerprint for ever."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from stockade.commerce.receivables.bank_files import (
    BankRow,
    Layout,
    fingerprints,
    guess,
    head_hash,
    parsed_amount,
    read,
)
from stockade.kernel.problems import Invalid

GERMAN = (
    '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";'
    '"Beguenstigter/Zahlungspflichtiger";"Kontonummer/IBAN";"BIC (SWIFT-Code)";"Betrag";"Waehrung";"Info"\r\n'
    '"DE1";"14.03.26";"15.03.26";"GUTSCHRIFT";"RG INV-2026-000123";"Müller & Söhne GmbH";'
    '"DE89 3704 0044 0532 0130 00";"COBADEFF";"1.234,56";"EUR";"gebucht"\r\n'
).encode("latin-1")
POLISH = (
    "mBank S.A.;;;\r\nKlient;Sowa;\r\n\r\n#Data operacji;#Data księgowania;#Opis operacji;#Tytuł;#Nadawca/Odbiorca;"
    "#Numer konta;#Kwota;#Saldo po operacji;\r\n2026-03-14;2026-03-15;PRZELEW;FV INV-2026-000123;"
    "Żółty Łoś Sp. z o.o.;'61109010140000071219812874';1 234,56;9 999,00;\r\n"
).encode("cp1250")
BRITISH = b'Date,Type,Description,Paid out,Paid in,Balance\n14/03/2026,FPI,"INV2026000123, thanks",,"1,234.56",1\n'


@pytest.mark.parametrize(
    ("content", "payer", "account"),
    [
        (GERMAN, "Müller & Söhne GmbH", "DE89370400440532013000"),
        (POLISH, "Żółty Łoś Sp. z o.o.", "61109010140000071219812874"),
        (BRITISH, "", ""),
    ],
    ids=["german", "polish", "british"],
)  # fmt: skip
def test_a_banks_file_is_read_without_being_told_how(content: bytes, payer: str, account: str) -> None:
    layout = guess(content, "EUR")
    found = read(content, layout)
    (row,) = found.rows
    assert found.unread == ()
    assert (row.booked_on, row.amount_minor, row.currency) == (date(2026, 3, 14), 123456, "EUR")
    assert (row.payer, row.account) == (payer, account)
    assert "123" in row.purpose


def test_money_that_went_out_is_negative() -> None:
    content = b"Date,Description,Paid out,Paid in\n13/03/2026,Rent,500.00,\n14/03/2026,Refund,,20.00\n"
    assert [row.amount_minor for row in read(content, guess(content, "GBP")).rows] == [-50000, 2000]


def test_a_row_that_cannot_be_read_is_told_and_left_out() -> None:
    content = BRITISH + b"soon,FPI,x,,5.00,1\n14/03/2026,FPI,x,,five,1\n\n"
    found = read(content, guess(content, "GBP"))
    assert len(found.rows) == 1
    assert [(it.number, it.why) for it in found.unread] == [
        (3, "The day cannot be read."), (4, "The amount cannot be read."),
    ]  # fmt: skip


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00\x01\x02", b"a,b,c\n1,2,3\n", b'"open quote' * 100])
def test_what_holds_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        guess(content, "EUR")


@pytest.mark.parametrize(
    ("text", "decimal", "minor"),
    [
        ("1.234,56", ",", 123456), ("-1.234,56", ",", -123456), ("1.234,56-", ",", -123456), ("1 234,5", ",", 123450),
        ("1,234.56", ".", 123456), ("+12", ".", 1200), ("12.50 EUR", ".", 1250), ("1'234.50", ".", 123450),
        ("\N{MINUS SIGN}5,00", ",", -500),
    ],
)  # fmt: skip
def test_amounts_are_read_as_banks_write_them(text: str, decimal: str, minor: int) -> None:
    assert parsed_amount(text, decimal, "EUR") == minor


@pytest.mark.parametrize("text", ["", "five", "1.2.3,4,5", "12,345", "1e5", "--5", "NaN"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        parsed_amount(text, ",", "EUR")


@given(some.binary(max_size=400))
def test_no_bytes_break_the_guess(content: bytes) -> None:
    try:
        layout = guess(content, "EUR")
    except Invalid:
        return
    read(content, layout)


@given(some.lists(some.integers(-(10**12), 10**12).filter(bool), max_size=30))
def test_every_amount_that_is_written_is_read_again(amounts: list[int]) -> None:
    lines = [
        f"14.03.2026;P;{amount // 100 if amount > 0 else -(-amount // 100)},{abs(amount) % 100:02}"
        for amount in amounts
    ]
    lines = [line.replace(";0,", ";-0,") if amount < 0 else line for line, amount in zip(lines, amounts, strict=True)]
    content = "\n".join(["Datum;Name;Betrag", *lines]).encode()
    layout = Layout(
        encoding="utf-8", separator=";", head=0, day_form="%d.%m.%Y", decimal=",", columns=("day", "payer", "amount"),
        currency="EUR",
    )  # fmt: skip
    assert [row.amount_minor for row in read(content, layout).rows] == amounts


def row(**more: object) -> BankRow:
    given = {"booked_on": date(2026, 3, 14), "amount_minor": 500, "currency": "EUR", "payer": "Ada", "purpose": "x"}
    return BankRow(**(given | more))  # type: ignore[arg-type]


def test_a_line_has_the_same_fingerprint_in_every_file() -> None:
    one, other = row(), row(amount_minor=700)
    assert fingerprints([one, other]) == list(reversed(fingerprints([other, one])))


def test_two_lines_alike_are_two_lines_each_time() -> None:
    first = fingerprints([row(), row()])
    assert len(set(first)) == 2
    assert fingerprints([row(), row()]) == first
    assert fingerprints([row()])[0] == first[0]


@given(some.lists(some.integers(1, 5), max_size=12))
def test_no_two_lines_of_a_file_share_a_fingerprint(amounts: list[int]) -> None:
    assert len(set(fingerprints([row(amount_minor=amount) for amount in amounts]))) == len(amounts)


def test_a_bank_is_known_by_its_columns_whatever_they_hold() -> None:
    more = BRITISH + b"15/03/2026,FPI,y,,2.00,3\n"
    assert head_hash(more, guess(more, "GBP")) == head_hash(BRITISH, guess(BRITISH, "GBP"))
    assert head_hash(GERMAN, guess(GERMAN, "EUR")) != head_hash(BRITISH, guess(BRITISH, "GBP"))
