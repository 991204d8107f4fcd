"""The rejected lines as a file in the shape of the one that they came from, with a column that says why.

It can be mended and imported again: the column of reasons is no field, and a quotation mark that keeps a spreadsheet
from running a cell is taken off when the file is read.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from stockade.commerce.imports.reading.sniffing import SEPARATORS
from stockade.commerce.imports.views import ImportView, LineView
from stockade.kernel.words import N_

REASON = N_("Reason")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rejects_csv(run: ImportView, lines: Iterable[tuple[LineView, Sequence[str]]], reason: str = REASON) -> str:
    """Return the lines, each with its sentences, as CSV (RFC 4180) with the file's own separator."""
    out = io.StringIO()
    write = csv.writer(out, delimiter=run.separator if run.separator in SEPARATORS else ",").writerow
    write([harmless(name) for name in (*run.header, reason)])
    for line, sentences in lines:
        cells = line.cells + [""] * (len(run.header) - len(line.cells))
        write([harmless(text) for text in (*cells, " ".join(sentences))])
    return out.getvalue()


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula (CWE-1236); a plain number stays one."""
    if not text.startswith(_FORMULA) or (text[1:].replace(".", "", 1).isdigit() and text[0] in "+-"):
        return text
    return f"'{text}"
