"""Roles that a tenant makes itself: permissions by name, and the records that they are limited to.

A role is never more than whoever makes or changes it. A change takes effect on the next request of
everybody who has it.
"""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from sqlalchemy import insert, select, update

from stockade.access.fields import Text80, Text2000, Version
from stockade.access.permissions import PERMISSIONS
from stockade.access.rights import require_grantable, require_role
from stockade.database.statements import TENANT, param, raw, statement
from stockade.identity.model import ROLES, OwnRole
from stockade.kernel.problems import Conflict, Invalid, VersionConflict
from stockade.kernel.words import said
from stockade.tenancy.pin import limits_of
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Transaction, on_violation

CustomerRows = Literal["all", "own", "region"]
WarehouseRows = Literal["all", "own"]


class RoleNameTaken(Conflict):
    """Another role of this tenant has the name."""

    type = "/problems/access/role-name-taken"
    title = "Another role has this name"


class RoleInUse(Conflict):
    """Somebody has the role: members or keys."""

    type = "/problems/access/role-in-use"
    title = "Somebody has this role"


on_violation("role_tenant_id_name_key", RoleNameTaken)


class RoleView(msgspec.Struct, frozen=True):
    """A role. ``members`` and ``keys`` are how many have it now."""

    id: UUID
    name: str
    note: str
    permissions: list[str]
    customers: CustomerRows
    warehouses: WarehouseRows
    state: Literal["active", "archived"]
    version: int
    members: int
    keys: int


PermissionNames = Annotated[list[Annotated[str, msgspec.Meta(max_length=80)]], msgspec.Meta(max_length=500)]


