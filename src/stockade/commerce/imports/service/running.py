"""Checking and running: batches of lines, each through the verbs that the API has.

A batch is one transaction, with its count: a worker that is killed goes on where the last one was committed, and does
nothing twice. A line that is refused takes none along. A check does all of it, too, and takes it back: what it says is
what a run would do.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from stockade.commerce.imports.fields import Reason, Values
from stockade.commerce.imports.permissions import RUN
from stockade.commerce.imports.service.mapping import reader_of
from stockade.commerce.imports.service.reading import list_lines, read_import
from stockade.commerce.imports.service.standing import in_state, locked_state, wake
from stockade.commerce.imports.targets import TARGETS, Rejected, Taken
from stockade.commerce.imports.targets.declaration import Batch
from stockade.commerce.imports.views import ImportView, LineView, State
from stockade.database.statements import raw
from stockade.kernel.problems import Problem
from stockade.kernel.words import N_, Said
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Busy, Transaction, translated

BATCH = 100
_BEGIN = raw(
    """
    with fresh as (
        update imports.progress set done = 0, created = 0, updated = 0, unchanged = 0, rejected = 0, problems = '{}',
            touched_at = now()
        where tenant_id = $1 and run_id = $2
    )
    update imports.run set state = $3, started_by = $4 where tenant_id = $1 and id = $2
    """,
    "this_tenant id state actor_id",
)
_SET_STATE = raw(
    "update imports.run set state = $3, ended_at = case when $3 in ('finished', 'stopped') then now() end "
    "where tenant_id = $1 and id = $2",
    "this_tenant id state",
)
_RECORD = raw(
    """
    with told as (
        update imports.line l set outcome = o.outcome, reasons = o.reasons::jsonb, record_id = o.record_id
        from unnest($3::integer[], $4::text[], $5::text[], $6::uuid[]) as o (position, outcome, reasons, record_id)
        where l.tenant_id = $1 and l.run_id = $2 and l.position = o.position
    )
    update imports.progress set done = done + $7, created = created + $8, updated = updated + $9,
        unchanged = unchanged + $10, rejected = rejected + $11, problems = $12::jsonb, touched_at = now()
    where tenant_id = $1 and run_id = $2
    """,
    "this_tenant id positions outcomes reasons records done created updated unchanged rejected problems",
)
_KEYS = raw(
    "select l.position, l.number, l.cells from imports.line l "
    "where l.tenant_id = $1 and l.run_id = $2 order by l.position",
    "this_tenant id",
)


class Done(msgspec.Struct, frozen=True):
    """What became of a line."""

    position: int
    outcome: str
    reasons: tuple[Reason, ...] = ()
    record_id: UUID | None = None


Firsts = Mapping[int, int]
"""Position of a line that is about the same as an earlier one → the earlier one's number in the file."""


async def check_import(tx: Transaction, import_id: UUID) -> ImportView:
    """Have every line tried and taken back; ``NotNow`` unless the columns are there and nothing has run,
    ``Forbidden`` for who may not enter such records one by one."""
    return await _begin(tx, import_id, "checking")


async def start_import(tx: Transaction, import_id: UUID) -> ImportView:
    """Have the lines imported, in the name of whoever starts it; ``NotNow`` if it has run or is at work, ``Forbidden``
    for who may not enter such records one by one."""
    return await _begin(tx, import_id, "running")


async def stop_import(tx: Transaction, import_id: UUID) -> ImportView:
    """End a check or a run after the batch that it is at. What is imported stays; a check can be made again."""
    state = await in_state(tx, import_id, "checking", "running")
    await _SET_STATE.run(tx, id=import_id, state="ready" if state == "checking" else "stopped")
    return await read_import(tx, import_id)


def may_go_on(principal: Principal, run: ImportView) -> bool:
    """Return whether somebody, with the rights of this moment, may do what an import does."""
    return all(asked.granted_to(principal) for asked in (RUN, *TARGETS[run.target].permissions))


async def _begin(tx: Transaction, import_id: UUID, state: State) -> ImportView:
    await in_state(tx, import_id, "ready", "checked")
    for asked in TARGETS[(await read_import(tx, import_id)).target].permissions:
        asked.require(tx.principal)
    await _BEGIN.run(tx, id=import_id, state=state, actor_id=tx.principal.actor_id)
    await wake(tx, import_id)
    return await read_import(tx, import_id)


async def repeated(tx: Transaction, run: ImportView) -> Firsts:
    """Return the lines that are about the same record as one before them: they are not imported."""
    reader, target = await reader_of(tx, run), TARGETS[run.target]
    seen: dict[str, int] = {}
    firsts: dict[int, int] = {}
    async for position, number, cells in _KEYS.stream(tx, id=run.id):
        key = target.key(reader.read(cells, len(run.header))[0])
        if key in seen:
            firsts[position] = seen[key]
        elif key:
            seen[key] = number
    return firsts


