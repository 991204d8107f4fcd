"""Fields: what a line of a file can say, how its texts are read, and which column is most likely which. Pure.

A cell is read as its field is meant and then held against the type that the API's command has: the bounds are the same.
An empty cell says nothing: a new record gets what the API gives it then, one that is there keeps what it has.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from stockade.kernel.problems import Invalid
from stockade.kernel.words import N_, said

Kind = Literal["text", "code", "decimal", "money", "integer", "flag", "choice"]
Values = dict[str, Any]
_BOUND = re.compile(r"Expected `[^`]+` (>=|<=|of length >=|of length <=) (-?\d+)")
_NUMBER = {
    ".": re.compile(r"[+-]?(\d{1,3}([ ',]\d{3})+|\d+)?(\.\d+)?"),
    ",": re.compile(r"[+-]?(\d{1,3}([ '.]\d{3})+|\d+)?(,\d+)?"),
}
_AROUND = re.compile(r"^[^\d+\-.,]{0,4}\s*|\s*[^\d.,]{0,4}$")
_YES = frozenset({"1", "yes", "y", "true", "x", "on", "tak", "t", "prawda", "ja", "oui"})
_NO = frozenset({"0", "no", "n", "false", "off", "nie", "fałsz", "nein", "non"})


class Reason(msgspec.Struct, frozen=True):
    """Why a line was rejected: the field (``""`` for the whole line), a sentence, and the values in it."""

    field: str
    text: str
    values: dict[str, str] = {}

    def said(self) -> str:
        """Return the sentence, which remembers its pattern."""
        return said(self.text, **self.values)


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field: what it is called, how it is read, and what columns that hold it are called elsewhere."""

    name: str
    label: str
    kind: Kind = "text"
    required: bool = False
    """Whether a new record needs it."""
    synonyms: tuple[str, ...] = ()
    choices: Mapping[str, str] = {}
    """Of a choice: value → label."""
    spellings: Mapping[str, str] = {}
    """Of a choice: what else people write → value, in small letters."""
    note: str = ""


class Source(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where a field comes from: a column (from 0), or one value for every line."""

    column: int | None = None
    value: str | None = None


Mapped = dict[str, Source]
"""Field → source."""


class Reader(msgspec.Struct, frozen=True):
    """How the lines of one import are read: fields, their types and sources, the decimal mark, a tenant's spellings."""

    fields: Sequence[Field]
    types: Mapping[str, Any]
    mapped: Mapped
    decimals: str
    spellings: Mapping[str, Mapping[str, str]] = {}

    def read(self, cells: Sequence[str], width: int) -> tuple[Values, list[Reason]]:
        """Return what a line says, by field, and what is wrong with it. ``width`` is how many columns there are."""
        values: Values = {}
        reasons = [Reason("", N_("The line has more cells than the header."))] if any(cells[width:]) else []
        for field in self.fields:
            text = self._text(field.name, cells)
            if text:
                try:
                    values[field.name] = self._value(field, text)
                except ValueError as error:
                    reasons.append(Reason(field.name, *_told(error, field)))
        return values, reasons

    def _text(self, name: str, cells: Sequence[str]) -> str:
        source = self.mapped.get(name)
        if source is None:
            return ""
        if source.column is not None:
            return cells[source.column] if source.column < len(cells) else ""
        return source.value or ""

    def _value(self, field: Field, text: str) -> Any:
        if field.kind == "choice":
            known = {key.lower(): key for key in field.choices}
            known.update(field.spellings)
            known.update(self.spellings.get(field.name, {}))
            if (found := known.get(text.lower())) is None:
                raise ValueError(N_("This is none of the values that there are."))
            return found
        if field.kind == "flag":
            if text.lower() not in _YES | _NO:
                raise ValueError(N_("Write yes or no."))
            return text.lower() in _YES
        value: Any = text
        if field.kind in ("decimal", "money", "integer"):
            value = decimal_in(text, self.decimals)
            if field.kind == "integer":
                if value != value.to_integral_value():
                    raise ValueError(N_("Write a whole number."))
                value = int(value)
            if field.kind == "money":
                return value
        elif field.kind == "code":
            value = text.upper()
        try:
            return msgspec.convert(value, self.types[field.name])
        except Invalid as error:
            raise ValueError(error.detail) from None


def decimal_in(text: str, decimals: str) -> Decimal:
    """Return the number that a cell holds, with a currency's sign around it or not; ``ValueError`` if it is none."""
    plain = _AROUND.sub("", text) if not text[-1:].isdigit() or not text[:1].isdigit() else text
    if len(plain) > 40 or not plain.isascii() or not any(map(str.isdigit, plain)):
        raise ValueError(N_("Write a number."))
    if not _NUMBER[decimals].fullmatch(plain):
        raise ValueError(N_("Write a number."))
    grouping = " '." if decimals == "," else " ',"
    return Decimal(plain.translate({ord(mark): None for mark in grouping}).replace(",", "."))


def decimals_in(cells: Iterable[str]) -> str:
    """Return the decimal mark that the numbers of a file are written with; a point if nothing tells."""
    comma = point = 0
    for cell in cells:
        comma += bool(re.fullmatch(r"-?[\d .']*,\d{1,2}(\D{0,4})?", cell))
        point += bool(re.fullmatch(r"-?[\d ,']*\.\d{1,2}(\D{0,4})?", cell))
    return "," if comma > point else "."


def guessed(header: Sequence[str], fields: Sequence[Field]) -> Mapped:
    """Return which column is most likely which field, by what it is called; each column once."""
    names = [plainly(name) for name in header]
    found: Mapped = {}
    for field in fields:
        wanted = [plainly(name) for name in (field.name, field.label, *field.synonyms)]
        # The first spelling counts most: a column called "SKU" before one called "Item".
        places = [at for name in wanted for at, known in enumerate(names) if known == name]
        free = [at for at in places if all(source.column != at for source in found.values())]
        if free:
            found[field.name] = Source(column=free[0])
    return found


def plainly(name: str) -> str:
    """Return a name as it is compared: small letters without accents, words divided by single spaces."""
    bare = unicodedata.normalize("NFKD", name.replace("ł", "l").replace("Ł", "L"))
    return " ".join(re.findall(r"[a-z0-9]+", bare.encode("ascii", "ignore").decode().lower()))


def _told(error: ValueError, field: Field) -> tuple[str, dict[str, str]]:
    """Return an error in words, and the values in them."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return text, {}
    if bound := _BOUND.search(text):
        return _BOUNDS[bound[1]], {"bound": bound[2]}
    if "matching regex" in text:
        return N_("This is not written as it has to be."), {}
    return N_("This value cannot be used here."), {}


_BOUNDS: Mapping[str, str] = {
    ">=": N_("At least {bound}."), "<=": N_("At most {bound}."),
    "of length >=": N_("At least {bound} characters."), "of length <=": N_("At most {bound} characters."),
}  # fmt: skip
