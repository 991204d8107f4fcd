"""What the worker does with reviews: close what is due, open what is to be opened, remind; for one tenant at a time.

It bears to run twice, at once and in several processes: a quarter has one review, and a letter leaves once.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from stockade.identity.reviews.closing import close_due
from stockade.identity.reviews.opening import Holds, open_due
from stockade.identity.reviews.reading import read_review
from stockade.identity.reviews.telling import remind, tell_closed
from stockade.kernel.logging import logger
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database


async def review_everywhere(worker: Database, tenants: Iterable[UUID], holds: Holds, at: datetime) -> None:
    """Bring the reviews of some tenants up to a moment. What fails for one of them does not keep the others waiting."""
    for tenant_id in tenants:
        try:
            await review(worker, tenant_id, holds, at)
        except Exception as error:  # noqa: BLE001  # told, and tried again at the next turn
            logger.error("access review failed", tenant=str(tenant_id), error=type(error).__name__)


async def review(worker: Database, tenant_id: UUID, holds: Holds, at: datetime) -> None:
    """Bring one tenant's reviews up to a moment."""
    async with worker.transaction(Principal.system(tenant_id, kind=ActorKind.JOB)) as tx:
        for closed in await close_due(tx, at):
            await tell_closed(tx, await read_review(tx, closed))
        await open_due(tx, at, holds)
        await remind(tx, at)
