"""Noting: what people and keys do is compared with their own past, and what is unlike it leads to what the policy says.

The sign-in flow, once every factor has been checked and in the transaction that would open the session:

    judgement = await note_sign_in(tx, account_id=…, address=…, user_agent=…, device=…)
    none, notify   open the session
    step_up        open none (or a half one); ask for another factor, then ``remember_sign_in`` with the same values
    lock           open none; answer as to a wrong password

``device`` is the value of the cookie ``DEVICE_COOKIE``: the flow sets it to ``new_device()`` for ``DEVICE_LIFETIME``
where there is none, and passes what it set. In every case the transaction has to be committed: the alert is in it.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from stockade.database.statements import raw
from stockade.identity.service.sessions import end_sessions_of
from stockade.identity.suspicion.alerts import insert_alert, is_released, open_locks
from stockade.identity.suspicion.places import country_of
from stockade.identity.suspicion.policy import as_rules, read_policy
from stockade.identity.suspicion.rules import (
    EXPORT_DAYS,
    Action,
    Judgement,
    Kind,
    Sighting,
    Suspicion,
    family_of,
    judge_export,
    judge_rate,
    judge_sign_in,
    judged,
    keeps_out,
)
from stockade.identity.suspicion.telling import tell
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Transaction

DEVICE_COOKIE = "__Host-device"
DEVICE_LIFETIME = timedelta(days=400)
"""The longest that browsers keep a cookie (RFC 6265bis)."""
_ACTED: dict[Action, str] = {"none": "none", "notify": "none", "step_up": "step_up", "lock": "locked"}
_PEOPLE = (ActorKind.USER, ActorKind.API_KEY)
_KNOWN = raw(
    "select last_seen_at, nullif(country, ''), device_hash from identity.known_device "
    "where tenant_id = $1 and account_id = $2 order by last_seen_at desc limit 200",
    "this_tenant account_id",
    Sighting,
)
_REMEMBER = raw(
    """
    insert into identity.known_device (tenant_id, id, account_id, device_hash, country, first_seen_at, last_seen_at)
    values ($1, $2, $3, $4, $5, $6, $6)
    on conflict (tenant_id, account_id, device_hash, country)
        do update set last_seen_at = greatest(known_device.last_seen_at, excluded.last_seen_at)
    """,
    "this_tenant id account_id device country at",
)
_ADD = raw(
    """
    with forgotten as (
        delete from identity.activity
        where tenant_id = $1 and actor_id = $3 and hour < $4::timestamptz - interval '35 days'
    )
    insert into identity.activity as a (tenant_id, id, actor_id, hour, requests, exported_rows)
    values ($1, $2, $3, date_trunc('hour', $4::timestamptz, 'UTC'), $5, $6)
    on conflict (tenant_id, actor_id, hour) do update
        set requests = a.requests + excluded.requests, exported_rows = a.exported_rows + excluded.exported_rows
    returning a.requests
    """,
    "this_tenant id actor_id at requests rows",
    int,
)
_HOURS = raw(
    "select requests from identity.activity where tenant_id = $1 and actor_id = $2 and requests > 0 "
    "and hour < date_trunc('hour', $3::timestamptz, 'UTC')",
    "this_tenant actor_id at",
    int,
)
_DAYS = raw(
    "select floor(extract(epoch from ($3::timestamptz - hour)) / 86400)::int, sum(exported_rows)::bigint "
    "from identity.activity where tenant_id = $1 and actor_id = $2 and hour <= $3::timestamptz "
    "and hour > $3::timestamptz - $4::interval group by 1",
    "this_tenant actor_id at span",
)
_REVOKE = raw(
    "update identity.api_key set revoked_at = now() where tenant_id = $1 and id = $2 and revoked_at is null",
    "this_tenant actor_id",
)


def new_device() -> str:
    """Return a fresh value for the device's cookie: 256 random bits."""
    return secrets.token_urlsafe(32)


async def note_sign_in(
    tx: Transaction, *, account_id: UUID, address: str, user_agent: str, device: str, at: datetime | None = None
) -> Judgement:  # fmt: skip
    """Judge a sign-in whose factors were right; raise alerts, write to the person, and remember it if it may go on."""
    moment = at or now()
    seen = _sighting(address, user_agent, device, moment)
    past = await _KNOWN.all(tx, account_id=account_id)
    locked = keeps_out(await open_locks(tx, account_id), seen, past)
    about = {"address": address, "browser": family_of(user_agent), "seen_in": seen.country}
    found = [Suspicion(item.kind, about | item.evidence) for item in judge_sign_in(seen, past)]
    judgement = await _act(tx, account_id, ActorKind.USER, found, moment, locked=locked)
    if judgement.action in ("none", "notify"):
        await _remember(tx, account_id, seen)
    return judgement


