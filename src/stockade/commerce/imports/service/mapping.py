"""Saying which column is which field, and seeing how the first lines would be read."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from stockade.commerce.imports.fields import Mapped, Reader, Reason, Values
from stockade.commerce.imports.service.reading import list_lines, read_import
from stockade.commerce.imports.service.standing import in_state
from stockade.commerce.imports.targets import TARGETS
from stockade.commerce.imports.views import ImportView, LineView, MappingChange
from stockade.database.statements import raw
from stockade.kernel.problems import Invalid
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction

SHOWN = 20
_SET = raw(
    "update imports.run set mapping = $3::jsonb, decimals = $4, state = 'ready' where tenant_id = $1 and id = $2",
    "this_tenant id mapping decimals",
)


class Preview(msgspec.Struct, frozen=True):
    """A line as it would be read: its values by field, and what is wrong with it."""

    line: LineView
    values: Values
    reasons: list[Reason]


async def set_mapping(tx: Transaction, import_id: UUID, change: MappingChange) -> ImportView:
    """Say where each field comes from; a check that was made is void then. ``Invalid`` for what is not there."""
    await in_state(tx, import_id, "ready", "checked")
    run = await read_import(tx, import_id)
    check_mapping(run, change.fields)
    stored = msgspec.to_builtins(change.fields)
    await _SET.run(tx, id=import_id, mapping=stored, decimals=change.decimals)
    return await read_import(tx, import_id)


def check_mapping(run: ImportView, mapped: Mapped) -> None:
    """Raise ``Invalid`` for a field or column that is not there, and for two sources or none."""
    known = {field.name for field in TARGETS[run.target].fields}
    for name, source in mapped.items():
        if name not in known:
            raise Invalid(said("There is no field {name}.", name=name[:80]), field="fields")
        if (source.column is None) == (source.value is None):
            raise Invalid(said("Give {name} either a column or a value.", name=name), field=name)
        if source.column is not None and not 0 <= source.column < len(run.header):
            raise Invalid(said("There is no column {column}.", column=source.column), field=name)
        if source.value is not None and not 0 < len(source.value) <= 200:
            raise Invalid(said("A value for {name} has 1 to 200 characters.", name=name), field=name)


async def reader_of(tx: Transaction, run: ImportView) -> Reader:
    """Return what reads the lines of an import."""
    target = TARGETS[run.target]
    return Reader(target.fields, target.types, run.mapping, run.decimals, await target.spellings(tx))


async def preview(tx: Transaction, run: ImportView) -> Sequence[Preview]:
    """Return the first lines as they would be read."""
    reader = await reader_of(tx, run)
    lines = await list_lines(tx, run.id, count=SHOWN)
    return [Preview(line, *reader.read(line.cells, len(run.header))) for line in lines]