class NewRole(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a role is called and may do."""

    name: Text80
    note: Text2000 = ""
    permissions: PermissionNames = msgspec.field(default_factory=list)
    customers: CustomerRows = "all"
    warehouses: WarehouseRows = "all"


class RoleChange(NewRole, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a role is from now on, as a whole; ``expected_version`` is that of the role as it was read."""

    expected_version: Version


_READ = """
    select r.id, r.name, r.note, r.permissions, r.customers, r.warehouses, r.state, r.version,
        (select count(*) from identity.membership m where m.tenant_id = $1 and m.own_role_id = r.id
            and m.state = 'active')::int,
        (select count(*) from identity.api_key k where k.tenant_id = $1 and k.own_role_id = r.id
            and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()))::int
    from identity.role r where r.tenant_id = $1
"""
_ALL = raw(f"{_READ} order by r.state, r.name, r.id", "this_tenant", RoleView)
_ONE = raw(f"{_READ} and r.id = $2", "this_tenant id", RoleView)
_INSERT = statement(
    insert(OwnRole).values(
        tenant_id=TENANT, id=param("id"), state="active", version=1,
        **{name: param(name) for name in NewRole.__struct_fields__},
    )
)  # fmt: skip
_THIS = (OwnRole.tenant_id == TENANT, OwnRole.id == param("id"), OwnRole.version == param("expected"))
_CHANGE = statement(
    update(OwnRole)
    .where(*_THIS)
    .values(**{name: param(f"new_{name}") for name in NewRole.__struct_fields__}, version=OwnRole.version + 1)
)
_SET_STATE = statement(update(OwnRole).where(*_THIS).values(state=param("new_state"), version=OwnRole.version + 1))
_LOCK = statement(
    select(OwnRole.id).where(OwnRole.tenant_id == TENANT, OwnRole.id == param("id")).with_for_update(), UUID
)
_END_VIEWS = raw(
    "update identity.session set viewing_as = null "
    "where tenant_id = $1 and viewing_as is not null and ended_at is null",
    "this_tenant",
)


async def list_roles(tx: Transaction) -> list[RoleView]:
    """Return the roles that the tenant made, active ones first."""
    return await _ALL.all(tx)


async def read_role(tx: Transaction, role_id: UUID) -> RoleView:
    """Return a role; ``NotFound`` if there is none."""
    return await _ONE.one(tx, id=role_id)


async def make_role(tx: Transaction, id: UUID, new: NewRole) -> RoleView:
    """Make a role; ``Forbidden`` for what its maker does not have, ``RoleNameTaken``."""
    await _INSERT.run(tx, id=id, **_checked(tx.principal, new))
    return await read_role(tx, id)


async def change_role(tx: Transaction, role_id: UUID, change: RoleChange) -> RoleView:
    """Change a role as a whole; ``VersionConflict``, ``Forbidden`` for what the author does not have.

    What is taken away counts, too: nobody takes from a role what they could not have put there.
    """
    await _LOCK.first(tx, id=role_id)
    before = await read_role(tx, role_id)
    require_grantable(tx.principal, frozenset(before.permissions), limits_of(before.customers, before.warehouses))
    values = {f"new_{name}": value for name, value in _checked(tx.principal, change).items()}
    if not await _CHANGE.run(tx, id=role_id, expected=change.expected_version, **values):
        raise VersionConflict
    await _END_VIEWS.run(tx)
    return await read_role(tx, role_id)


async def archive_role(tx: Transaction, role_id: UUID, expected_version: int) -> RoleView:
    """Archive a role that nobody has any more; ``RoleInUse``, ``VersionConflict``."""
    await _LOCK.first(tx, id=role_id)
    before = await read_role(tx, role_id)
    require_grantable(tx.principal, frozenset(before.permissions), limits_of(before.customers, before.warehouses))
    if before.members or before.keys:
        raise RoleInUse(
            said("{members} members and {keys} keys have it.", members=before.members, keys=before.keys),
            members=before.members, keys=before.keys,
        )  # fmt: skip
    if not await _SET_STATE.run(tx, id=role_id, expected=expected_version, new_state="archived"):
        raise VersionConflict
    return await read_role(tx, role_id)


async def restore_role(tx: Transaction, role_id: UUID, expected_version: int) -> RoleView:
    """Take a role back out of the archive; ``VersionConflict``."""
    before = await read_role(tx, role_id)
    require_grantable(tx.principal, frozenset(before.permissions), limits_of(before.customers, before.warehouses))
    if not await _SET_STATE.run(tx, id=role_id, expected=expected_version, new_state="active"):
        raise VersionConflict
    return await read_role(tx, role_id)


async def require_assignable(tx: Transaction, role: str, own_role_id: UUID | None) -> None:
    """Raise unless the principal may give a role: a system one, or an active one of the tenant's own.

    ``Invalid`` for a role that is not there or archived, ``Forbidden`` for more than the principal has.
    """
    if own_role_id is None:
        if role not in ROLES:
            raise Invalid("Choose a role.", field="role")
        require_role(tx.principal, role)
        return
    await _LOCK.first(tx, id=own_role_id)
    chosen = await _ONE.first(tx, id=own_role_id)
    if chosen is None or chosen.state != "active":
        raise Invalid("There is no active role of this name.", field="own_role_id")
    require_grantable(tx.principal, frozenset(chosen.permissions), limits_of(chosen.customers, chosen.warehouses))


def grantable_permissions() -> list[str]:
    """Return every permission that a role of a tenant's own can hold, by module."""
    return sorted(name for name, asked in PERMISSIONS.items() if not asked.personal and not asked.reserved)


def _checked(principal: Principal, given: NewRole) -> dict[str, object]:
    """Return a role's values; ``Invalid`` for what is no permission, ``Forbidden`` for what its author has not."""
    names = frozenset(given.permissions)
    if unknown := names - set(grantable_permissions()):
        raise Invalid(said("A role cannot hold {name}.", name=min(unknown)), field="permissions")
    require_grantable(principal, names, limits_of(given.customers, given.warehouses))
    return {
        "name": given.name, "note": given.note.strip(), "permissions": sorted(names),
        "customers": given.customers, "warehouses": given.warehouses,
    }  # fmt: skip
