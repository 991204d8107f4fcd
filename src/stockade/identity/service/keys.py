"""API keys: issued once, listed without their secret, narrowed, rotated, revoked."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, insert, update

from stockade.database.statements import TENANT, param, raw, statement
from stockade.identity.credentials import Credentials, new_api_key
from stockade.identity.model import ApiKey
from stockade.kernel.clock import now
from stockade.kernel.problems import Conflict
from stockade.tenancy.transaction import Transaction

LONGEST_OVERLAP = timedelta(days=7)


class KeyEnded(Conflict):
    """The key is revoked or has expired; there is nothing to rotate or change."""

    type = "/problems/identity/key-ended"
    title = "This key has ended"


class ApiKeyRow(msgspec.Struct, frozen=True):
    """A key as it is listed: enough to recognise it, nothing to use it with.

    ``modules`` null: all that its role has; ``networks`` null: from anywhere; ``per_minute`` null: the installation's
    limit. ``used_at`` is when it was last used, to within five minutes, ``used_from`` the address.
    """

    id: UUID
    name: str
    prefix: str
    role: str
    own_role_id: UUID | None
    read_only: bool
    modules: list[str] | None
    networks: list[str] | None
    per_minute: int | None
    replaces_id: UUID | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None
    used_from: str | None


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a key may do: a role, within modules, from networks, so many times a minute, until a moment."""

    role: str
    own_role_id: UUID | None = None
    read_only: bool = False
    modules: list[str] | None = None
    networks: list[str] | None = None
    per_minute: int | None = None
    expires_at: datetime | None = None


_INSERT = statement(
    insert(ApiKey).values(
        tenant_id=TENANT, id=param("id"), name=param("name"), prefix=param("prefix"), secret_hash=param("secret_hash"),
        created_by=param("created_by"), replaces_id=param("replaces_id"),
        **{name: param(name) for name in Scope.__struct_fields__},
    )
)  # fmt: skip
_KEYS = """
    select k.id, k.name, k.prefix, k.role, k.own_role_id, k.read_only, k.modules, k.networks, k.per_minute,
        k.replaces_id, k.created_at, k.expires_at, k.revoked_at, u.used_at, u.address
    from identity.api_key k
    left join identity.credential_use u on u.tenant_id = $1 and u.credential_id = k.id
    where k.tenant_id = $1
"""
_ALL = raw(f"{_KEYS} order by k.id", "this_tenant", ApiKeyRow)
_BY_ID = raw(f"{_KEYS} and k.id = $2", "this_tenant id", ApiKeyRow)
_LOCK = raw(
    "select created_by from identity.api_key where tenant_id = $1 and id = $2 and revoked_at is null "
    "and (expires_at is null or expires_at > now()) for update",
    "this_tenant id",
    UUID,
)
_THIS = (ApiKey.tenant_id == TENANT, ApiKey.id == param("id"))
_REVOKE = statement(update(ApiKey).where(*_THIS, ApiKey.revoked_at.is_(None)).values(revoked_at=func.now()))
_EXPIRE = statement(update(ApiKey).where(*_THIS).values(expires_at=param("new_expires_at")))
_NARROW = statement(
    update(ApiKey)
    .where(*_THIS)
    .values(name=param("new_name"), networks=param("new_networks"), per_minute=param("new_per_minute"))
)


async def issue_key(
    tx: Transaction, credentials: Credentials, *, id: UUID, name: str, scope: Scope, replaces_id: UUID | None = None,
    created_by: UUID | None = None,
) -> str:  # fmt: skip
    """Issue a key and return it in full: this once, and never again."""
    text, prefix = new_api_key(tx.tenant_id)
    await _INSERT.run(
        tx, id=id, name=name, prefix=prefix, secret_hash=credentials.hash(text), replaces_id=replaces_id,
        created_by=created_by or tx.principal.actor_id, **msgspec.structs.asdict(scope),
    )  # fmt: skip
    return text


async def list_keys(tx: Transaction) -> list[ApiKeyRow]:
    """Return every key of the tenant, revoked ones included."""
    return await _ALL.all(tx)


async def read_key(tx: Transaction, key_id: UUID) -> ApiKeyRow:
    """Return one key, or raise ``NotFound``."""
    return await _BY_ID.one(tx, id=key_id)


async def change_key(
    tx: Transaction, key_id: UUID, *, name: str, networks: list[str] | None, per_minute: int | None
) -> None:
    """Change what a key is called, where it may come from and how often; what it may do stays. ``KeyEnded``."""
    await _lock(tx, key_id)
    await _NARROW.run(tx, id=key_id, new_name=name, new_networks=networks, new_per_minute=per_minute)


async def rotate_key(
    tx: Transaction, credentials: Credentials, key_id: UUID, *, id: UUID, overlap: timedelta
) -> str:  # fmt: skip
    """Issue a key with the same scope under ``id``, let the old one live for ``overlap``, and return the new one.

    ``KeyEnded`` for a key that is revoked or expired, ``NotFound``.
    """
    issuer = await _lock(tx, key_id)
    old = await read_key(tx, key_id)
    given: dict[str, Any] = {name: getattr(old, name) for name in Scope.__struct_fields__}
    ends = now() + min(overlap, LONGEST_OVERLAP)
    text = await issue_key(
        tx, credentials, id=id, name=old.name, scope=Scope(**given), replaces_id=key_id, created_by=issuer
    )
    if not overlap:
        await revoke_key(tx, key_id)
    elif old.expires_at is None or old.expires_at > ends:
        await _EXPIRE.run(tx, id=key_id, new_expires_at=ends)
    return text


async def revoke_key(tx: Transaction, key_id: UUID) -> None:
    """Revoke a key; it is refused from the next request on. Revoking it again changes nothing."""
    if not await _REVOKE.run(tx, id=key_id):
        await read_key(tx, key_id)


async def _lock(tx: Transaction, key_id: UUID) -> UUID:
    """Lock a key that is in use and return who issued it."""
    issuer = await _LOCK.first(tx, id=key_id)
    if issuer is None:
        await read_key(tx, key_id)
        raise KeyEnded
    return issuer
