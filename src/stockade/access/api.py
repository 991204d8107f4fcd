"""Who has access: members and API keys, through the API."""

from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from stockade.access.fields import CountryCode, Email, ExpectedVersion, Text80, Text200
from stockade.access.inviting import send_invitation
from stockade.access.permissions import PERMISSIONS, Forbidden, permission
from stockade.access.roles import (
    NewRole,
    RoleChange,
    RoleInUse,
    RoleNameTaken,
    RoleView,
    archive_role,
    change_role,
    list_roles,
    make_role,
    read_role,
    require_assignable,
    restore_role,
)
from stockade.access.routes import AnyRequest, create, get, post, put
from stockade.access.ways_in import post_of
from stockade.identity.service import keys, members
from stockade.identity.service.keys import ApiKeyRow, KeyEnded, Scope
from stockade.identity.service.members import AlreadyMember, LastOwner, MemberRow, Place
from stockade.identity.signing_in.recent import StepUpNeeded, require_recent
from stockade.kernel.problems import Invalid, VersionConflict
from stockade.kernel.words import said
from stockade.mail.sending import TooManyLetters
from stockade.tenancy.transaction import Transaction

READ_MEMBERS = permission("members:read", least="viewer")
MANAGE_MEMBERS = permission("members:manage", least="admin")
READ_KEYS = permission("keys:read", least="admin")
ISSUE_KEYS = permission("keys:issue", least="admin")
READ_ROLES = permission("roles:read", least="viewer")
MANAGE_ROLES = permission("roles:manage", least="admin")

RoleName = Literal["owner", "admin", "member", "viewer", "own"]
Network = Annotated[str, msgspec.Meta(max_length=43, examples=["192.0.2.0/24"])]
Networks = Annotated[list[Network], msgspec.Meta(min_length=1, max_length=50)]
Modules = Annotated[list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(min_length=1, max_length=50)]
PerMinute = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Regions = Annotated[list[CountryCode], msgspec.Meta(max_length=250)]
Warehouses = Annotated[list[UUID], msgspec.Meta(max_length=500)]


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """What a key is to be called, and what it may do.

    ``modules`` bind it to some modules of its role's permissions, ``networks`` (CIDR) to where it may come from;
    ``per_minute`` is a limit of its own.
    """

    name: Text80
    role: RoleName
    own_role_id: UUID | None = None
    read_only: bool = False
    modules: Modules | None = None
    networks: Networks | None = None
    per_minute: PerMinute | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class KeyChange(msgspec.Struct, forbid_unknown_fields=True):
    """What a key is called from now on, where it may come from, and how often. What it may do stays as it is."""

    name: Text80
    networks: Networks | None = None
    per_minute: PerMinute | None = None


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """How long the old key still works beside the new one, in hours."""

    overlap_hours: Annotated[int, msgspec.Meta(ge=0, le=168)] = 24


class IssuedKey(msgspec.Struct):
    """A key; ``secret`` is the whole of it, shown in the answer that issues it and never again."""

    key: ApiKeyRow
    secret: str | None


