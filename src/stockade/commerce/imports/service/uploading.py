"""Taking a file in, and reading it: once, and again in another way if it was read wrongly."""

from base64 import b64decode
from uuid import UUID

import msgspec

from stockade.commerce.imports.fields import Mapped, decimals_in, guessed
from stockade.commerce.imports.model import MOST_BYTES
from stockade.commerce.imports.reading import Sheet
from stockade.commerce.imports.reading.limits import Refused
from stockade.commerce.imports.service.reading import read_import
from stockade.commerce.imports.service.standing import in_state, wake
from stockade.commerce.imports.targets import TARGETS
from stockade.commerce.imports.views import ImportView, NewImport, ReadingChange
from stockade.database.statements import raw
from stockade.kernel.problems import Invalid
from stockade.tenancy.transaction import Transaction

_SAMPLE = 200
_UPLOAD = raw(
    """
    with run as (
        insert into imports.run (tenant_id, id, target, file_name, size_bytes, uploaded_by)
        values ($1, $2, $3, $4, length($5::bytea), $6)
    ), file as (insert into imports.file (tenant_id, run_id, content) values ($1, $2, $5))
    insert into imports.progress (tenant_id, run_id) values ($1, $2)
    """,
    "this_tenant id target file_name content actor_id",
)
_READ_AGAIN = raw(
    "update imports.run set state = 'reading', encoding = $3, separator = $4, refusal = null "
    "where tenant_id = $1 and id = $2",
    "this_tenant id encoding separator",
)
_CONTENT = raw("select f.content from imports.file f where f.tenant_id = $1 and f.run_id = $2", "this_tenant id", bytes)
_FORGET_LINES = raw("delete from imports.line where tenant_id = $1 and run_id = $2", "this_tenant id")
_LINES = raw(
    """
    insert into imports.line (tenant_id, run_id, position, number, cells)
    select $1::uuid, $2::uuid, l.position, l.number, l.cells::jsonb
    from unnest($3::integer[], $4::text[]) with ordinality as l (number, cells, position)
    """,
    "this_tenant id numbers cells",
)
_READ = raw(
    """
    with fresh as (
        update imports.progress set done = 0, created = 0, updated = 0, unchanged = 0, rejected = 0, problems = '{}',
            touched_at = now()
        where tenant_id = $1 and run_id = $2
    )
    update imports.run set state = 'ready', encoding = $3, separator = $4, decimals = $5, header = $6::jsonb,
        mapping = $7::jsonb, lines = $8
    where tenant_id = $1 and id = $2
    """,
    "this_tenant id encoding separator decimals header mapping lines",
)
_REFUSE = raw(
    "update imports.run set state = 'refused', refusal = $3::jsonb, ended_at = now() where tenant_id = $1 and id = $2",
    "this_tenant id refusal",
)


async def upload_import(tx: Transaction, id: UUID, new: NewImport) -> ImportView:
    """Take a file in; the worker reads it. ``Invalid`` if it is too large, or its base64 is none."""
    try:
        content = b64decode(new.content, validate=True)
    except ValueError:
        raise Invalid("The file did not arrive whole: send it again.", field="content") from None
    if len(content) > MOST_BYTES:
        raise Invalid("The file has more than 20 MB: divide it.", field="content")
    await _UPLOAD.run(
        tx, id=id, target=new.target, file_name=new.file_name, content=content, actor_id=tx.principal.actor_id
    )
    await wake(tx, id)
    return await read_import(tx, id)


async def read_again(tx: Transaction, import_id: UUID, change: ReadingChange) -> ImportView:
    """Have a text file read in another way; ``NotNow`` once it runs."""
    await in_state(tx, import_id, "ready", "checked", "refused")
    await _READ_AGAIN.run(tx, id=import_id, encoding=change.encoding, separator=change.separator)
    await wake(tx, import_id)
    return await read_import(tx, import_id)


async def content_of(tx: Transaction, import_id: UUID) -> bytes:
    """Return the file; ``NotFound`` once it is forgotten."""
    return await _CONTENT.one(tx, id=import_id)


async def take_sheet(tx: Transaction, run: ImportView, sheet: Sheet) -> None:
    """Keep what was read of a file: its lines, and which column is most likely which field."""
    target = TARGETS[run.target]
    found = guessed(sheet.header, target.fields)
    sample = [cells for _, cells in sheet.lines[:_SAMPLE]]
    figures = [
        cells[column]
        for field in target.fields
        if field.kind in ("decimal", "money") and field.name in found
        for cells in sample
        if (column := found[field.name].column) is not None and column < len(cells)
    ]
    mapping: Mapped = {**await target.defaults(tx), **found}
    await _FORGET_LINES.run(tx, id=run.id)
    await _LINES.run(
        tx, id=run.id, numbers=[number for number, _ in sheet.lines],
        cells=[msgspec.json.encode(cells).decode() for _, cells in sheet.lines],
    )  # fmt: skip
    await _READ.run(
        tx, id=run.id, encoding=sheet.encoding, separator=sheet.separator, decimals=decimals_in(figures),
        header=sheet.header, mapping=msgspec.to_builtins(mapping), lines=len(sheet.lines),
    )  # fmt: skip


async def refuse_file(tx: Transaction, import_id: UUID, refused: Refused) -> None:
    """Keep why a file cannot be read."""
    values = {name: str(value) for name, value in refused.text.values.items()}
    await _REFUSE.run(tx, id=import_id, refusal={"text": refused.text.pattern, "values": values})