async def remember_sign_in(
    tx: Transaction, *, account_id: UUID, address: str, user_agent: str, device: str, at: datetime | None = None
) -> None:  # fmt: skip
    """Know a device and its country from now on: after the step-up that ``note_sign_in`` asked for."""
    await _remember(tx, account_id, _sighting(address, user_agent, device, at or now()))


async def note_export(tx: Transaction, rows: int, *, at: datetime | None = None) -> Judgement:
    """Count the rows that the transaction's principal takes out, and judge them.

    At ``step_up`` and ``lock``, keep the file back, and commit.
    """
    who, moment = tx.principal, at or now()
    if who.kind not in _PEOPLE:
        return Judgement()
    await _add(tx, who.actor_id, moment, rows=rows)
    days = dict(await _DAYS.all(tx, actor_id=who.actor_id, at=moment, span=timedelta(days=EXPORT_DAYS + 1)))
    found = judge_export(days.pop(0, 0), list(days.values()))
    return await _act_unless_released(tx, who.actor_id, who.kind, found, moment)


async def note_requests(
    tx: Transaction, actor_id: UUID, kind: ActorKind, requests: int, *, at: datetime | None = None
) -> Judgement:  # fmt: skip
    """Count the requests that a person or key made since the last call, and judge the hour."""
    moment = at or now()
    this_hour = await _add(tx, actor_id, moment, requests=requests)
    found = judge_rate(this_hour, await _HOURS.all(tx, actor_id=actor_id, at=moment))
    return await _act_unless_released(tx, actor_id, kind, found, moment)


async def raise_alert(
    tx: Transaction, kind: Kind, *, actor_id: UUID, evidence: dict[str, Any], actor: ActorKind = ActorKind.USER
) -> Judgement:  # fmt: skip
    """Raise an alert that another part of the house has reason for: a lock-out, a token that was used twice."""
    return await _act(tx, actor_id, actor, [Suspicion(kind, evidence)], now())


async def _act_unless_released(
    tx: Transaction, actor_id: UUID, actor: ActorKind, found: Suspicion | None, at: datetime
) -> Judgement:
    """Act on what an insider did, unless somebody has let it pass today."""
    if found is None or await is_released(tx, actor_id, found.kind, at):
        return Judgement()
    return await _act(tx, actor_id, actor, [found], at)


async def _act(
    tx: Transaction, actor_id: UUID, actor: ActorKind, found: list[Suspicion], at: datetime, *, locked: bool = False
) -> Judgement:  # fmt: skip
    """Raise what was found, tell the person, and lock where the policy says so."""
    if not found:
        return judged((), {}, locked=locked)
    policy = as_rules(await read_policy(tx))
    raised = []
    for item in found:
        if await insert_alert(tx, new_id(), actor_id, actor, item, _ACTED[policy[item.kind]], at):
            raised.append(item)
    judgement = judged([item.kind for item in found], policy, locked=locked)
    if raised:
        await tell(tx, actor_id, actor, raised, judgement, at)
    if judgement.action == "lock":
        await (_REVOKE.run(tx, actor_id=actor_id) if actor is ActorKind.API_KEY else end_sessions_of(tx, actor_id))
    return judgement


async def _add(tx: Transaction, actor_id: UUID, at: datetime, *, requests: int = 0, rows: int = 0) -> int:
    return await _ADD.one(tx, id=new_id(), actor_id=actor_id, at=at, requests=requests, rows=rows)


async def _remember(tx: Transaction, account_id: UUID, seen: Sighting) -> None:
    await _REMEMBER.run(
        tx, id=new_id(), account_id=account_id, device=seen.device, country=seen.country or "", at=seen.at
    )


def _sighting(address: str, user_agent: str, device: str, at: datetime) -> Sighting:
    """The cookie has 256 random bits, so its hash needs no key; the family ties it to the browser it was given to."""
    hashed = hashlib.sha256(f"{device}\0{family_of(user_agent)}".encode()).digest()
    return Sighting(at, country_of(address), hashed)
