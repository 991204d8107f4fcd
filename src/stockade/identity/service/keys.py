"""API keys: issued, listed, revoked."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, insert, select, update

from stockade.database.statements import TENANT, param, statement
from stockade.identity.credentials import Credentials, new_api_key
from stockade.identity.model import ApiKey
from stockade.tenancy.transaction import Transaction


class ApiKeyRow(msgspec.Struct, frozen=True):
    """A key as it is listed: enough to recognise it, nothing to use it with."""

    id: UUID
    name: str
    prefix: str
    role: str
    read_only: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


_INSERT = statement(
    insert(ApiKey).values(
        tenant_id=TENANT,
        id=param("id"),
        name=param("name"),
        prefix=param("prefix"),
        secret_hash=param("secret_hash"),
        role=param("role"),
        read_only=param("read_only"),
        created_by=param("created_by"),
        expires_at=param("expires_at"),
    )
)
_COLUMNS = (
    ApiKey.id, ApiKey.name, ApiKey.prefix, ApiKey.role, ApiKey.read_only, ApiKey.created_at, ApiKey.expires_at,
    ApiKey.revoked_at,
)  # fmt: skip
_ALL = statement(select(*_COLUMNS).where(ApiKey.tenant_id == TENANT).order_by(ApiKey.id), ApiKeyRow)
_BY_ID = statement(select(*_COLUMNS).where(ApiKey.tenant_id == TENANT, ApiKey.id == param("id")), ApiKeyRow)
_REVOKE = statement(
    update(ApiKey)
    .where(ApiKey.tenant_id == TENANT, ApiKey.id == param("id"), ApiKey.revoked_at.is_(None))
    .values(revoked_at=func.now())
)


async def issue_key(
    tx: Transaction, credentials: Credentials, *, id: UUID, name: str, role: str, read_only: bool,
    expires_at: datetime | None = None,
) -> str:  # fmt: skip
    """Issue a key and return it in full: this once, and never again."""
    text, prefix = new_api_key(tx.tenant_id)
    await _INSERT.run(
        tx, id=id, name=name, prefix=prefix, secret_hash=credentials.hash(text), role=role, read_only=read_only,
        created_by=tx.principal.actor_id, expires_at=expires_at,
    )  # fmt: skip
    return text


async def list_keys(tx: Transaction) -> list[ApiKeyRow]:
    """Return every key of the tenant, revoked ones included."""
    return await _ALL.all(tx)


async def read_key(tx: Transaction, key_id: UUID) -> ApiKeyRow:
    """Return one key, or raise ``NotFound``."""
    return await _BY_ID.one(tx, id=key_id)


async def revoke_key(tx: Transaction, key_id: UUID) -> None:
    """Revoke a key; it is refused from the next request on. Revoking it again changes nothing."""
    if not await _REVOKE.run(tx, id=key_id):
        await read_key(tx, key_id)
