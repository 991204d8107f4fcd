"""Sessions: a person's own, to be looked at and ended; and when credentials were last used."""

from datetime import datetime
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.kernel.problems import NotFound
from stockade.tenancy.transaction import Transaction

NOTED_EVERY_SECONDS = 300


class SessionRow(msgspec.Struct, frozen=True):
    """A session of one's own. ``proofs`` are what was proved, ``current`` whether it is the one that asks.

    ``client`` is what the program calls itself that holds tokens instead of a cookie; None for a browser. A program's
    session expires with its refresh token.
    """

    id: UUID
    method: str
    proofs: list[str]
    client: str | None
    user_agent: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    used_from: str | None
    current: bool


_OWN = raw(
    """
    select s.id, s.method, s.proofs, s.client, s.user_agent, s.created_at, e.expires_at, u.used_at, u.address, s.id = $3
    from identity.session s
    cross join lateral (
        select case when s.client is null then s.expires_at else (
            select least(s.expires_at, max(r.expires_at)) from identity.refresh_token r
            where r.tenant_id = $1 and r.session_id = s.id and r.used_at is null) end as expires_at
    ) e
    left join identity.credential_use u on u.tenant_id = $1 and u.credential_id = s.id
    where s.tenant_id = $1 and s.account_id = $2 and s.ended_at is null and e.expires_at > now()
    order by s.id = $3 desc, coalesce(u.used_at, s.created_at) desc, s.id
    """,
    "this_tenant account_id current",
    SessionRow,
)
_END = raw(
    "update identity.session set ended_at = now() "
    "where tenant_id = $1 and account_id = $2 and id = $3 and ended_at is null",
    "this_tenant account_id id",
)
_END_OTHERS = raw(
    "update identity.session set ended_at = now() "
    "where tenant_id = $1 and account_id = $2 and id <> $3 and ended_at is null",
    "this_tenant account_id current",
)
_END_ALL = raw(
    "update identity.session set ended_at = now() where tenant_id = $1 and account_id = $2 and ended_at is null "
    "and ($3::text is null or proofs ? $3)",
    "this_tenant account_id proof",
)
_ENROLLED = raw(
    "update identity.session set must_enrol = false where tenant_id = $1 and account_id = $2 and must_enrol",
    "this_tenant account_id",
)
_USED = raw(
    """
    insert into identity.credential_use as u (tenant_id, credential_id, used_at, address) values ($1, $2, now(), $3)
    on conflict (tenant_id, credential_id) do update set used_at = now(), address = excluded.address
    """,
    "this_tenant credential_id address",
)


async def list_own_sessions(tx: Transaction) -> list[SessionRow]:
    """Return the person's sessions in this tenant that have not ended, the one that asks first."""
    return await _OWN.all(tx, account_id=tx.principal.actor_id, current=tx.principal.credential_id)


async def end_own_session(tx: Transaction, session_id: UUID) -> None:
    """End one of the person's sessions; it is refused from the next request on. ``NotFound`` for anybody else's."""
    if not await _END.run(tx, account_id=tx.principal.actor_id, id=session_id):
        raise NotFound


async def end_other_sessions(tx: Transaction) -> int:
    """End every session of the person's but the one that asks; return how many."""
    return await _END_OTHERS.run(tx, account_id=tx.principal.actor_id, current=tx.principal.credential_id)


async def end_sessions_of(tx: Transaction, account_id: UUID, *, proof: str | None = None) -> int:
    """End every session of somebody, or those that a kind of proof opened; return how many."""
    return await _END_ALL.run(tx, account_id=account_id, proof=proof)


async def has_enrolled(tx: Transaction) -> None:
    """Let the person's sessions do what they may, now that there is the second factor that was demanded."""
    await _ENROLLED.run(tx, account_id=tx.principal.actor_id)


async def note_use(tx: Transaction, address: str) -> None:
    """Note that the principal's credential was used, and from where."""
    await _USED.run(tx, credential_id=tx.principal.credential_id, address=address)
