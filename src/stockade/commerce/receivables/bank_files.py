"""Banks' files: comma separated, and alike in nothing else. Guessed, shown to a person, read. Pure functions.

Banks write their own separators, encodings, dates and decimal signs, put sentences above the table, and name columns in
their language. ``guess`` finds out what it can; a person corrects the rest, and the layout is kept for the next file.
"""

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec

from stockade.kernel.money import exponent_of
from stockade.kernel.problems import Invalid
from stockade.kernel.words import N_, said

Role = Literal["day", "amount", "credit", "debit", "currency", "payer", "account", "purpose", "reference"]
Encoding = Literal["utf-8", "cp1250", "latin-1"]
Separator = Literal[";", ",", "\t", "|"]
DayForm = Literal["%d.%m.%Y", "%d.%m.%y", "%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%Y%m%d", "%d %b %Y", "%m/%d/%Y"]
MOST_BYTES = 1_900_000
MOST_LINES = 5000
MOST_COLUMNS = 60
LONGEST = 500
ROLES: Mapping[Role, str] = {
    "day": N_("Day"), "amount": N_("Amount"), "credit": N_("Money in"), "debit": N_("Money out"),
    "currency": N_("Currency"), "payer": N_("Payer"), "account": N_("Account"), "purpose": N_("Purpose"),
    "reference": N_("Bank's reference"),
}  # fmt: skip
_NAMES: Sequence[tuple[Role, str]] = (
    # In German, Polish and English, folded; earlier rows win: a booking's day comes before its value's.
    ("day", r"buchungs(tag|datum)|buchung|data( (operacji|transakcji|ksiegowania))?|datum"),
    ("day", r"((transaction|booking|posting) )?date"),
    ("credit", r"credit( amount)?|(paid|money) in|haben|gutschrift|uznania|wplyw|kwota uznania"),
    ("debit", r"debit( amount)?|(paid|money) out|soll|lastschrift|obciazenia|wydatek|kwota obciazenia"),
    ("currency", r"wah?e?hrung|waluta.*|currency"),
    ("amount", r"betrag.*|umsatz( .*)?|kwota.*|amount.*|value|wert"),
    ("payer", r"(name|auftraggeber|begue?nstigter|zahlungspflichtiger|zahler|beteiligter|empfanger)\b.*"),
    ("payer", r"(nadawca|kontrahent|nazwa|dane kontrahenta|zleceniodawca).*|(counter ?party|payer|payee|sender)\b.*"),
    ("account", r"(kontonummer ?/ ?)?iban( .*)?|kontonummer|(nr|numer) (rachunku|konta)( .*)?|rachunek.*"),
    ("account", r"(counter ?party |payer )?account( number)?"),
    ("purpose", r"verwendungszweck.*|buchungstext|vorgang|tytul.*|opis.*|szczegoly.*"),
    ("purpose", r"(transaction )?description|details?|memo|narrative|reference text|purpose"),
    ("reference", r"kundenreferenz.*|referenz|numer referencyjny|reference|end.to.end.*|transaction id"),
)  # fmt: skip
_DAYS: Sequence[tuple[DayForm, str]] = (
    ("%d.%m.%Y", r"\d{1,2}\.\d{1,2}\.\d{4}"), ("%d.%m.%y", r"\d{1,2}\.\d{1,2}\.\d{2}"),
    ("%Y-%m-%d", r"\d{4}-\d{2}-\d{2}"), ("%d/%m/%Y", r"\d{1,2}/\d{1,2}/\d{4}"), ("%d-%m-%Y", r"\d{1,2}-\d{1,2}-\d{4}"),
    ("%Y%m%d", r"\d{8}"), ("%d %b %Y", r"\d{1,2} [A-Za-z]{3} \d{4}"),
)  # fmt: skip
_PLAIN = str.maketrans("äöüßąćęłńóśźżé", "aousacelnoszze")
_AMOUNT = re.compile(r"[+-]?\s*[\d.,'\s\u00a0\u202f]*\d[+-]?(\s*[A-Z]{3})?")
_SPACES = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to read a bank's file. ``head`` is the line (from 0) with the columns' names; ``columns`` gives each column's
    role by its place, empty for one that is passed over. A file without a currency column is in ``currency``."""

    encoding: Encoding
    separator: Separator
    head: int
    day_form: DayForm
    decimal: Literal[",", "."]
    columns: tuple[str, ...]
    currency: str


class BankRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a statement, read: positive where money came in, in minor units."""

    booked_on: date
    amount_minor: int
    currency: str
    payer: str = ""
    account: str = ""
    purpose: str = ""


