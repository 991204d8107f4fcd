"""Families: the refresh tokens that follow one another from one sign-in.

A family is a session's row, so that whatever ends a session (sign-out, "end my others", a lost membership, a lock, a
directory) ends it from the next request on. Its refresh token is used up by its first use; a second use, be it at the
same moment, ends the family: one of the two who hold it is a thief, and nobody can tell which. A lost answer is
treated alike: whoever repeats a refresh signs in again. (RFC 9700 section 4.14.2.)
"""

from datetime import timedelta
from uuid import UUID

import msgspec
from sqlalchemy import insert

from stockade.database.statements import TENANT, param, raw, statement
from stockade.identity.credentials import Credentials, new_refresh_token, tenant_of_refresh_token
from stockade.identity.suspicion.noting import raise_alert
from stockade.identity.tokens.model import RefreshToken
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.kernel.logging import logger
from stockade.kernel.problems import Problem
from stockade.tenancy.pin import NOBODY, ActorKind, pack_address
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Transaction

REFRESH_LIFETIME = timedelta(days=7)
FAMILY_LIFETIME = timedelta(days=90)
"""However often it is refreshed, a family ends: its person signs in again."""


class RefreshRefused(Problem):
    """The refresh token is unknown, expired or used, or what it belonged to has ended. Sign in again."""

    type = "/problems/identity/refresh-refused"
    title = "This refresh token does not work"
    status = 401


class Fresh(msgspec.Struct, frozen=True):
    """A family that goes on: its new refresh token, and whose it is."""

    token: str
    tenant_id: UUID
    account_id: UUID
    session_id: UUID
    must_enrol: bool


class _Family(msgspec.Struct, frozen=True):
    session_id: UUID
    account_id: UUID
    client: str
    must_enrol: bool


_INSERT = statement(
    insert(RefreshToken).values(
        tenant_id=TENANT, id=param("id"), token_hash=param("token_hash"), session_id=param("session_id"),
        expires_at=param("expires_at"),
    )
)  # fmt: skip
_USE = raw(
    "update identity.refresh_token set used_at = now() "
    "where tenant_id = $1 and token_hash = $2 and used_at is null and expires_at > now() returning session_id",
    "this_tenant hash",
    UUID,
)
"""Of two at the same time, one waits for the other's row, and then finds it used."""
_STANDING = raw(
    """
    select s.id, s.account_id, s.client, s.must_enrol
    from identity.session s
    join identity.membership m on m.tenant_id = $1 and m.account_id = s.account_id and m.state = 'active'
    join tenancy.tenant t on t.id = $1 and t.state = 'active'
    where s.tenant_id = $1 and s.id = $2 and s.ended_at is null and s.expires_at > now() and s.client is not null
    """,
    "this_tenant session_id",
    _Family,
)
_SPENT = raw(
    """
    select s.id, s.account_id, s.client, s.must_enrol
    from identity.refresh_token r join identity.session s on s.tenant_id = $1 and s.id = r.session_id
    where r.tenant_id = $1 and r.token_hash = $2 and (r.used_at is not null or $3)
    """,
    "this_tenant hash unspent",
    _Family,
)
_END = raw(
    "update identity.session set ended_at = now() where tenant_id = $1 and id = $2 and ended_at is null",
    "this_tenant session_id",
)
_FORGET = raw(
    "delete from identity.refresh_token where tenant_id = $1 and id in ("
    "select id from identity.refresh_token where tenant_id = $1 and expires_at < now() limit 100)",
    "this_tenant",
)


async def add_refresh_token(tx: Transaction, credentials: Credentials, token: str, session_id: UUID) -> None:
    """Keep the hash of a refresh token that is about to be given out."""
    await _INSERT.run(
        tx, id=new_id(), token_hash=credentials.hash(token), session_id=session_id, expires_at=now() + REFRESH_LIFETIME
    )


async def refresh(database: Database, credentials: Credentials, text: str, *, address: str, request_id: UUID) -> Fresh:
    """Use a refresh token up for the next one; ``RefreshRefused`` in the same words whatever is wrong with it.

    One that was used before ends its family, raises an alert, and its person is written to.
    """
    tenant_id = tenant_of_refresh_token(text)
    if tenant_id is None:
        raise RefreshRefused
    async with database.transaction(_stranger(tenant_id, address, request_id)) as tx:
        fresh = await _go_on(tx, credentials, text)
        if fresh is None:
            await _end_if_replayed(tx, credentials, text, address)
    if fresh is None:  # after COMMIT: a refusal that took back what it did would be none
        raise RefreshRefused
    return fresh


async def revoke(database: Database, credentials: Credentials, text: str, *, address: str, request_id: UUID) -> None:
    """End the family of a refresh token, used or not; whoever brings anything else is told nothing (RFC 7009)."""
    tenant_id = tenant_of_refresh_token(text)
    if tenant_id is None:
        return
    async with database.transaction(_stranger(tenant_id, address, request_id)) as tx:
        family = await _SPENT.first(tx, hash=credentials.hash(text), unspent=True)
        if family is not None:
            await _END.run(tx, session_id=family.session_id)


async def _go_on(tx: Transaction, credentials: Credentials, text: str) -> Fresh | None:
    session_id = await _USE.first(tx, hash=credentials.hash(text))
    family = None if session_id is None else await _STANDING.first(tx, session_id=session_id)
    if family is None:
        return None
    token = new_refresh_token(tx.tenant_id)
    await add_refresh_token(tx, credentials, token, family.session_id)
    await _FORGET.run(tx)
    return Fresh(token, tx.tenant_id, family.account_id, family.session_id, family.must_enrol)


async def _end_if_replayed(tx: Transaction, credentials: Credentials, text: str, address: str) -> None:
    """End the family of a token that was used before, once, and tell."""
    family = await _SPENT.first(tx, hash=credentials.hash(text), unspent=False)
    if family is None or not await _END.run(tx, session_id=family.session_id):
        return
    logger.warning(
        "refresh_reused", tenant=str(tx.tenant_id), account=str(family.account_id), session=str(family.session_id)
    )
    evidence = {"program": family.client, "address": address}
    await raise_alert(tx, "token_reuse", actor_id=family.account_id, evidence=evidence)


def _stranger(tenant_id: UUID, address: str, request_id: UUID) -> Principal:
    """Whoever brings a refresh token has shown nothing but that."""
    return Principal(
        tenant_id=tenant_id, actor_id=NOBODY, kind=ActorKind.SYSTEM, role="nobody", request_id=request_id,
        address=pack_address(address),
    )  # fmt: skip
