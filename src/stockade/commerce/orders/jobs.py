"""What orders do by themselves: give back what was reserved for too long."""

from collections.abc import Iterable
from uuid import UUID

from stockade.commerce.orders.service import expire_reservations
from stockade.kernel.clock import now
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

JOB_SECONDS = 300.0


async def expire_reservations_everywhere(worker: Database, tenants: Iterable[UUID]) -> int:
    """Give back every tenant's expired reservations, a transaction a batch; return how many orders were touched."""
    touched = 0
    for tenant_id in tenants:
        who = Principal.system(tenant_id, kind=ActorKind.JOB)
        while True:
            async with worker.transaction(who, valid_seconds=JOB_SECONDS) as tx:
                batch = await expire_reservations(tx, now())
            touched += batch
            if not batch:
                break
    return touched
