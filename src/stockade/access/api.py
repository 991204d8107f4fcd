"""Who has access: members and API keys, through the API."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from stockade.access.fields import Email, Text80, Text200
from stockade.access.permissions import Forbidden, permission, require_rank
from stockade.access.routes import AnyRequest, create, get, post
from stockade.identity.service import keys, members
from stockade.identity.service.keys import ApiKeyRow
from stockade.identity.service.members import AlreadyMember, LastOwner, MemberRow
from stockade.tenancy.transaction import Transaction

READ_MEMBERS = permission("members:read", least="viewer")
MANAGE_MEMBERS = permission("members:manage", least="admin")
READ_KEYS = permission("keys:read", least="admin")
ISSUE_KEYS = permission("keys:issue", least="admin")

RoleName = Literal["owner", "admin", "member", "viewer"]


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """What a key is to be called, and what it may do."""

    name: Text80
    role: RoleName
    read_only: bool = False
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class IssuedKey(msgspec.Struct):
    """A key; ``secret`` is the whole of it, shown in the answer that issues it and never again."""

    key: ApiKeyRow
    secret: str | None


class NewMember(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to give a place, and which."""

    email: Email
    name: Text200
    role: RoleName


class MemberChange(msgspec.Struct, forbid_unknown_fields=True):
    """What a member is to be from now on."""

    role: RoleName
    state: Literal["active", "ended"]


@get("/api-keys", permission=READ_KEYS)
async def list_api_keys(tx: Transaction) -> list[ApiKeyRow]:
    """List the tenant's API keys."""
    return await keys.list_keys(tx)


@get("/api-keys/{key_id:uuid}", permission=READ_KEYS)
async def read_api_key(tx: Transaction, key_id: UUID) -> ApiKeyRow:
    """Read what an API key is called and may do."""
    return await keys.read_key(tx, key_id)


async def _read_issued(tx: Transaction, key_id: UUID) -> IssuedKey:
    return IssuedKey(await keys.read_key(tx, key_id), None)


@create("/api-keys", permission=ISSUE_KEYS, read=_read_issued, problems=[Forbidden])
async def issue_api_key(tx: Transaction, id: UUID, request: AnyRequest, data: NewKey) -> IssuedKey:
    """Issue an API key.

    The secret is in this answer only. A key never has more rights than whoever issues it.
    """
    require_rank(tx.principal, data.role)
    secret = await keys.issue_key(
        tx, request.app.state.credentials, id=id, name=data.name, role=data.role, read_only=data.read_only,
        expires_at=data.expires_at,
    )  # fmt: skip
    return IssuedKey(await keys.read_key(tx, id), secret)


@post("/api-keys/{key_id:uuid}/revoke", permission=ISSUE_KEYS)
async def revoke_api_key(tx: Transaction, key_id: UUID) -> ApiKeyRow:
    """Revoke an API key; it is refused from the next request on."""
    await keys.revoke_key(tx, key_id)
    return await keys.read_key(tx, key_id)


@get("/members", permission=READ_MEMBERS)
async def list_members(tx: Transaction) -> list[MemberRow]:
    """List the tenant's members."""
    return await members.list_members(tx)


@get("/members/{member_id:uuid}", permission=READ_MEMBERS)
async def read_member(tx: Transaction, member_id: UUID) -> MemberRow:
    """Read a member."""
    return await members.read_member(tx, member_id)


@create("/members", permission=MANAGE_MEMBERS, read=read_member, problems=[AlreadyMember, Forbidden])
async def add_member(tx: Transaction, id: UUID, data: NewMember) -> MemberRow:
    """Give a person a place in the tenant."""
    require_rank(tx.principal, data.role)
    await members.add_member(tx, id=id, email=data.email, name=data.name, role=data.role)
    return await members.read_member(tx, id)


@post("/members/{member_id:uuid}", permission=MANAGE_MEMBERS, problems=[LastOwner, Forbidden])
async def change_member(tx: Transaction, member_id: UUID, data: MemberChange) -> MemberRow:
    """Change a member's role, or end the membership."""
    before = await members.read_member(tx, member_id)
    require_rank(tx.principal, before.role)
    require_rank(tx.principal, data.role)
    await members.change_member(tx, member_id, role=data.role, state=data.state)
    return await members.read_member(tx, member_id)


ROUTES = [
    read_api_key, list_api_keys, issue_api_key, revoke_api_key, read_member, list_members, add_member, change_member,
]  # fmt: skip
