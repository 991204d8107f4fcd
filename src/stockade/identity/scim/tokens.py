"""The tokens of an organisation's directories: issued once, listed without their secret, revoked."""

from datetime import datetime
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.credentials import Credentials, new_scim_token
from stockade.kernel.problems import NotFound
from stockade.tenancy.transaction import Transaction


class TokenRow(msgspec.Struct, frozen=True):
    """A token as it is listed. ``used_at`` is when it was last used, to within five minutes."""

    id: UUID
    name: str
    created_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None


_ISSUE = raw(
    "insert into identity.scim_token (tenant_id, id, name, secret_hash, created_by) values ($1, $2, $3, $4, $5)",
    "this_tenant id name secret_hash created_by",
)
_ALL = raw(
    """
    select s.id, s.name, s.created_at, s.revoked_at, u.used_at from identity.scim_token s
    left join identity.credential_use u on u.tenant_id = $1 and u.credential_id = s.id
    where s.tenant_id = $1 order by s.revoked_at is not null, s.id desc
    """,
    "this_tenant",
    TokenRow,
)
_REVOKE = raw(
    "update identity.scim_token set revoked_at = now() where tenant_id = $1 and id = $2 and revoked_at is null",
    "this_tenant id",
)
_USED = raw(
    """
    insert into identity.credential_use (tenant_id, credential_id, used_at, address) values ($1, $2, now(), $3)
    on conflict (tenant_id, credential_id) do update set used_at = now(), address = excluded.address
        where credential_use.used_at < now() - interval '5 minutes'
    """,
    "this_tenant credential_id address",
)


async def issue_token(tx: Transaction, credentials: Credentials, *, id: UUID, name: str) -> str:
    """Issue a token and return it in full: this once, and never again."""
    text = new_scim_token(tx.tenant_id)
    await _ISSUE.run(
        tx, id=id, name=name, secret_hash=credentials.hash(text), created_by=tx.principal.actor_id
    )  # fmt: skip
    return text


async def list_tokens(tx: Transaction) -> list[TokenRow]:
    """Return every token, those in use first."""
    return await _ALL.all(tx)


async def revoke_token(tx: Transaction, id: UUID) -> None:
    """Revoke a token; it is refused from the next request on. Revoking it again changes nothing."""
    if not await _REVOKE.run(tx, id=id) and id not in {token.id for token in await list_tokens(tx)}:
        raise NotFound


async def note_use(tx: Transaction, address: str) -> None:
    """Note that the principal's token was used now, from an address."""
    await _USED.run(tx, credential_id=tx.principal.credential_id, address=address)
