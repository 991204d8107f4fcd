"""Looking at imports: one, all of them, and the account of every line."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.imports.fields import Reason
from stockade.commerce.imports.views import ImportView, LineView, Outcome, Progress, as_mapped
from stockade.database.statements import raw
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction

_VIEW = """
    select r.id, r.target, r.file_name, r.size_bytes, r.state, r.encoding, r.separator, r.decimals, r.header, r.mapping,
        r.refusal, r.lines, r.uploaded_by, r.uploaded_at, r.started_by, r.ended_at,
        p.done, p.created, p.updated, p.unchanged, p.rejected, p.problems
    from imports.run r join imports.progress p on p.tenant_id = $1 and p.run_id = r.id
    where r.tenant_id = $1
"""
_BY_ID = raw(f"{_VIEW} and r.id = $2", "this_tenant id")
_PAGE = raw(
    f"{_VIEW} and ($2::timestamptz is null or (r.uploaded_at, r.id) < ($2, $3::uuid)) "
    "order by r.uploaded_at desc, r.id desc limit $4",
    "this_tenant before_at before_id count",
)
_LINES = raw(
    """
    select l.position, l.number, l.cells, l.outcome, l.reasons, l.record_id
    from imports.line l
    where l.tenant_id = $1 and l.run_id = $2 and l.position > $3 and ($4::text is null or l.outcome = $4)
    order by l.position limit $5
    """,
    "this_tenant id after outcome count",
)
_REJECTS = raw(
    """
    select l.position, l.number, l.cells, l.outcome, l.reasons, l.record_id
    from imports.line l where l.tenant_id = $1 and l.run_id = $2 and l.outcome = 'rejected' and l.position > $3
    order by l.position limit $4
    """,
    "this_tenant id after count",
)
_HAS_LINES = raw(
    "select exists (select from imports.line l where l.tenant_id = $1 and l.run_id = $2)", "this_tenant id", bool
)


async def read_import(tx: Transaction, import_id: UUID) -> ImportView:
    """Return an import as it stands; ``NotFound`` if there is none."""
    return _view(await _BY_ID.one(tx, id=import_id))


async def list_imports(
    tx: Transaction, *, before: tuple[datetime, UUID] | None = None, count: int
) -> list[ImportView]:  # fmt: skip
    """Return up to ``count`` imports, newest first, those before the given (uploaded_at, id)."""
    place = before or (None, None)
    return [_view(row) for row in await _PAGE.all(tx, before_at=place[0], before_id=place[1], count=count)]


async def list_lines(
    tx: Transaction, import_id: UUID, *, outcome: Outcome | None = None, after: int = 0, count: int
) -> list[LineView]:  # fmt: skip
    """Return up to ``count`` lines of an import in the file's order, those after a position."""
    if outcome == "rejected":
        rows = await _REJECTS.all(tx, id=import_id, after=after, count=count)
    else:
        rows = await _LINES.all(tx, id=import_id, after=after, outcome=outcome, count=count)
    return [_line(row) for row in rows]


async def keeps_lines(tx: Transaction, import_id: UUID) -> bool:
    """Return whether an import's lines are still kept."""
    return await _HAS_LINES.one(tx, id=import_id)


def _view(row: tuple[Any, ...]) -> ImportView:
    mapping, refusal = row[9:11]
    told = said(refusal["text"], **refusal["values"]) if refusal else None
    values: list[Any] = [*row[:9], as_mapped(mapping), told, *row[11:16], Progress(*row[16:])]
    return ImportView(*values)


def _line(row: tuple[Any, ...]) -> LineView:
    position, number, cells, outcome, reasons, record_id = row
    return LineView(position, number, cells, outcome, msgspec.convert(reasons or [], list[Reason]), record_id)
