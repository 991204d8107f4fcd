"""The queue: put work into it from inside a transaction, and run it elsewhere."""

from typing import Any
from uuid import UUID

import msgspec
from pgqueuer.adapters.persistence import qb
from pgqueuer.db import Driver
from pgqueuer.queries import Queries

from stockade.database.statements import Statement, raw
from stockade.jobs.schema import SETTINGS
from stockade.tenancy.transaction import Database, Transaction

_INTO_QUEUE = (
    "with made as (insert into jobs.pgqueuer (priority, status, entrypoint, payload) "
    "values (0, 'queued', $1, $2) returning id) "
    "insert into jobs.pgqueuer_log (job_id, status, entrypoint, priority) select id, 'queued', $1, 0 from made"
)
_ENQUEUE: Statement[Any] = raw(_INTO_QUEUE, "entrypoint payload")
NOBODYS = UUID(int=0)
"""In the place of a tenant: the work belongs to none, or to one that is not known yet."""


class Work(msgspec.Struct, frozen=True):
    """What a job is told: whose it is, and which rows it is about. Ids only, never a value."""

    tenant_id: UUID
    ids: dict[str, UUID] = {}


def queries(driver: Driver) -> Queries:
    """PgQueuer's statements, bound to our schema."""
    return Queries(
        driver,
        qb.QueryBuilderEnvironment(SETTINGS),
        qb.QueryQueueBuilder(SETTINGS),
        qb.QuerySchedulerBuilder(SETTINGS),
    )


async def enqueue(tx: Transaction, entrypoint: str, **ids: UUID) -> None:
    """Put work into the queue: it exists exactly if this transaction commits."""
    await _ENQUEUE.run(tx, entrypoint=entrypoint, payload=msgspec.json.encode(Work(tx.tenant_id, ids)))


async def enqueue_before_tenant(database: Database, entrypoint: str, **ids: UUID) -> None:
    """Put work into the queue that is caused before a tenant is known, as when somebody asks for a letter."""
    async with database.main().acquire() as connection:
        await connection.execute(_INTO_QUEUE, entrypoint, msgspec.json.encode(Work(NOBODYS, ids)))
