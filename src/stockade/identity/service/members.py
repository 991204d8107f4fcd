"""Members: the people of a tenant, and what they may do there."""

from uuid import UUID

import msgspec
from sqlalchemy import insert, update

from stockade.database.statements import TENANT, param, raw, statement
from stockade.identity.model import Membership
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict, NotFound
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


_PEOPLE = raw(
    "select account_id, name, email, role, state, membership_id from identity.people() order by name, account_id",
    row=MemberRow,
)
_PERSON = raw(
    "select account_id, name, email, role, state, membership_id from identity.people() where membership_id = $1",
    "id",
    MemberRow,
)
_ENSURE_ACCOUNT = raw("select identity.ensure_account($1, $2, $3)", "id email name", UUID)
_INSERT = statement(
    insert(Membership).values(
        tenant_id=TENANT, id=param("id"), account_id=param("account_id"), role=param("role"), state="active"
    )
)
_CHANGE = statement(
    update(Membership)
    .where(Membership.tenant_id == TENANT, Membership.id == param("id"))
    .values(role=param("new_role"), state=param("new_state"))
)
_LOCK_OWNERS = raw(
    "select id from identity.membership where tenant_id = $1 and role = 'owner' and state = 'active' "
    "order by id for update",
    "this_tenant",
    UUID,
)


async def list_members(tx: Transaction) -> list[MemberRow]:
    """Return everyone who is or was a member."""
    return await _PEOPLE.all(tx)


async def read_member(tx: Transaction, member_id: UUID) -> MemberRow:
    """Return one member, or raise ``NotFound``."""
    return await _PERSON.one(tx, id=member_id)


async def add_member(tx: Transaction, *, id: UUID, email: str, name: str, role: str) -> UUID:
    """Give a person a place in the tenant, making the account if there is none; return the account's id."""
    account_id = await _ENSURE_ACCOUNT.one(tx, id=new_id(), email=email.strip().lower(), name=name)
    await _INSERT.run(tx, id=id, account_id=account_id, role=role)
    return account_id


async def change_member(tx: Transaction, member_id: UUID, *, role: str, state: str) -> None:
    """Change a member's role or end the membership; the last active owner stays one."""
    owners = await _LOCK_OWNERS.all(tx)
    if owners == [member_id] and (role != "owner" or state != "active"):
        raise LastOwner
    if not await _CHANGE.run(tx, id=member_id, new_role=role, new_state=state):
        raise NotFound