class Unread(msgspec.Struct, frozen=True):
    """A row that could not be read: its number in the file (from 1), and why."""

    number: int
    why: str


class Read(msgspec.Struct, frozen=True):
    """What a file holds under a layout: the columns' names, the rows, and what could not be read."""

    names: tuple[str, ...]
    rows: tuple[BankRow, ...]
    unread: tuple[Unread, ...]


def guess(content: bytes, currency: str) -> Layout:
    """Return the layout that a file seems to have; ``Invalid`` if there is no table in it."""
    encoding = _encoding(content)
    text = _decoded(content, encoding)
    separator = _separator(text)
    table = _table(text, separator)
    head = _head(table)
    if head is None:
        raise Invalid("There is no table with a day and an amount in this file.", field="file")
    body = [row for row in table[head + 1 :] if len(row) > 1][:200]
    columns = _columns(table[head])
    amounts = [
        row[place] for place, role in enumerate(columns) for row in body
        if role in ("amount", "credit", "debit") and place < len(row)
    ]  # fmt: skip
    days = [row[place] for row in body for place, role in enumerate(columns) if role == "day" and place < len(row)]
    return Layout(
        encoding=encoding, separator=separator, head=head, day_form=_day_form(days), decimal=_decimal(amounts),
        columns=columns, currency=currency,
    )  # fmt: skip


def head_hash(content: bytes, layout: Layout) -> bytes:
    """Return what a bank's files are known by: the SHA-256 of the row that names the columns."""
    table = _table(_decoded(content, layout.encoding), layout.separator)
    names = table[layout.head] if layout.head < len(table) else []
    return hashlib.sha256("\x1f".join(_folded(name) for name in names).encode()).digest()


def read(content: bytes, layout: Layout) -> Read:
    """Read a file; rows without a day or an amount are told, blank ones and those of zero are passed over."""
    table = _table(_decoded(content, layout.encoding), layout.separator)
    names = tuple(table[layout.head]) if layout.head < len(table) else ()
    rows, unread = [], []
    for number, cells in enumerate(table[layout.head + 1 :], start=layout.head + 2):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            row = _row(cells, layout)
        except ValueError as error:
            unread.append(Unread(number, str(error)))
            continue
        if row.amount_minor:
            rows.append(row)
        if len(rows) > MOST_LINES:
            raise Invalid(said("A file may hold {most} lines at most.", most=MOST_LINES), field="file")
    return Read(names, tuple(rows), tuple(unread))


def fingerprints(rows: Sequence[BankRow]) -> list[bytes]:
    """Return what tells each line from every other one, in whatever file it comes again.

    Lines that are alike in everything are counted: the second transfer of the same amount on the same day is another
    line than the first, in each file that holds both.
    """
    seen: Counter[str] = Counter()
    made = []
    for row in rows:
        parts = (
            row.booked_on.isoformat(), str(row.amount_minor), row.currency, _folded(row.payer), row.account,
            _folded(row.purpose),
        )  # fmt: skip
        whole = "\x1f".join(parts)
        seen[whole] += 1
        made.append(hashlib.sha256(f"{whole}\x1f{seen[whole]}".encode()).digest())
    return made


def parsed_amount(text: str, decimal: str, currency: str) -> int:
    """Return an amount in minor units: ``1.234,56-`` and ``+1 234.56 EUR`` alike; ``ValueError`` if it is none."""
    plain = text.strip().replace("\N{MINUS SIGN}", "-")
    if not _AMOUNT.fullmatch(plain):
        raise ValueError("The amount cannot be read.")
    negative = "-" in plain
    digits = re.sub(r"[^\d.,]", "", plain)
    digits = digits.replace("." if decimal == "," else ",", "").replace(decimal, ".")
    try:
        minor = Decimal(digits).scaleb(exponent_of(currency))
    except InvalidOperation:
        raise ValueError("The amount cannot be read.") from None
    if minor != minor.to_integral_value() or minor > 10**15:
        raise ValueError("The amount has more places than its currency.")
    return -int(minor) if negative else int(minor)


