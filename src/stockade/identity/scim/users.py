"""Members as a directory provisions them: made, changed, ended at once, and taken back."""

import re
from datetime import datetime
from uuid import UUID

import msgspec
from scim2_models import InvalidValueException, NotFoundException, UniquenessException

from stockade.database.statements import raw
from stockade.identity.model import ROLES
from stockade.identity.scim.model import GRANTABLE
from stockade.identity.scim.resources import PersonName, User
from stockade.identity.service.members import Place, add_member, change_member
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Transaction

LEAST = "viewer"
"""What somebody may do whom the directory adds, until a group or an admin says more."""
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class UserRow(msgspec.Struct, frozen=True):
    """A member with what the directory says of it."""

    id: UUID
    account_id: UUID
    name: str
    email: str
    role: str
    state: str
    own_role_id: UUID | None
    regions: list[str]
    warehouses: list[str]
    provisioned: str | None
    external_id: str | None
    display_name: str | None
    given_name: str | None
    family_name: str | None
    created_at: datetime
    changed_at: datetime

    @property
    def gone(self) -> bool:
        """Whether the directory removed it: there is no such user any more."""
        return self.provisioned == "deleted" and self.state == "ended"

    @property
    def place(self) -> Place:
        """What the member may do."""
        return Place(role=self.role, own_role_id=self.own_role_id, regions=self.regions, warehouses=self.warehouses)


_USERS = """
    select p.membership_id, p.account_id, p.name, p.email, p.role, p.state, p.own_role_id, p.regions, p.warehouses,
        s.state, s.external_id, s.display_name, s.given_name, s.family_name,
        coalesce(s.created_at, m.created_at), coalesce(s.changed_at, m.created_at)
    from identity.people() p
    join identity.membership m on m.tenant_id = $1 and m.id = p.membership_id
    left join identity.scim_user s on s.tenant_id = $1 and s.membership_id = p.membership_id
"""
_ALL = raw(f"{_USERS} order by p.email", "this_tenant", UserRow)
_BY_ID = raw(f"{_USERS} where p.membership_id = $2", "this_tenant id", UserRow)
_BY_EMAIL = raw(f"{_USERS} where p.email = $2", "this_tenant email", UserRow)
_KEEP = raw(
    """
    insert into identity.scim_user
        (tenant_id, id, membership_id, external_id, display_name, given_name, family_name, state)
    values ($1, $2, $3, $4, $5, $6, $7, 'listed')
    on conflict (tenant_id, membership_id) do update set external_id = excluded.external_id,
        display_name = excluded.display_name, given_name = excluded.given_name, family_name = excluded.family_name,
        state = 'listed', changed_at = clock_timestamp()
    """,
    "this_tenant id membership_id external_id display_name given_name family_name",
)
_FORGET = raw(
    """
    insert into identity.scim_user (tenant_id, id, membership_id, state) values ($1, $2, $3, 'deleted')
    on conflict (tenant_id, membership_id) do update set state = 'deleted', changed_at = clock_timestamp()
    """,
    "this_tenant id membership_id",
)
_LEAVE_GROUPS = raw(
    "delete from identity.scim_group_member where tenant_id = $1 and membership_id = $2", "this_tenant membership_id"
)
_REVOKE_KEYS = raw(
    "update identity.api_key set revoked_at = now() where tenant_id = $1 and created_by = $2 and revoked_at is null",
    "this_tenant account_id",
)
_PROVED = raw(
    "select true from identity.domain where tenant_id = $1 and domain = $2 and verified_at is not null",
    "this_tenant domain",
    bool,
)
_MAPPED = raw(
    """
    select g.role from identity.scim_group_member m
    join identity.scim_group g on g.tenant_id = $1 and g.id = m.group_id
    where m.tenant_id = $1 and m.membership_id = $2 and g.role is not null
    """,
    "this_tenant membership_id",
    str,
)


async def list_users(tx: Transaction) -> list[UserRow]:
    """Return every member that the directory sees, those that it did not make included."""
    return [row for row in await _ALL.all(tx) if not row.gone]


async def read_user(tx: Transaction, id: UUID) -> UserRow:
    """Return one member; another organisation's is answered like one that does not exist."""
    row = await _BY_ID.first(tx, id=id)
    if row is None or row.gone:
        raise NotFoundException(detail="There is no such user.")
    return row


