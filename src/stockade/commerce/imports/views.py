"""What an import looks like from outside: where it stands, how it is read, what became of its lines."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from stockade.access.fields import Text200
from stockade.commerce.imports.fields import Mapped, Reason
from stockade.commerce.imports.model import MOST_BYTES
from stockade.kernel.problems import Conflict

Target = Literal["products", "customers", "stock"]
State = Literal["reading", "refused", "ready", "checking", "checked", "running", "finished", "stopped"]
Outcome = Literal["created", "updated", "unchanged", "rejected"]
Encoding = Literal["", "utf-8", "utf-16", "cp1250", "cp1252", "iso8859_2"]
Separator = Literal["", ",", ";", "\t", "|"]
MOST_BASE64 = (MOST_BYTES + 2) // 3 * 4
AT_WORK: frozenset[State] = frozenset({"reading", "checking", "running"})


class NotNow(Conflict):
    """The import's state does not allow this: it is being read, checked or run, or it has ended."""

    type = "/problems/imports/not-now"
    title = "This import is not in a state for this"


class NewImport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file to be imported, in base64: CSV or XLSX, of up to 20 MB and 100,000 lines."""

    target: Target
    file_name: Text200
    content: Annotated[
        str,
        msgspec.Meta(
            min_length=4, max_length=MOST_BASE64, pattern=r"^[A-Za-z0-9+/]+={0,2}(?!\n)$",
            description="The file in base64.", examples=["c2t1LG5hbWUKQS0xLEFtcGhvcmEK"],
        ),
    ]  # fmt: skip


class ReadingChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a text file is to be read; what is empty is found out."""

    encoding: Encoding = ""
    separator: Separator = ""


class MappingChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column (from 0), or which value for every line, each field gets; a field that is left out gets nothing."""

    fields: Mapped
    decimals: Literal[".", ","] = "."


class Progress(msgspec.Struct, frozen=True):
    """How far the check or the run has come, and what became of the lines. ``problems`` counts rejections by field."""

    done: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    problems: dict[str, int]


class ImportView(msgspec.Struct, frozen=True):
    """An import. ``refusal`` says why a file could not be read; ``lines`` is how many it has."""

    id: UUID
    target: Target
    file_name: str
    size_bytes: int
    state: State
    encoding: str
    separator: str
    decimals: str
    header: list[str]
    mapping: Mapped
    refusal: str | None
    lines: int
    uploaded_by: UUID
    uploaded_at: datetime
    started_by: UUID | None
    ended_at: datetime | None
    progress: Progress

    @property
    def is_at_work(self) -> bool:
        """Whether the worker is busy with it."""
        return self.state in AT_WORK


class LineView(msgspec.Struct, frozen=True):
    """A line of the file, and what became of it; ``number`` is its line or row in the file."""

    position: int
    number: int
    cells: list[str]
    outcome: Outcome | None
    reasons: list[Reason]
    record_id: UUID | None


def as_mapped(stored: dict[str, Any]) -> Mapped:
    """Return a stored mapping."""
    return msgspec.convert(stored, Mapped)