def _row(cells: Sequence[str], layout: Layout) -> BankRow:
    def cell(role: Role) -> str:
        found = [cells[at] for at, name in enumerate(layout.columns) if name == role and at < len(cells)]
        return _clean(" ".join(part for part in found if part.strip()))

    currency = cell("currency").upper() or layout.currency
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise ValueError("The currency cannot be read.")
    try:
        booked_on = datetime.strptime(cell("day")[:11].split("T")[0].strip(), layout.day_form).date()
    except ValueError:
        raise ValueError("The day cannot be read.") from None
    return BankRow(
        booked_on=booked_on, amount_minor=_amount(cell, layout.decimal, currency), currency=currency,
        payer=cell("payer")[:200], account=re.sub(r"[^A-Z0-9]", "", cell("account").upper())[:40],
        purpose=" ".join(part for part in (cell("purpose"), cell("reference")) if part)[:LONGEST],
    )  # fmt: skip


def _amount(cell: Callable[[Role], str], decimal: str, currency: str) -> int:
    if amount := cell("amount"):
        return parsed_amount(amount, decimal, currency)
    credit, debit = cell("credit"), cell("debit")
    if not credit and not debit:
        raise ValueError("The amount cannot be read.")
    came = abs(parsed_amount(credit, decimal, currency)) if credit else 0
    went = abs(parsed_amount(debit, decimal, currency)) if debit else 0
    return came - went


def _encoding(content: bytes) -> Encoding:
    """UTF-8 refuses what is none; of the two others, the one that makes letters people write."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        polish = sum(content.count(letter) for letter in "ąęłńśźżĄĘŁŃŚŹŻ".encode("cp1250"))
        return "cp1250" if polish > sum(content.count(letter) for letter in "äöüßéÄÖÜ".encode("latin-1")) else "latin-1"
    return "utf-8"


def _decoded(content: bytes, encoding: Encoding) -> str:
    return content.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace")


def _separator(text: str) -> Separator:
    """The one that splits most lines into the same number of cells, of at least three."""
    lines = [line for line in text.splitlines()[:60] if line.strip()]

    def agreeing(separator: str) -> tuple[int, int]:
        counts = Counter(line.count(separator) for line in lines if line.count(separator) >= 2)
        return max(((times, width) for width, times in counts.items()), default=(0, 0))

    candidates: tuple[Separator, ...] = (";", "\t", "|", ",")
    return max(candidates, key=agreeing)


def _table(text: str, separator: str) -> list[list[str]]:
    try:
        reader = csv.reader(io.StringIO(text.replace("\x00", ""), newline=""), delimiter=separator)
        return [row[:MOST_COLUMNS] for row, _ in zip(reader, range(MOST_LINES + 200), strict=False)]
    except csv.Error:
        raise Invalid("This file cannot be read as a table.", field="file") from None


def _head(table: Sequence[Sequence[str]]) -> int | None:
    """The first row that names a day and an amount."""
    for at, row in enumerate(table[:40]):
        roles = set(_columns(row))
        if "day" in roles and roles & {"amount", "credit", "debit"}:
            return at
    return None


def _columns(names: Sequence[str]) -> tuple[str, ...]:
    """Give each column a role by its name. A role is given once; only a purpose may stand in several columns."""
    given: list[str] = []
    for name in names:
        plain = _folded(name)
        role = next((role for role, pattern in _NAMES if re.fullmatch(pattern, plain)), "")
        given.append("" if role in given and role != "purpose" else role)
    if "amount" in given:  # a table with one amount has no use for halves of it
        given = ["" if role in ("credit", "debit") else role for role in given]
    return tuple(given)


def _day_form(days: Sequence[str]) -> DayForm:
    for form, pattern in _DAYS:
        if days and sum(bool(re.fullmatch(pattern, day.strip()[:11].strip())) for day in days) > len(days) / 2:
            return _american(days) if form == "%d/%m/%Y" else form
    return "%d.%m.%Y"


def _american(days: Sequence[str]) -> DayForm:
    """Whether a month comes first shows where the second number is no month."""
    seconds = [int(parts[1]) for day in days if len(parts := day.strip().split("/")) == 3 and parts[1].isdigit()]
    return "%m/%d/%Y" if any(second > 12 for second in seconds) else "%d/%m/%Y"


def _decimal(amounts: Sequence[str]) -> Literal[",", "."]:
    """The last sign before one or two digits at the end of most amounts."""
    ends = Counter(found[1] for text in amounts if (found := re.search(r"([.,])\d{1,2}\D*$", text.strip())))
    return "." if ends["."] > ends[","] else ","


def _folded(text: str) -> str:
    return _SPACES.sub(" ", text.lower().translate(_PLAIN)).strip(" :.*#\ufeff\"'")


def _clean(text: str) -> str:
    return _SPACES.sub(" ", _CONTROL.sub(" ", text)).strip()