async def make_user(tx: Transaction, user: User) -> UserRow:
    """Give somebody a place, with the least role. An account that exists already is used as it is, not changed.

    The directory vouches for addresses in a domain that its organisation has proved; others follow a letter first.
    """
    email = str(user.user_name).strip().lower()
    if not _ADDRESS.fullmatch(email):
        raise InvalidValueException(detail="userName is to be an e-mail address.")
    known = await _BY_EMAIL.first(tx, email=email)
    if known is not None and not known.gone:
        raise UniquenessException(detail="There is a user with this userName already.")
    if known is None:
        made_id = new_id()
        proved = await _PROVED.first(tx, domain=email.rpartition("@")[2])
        await add_member(
            tx, id=made_id, email=email, name=_called(user) or email, place=Place(role=LEAST),
            vouched_by="provider" if proved else None,
        )  # fmt: skip
    else:
        made_id = known.id
        await change_member(tx, made_id, place=Place(role=LEAST), state="active")
    await _keep(tx, made_id, user)
    made = await read_user(tx, made_id)
    return await save_user(tx, made, user) if user.active is False else made


async def save_user(tx: Transaction, row: UserRow, user: User) -> UserRow:
    """Keep what the directory says now. ``active`` false ends the place and every access at once, true gives it back:
    with the least role where it was an owner's, because a directory makes nobody an owner."""
    await _keep(tx, row.id, user)
    if user.active is False and row.state == "active":
        await end_access(tx, row)
    elif user.active is True and row.state != "active":
        role = row.role if row.role in GRANTABLE else LEAST
        await change_member(tx, row.id, place=Place(role=role), state="active")
        await follow_groups(tx, row.id)
    return await read_user(tx, row.id)


async def remove_user(tx: Transaction, id: UUID) -> None:
    """End somebody's place and every access; to the directory there is no such user any more."""
    row = await read_user(tx, id)
    if row.state == "active":
        await end_access(tx, row)
    await _FORGET.run(tx, id=new_id(), membership_id=id)
    await _LEAVE_GROUPS.run(tx, membership_id=id)


async def end_access(tx: Transaction, row: UserRow) -> None:
    """End a membership, its sessions, and the API keys that the person issued. ``LastOwner``."""
    await change_member(tx, row.id, place=row.place, state="ended")
    await _REVOKE_KEYS.run(tx, account_id=row.account_id)


async def follow_groups(tx: Transaction, id: UUID, *, lost: bool = False) -> None:
    """Give a member the greatest role that its groups stand for; the least if it ``lost`` the only one that did.

    Owners stay what they are: neither made nor unmade by a directory.
    """
    row = await read_user(tx, id)
    mapped = await _MAPPED.all(tx, membership_id=id)
    if row.role == "owner" or not (mapped or lost):
        return
    role = min(mapped, key=ROLES.index, default=LEAST)
    if row.role != role:
        place = Place(role=role, regions=row.regions, warehouses=row.warehouses)
        await change_member(tx, id, place=place, state=row.state)


def as_resource(row: UserRow, location: str) -> User:
    """Return a member in the words of SCIM."""
    named = row.given_name is not None or row.family_name is not None
    return User(
        id=str(row.id), external_id=row.external_id, user_name=row.email, display_name=row.display_name,
        name=PersonName(given_name=row.given_name, family_name=row.family_name) if named else None,
        active=row.state == "active",
        meta={  # type: ignore[arg-type]  # pydantic reads it
            "resourceType": "User", "location": f"{location}/{row.id}", "created": row.created_at,
            "lastModified": row.changed_at,
        },
    )  # fmt: skip


def _called(user: User) -> str:
    """Return what somebody is called, for an account that is made now."""
    name = user.name or PersonName()
    return user.display_name or " ".join(part for part in (name.given_name, name.family_name) if part)


async def _keep(tx: Transaction, membership_id: UUID, user: User) -> None:
    name = user.name or PersonName()
    await _KEEP.run(
        tx, id=new_id(), membership_id=membership_id, external_id=user.external_id, display_name=user.display_name,
        given_name=name.given_name, family_name=name.family_name,
    )  # fmt: skip
