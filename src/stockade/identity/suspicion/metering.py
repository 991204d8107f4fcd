"""Metering: requests are counted in memory, and written down for all people and keys together once a minute.

A request costs one addition. What a process has counted and not written down is lost with it: at most a minute.
"""

import asyncio
from collections import Counter
from uuid import UUID

import structlog

from stockade.identity.suspicion.noting import note_requests
from stockade.kernel.problems import Problem
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

EVERY_SECONDS = 60.0
_COUNTED = (ActorKind.USER, ActorKind.API_KEY)
_log = structlog.get_logger()


class Meter:
    """Counts the requests of a process."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[UUID, UUID, ActorKind]] = Counter()

    def count(self, principal: Principal) -> None:
        """Count one request of a person or key."""
        if principal.kind in _COUNTED:
            self._counts[principal.tenant_id, principal.actor_id, principal.kind] += 1

    async def write_down(self, database: Database) -> int:
        """Note what has been counted, each person in a transaction of their own; return how many there were."""
        counts, self._counts = self._counts, Counter()
        for (tenant_id, actor_id, kind), requests in counts.items():
            try:
                async with database.transaction(Principal.system(tenant_id)) as tx:
                    await note_requests(tx, actor_id, kind, requests)
            except (Problem, OSError) as error:
                _log.warning("requests_not_noted", tenant=str(tenant_id), error=type(error).__name__)
        return len(counts)

    async def keep_writing(self, database: Database) -> None:
        """Write down once a minute, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.write_down(database)
