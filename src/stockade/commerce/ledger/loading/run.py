"""A run: batches through two connections, committed in order, so that what is done is always a prefix.

Batches are written side by side, but each waits for the one before it before it counts itself and commits. A crash at
any point leaves ``batches_done`` whole batches and nothing of any other; the next run shapes all batches again (the
numbers depend on their order) and writes from there.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.ledger.account import Account
from stockade.commerce.ledger.documents import DocumentBatch
from stockade.commerce.ledger.loading.shape import Shaped, Shaper
from stockade.commerce.ledger.loading.start import Run, begin, names_of, target_of
from stockade.commerce.ledger.loading.verify import verify
from stockade.commerce.ledger.loading.write import SETTINGS, Target, write_documents, write_projection
from stockade.commerce.ledger.opening import Ledger
from stockade.database.statements import Statement, raw
from stockade.kernel.problems import Conflict, Refusal
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

VALID_SECONDS = 3600
"""How long a pin of the import is valid: a batch takes a second, but may wait for a slow disk."""

_FINISH: Statement[Any] = raw(
    "update ledger.import_run set state = 'finished', account = $3, finished_at = clock_timestamp() "
    "where tenant_id = $1 and id = $2 and state = 'running'",
    "this_tenant id account",
)
_COUNTERS: Statement[Any] = raw(
    "insert into numbering.counter (tenant_id, series, period, last) select $1, series, period, max(sequence) "
    "from invoicing.invoice where tenant_id = $1 and series = $2 group by series, period "
    "on conflict (tenant_id, series, period) do update set last = excluded.last",
    "this_tenant series",
)
_CONCLUDING = """
select set_config('synchronous_commit', 'on', true), set_config('enable_seqscan', 'on', true),
    set_config('enable_nestloop', 'off', true)
"""
"""The verification reads everything once; a table that nobody has counted yet looks small enough for nested loops."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The end of a run. ``account`` is that of the whole file, however many batches this run wrote of it."""

    run_id: UUID
    account: Account
    batches: int
    batches_written: int


async def load(
    database: Database, tenant: Principal, ledger: Ledger, *, connections: int = 2,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Loaded:  # fmt: skip
    """Bring an opened ledger into the tenant's books, from where an earlier run of it stopped; then verify all of it.

    ``progress`` hears how many of how many lines are done. ``Refusal`` if documents of it exist from elsewhere, if
    another process is at it, or if the database does not hold what the account says. A finished run is only verified.
    """
    principal = msgspec.structs.replace(tenant, kind=ActorKind.IMPORT)
    async with database.transaction(principal, valid_seconds=VALID_SECONDS) as tx:
        run = await begin(tx, ledger)
        names = await names_of(tx, ledger)
        target = await target_of(tx, run, ledger, names)
    shaper = Shaper(run.id, ledger.mapping, names, ledger.master.last_at)
    writer = _Writer(database, principal, target, connections)
    tracker = _Tracker(ledger.account, progress)
    batches = 0
    try:
        for batch in ledger.batches():
            batches += 1
            shaped = shaper.shape(batch)
            if batch.index < run.batches_done:
                tracker.done(batch)()
            else:
                await writer.write(shaped, tracker.done(batch))
        await writer.finish()
    except Conflict as error:
        raise Refusal(f"A document of {ledger.file_name} was made by somebody else in the meantime: {error}") from error
    finally:
        await writer.stop()
    await _conclude(database, principal, run, ledger, target, shaper.journals)
    progress(ledger.account.lines, ledger.account.lines)
    return Loaded(run.id, ledger.account, batches, writer.written)


async def _conclude(
    database: Database, principal: Principal, run: Run, ledger: Ledger, target: Target, journals: list[UUID]
) -> None:  # fmt: skip
    """Verify the run and, if it was running, finish it; ``Refusal`` with every fault."""
    async with database.transaction(principal, valid_seconds=VALID_SECONDS) as tx:
        await tx.execute(SETTINGS)
        await tx.execute(_CONCLUDING)
        faults = [*ledger.account.faults(), *await verify(tx, target, ledger.account, journals)]
        if faults:
            raise Refusal(f"The database does not hold what {ledger.file_name} says: {'; '.join(faults)}.")
        if run.state == "running":
            await _COUNTERS.run(tx, series=target.series)
            await _FINISH.run(tx, id=run.id, account=ledger.account.document())


class _Tracker:
    """Counts a batch in the account and tells how far the import is, once the batch is in the database."""

    def __init__(self, account: Account, progress: Callable[[int, int], None]) -> None:
        self._account = account
        self._progress = progress
        self._lines = 0

    def done(self, batch: DocumentBatch) -> Callable[[], None]:
        """Return what to call when the batch is committed."""

        def count() -> None:
            self._account.imported(batch)
            self._lines += len(batch.lines.document)
            self._progress(self._lines, self._account.lines)

        return count


class _Writer:
    """Writes batches side by side and commits them in order; one more than it has connections may wait, ready."""

    def __init__(self, database: Database, principal: Principal, target: Target, connections: int) -> None:
        self._database = database
        self._principal = principal
        self._target = target
        self._room = asyncio.Semaphore(connections)
        self._most_waiting = connections + 1
        self._under_way: deque[tuple[asyncio.Task[None], Callable[[], None]]] = deque()
        self.written = 0

    async def write(self, shaped: Shaped, committed: Callable[[], None]) -> None:
        """Begin to write a batch; ``committed`` is called once it is in the database. Raises what earlier ones met."""
        while len(self._under_way) >= self._most_waiting:
            await self._first()
        before = self._under_way[-1][0] if self._under_way else None
        self._under_way.append((asyncio.create_task(self._write(shaped, before)), committed))
        await asyncio.sleep(0)  # let it send its first statement before the next batch is formed

    async def finish(self) -> None:
        """Wait until every batch is committed."""
        while self._under_way:
            await self._first()

    async def stop(self) -> None:
        """End what is still under way; its transactions roll back."""
        tasks = [task for task, _ in self._under_way]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _first(self) -> None:
        task, committed = self._under_way[0]
        await task
        self._under_way.popleft()
        self.written += 1
        committed()

    async def _write(self, shaped: Shaped, before: "asyncio.Task[None] | None") -> None:
        async with self._room, self._database.transaction(self._principal, valid_seconds=VALID_SECONDS) as tx:
            await tx.execute(SETTINGS)
            await write_documents(tx, self._target, shaped)
            if before is not None:
                await asyncio.shield(before)
            await write_projection(tx, self._target, shaped)
