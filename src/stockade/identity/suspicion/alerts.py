"""Alerts: raised once, listed, acknowledged."""

from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.suspicion.rules import Kind, Suspicion
from stockade.kernel.problems import Conflict, NotFound, Problem
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Transaction

MOST_LISTED = 200
AGAIN_AFTER = timedelta(hours=1)
"""While an alert of a kind is open and younger than this, no second one is raised about the same person."""


class AlreadyAcknowledged(Conflict):
    """Somebody has acknowledged it before."""

    type = "/problems/identity/alert-already-acknowledged"
    title = "This alert is acknowledged already"


class OwnAlert(Problem):
    """Nobody but an owner acknowledges what was raised about themselves."""

    type = "/problems/identity/own-alert"
    title = "Somebody else has to look at this alert"
    status = 403


class AlertRow(msgspec.Struct, frozen=True):
    """An alert. ``actor_name`` and ``actor_email`` are those of a person, the name alone that of a key."""

    id: UUID
    kind: str
    actor_id: UUID
    actor_kind: str
    actor_name: str | None
    actor_email: str | None
    evidence: dict[str, Any]
    acted: str
    at: datetime
    state: str
    acknowledged_at: datetime | None


_FROM = """
    select a.id, a.kind, a.actor_id, a.actor_kind, coalesce(p.name, k.name), p.email, a.evidence, a.acted, a.at,
        a.state, a.acknowledged_at
    from identity.alert a
    left join identity.people() p on p.account_id = a.actor_id and a.actor_kind = 'account'
    left join identity.api_key k on k.tenant_id = a.tenant_id and k.id = a.actor_id and a.actor_kind = 'key'
    where a.tenant_id = $1
"""
_LIST = raw(f"{_FROM} order by a.state = 'open' desc, a.at desc, a.id limit {MOST_LISTED}", "this_tenant", AlertRow)
_READ = raw(f"{_FROM} and a.id = $2", "this_tenant id", AlertRow)
_RAISE = raw(
    """
    insert into identity.alert (tenant_id, id, kind, actor_id, actor_kind, evidence, acted, at)
    select $1, $2, $3, $4, $5, $6::jsonb, $7, $8::timestamptz where not exists (
        select from identity.alert a where a.tenant_id = $1 and a.actor_id = $4 and a.kind = $3 and a.state = 'open'
            and a.at > $8::timestamptz - $9::interval
    )
    returning true
    """,
    "this_tenant id kind actor_id actor_kind evidence acted at again_after",
    bool,
)
_ACKNOWLEDGE = raw(
    "update identity.alert set state = 'acknowledged', acknowledged_by = $3, acknowledged_at = now() "
    "where tenant_id = $1 and id = $2 and state = 'open'",
    "this_tenant id who",
)
_RELEASED = raw(
    "select exists (select from identity.alert where tenant_id = $1 and actor_id = $2 and kind = $3 "
    "and state = 'acknowledged' and acknowledged_at > $4::timestamptz - interval '24 hours')",
    "this_tenant actor_id kind at",
    bool,
)
_LOCKS = raw(
    "select kind from identity.alert where tenant_id = $1 and actor_id = $2 and state = 'open' and acted = 'locked'",
    "this_tenant actor_id",
    str,
)


async def list_alerts(tx: Transaction) -> list[AlertRow]:
    """Return the newest alerts, open ones first."""
    return await _LIST.all(tx)


async def read_alert(tx: Transaction, alert_id: UUID) -> AlertRow:
    """Return an alert; ``NotFound`` if there is none."""
    return await _READ.one(tx, id=alert_id)


async def acknowledge_alert(tx: Transaction, alert_id: UUID) -> AlertRow:
    """Say that somebody has looked at it. What it locked is open again, and for a day nobody is held for the same.

    ``NotFound``, ``AlreadyAcknowledged``, ``OwnAlert``.
    """
    who = tx.principal
    if who.role != "owner" and (await read_alert(tx, alert_id)).actor_id == who.actor_id:
        raise OwnAlert
    if not await _ACKNOWLEDGE.run(tx, id=alert_id, who=who.actor_id):
        if await _READ.first(tx, id=alert_id) is None:
            raise NotFound
        raise AlreadyAcknowledged
    return await read_alert(tx, alert_id)


async def insert_alert(
    tx: Transaction, alert_id: UUID, actor_id: UUID, actor: ActorKind, found: Suspicion, acted: str, at: datetime
) -> bool:
    """Write an alert down, unless one of its kind about the same person is open and fresh; return whether it was."""
    raised = await _RAISE.first(
        tx, id=alert_id, kind=found.kind, actor_id=actor_id, evidence=found.evidence, acted=acted, at=at,
        actor_kind="key" if actor is ActorKind.API_KEY else "account", again_after=AGAIN_AFTER,
    )  # fmt: skip
    return raised is not None


async def is_released(tx: Transaction, actor_id: UUID, kind: Kind, at: datetime) -> bool:
    """Return whether somebody has looked at such an alert in the last 24 hours and let it pass."""
    return await _RELEASED.one(tx, actor_id=actor_id, kind=kind, at=at)


async def open_locks(tx: Transaction, actor_id: UUID) -> list[Kind]:
    """Return what a person or key is locked for, empty if it is not."""
    return cast(list[Kind], await _LOCKS.all(tx, actor_id=actor_id))
