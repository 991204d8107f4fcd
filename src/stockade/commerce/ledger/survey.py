"""The first pass: read the whole file once, number its documents, and keep the lines as integers on disk.

Lines of one document need not stand together (in a ledger sorted by minute they interleave), and a resumed import
must meet the same n-th document. So documents are numbered by their first appearance, and every line is written to a
temporary file as nine integers; text lives once in a vocabulary. A range of documents is then collected from those
stored chunks whose documents overlap it: one or two in a ledger that is roughly in order, all of them in a shuffled
one, which costs time but never memory.
"""

import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

from stockade.commerce.ledger.account import Account
from stockade.commerce.ledger.arrow import pa, pa_ipc, pc
from stockade.commerce.ledger.mapping import Mapping
from stockade.commerce.ledger.parsing import Parser
from stockade.commerce.ledger.reading import read
from stockade.kernel.problems import Refusal

KEPT_CHUNKS = 4
WORDS = ("document", "code", "description", "customer", "country", "currency")
"""The columns of text: in the stored lines they are numbers (int32), places in ``Vocabulary.words[column]``."""


class Vocabulary:
    """Every distinct text of the ledger, numbered in the order of appearance, column by column."""

    def __init__(self) -> None:
        self.words: dict[str, list[str]] = {column: [] for column in WORDS}
        self._numbers: dict[str, dict[str, int]] = {column: {} for column in WORDS}

    def encode(self, column: str, values: pa.ChunkedArray) -> pa.Array:
        """Return the numbers (int32, null for null) of the texts, taking new ones in."""
        encoded = values.combine_chunks().dictionary_encode()
        known, words = self._numbers[column], self.words[column]
        numbers = []
        for word in encoded.dictionary.to_pylist():
            number = known.setdefault(word, len(words))
            if number == len(words):
                words.append(word)
            numbers.append(number)
        return pa.array(numbers, pa.int32()).take(encoded.indices)


class Survey:
    """The lines of a ledger by document. Use it as a context: leaving it deletes the temporary file.

    ``lines_of[n]`` is how many readable lines the n-th document has; ``account`` has seen every line read.
    """

    def __init__(self, path: Path, mapping: Mapping, account: Account) -> None:
        self.path = path
        self.mapping = mapping
        self.account = account
        self.vocabulary = Vocabulary()
        self.lines_of: list[int] = []
        self._spans: list[tuple[int, int]] = []  # lowest and highest document of each stored chunk
        self._kept: OrderedDict[int, pa.Table] = OrderedDict()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  nameless, so gone even after kill -9; __exit__ closes it
        self._stored: pa_ipc.RecordBatchFileReader | None = None

    def __enter__(self) -> "Survey":
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.clear()
        self._stored = None
        self._file.close()

    def take(self, progress: Callable[[int], None] = lambda lines: None) -> None:
        """Read the file; ``progress`` hears how many lines have been read so far. Raises `Refusal`."""
        parser = Parser(self.mapping)
        writer: pa_ipc.RecordBatchFileWriter | None = None
        for chunk in read(self.path, self.mapping):
            lines, rejects = parser.parse(chunk)
            self.account.read(len(chunk.rows) + len(chunk.malformed), lines)
            self.account.reject(rejects)
            stored = self._encode(lines)
            if writer is None:
                writer = pa_ipc.new_file(pa.PythonFile(self._file, "w"), stored.schema)
            if len(stored):
                self._store(writer, stored)
            progress(self.account.lines)
        if writer is not None:
            self._closed(writer)
        self._file.seek(0)
        self._stored = pa_ipc.open_file(pa.PythonFile(self._file, "r")) if writer is not None else None

    def ranges(self, lines: int) -> Iterator[range]:
        """Yield ranges of documents of at least so many lines (the last may have fewer): always the same ones."""
        start, total = 0, 0
        for document, count in enumerate(self.lines_of):
            total += count
            if total >= lines:
                yield range(start, document + 1)
                start, total = document + 1, 0
        if start < len(self.lines_of):
            yield range(start, len(self.lines_of))

    def collect(self, documents: range) -> pa.Table:
        """Return all lines of a range of documents, by document and then line.

        Columns: line, document, code, description, customer, country, currency, at, quantity, price_micro.
        """
        pieces = []
        for number, (lowest, highest) in enumerate(self._spans):
            if lowest < documents.stop and highest >= documents.start:
                lines = self._chunk(number)
                inside = pc.and_(
                    pc.greater_equal(lines["document"], documents.start), pc.less(lines["document"], documents.stop)
                )
                pieces.append(lines.filter(inside))
        return pa.concat_tables(pieces).sort_by([("document", "ascending"), ("line", "ascending")]).combine_chunks()

    def _encode(self, lines: pa.Table) -> pa.Table:
        for column in WORDS:
            place = lines.schema.get_field_index(column)
            lines = lines.set_column(place, column, self.vocabulary.encode(column, lines[column]))
        return lines

    def _store(self, writer: pa_ipc.RecordBatchFileWriter, lines: pa.Table) -> None:
        counts = lines["document"].value_counts()
        self.lines_of.extend([0] * (len(self.vocabulary.words["document"]) - len(self.lines_of)))
        for document, count in zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True):
            self.lines_of[document] += count
        span = pc.min_max(lines["document"]).as_py()
        self._spans.append((span["min"], span["max"]))
        try:
            writer.write_table(lines.combine_chunks(), max_chunksize=len(lines))
        except OSError as error:
            raise _no_room(error) from error

    def _closed(self, writer: pa_ipc.RecordBatchFileWriter) -> None:
        try:
            writer.close()
            self._file.flush()
        except OSError as error:
            raise _no_room(error) from error

    def _chunk(self, number: int) -> pa.Table:
        """Return a stored chunk, keeping the few used last."""
        if number not in self._kept:
            if len(self._kept) >= KEPT_CHUNKS:
                self._kept.popitem(last=False)
            assert self._stored is not None
            self._kept[number] = pa.Table.from_batches([self._stored.get_batch(number)])
        self._kept.move_to_end(number)
        return self._kept[number]


def _no_room(error: OSError) -> Refusal:
    return Refusal(
        f"The ledger's working copy cannot be written to {tempfile.gettempdir()} ({error.strerror}); "
        "make room there or name another folder in TMPDIR."
    )
