"""Imports through the API: upload a file, say which column is which field, have it checked, run it, read the account.

The worker does the work: an answer says where the import stands then. Read it again until `state` is no longer
`reading`, `checking` or `running`.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.params import QueryParameter

from stockade.access.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from stockade.access.routes import create, get, post, put
from stockade.commerce.imports.permissions import READ, RUN
from stockade.commerce.imports.rejects import rejects_csv
from stockade.commerce.imports.service import mapping, running, uploading
from stockade.commerce.imports.service import reading as service
from stockade.commerce.imports.views import (
    MOST_BASE64,
    ImportView,
    LineView,
    MappingChange,
    NewImport,
    NotNow,
    Outcome,
    ReadingChange,
)
from stockade.kernel.problems import Invalid
from stockade.tenancy.transaction import Transaction

BODY_BYTES = MOST_BASE64 + 10_000
MOST_REJECTS = 100_000
Result = Annotated[Outcome | None, QueryParameter(description="Only lines that came out so.")]


@get("/imports/{import_id:uuid}", permission=READ)
async def read_import(tx: Transaction, import_id: UUID) -> ImportView:
    """Read an import: how its file was read, its mapping, and how far it has come."""
    return await service.read_import(tx, import_id)


@get("/imports", permission=READ)
async def list_imports(tx: Transaction, after: Cursor | None = None, limit: Limit = 50) -> Page[ImportView]:
    """List imports, newest first."""
    place = None if after is None else decode_cursor(after, (datetime, UUID))
    if place is not None and place[0].tzinfo is None:
        raise Invalid("This cursor does not come from a page of ours.", field="after")
    rows = await service.list_imports(tx, before=place, count=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], encode_cursor(last.uploaded_at, last.id) if last else None)


@create("/imports", permission=RUN, read=read_import, request_max_body_size=BODY_BYTES)
async def upload_import(tx: Transaction, id: UUID, data: NewImport) -> ImportView:
    """Upload a file of products, customers or opening stock.

    CSV or XLSX, up to 20 MB and 100,000 lines. Its first line names the columns.
    """
    return await uploading.upload_import(tx, id, data)


@put("/imports/{import_id:uuid}/reading", permission=RUN, problems=[NotNow])
async def read_import_again(tx: Transaction, import_id: UUID, data: ReadingChange) -> ImportView:
    """Have a text file read with another encoding or separator. The mapping begins anew."""
    return await uploading.read_again(tx, import_id, data)


@put("/imports/{import_id:uuid}/mapping", permission=RUN, problems=[NotNow])
async def map_import(tx: Transaction, import_id: UUID, data: MappingChange) -> ImportView:
    """Say which column, or which value for every line, each field gets."""
    return await mapping.set_mapping(tx, import_id, data)


@post("/imports/{import_id:uuid}/check", permission=RUN, problems=[NotNow])
async def check_import(tx: Transaction, import_id: UUID) -> ImportView:
    """Have every line tried and taken back: the account then says what a run would do."""
    return await running.check_import(tx, import_id)


@post("/imports/{import_id:uuid}/start", permission=RUN, problems=[NotNow])
async def start_import(tx: Transaction, import_id: UUID) -> ImportView:
    """Import the lines. What is rejected is left out, and can be mended and imported again."""
    return await running.start_import(tx, import_id)


@post("/imports/{import_id:uuid}/stop", permission=RUN, problems=[NotNow])
async def stop_import(tx: Transaction, import_id: UUID) -> ImportView:
    """Stop a check or a run. What is imported stays."""
    return await running.stop_import(tx, import_id)


@get("/imports/{import_id:uuid}/lines", permission=READ)
async def list_import_lines(
    tx: Transaction, import_id: UUID, outcome: Result = None, after: Cursor | None = None, limit: Limit = 50
) -> Page[LineView]:  # fmt: skip
    """List the lines of an import with what became of each. They are kept for two weeks after its end."""
    await service.read_import(tx, import_id)
    place = decode_cursor(after, (int,))[0] if after is not None else 0
    if not 0 <= place < 2**31:
        raise Invalid("This cursor does not come from a page of ours.", field="after")
    rows = await service.list_lines(tx, import_id, outcome=outcome, after=place, count=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], encode_cursor(last.position) if last else None)


@get("/imports/{import_id:uuid}/rejects.csv", permission=READ, media_type="text/csv", heavy=True)
async def read_import_rejects(tx: Transaction, import_id: UUID) -> Response[bytes]:
    """Read the rejected lines in the file's own shape, with a column that says why."""
    run = await service.read_import(tx, import_id)
    lines = await service.list_lines(tx, import_id, outcome="rejected", count=MOST_REJECTS)
    text = rejects_csv(run, [(line, [reason.said() for reason in line.reasons]) for line in lines])
    headers = {"Content-Disposition": 'attachment; filename="rejects.csv"'}
    return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


ROUTES = [
    read_import, list_imports, upload_import, read_import_again, map_import, check_import, start_import, stop_import,
    list_import_lines, read_import_rejects,
]  # fmt: skip
