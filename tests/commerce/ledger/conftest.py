"""A small ledger in the shape of online-retail, and ways to import it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from stockade.commerce.ledger import Account, DocumentBatch, Mapping, Master, load_mapping, open_ledger

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
Imported = tuple[Master, list[DocumentBatch], Account]


def line(number: str | None = "500001", code: str | None = "85123A", quantity: Any = 6, price: Any = 2.95,
         customer: Any = 13085, text: str | None = "WHITE HEART", at: Any = "2010-07-01 09:30:00",
         country: str | None = "United Kingdom") -> tuple[Any, ...]:  # fmt: skip
    """Return one line of the ledger: a plain sale but for what is said."""
    return (number, code, text, quantity, at, price, customer, country)


def write_parquet(path: Path, lines: list[tuple[Any, ...]]) -> Path:
    """Write lines with the column types of the real file, but for dates, which are text here."""
    types = (pa.string(), pa.string(), pa.string(), pa.int64(), pa.string(), pa.float64(), pa.int64(), pa.string())
    columns = [pa.array([row[place] for row in lines], kind) for place, kind in enumerate(types)]
    pa_parquet.write_table(pa.table(dict(zip(COLUMNS, columns, strict=True))), path)
    return path


def import_file(path: Path, mapping: Mapping, lines: int = 8192) -> Imported:
    """Run the pure half over a file."""
    with open_ledger(path, mapping) as ledger:
        batches = list(ledger.batches(lines))
        for batch in batches:
            ledger.account.imported(batch)
        return ledger.master, batches, ledger.account


def flat(batches: list[DocumentBatch]) -> list[tuple[str, str, str, str | None, int]]:
    """Return document kind, number, line kind, charge and line number of each imported line."""
    return [
        (batch.documents.kind[document], batch.documents.number[document], kind, charge, number)
        for batch in batches
        for document, kind, charge, number in zip(
            batch.lines.document, batch.lines.kind, batch.lines.charge, batch.lines.line, strict=True
        )
    ]


@pytest.fixture
def online_retail() -> Mapping:
    return load_mapping("online-retail")


@pytest.fixture
def imported(tmp_path: Path, online_retail: Mapping) -> Callable[[list[tuple[Any, ...]]], Imported]:
    """Import some lines under the online-retail mapping."""
    return lambda lines: import_file(write_parquet(tmp_path / "ledger.parquet", lines), online_retail)
