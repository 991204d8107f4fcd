"""Who changed a record last: what somebody whose change came too late wants to know."""

from datetime import datetime
from uuid import UUID

import msgspec

from stockade.commerce.desk.naming import ACTOR
from stockade.database.statements import raw
from stockade.tenancy.transaction import Transaction


class LastChange(msgspec.Struct, frozen=True):
    """The newest entry of the trail about a record: by whom, and when."""

    actor: str
    recorded_at: datetime


_LAST = raw(
    f"""
    select {ACTOR}, e.recorded_at
    from audit.entry e
    left join identity.people() p on p.account_id = e.actor_id
    left join identity.api_key k on k.tenant_id = $1 and k.id = e.actor_id
    where e.tenant_id = $1 and e.subject_id = $2
    order by e.recorded_at desc, e.id desc limit 1
    """,
    "this_tenant subject_id",
    LastChange,
)


async def last_change(tx: Transaction, subject_id: UUID) -> LastChange | None:
    """Return who changed a record last; None if the trail holds nothing about it."""
    return await _LAST.first(tx, subject_id=subject_id)
