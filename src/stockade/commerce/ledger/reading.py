"""Reading a ledger file, Parquet or CSV, a chunk at a time: bounded memory, and every line keeps its number.

A line's number is its place among the data lines, from 1 (the heading does not count, a CSV record that spans
several physical lines counts once). Values arrive as the file has them; what they mean is ``parsing``'s business.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

from stockade.commerce.ledger.arrow import pa, pa_csv, pa_parquet
from stockade.commerce.ledger.mapping import Mapping
from stockade.kernel.problems import Refusal

CHUNK_LINES = 32_768
CSV_BLOCK_BYTES = 256 << 10
"""Small, because Arrow reads up to 32 blocks ahead of whoever takes them."""


class Chunk(NamedTuple):
    """Some lines of the file, in its order.

    ``numbers`` (int64) are the lines' numbers and ``rows`` their values, a column each under the file's own names;
    ``malformed`` are number and text of CSV records with too few or too many fields, which have no values.
    """

    numbers: pa.Array
    rows: pa.RecordBatch
    malformed: list[tuple[int, str]]


def read(path: Path, mapping: Mapping, *, every_column: bool = False) -> Generator[Chunk, None, None]:
    """Yield the lines of the file: of the columns that the mapping names, or of all.

    Raises `Refusal` for a missing, unreadable or unknown kind of file, and where it lacks a column of the mapping.
    """
    check_is_file(path)
    try:
        match path.suffix.lower():
            case ".parquet" | ".pq":
                yield from _parquet(path, mapping, every_column)
            case ".csv" | ".tsv" | ".txt":
                yield from _csv(path, mapping, every_column)
            case _:
                raise Refusal(f"{path.name} is neither Parquet (.parquet) nor CSV (.csv); convert it to one of them.")
    except (pa.ArrowException, OSError, LookupError, UnicodeError) as error:
        raise Refusal(f"{path.name} cannot be read: {_first_line(error)}.") from error


def check_is_file(path: Path) -> None:
    """Raise `Refusal` where there is no file of that name."""
    if not path.exists():
        raise Refusal(f"There is no file {path}; check the path.")
    if not path.is_file():
        raise Refusal(f"{path} is not a file; name the ledger's Parquet or CSV file.")


def line_count(path: Path) -> int | None:
    """Return how many lines a Parquet file says it has; None where only reading it tells (CSV)."""
    if path.suffix.lower() not in {".parquet", ".pq"}:
        return None
    check_is_file(path)
    try:
        return int(pa_parquet.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise Refusal(f"{path.name} cannot be read: {_first_line(error)}.") from error


def _parquet(path: Path, mapping: Mapping, every_column: bool) -> Iterator[Chunk]:
    with pa_parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16) as file:
        names = file.schema_arrow.names
        wanted = _wanted(path, mapping, names)
        first = 1
        batches = file.iter_batches(
            batch_size=CHUNK_LINES, columns=names if every_column else wanted, use_threads=False
        )
        for rows in batches:
            yield Chunk(pa.array(range(first, first + len(rows)), pa.int64()), rows, [])
            first += len(rows)


def _csv(path: Path, mapping: Mapping, every_column: bool) -> Iterator[Chunk]:
    malformed: list[tuple[int, str]] = []

    def set_aside(record: pa_csv.InvalidRow) -> str:
        malformed.append((record.number - 1, record.text))  # its number counts the heading
        return "skip"

    read_options = pa_csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK_BYTES, encoding=mapping.text.encoding)
    parse = pa_csv.ParseOptions(
        delimiter=mapping.text.delimiter, newlines_in_values=True, invalid_row_handler=set_aside
    )
    with pa_csv.open_csv(path, read_options=read_options, parse_options=parse) as heading:
        names = heading.schema.names
    wanted = _wanted(path, mapping, names)
    malformed.clear()
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),  # guessed types would turn code 00123 into 123
        include_columns=names if every_column else wanted,
        strings_can_be_null=False,
    )
    rows_of_none = pa.RecordBatch.from_pydict({name: pa.array([], pa.string()) for name in names})
    first = 1
    with pa_csv.open_csv(path, read_options=read_options, parse_options=parse, convert_options=convert) as reader:
        for rows in reader:
            numbers = _numbers(first, len(rows), {number for number, _ in malformed})
            first = numbers[-1] + 1 if numbers else first
            # The reader is ahead of us by a block: what it set aside further on belongs to a later chunk.
            due = [record for record in malformed if record[0] < first]
            malformed[:] = [record for record in malformed if record[0] >= first]
            yield Chunk(pa.array(numbers, pa.int64()), rows, due)
    if malformed:
        yield Chunk(pa.array([], pa.int64()), rows_of_none, malformed)


def _numbers(first: int, count: int, taken: set[int]) -> list[int]:
    """Return the next ``count`` line numbers from ``first`` that no malformed record has."""
    if not taken:
        return list(range(first, first + count))
    numbers: list[int] = []
    while len(numbers) < count:
        if first not in taken:
            numbers.append(first)
        first += 1
    return numbers


def _wanted(path: Path, mapping: Mapping, names: list[str]) -> list[str]:
    """Return the file's columns that the mapping names; raise `Refusal` naming those that are missing or ambiguous."""
    wanted = list(dict.fromkeys(mapping.columns.named().values()))
    if missing := [name for name in wanted if name not in names]:
        raise Refusal(
            f"{path.name} lacks {_listed(missing)}, which the mapping {mapping.name} names; its columns are "
            f"{_listed(names)}."
        )
    if doubled := [name for name in wanted if names.count(name) > 1]:
        raise Refusal(f"{path.name} has {_listed(doubled)} more than once; rename the other column.")
    return wanted


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__
