"""Groups of a directory. What a group stands for is decided here, by an admin; the directory only says who is in it."""

from datetime import datetime
from uuid import UUID

import msgspec
from scim2_models import InvalidValueException, NotFoundException, UniquenessException

from stockade.database.statements import raw
from stockade.identity.scim.resources import Group, GroupMember
from stockade.identity.scim.users import follow_groups, list_users
from stockade.kernel.ids import new_id
from stockade.kernel.problems import NotFound
from stockade.tenancy.transaction import Transaction


class GroupRow(msgspec.Struct, frozen=True):
    """A group, the role that it stands for, and the memberships in it."""

    id: UUID
    display_name: str
    external_id: str | None
    role: str | None
    created_at: datetime
    changed_at: datetime
    members: list[UUID]


_GROUPS = """
    select g.id, g.display_name, g.external_id, g.role, g.created_at, g.changed_at,
        array(select m.membership_id from identity.scim_group_member m
            where m.tenant_id = $1 and m.group_id = g.id order by m.membership_id)
    from identity.scim_group g where g.tenant_id = $1
"""
_ALL = raw(f"{_GROUPS} order by g.display_name", "this_tenant", GroupRow)
_BY_ID = raw(f"{_GROUPS} and g.id = $2", "this_tenant id", GroupRow)
_BY_NAME = raw(f"{_GROUPS} and g.display_name = $2", "this_tenant display_name", GroupRow)
_INSERT = raw(
    "insert into identity.scim_group (tenant_id, id, display_name, external_id) values ($1, $2, $3, $4)",
    "this_tenant id display_name external_id",
)
_CHANGE = raw(
    "update identity.scim_group set display_name = $3, external_id = $4, changed_at = clock_timestamp() "
    "where tenant_id = $1 and id = $2",
    "this_tenant id display_name external_id",
)
_MAP = raw("update identity.scim_group set role = $3 where tenant_id = $1 and id = $2", "this_tenant id role")
_DELETE = raw("delete from identity.scim_group where tenant_id = $1 and id = $2", "this_tenant id")
_JOIN = raw(
    "insert into identity.scim_group_member (tenant_id, group_id, membership_id) values ($1, $2, $3)",
    "this_tenant group_id membership_id",
)
_LEAVE = raw(
    "delete from identity.scim_group_member where tenant_id = $1 and group_id = $2 and membership_id = $3",
    "this_tenant group_id membership_id",
)


async def list_groups(tx: Transaction) -> list[GroupRow]:
    """Return every group, by name."""
    return await _ALL.all(tx)


async def read_group(tx: Transaction, id: UUID) -> GroupRow:
    """Return one group; another organisation's is answered like one that does not exist."""
    row = await _BY_ID.first(tx, id=id)
    if row is None:
        raise NotFoundException(detail="There is no such group.")
    return row


async def make_group(tx: Transaction, group: Group) -> GroupRow:
    """Make a group. It stands for no role until an admin says so."""
    made_id = new_id()
    await _require_free(tx, group, made_id)
    await _INSERT.run(tx, id=made_id, display_name=group.display_name, external_id=group.external_id)
    return await _fill(tx, await read_group(tx, made_id), group)


async def save_group(tx: Transaction, row: GroupRow, group: Group) -> GroupRow:
    """Keep what the directory says of a group now; those who join or leave get or lose its role."""
    await _require_free(tx, group, row.id)
    await _CHANGE.run(tx, id=row.id, display_name=group.display_name, external_id=group.external_id)
    return await _fill(tx, row, group)


async def remove_group(tx: Transaction, id: UUID) -> None:
    """Remove a group; its members lose the role that it stood for."""
    row = await read_group(tx, id)
    await _fill(tx, row, Group(display_name=row.display_name))
    await _DELETE.run(tx, id=id)


async def map_group(tx: Transaction, id: UUID, role: str | None) -> None:
    """Say what role a group stands for; the database refuses an owner's. Its members have it at once."""
    row = await _BY_ID.first(tx, id=id)
    if row is None:
        raise NotFound
    await _MAP.run(tx, id=id, role=role)
    for member in row.members:
        await follow_groups(tx, member, lost=row.role is not None)


def as_resource(row: GroupRow, location: str) -> Group:
    """Return a group in the words of SCIM."""
    users = location.removesuffix("Groups") + "Users"
    return Group(
        id=str(row.id), external_id=row.external_id, display_name=row.display_name,
        members=[GroupMember(value=str(each), ref=f"{users}/{each}") for each in row.members] or None,  # type: ignore[arg-type]  # pydantic reads it
        meta={  # type: ignore[arg-type]  # pydantic reads it
            "resourceType": "Group", "location": f"{location}/{row.id}", "created": row.created_at,
            "lastModified": row.changed_at,
        },
    )  # fmt: skip


async def _fill(tx: Transaction, row: GroupRow, group: Group) -> GroupRow:
    wanted = {str(member.value) for member in group.members or ()}
    known = {str(user.id): user.id for user in await list_users(tx)}
    if unknown := wanted - known.keys():
        raise InvalidValueException(detail=f"There is no such user: {min(unknown)[:40]}")
    ids, before = {known[text] for text in wanted}, set(row.members)
    for member in sorted(ids - before):
        await _JOIN.run(tx, group_id=row.id, membership_id=member)
    for member in sorted(before - ids):
        await _LEAVE.run(tx, group_id=row.id, membership_id=member)
    if row.role is not None:
        for member in sorted(ids ^ before):
            await follow_groups(tx, member, lost=member in before)
    return await read_group(tx, row.id)


async def _require_free(tx: Transaction, group: Group, id: UUID) -> None:
    known = await _BY_NAME.first(tx, display_name=group.display_name)
    if known is not None and known.id != id:
        raise UniquenessException(detail="There is a group with this displayName already.")
