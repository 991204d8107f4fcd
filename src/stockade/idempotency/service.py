"""Claiming a key: the first to come makes the row, everyone after gets what the first one made."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from stockade.database.statements import TENANT, param, statement
from stockade.idempotency.model import UsedKey
from stockade.kernel.problems import Problem
from stockade.tenancy.transaction import Transaction

KEPT = timedelta(days=2)
"""How long a key is remembered: a client that has not repeated its request by then has given it up."""


class KeyReused(Problem):
    """The key was used before, for something else."""

    type = "/problems/idempotency/key-reused"
    title = "This idempotency key was used for another request"
    status = 422


class Claim(msgspec.Struct, frozen=True):
    """The id to make, or the id that was made when the key came before (``replayed``)."""

    id: UUID
    replayed: bool


class _Used(msgspec.Struct, frozen=True):
    request_hash: bytes
    made_id: UUID


_MINE = (UsedKey.tenant_id == TENANT, UsedKey.actor_id == param("actor_id"), UsedKey.key == param("key"))
_CLAIM = statement(
    insert(UsedKey)
    .values(
        tenant_id=TENANT,
        actor_id=param("actor_id"),
        key=param("key"),
        request_hash=param("request_hash"),
        made_id=param("made_id"),
    )
    .on_conflict_do_nothing()
)
_USED = statement(select(UsedKey.request_hash, UsedKey.made_id).where(*_MINE), _Used)


_FORGET = statement(delete(UsedKey).where(UsedKey.tenant_id == TENANT, UsedKey.used_at < param("before")))


async def claim(tx: Transaction, key: str, operation: str, content: Any, fresh_id: UUID) -> Claim:
    """Claim ``key`` for what ``operation`` makes of ``content``.

    A second claim waits for the first one's transaction: if that commits, it gets the first one's id; if that rolls
    back, it takes over. ``KeyReused`` if the content differs.
    """
    request_hash = hashlib.sha256(msgspec.json.encode((operation, content), order="deterministic")).digest()
    actor = tx.principal.actor_id
    if await _CLAIM.run(tx, actor_id=actor, key=key, request_hash=request_hash, made_id=fresh_id):
        return Claim(fresh_id, replayed=False)
    used = await _USED.one(tx, actor_id=actor, key=key)
    if used.request_hash != request_hash:
        raise KeyReused("Use a fresh key for a different request.")
    return Claim(used.made_id, replayed=True)


async def made_under(tx: Transaction, key: str) -> UUID | None:
    """Return what the principal made under a key that is still remembered, or None."""
    used = await _USED.first(tx, actor_id=tx.principal.actor_id, key=key)
    return None if used is None else used.made_id


async def forget_old_keys(tx: Transaction, now: datetime) -> int:
    """Forget the keys that are older than ``KEPT``; return how many."""
    return await _FORGET.run(tx, before=now - KEPT)
