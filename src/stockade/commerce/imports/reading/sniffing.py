"""How a text file is written: its encoding, and what stands between its columns. Pure functions.

UTF-8 and UTF-16 are known by what they are. Between the one-byte encodings the letters decide: read in the wrong one,
"Łódź" is full of signs that no word holds.
"""

import csv
import io
from collections import Counter
from collections.abc import Sequence

from stockade.commerce.imports.reading.limits import MOST_CELL, Refused

ENCODINGS = ("utf-8", "utf-16", "cp1250", "cp1252", "iso8859_2")
SEPARATORS = (",", ";", "\t", "|")
_SAMPLE_BYTES = 200_000
_SAMPLE_LINES = 30
_COMMON = {
    "cp1250": "ąćęłńóśźżĄĆĘŁŃÓŚŹŻčďěňřšťůýžáéíäöüßőű–—„”’€°",
    "iso8859_2": "ąćęłńóśźżĄĆĘŁŃÓŚŹŻčďěňřšťůýžáéíäöüßőű°",
    "cp1252": "àâäçèéêëîïôöùûüßñåæøáíóúÀÂÄÇÈÉÊËÎÔÖÜÅÆØ–—“”‘’€£°½",
}


def encoding_of(content: bytes) -> str:
    """Return the encoding that the content is most likely written in, one of ``ENCODINGS``."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        sample = Counter(byte for byte in content[:_SAMPLE_BYTES] if byte > 127)
        return max(("cp1252", "cp1250", "iso8859_2"), key=lambda name: _likelihood(sample, name))
    return "utf-8"


def decoded(content: bytes, encoding: str) -> str:
    """Return the text; ``Refused`` if the content is no text in this encoding."""
    try:
        text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except (UnicodeDecodeError, LookupError):
        raise Refused("The file cannot be read as {encoding}: choose another encoding.", encoding=encoding) from None
    if "\0" in text:
        raise Refused("This is no text file. CSV and XLSX files can be imported.")
    return text


def separator_of(text: str) -> str:
    """Return what most evenly divides the first lines into columns; a comma if there is one column only."""
    sample = "".join(text[:_SAMPLE_BYTES].splitlines(keepends=True)[:_SAMPLE_LINES])
    return max(SEPARATORS, key=lambda separator: _evenness(sample, separator))


def _likelihood(sample: Counter[int], encoding: str) -> int:
    """Count letters that words of the encoding's languages hold, and hold signs that they do not against it."""
    score = 0
    for byte, count in sample.items():
        letter = bytes([byte]).decode(encoding, errors="replace")
        score += count if letter in _COMMON[encoding] else -count
    return score


def _evenness(sample: str, separator: str) -> tuple[int, int]:
    """Return how many lines have the commonest number of columns, and that number; nothing for one column."""
    csv.field_size_limit(MOST_CELL * 2)
    try:
        widths: Sequence[int] = [len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=separator)]
    except csv.Error:
        return 0, 0
    width, lines = Counter(widths).most_common(1)[0] if widths else (0, 0)
    return (lines, width) if width > 1 else (0, 0)