class NewMember(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to give a place, and which. ``role`` is a system role, or "own" with the id of a role that you made."""

    email: Email
    name: Text200
    role: RoleName
    own_role_id: UUID | None = None
    regions: Regions = []
    warehouses: Warehouses = []


class MemberChange(msgspec.Struct, forbid_unknown_fields=True):
    """What a member is to be from now on; regions and warehouses stay as they are when they are left out."""

    role: RoleName
    state: Literal["active", "ended"]
    own_role_id: UUID | None = None
    regions: Regions | msgspec.UnsetType = msgspec.UNSET
    warehouses: Warehouses | msgspec.UnsetType = msgspec.UNSET


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


@create("/api-keys", permission=ISSUE_KEYS, read=_read_issued, problems=[Forbidden, StepUpNeeded])
async def issue_api_key(tx: Transaction, id: UUID, request: AnyRequest, data: NewKey) -> IssuedKey:
    """Issue an API key.

    The secret is in this answer only. A key never has more rights than whoever issues it.
    """
    await require_recent(tx)
    await require_assignable(tx, data.role, data.own_role_id)
    secret = await keys.issue_key(tx, request.app.state.credentials, id=id, name=data.name, scope=_scope(data))
    return IssuedKey(await keys.read_key(tx, id), secret)


@put("/api-keys/{key_id:uuid}", permission=ISSUE_KEYS, problems=[KeyEnded, Forbidden])
async def change_api_key(tx: Transaction, key_id: UUID, data: KeyChange) -> ApiKeyRow:
    """Change what an API key is called, where it may come from, and how often."""
    await _require_key(tx, key_id)
    await keys.change_key(
        tx, key_id, name=data.name, networks=checked_networks(data.networks), per_minute=data.per_minute
    )
    return await keys.read_key(tx, key_id)


@create(
    "/api-keys/{key_id:uuid}/rotations",
    permission=ISSUE_KEYS,
    read=_read_issued,
    problems=[KeyEnded, Forbidden, StepUpNeeded],
)
async def rotate_api_key(tx: Transaction, id: UUID, request: AnyRequest, key_id: UUID, data: Rotation) -> IssuedKey:
    """Issue a key in the place of another one, which ends after the overlap.

    The secret is in this answer only. The scope stays the same.
    """
    await require_recent(tx)
    await _require_key(tx, key_id)
    overlap = timedelta(hours=data.overlap_hours)
    secret = await keys.rotate_key(tx, request.app.state.credentials, key_id, id=id, overlap=overlap)
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


@create(
    "/members",
    permission=MANAGE_MEMBERS,
    read=read_member,
    problems=[AlreadyMember, Forbidden, StepUpNeeded, TooManyLetters],
)
async def add_member(tx: Transaction, id: UUID, request: AnyRequest, data: NewMember) -> MemberRow:
    """Give a person a place in the tenant. Whom a person adds is sent an invitation; a key sends none."""
    await require_recent(tx)
    await require_assignable(tx, data.role, data.own_role_id)
    account_id = await members.add_member(tx, id=id, email=data.email, name=data.name, place=place_of(data))
    if (mails := post_of(request)) is not None:
        await send_invitation(tx, account_id, data.email.strip().lower(), mails)
    return await members.read_member(tx, id)


@post("/members/{member_id:uuid}", permission=MANAGE_MEMBERS, problems=[LastOwner, Forbidden, StepUpNeeded])
async def change_member(tx: Transaction, member_id: UUID, data: MemberChange) -> MemberRow:
    """Change a member's role, or end the membership."""
    before = await members.read_member(tx, member_id)
    await require_recent(tx)
    await require_assignable(tx, before.role, before.own_role_id)
    await require_assignable(tx, data.role, data.own_role_id)
    await members.change_member(tx, member_id, place=place_of(data, before), state=data.state)
    return await members.read_member(tx, member_id)


@get("/roles", permission=READ_ROLES)
async def list_own_roles(tx: Transaction) -> list[RoleView]:
    """List the roles that you made, besides Owner, Admin, Member and Viewer."""
    return await list_roles(tx)


@get("/roles/{role_id:uuid}", permission=READ_ROLES)
async def read_own_role(tx: Transaction, role_id: UUID) -> RoleView:
    """Read a role: its permissions, and the records that it is limited to."""
    return await read_role(tx, role_id)


@create("/roles", permission=MANAGE_ROLES, read=read_own_role, problems=[RoleNameTaken, Forbidden, StepUpNeeded])
async def make_own_role(tx: Transaction, id: UUID, data: NewRole) -> RoleView:
    """Make a role. It cannot hold what you do not have."""
    await require_recent(tx)
    return await make_role(tx, id, data)


@put(
    "/roles/{role_id:uuid}", permission=MANAGE_ROLES, problems=[RoleNameTaken, VersionConflict, Forbidden, StepUpNeeded]
)
async def change_own_role(tx: Transaction, role_id: UUID, data: RoleChange) -> RoleView:
    """Change a role as a whole, for everybody who has it, from their next request on."""
    await require_recent(tx)
    return await change_role(tx, role_id, data)


@post("/roles/{role_id:uuid}/archive", permission=MANAGE_ROLES, problems=[RoleInUse, VersionConflict, Forbidden])
async def archive_own_role(tx: Transaction, role_id: UUID, data: ExpectedVersion) -> RoleView:
    """Archive a role that nobody has any more."""
    return await archive_role(tx, role_id, data.expected_version)


@post("/roles/{role_id:uuid}/restore", permission=MANAGE_ROLES, problems=[VersionConflict, Forbidden])
async def restore_own_role(tx: Transaction, role_id: UUID, data: ExpectedVersion) -> RoleView:
    """Take a role back out of the archive."""
    return await restore_role(tx, role_id, data.expected_version)


def place_of(data: NewMember | MemberChange, before: MemberRow | None = None) -> Place:
    """Return a member's place; what a change leaves out stays as it was."""
    if (data.role == "own") != (data.own_role_id is not None):
        raise Invalid('"own" goes with the id of one of your roles, and no other role does.', field="own_role_id")
    regions = before.regions if isinstance(data.regions, msgspec.UnsetType) and before else data.regions
    warehouses = before.warehouses if isinstance(data.warehouses, msgspec.UnsetType) and before else data.warehouses
    return Place(
        role=data.role, own_role_id=data.own_role_id,
        regions=sorted(set(regions or ())), warehouses=sorted({str(item) for item in warehouses or ()}),
    )  # fmt: skip


def checked_networks(given: list[str] | None) -> list[str] | None:
    """Return networks in their canonical form; ``Invalid`` for what is none."""
    if given is None:
        return None
    found = []
    for text in given:
        try:
            found.append(str(ip_network(text.strip(), strict=False)))
        except ValueError:
            raise Invalid(
                said("{text} is no network: write it like 192.0.2.0/24.", text=text), field="networks"
            ) from None
    return sorted(set(found))


def _scope(data: NewKey) -> Scope:
    known = {asked.module for asked in PERMISSIONS.values()}
    if unknown := set(data.modules or ()) - known:
        raise Invalid(said("There is no module {name}.", name=min(unknown)), field="modules")
    if (data.role == "own") != (data.own_role_id is not None):
        raise Invalid('"own" goes with the id of one of your roles, and no other role does.', field="own_role_id")
    return Scope(
        role=data.role, own_role_id=data.own_role_id, read_only=data.read_only,
        modules=sorted(set(data.modules)) if data.modules else None, networks=checked_networks(data.networks),
        per_minute=data.per_minute, expires_at=data.expires_at,
    )  # fmt: skip


async def _require_key(tx: Transaction, key_id: UUID) -> None:
    """Nobody widens or replaces a key that holds more than they do."""
    key = await keys.read_key(tx, key_id)
    await require_assignable(tx, key.role, key.own_role_id)


ROUTES = [
    read_api_key, list_api_keys, issue_api_key, change_api_key, rotate_api_key, revoke_api_key, read_member,
    list_members, add_member, change_member, list_own_roles, read_own_role, make_own_role, change_own_role,
    archive_own_role, restore_own_role,
]  # fmt: skip
