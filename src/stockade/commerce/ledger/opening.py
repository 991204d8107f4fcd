"""The ledger as one thing: open it, take its master data, then its documents in batches."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from stockade.commerce.ledger.account import Account
from stockade.commerce.ledger.arrow import pa, pc
from stockade.commerce.ledger.classify import Classifier
from stockade.commerce.ledger.documents import DocumentBatch, batch_of
from stockade.commerce.ledger.mapping import Mapping
from stockade.commerce.ledger.master import Master, MasterSurvey
from stockade.commerce.ledger.reading import check_is_file, line_count
from stockade.commerce.ledger.survey import Survey
from stockade.kernel.problems import Refusal

BATCH_LINES = 8_192
MASTER_LINES = 65_536
FINGERPRINT_VERSION = b"1"
"""Raised when the same file and mapping would form other documents or batches than before."""


class Ledger:
    """A ledger that has been read once: its master data, its documents in a fixed order, its account."""

    def __init__(self, survey: Survey, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self.file_name = survey.path.name
        self.mapping = survey.mapping
        self.account = survey.account
        self._survey = survey
        self._words = survey.vocabulary.words
        self._classifier = Classifier(survey.mapping, self._words)
        self.master = self._master()

    @property
    def document_numbers(self) -> list[str]:
        """Return the number of every document that the ledger has, in the order of their first lines."""
        return self._words["document"]

    @property
    def document_count(self) -> int:
        """Return how many documents the ledger has (before any is split by kind or rejected)."""
        return len(self._survey.lines_of)

    def batches(self, lines: int | None = None) -> Iterator[DocumentBatch]:
        """Yield all documents in batches of at least so many ledger lines (``BATCH_LINES``); call once for an account.

        To resume, skip the database for the batches that it already has, but count every batch in the account
        (``ledger.account.imported(batch)``): the account is of the whole file. Rejected lines are counted here.
        """
        for index, documents in enumerate(self._survey.ranges(lines or BATCH_LINES)):
            kept, rejects = self._classified(documents)
            self.account.reject(rejects)
            yield batch_of(
                index, kept, self._survey.mapping, self._words, self.master.product_places, self.master.customer_places
            )

    def _master(self) -> Master:
        gathered = MasterSurvey(self._survey.mapping, self._words)
        for documents in self._survey.ranges(MASTER_LINES):
            gathered.add(self._classified(documents)[0])
        return gathered.master()

    def _classified(self, documents: range) -> tuple[pa.Table, pa.Table]:
        """Return the accepted and the rejected lines of a range of documents."""
        lines = self._classifier.classify(self._survey.collect(documents))
        good = pc.is_null(lines["reason"])
        rejects = lines.filter(pc.invert(good)).select(["line", "reason", "quantity", "price_micro", "currency"])
        currencies = pa.array(self._words["currency"], pa.string()).take(rejects["currency"])
        return lines.filter(good), rejects.set_column(4, "currency", currencies)


@contextmanager
def open_ledger(
    path: Path, mapping: Mapping, progress: Callable[[int, int | None], None] = lambda done, total: None
) -> Iterator[Ledger]:
    """Read a ledger file and lend it. Raises `Refusal`.

    ``progress`` hears how many lines have been read, of how many if the file says so (Parquet does, CSV does not).

    Memory is bounded by the distinct documents, codes, customers and descriptions, not by the lines; those wait in a
    temporary file of about 60 bytes each.
    """
    fingerprint = fingerprint_of(path, mapping)
    with Survey(path, mapping, Account()) as survey:
        total = line_count(path)
        survey.take(lambda lines: progress(lines, total))
        yield Ledger(survey, fingerprint)


def fingerprint_of(path: Path, mapping: Mapping) -> str:
    """Return what identifies an import: SHA-256 over the file and the mapping, so that neither can change unseen."""
    check_is_file(path)
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise Refusal(f"{path.name} cannot be read: {error.strerror}.") from error
    declared = hashlib.sha256(msgspec.json.encode(mapping, order="deterministic")).digest()
    return hashlib.sha256(FINGERPRINT_VERSION + content + declared).hexdigest()
