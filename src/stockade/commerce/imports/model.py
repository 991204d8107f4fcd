"""Imports: the run, its file, its lines with what became of each, and how far it has come."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Integer, LargeBinary, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.tenancy.declaration import (
    TenantDetail,
    TenantTable,
    business,
    check,
    column,
    index,
    personal,
    reference,
    stages,
    technical,
)
from stockade.tenancy.masks import hidden

TARGETS = ("products", "customers", "stock")
STATES = ("reading", "refused", "ready", "checking", "checked", "running", "finished", "stopped")
OUTCOMES = ("created", "updated", "unchanged", "rejected")
MOST_BYTES = 20_000_000
_KEPT = "two weeks after the import ended"


class Run(TenantTable, table="imports.run", insert_event="imports.uploaded"):
    """One file to be imported: how it is read, which column is which field, and where it stands.

    ``reading`` → ``ready`` (or ``refused``) → ``checking`` → ``checked`` → ``running`` → ``finished`` (or ``stopped``).
    """

    target: Mapped[str] = stages(*TARGETS, rule=business(), fixed=True)
    file_name: Mapped[str] = column(Text, business(), fixed=True)
    size_bytes: Mapped[int] = column(Integer, business(), fixed=True)
    state: Mapped[str] = stages(*STATES, rule=business(event="imports.state_changed"), server_default="reading")
    encoding: Mapped[str] = column(Text, business(), server_default="")
    """Of a text file, as it was found or chosen; empty for a spreadsheet."""
    separator: Mapped[str] = column(Text, business(), server_default="")
    decimals: Mapped[str] = column(Text, business(), server_default=".")
    header: Mapped[list[str]] = column(JSONB, business(), server_default="[]")
    mapping: Mapped[dict[str, Any]] = column(JSONB, business(), server_default="{}")
    """Field → ``{"column": 3}`` or ``{"value": "DE"}`` (the same for every line)."""
    refusal: Mapped[dict[str, Any] | None] = column(JSONB(none_as_null=True), business())
    """Why the file could not be read: a pattern and its values."""
    lines: Mapped[int] = column(Integer, business(), server_default="0")
    uploaded_by: Mapped[UUID] = column(Uuid, business(), fixed=True)
    uploaded_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    started_by: Mapped[UUID | None] = column(Uuid, business())
    """Who let it run: what it makes is made in this person's name."""
    ended_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())

    __constraints__ = (index("uploaded_at", "id"), check("size", f"size_bytes between 0 and {MOST_BYTES}"))


class File(TenantDetail, table="imports.file", grants="select insert delete", audited=False):
    """The file as it came, so that it can be read in another way."""

    run_id: Mapped[UUID] = reference(Run, business(), fixed=True, primary_key=True)
    content: Mapped[bytes] = column(
        LargeBinary, personal("import", mask=hidden, erase="drop", retention=_KEPT), fixed=True
    )

    __constraints__ = (check("size", f"length(content) <= {MOST_BYTES}"),)


class Line(TenantDetail, table="imports.line", grants="select insert update delete", audited=False):
    """One line: its cells as they were read, and what became of it in the pass (check or run) that touched it last."""

    run_id: Mapped[UUID] = reference(Run, business(), fixed=True, primary_key=True)
    position: Mapped[int] = column(Integer, technical(), fixed=True, primary_key=True)
    """1, 2, 3 … without gaps."""
    number: Mapped[int] = column(Integer, business(), fixed=True)
    """Which line or row of the file it is."""
    cells: Mapped[list[str]] = column(JSONB, personal("import", mask=hidden, erase="drop", retention=_KEPT), fixed=True)
    outcome: Mapped[str | None] = column(Text, business(), one_of=OUTCOMES)
    reasons: Mapped[list[dict[str, Any]] | None] = column(
        JSONB(none_as_null=True), personal("import", mask=hidden, erase="drop", retention=_KEPT)
    )
    record_id: Mapped[UUID | None] = column(Uuid, business())
    """What the line made or changed."""

    __constraints__ = (index("run_id", "position", where="outcome = 'rejected'"),)


class Progress(TenantDetail, table="imports.progress", grants="select insert update", audited=False):
    """How far a pass has come. ``done`` advances in the transaction of each batch: a crash loses and repeats none."""

    run_id: Mapped[UUID] = reference(Run, business(), fixed=True, primary_key=True)
    done: Mapped[int] = column(Integer, business(), server_default="0")
    created: Mapped[int] = column(Integer, business(), server_default="0")
    updated: Mapped[int] = column(Integer, business(), server_default="0")
    unchanged: Mapped[int] = column(Integer, business(), server_default="0")
    rejected: Mapped[int] = column(Integer, business(), server_default="0")
    problems: Mapped[dict[str, int]] = column(JSONB, business(), server_default="{}")
    """Field → how many lines were rejected for it."""
    touched_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())
