"""The rejects: each rejected line with its number, its reason, and the original as it stood in the file."""

import csv
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from stockade.commerce.ledger.arrow import pa, pc
from stockade.commerce.ledger.mapping import Mapping
from stockade.commerce.ledger.reading import read
from stockade.kernel.problems import Refusal


class Reject(msgspec.Struct):
    """A rejected line; ``original`` has every column of the file, or nothing but ``record`` where it had no columns."""

    line: int
    reason: str
    original: dict[str, Any]
    record: str | None = None


def rejected(path: Path, mapping: Mapping, rejects: pa.Table) -> Iterator[Reject]:
    """Yield the rejected lines (line, reason; sorted by line) with their originals, reading the file once more."""
    start = 0
    for chunk in read(path, mapping, every_column=True) if len(rejects) else ():
        records = dict(chunk.malformed)
        highest = max([*records, chunk.numbers[-1].as_py() if len(chunk.numbers) else 0])
        due = _up_to(rejects, start, highest)
        start += len(due)
        places = pc.index_in(due["line"], value_set=chunk.numbers)
        originals = iter(chunk.rows.take(pc.drop_null(places).combine_chunks()).to_pylist())
        for line, reason in zip(due["line"].to_pylist(), due["reason"].to_pylist(), strict=True):
            if line in records:
                yield Reject(line, reason, {}, records[line])
            else:
                yield Reject(line, reason, next(originals))


def write_rejects(target: Path, path: Path, mapping: Mapping, rejects: pa.Table) -> int:
    """Write the rejects as CSV (line, reason, the file's own columns, the record if malformed); return how many.

    The originals are not made safe for spreadsheets: the file is there to be corrected and imported again.
    """
    columns = _columns(path, mapping) if len(rejects) else []
    written = 0
    try:
        with target.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["line", "reason", *columns, "malformed_record"])
            for reject in rejected(path, mapping, rejects):
                values = ["" if value is None else str(value) for value in map(reject.original.get, columns)]
                writer.writerow([reject.line, reject.reason, *values, reject.record or ""])
                written += 1
    except OSError as error:
        raise Refusal(f"The rejects cannot be written to {target}: {error.strerror}.") from error
    return written


def _up_to(rejects: pa.Table, start: int, line: int) -> pa.Table:
    """Return the rejects from a place on whose line is at most the one given."""
    rest = rejects.slice(start)
    return rest.slice(0, pc.sum(pc.less_equal(rest["line"], line)).as_py() or 0)


def _columns(path: Path, mapping: Mapping) -> list[str]:
    """Return the names of all the file's columns."""
    with closing(read(path, mapping, every_column=True)) as chunks:
        return list(next(chunks).rows.schema.names)
