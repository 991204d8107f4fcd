"""Members: the people of a tenant, and what they may do there."""

from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import insert, update

from stockade.database.statements import TENANT, param, raw, statement
from stockade.identity.model import Membership
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict, NotFound
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Transaction, on_violation


class AlreadyMember(Conflict):
    """The person has a place in this tenant already."""

    type = "/problems/identity/already-a-member"
    title = "This person is a member already"


class LastOwner(Conflict):
    """A tenant cannot be left without an owner."""

    type = "/problems/identity/last-owner"
    title = "The last owner cannot go or become something else"


on_violation("membership_tenant_id_account_id_key", AlreadyMember)


class MemberRow(msgspec.Struct, frozen=True):
    """A member, for those who manage members."""

    account_id: UUID
    name: str
    email: str
    role: str
    state: str
    id: UUID
    own_role_id: UUID | None
    regions: list[str]
    """Countries that a role limited to its region sees the customers of."""
    warehouses: list[str]
    """Ids of the warehouses that a role limited to its own sees."""


_PEOPLE = raw(
    "select account_id, name, email, role, state, membership_id, own_role_id, regions, warehouses "
    "from identity.people() order by name, account_id",
    row=MemberRow,
)
_PERSON = raw(
    "select account_id, name, email, role, state, membership_id, own_role_id, regions, warehouses "
    "from identity.people() where membership_id = $1",
    "id",
    MemberRow,
)
_ENSURE_ACCOUNT = raw("select identity.ensure_account($1, $2, $3)", "id email name", UUID)
_VOUCH = raw("select identity.vouch($1, $2)", "account_id by")
_INSERT = statement(
    insert(Membership).values(
        tenant_id=TENANT,
        id=param("id"),
        account_id=param("account_id"),
        role=param("role"),
        own_role_id=param("own_role_id"),
        regions=param("regions"),
        warehouses=param("warehouses"),
        state="active",
    )
)
_CHANGE = statement(
    update(Membership)
    .where(Membership.tenant_id == TENANT, Membership.id == param("id"))
    .values(
        role=param("new_role"),
        own_role_id=param("new_own_role_id"),
        regions=param("new_regions"),
        warehouses=param("new_warehouses"),
        state=param("new_state"),
    )
)
_LOCK_OWNERS = raw(
    "select id from identity.membership where tenant_id = $1 and role = 'owner' and state = 'active' "
    "order by id for update",
    "this_tenant",
    UUID,
)


_THEIRS = (
    "where s.tenant_id = $1 and s.ended_at is null and m.tenant_id = $1 and m.id = $2 and m.account_id = s.account_id"
)
_END_SESSIONS = raw(
    f"update identity.session s set ended_at = now() from identity.membership m {_THEIRS}", "this_tenant id"
)
_END_VIEWS = raw(
    f"update identity.session s set viewing_as = null from identity.membership m {_THEIRS} "
    "and s.viewing_as is not null",
    "this_tenant id",
)


async def list_members(tx: Transaction) -> list[MemberRow]:
    """Return everyone who is or was a member."""
    return await _PEOPLE.all(tx)


async def read_member(tx: Transaction, member_id: UUID) -> MemberRow:
    """Return one member, or raise ``NotFound``."""
    return await _PERSON.one(tx, id=member_id)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a member may do: a system role or one of the tenant's own, and where roles that are limited see anything."""

    role: str
    own_role_id: UUID | None = None
    regions: list[str] = []
    warehouses: list[str] = []


async def add_member(
    tx: Transaction, *, id: UUID, email: str, name: str, place: Place, vouched_by: Literal["provider"] | None = None
) -> UUID:
    """Give a person a place in the tenant, making the account if there is none; return the account's id.

    Nobody gets in before their address is verified. A provider vouches for the addresses of its proved domains, and the
    installation itself (its command line) for those that it adds; whoever a person or a key adds follows a letter.
    """
    account_id = await _ENSURE_ACCOUNT.one(tx, id=new_id(), email=email.strip().lower(), name=name)
    await _INSERT.run(tx, id=id, account_id=account_id, **msgspec.structs.asdict(place))
    by = vouched_by or ("operator" if tx.principal.kind is ActorKind.SYSTEM else None)
    if by is not None:
        await vouch(tx, account_id, by)
    return account_id


async def vouch(tx: Transaction, account_id: UUID, by: Literal["provider", "operator"]) -> None:
    """Note that a member's address is theirs on somebody's word, unless it is verified already."""
    await _VOUCH.run(tx, account_id=account_id, by=by)


async def change_member(tx: Transaction, member_id: UUID, *, place: Place, state: str) -> None:
    """Change what a member may do, or end the membership; the last active owner stays one.

    Sessions that look through another role's eyes look through their own again, and those of an ended membership end.
    """
    owners = await _LOCK_OWNERS.all(tx)
    if owners == [member_id] and (place.role != "owner" or state != "active"):
        raise LastOwner
    values = {f"new_{name}": value for name, value in msgspec.structs.asdict(place).items()}
    if not await _CHANGE.run(tx, id=member_id, new_state=state, **values):
        raise NotFound
    await (_END_SESSIONS if state == "ended" else _END_VIEWS).run(tx, id=member_id)
