"""What the worker does for imports: read files, check them, run them, and forget them when their time has come."""

from collections.abc import Iterable
from uuid import UUID

from stockade.access.acting import in_name_of
from stockade.commerce.imports.reading import Sheet, read_file
from stockade.commerce.imports.reading.limits import Refused
from stockade.commerce.imports.service.forgetting import forget_old_imports
from stockade.commerce.imports.service.reading import read_import
from stockade.commerce.imports.service.running import Firsts, advance, may_go_on, repeated, stop_import
from stockade.commerce.imports.service.standing import ENTRYPOINT, locked_state, wake
from stockade.commerce.imports.service.uploading import content_of, refuse_file, take_sheet
from stockade.commerce.imports.views import ImportView
from stockade.database.statements import raw
from stockade.jobs.queue import Work
from stockade.kernel.clock import now
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

JOB_SECONDS = 300.0
_LEFT = raw(
    """
    select r.id from imports.run r join imports.progress p on p.tenant_id = $1 and p.run_id = r.id
    where r.tenant_id = $1 and r.state in ('reading', 'checking', 'running')
        and p.touched_at < now() - interval '90 seconds' and r.uploaded_at < now() - interval '90 seconds'
    """,
    "this_tenant",
    UUID,
)

__all__ = ["ENTRYPOINT", "forget_everywhere", "go_on_everywhere", "work", "work_on"]


async def work(worker: Database, told: Work) -> None:
    """Do what the queue says."""
    await work_on(worker, told.tenant_id, told.ids["import_id"])


async def work_on(worker: Database, tenant_id: UUID, import_id: UUID) -> ImportView:
    """Read a file, or check or run an import, to its end; return how it then stands.

    Several workers may be called to one import: its row is locked for a batch, and each takes the next one.
    """
    who = Principal.system(tenant_id, kind=ActorKind.JOB)
    async with worker.transaction(who, valid_seconds=JOB_SECONDS) as tx:
        run = await read_import(tx, import_id)
        content = await content_of(tx, import_id) if run.state == "reading" else b""
    if run.state == "reading":
        return await _read(worker, who, run, content)
    if run.state not in ("checking", "running") or run.started_by is None:
        return run
    async with worker.transaction(who, valid_seconds=JOB_SECONDS) as tx:
        firsts: Firsts = await repeated(tx, run)
    while run.is_at_work:
        # What an import makes is made in the name of whoever started it, for as long as they may: the trail says so.
        person = await in_name_of(worker, tenant_id, run.started_by)
        may = may_go_on(person, run)
        async with worker.transaction(person if may else who, valid_seconds=JOB_SECONDS) as tx:
            run = await (advance(tx, import_id, firsts) if may else stop_import(tx, import_id))
    return run


async def _read(worker: Database, who: Principal, run: ImportView, content: bytes) -> ImportView:
    """Read the file outside of any transaction, and keep what it holds unless somebody else has meanwhile."""
    found: Sheet | Refused
    try:
        found = await read_file(content, encoding=run.encoding, separator=run.separator)
    except Refused as refused:
        found = refused
    async with worker.transaction(who, valid_seconds=JOB_SECONDS) as tx:
        if await locked_state(tx, run.id) == "reading":
            if isinstance(found, Refused):
                await refuse_file(tx, run.id, found)
            else:
                await take_sheet(tx, run, found)
        return await read_import(tx, run.id)


async def go_on_everywhere(worker: Database, tenants: Iterable[UUID]) -> int:
    """Call a worker to every import that one has left (it failed, or was killed); return how many."""
    resumed = 0
    for tenant_id in tenants:
        async with worker.transaction(Principal.system(tenant_id, kind=ActorKind.JOB)) as tx:
            left = await _LEFT.all(tx)
            for import_id in left:
                await wake(tx, import_id)
        resumed += len(left)
    return resumed


async def forget_everywhere(worker: Database, tenants: Iterable[UUID]) -> int:
    """Forget what is old in every tenant; return how many lines."""
    forgotten = 0
    for tenant_id in tenants:
        who = Principal.system(tenant_id, kind=ActorKind.JOB)
        async with worker.transaction(who, valid_seconds=JOB_SECONDS) as tx:
            forgotten += await forget_old_imports(tx, now())
    return forgotten