async def advance(tx: Transaction, import_id: UUID, firsts: Firsts) -> ImportView:
    """Do the next batch of a check or a run, and return how it then stands; nothing, if it is at neither."""
    state = await locked_state(tx, import_id)
    run = await read_import(tx, import_id)
    if state not in ("checking", "running"):
        return run
    lines = await list_lines(tx, import_id, after=run.progress.done, count=BATCH)
    if lines:
        await tx.execute("savepoint pass")
        done = await _batch(tx, run, lines, firsts)
        if state == "checking":
            await tx.execute("rollback to savepoint pass")
        await _record(tx, run, done)
    if run.progress.done + len(lines) >= run.lines:
        await _SET_STATE.run(tx, id=import_id, state="checked" if state == "checking" else "finished")
    return await read_import(tx, import_id)


async def _batch(tx: Transaction, run: ImportView, lines: Sequence[LineView], firsts: Firsts) -> list[Done]:
    """Do some lines. Most batches go through as a whole; one that does not is done again, line by line."""
    reader, target = await reader_of(tx, run), TARGETS[run.target]
    read = []
    for line in lines:
        values, reasons = reader.read(line.cells, len(run.header))
        if line.position in firsts:
            told = N_("Line {line} is about the same: only one of them can be imported.")
            reasons = [*reasons, Reason("", told, {"line": str(firsts[line.position])})]
        read.append((line.position, values, tuple(reasons)))
    batch = await target.batch(tx, run.id, [values for _, values, _ in read])
    try:
        return [await _line(tx, batch, *line) for line in read]
    except _REFUSALS as error:
        _reasons(error)
        await tx.execute("rollback to savepoint pass")
    return [await _line_apart(tx, batch, *line) for line in read]


_REFUSALS = (Problem, asyncpg.PostgresError, ValueError)
"""What says that a line cannot be; ``msgspec.ValidationError`` is a ``ValueError``."""


async def _line(tx: Transaction, batch: Batch, position: int, values: Values, reasons: tuple[Reason, ...]) -> Done:
    """Do one line. ``Rejected`` comes before anything is written."""
    if reasons:
        return Done(position, "rejected", reasons)
    try:
        taken: Taken = await batch.take(tx, values)
    except Rejected as rejected:
        return Done(position, "rejected", rejected.reasons)
    return Done(position, taken.outcome, (), taken.record_id)


async def _line_apart(
    tx: Transaction, batch: Batch, position: int, values: Values, reasons: tuple[Reason, ...]
) -> Done:  # fmt: skip
    """Do one line on a savepoint of its own, so that it takes no other along."""
    await tx.execute("savepoint line")
    try:
        done = await _line(tx, batch, position, values, reasons)
    except _REFUSALS as error:
        await tx.execute("rollback to savepoint line")
        done = Done(position, "rejected", _reasons(error))
    await tx.execute("release savepoint line")
    return done


def _reasons(error: Exception) -> tuple[Reason, ...]:
    """Return why a line was refused, in words; what is no refusal of it is raised again, and ends the batch."""
    found = translated(error)
    if isinstance(found, Busy):
        raise found
    if isinstance(found, Problem):
        fields = found.members.get("errors") or [{"field": ""}]
        text = found.detail or found.title
        if isinstance(text, Said):
            return (Reason(fields[0]["field"], text.pattern, {name: str(it) for name, it in text.values.items()}),)
        return (Reason(fields[0]["field"], text),)
    if isinstance(found, ValueError):
        return (Reason(_field_in(str(found)), N_("This value cannot be used here.")),)
    raise found


def _field_in(text: str) -> str:
    """Return the field that msgspec found fault with (``… - at `$.list_price```)."""
    return text.rpartition("`$.")[2].rstrip("`") if "`$." in text else ""


async def _record(tx: Transaction, run: ImportView, done: Sequence[Done]) -> None:
    outcomes = Counter(one.outcome for one in done)
    problems = Counter(run.progress.problems)
    for one in done:
        problems.update({reason.field for reason in one.reasons})
    given: dict[str, Any] = {name: outcomes[name] for name in ("created", "updated", "unchanged", "rejected")}
    await _RECORD.run(
        tx, id=run.id, positions=[one.position for one in done], outcomes=[one.outcome for one in done],
        reasons=[msgspec.json.encode(one.reasons).decode() if one.reasons else None for one in done],
        records=[one.record_id for one in done], done=len(done), problems=dict(problems), **given,
    )  # fmt: skip
