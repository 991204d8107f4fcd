"""What provisioning keeps: the client's token, what the directory says of a member, and its groups."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, Text, Uuid, func
from sqlalchemy.orm import Mapped

from stockade.identity.model import Membership
from stockade.tenancy.declaration import (
    TenantDetail,
    TenantTable,
    business,
    column,
    index,
    personal,
    reference,
    sensitive,
    stages,
    technical,
    unique,
)
from stockade.tenancy.masks import initials

GRANTABLE = ("admin", "member", "viewer")
"""The roles that a group may stand for. Nobody becomes an owner by a directory."""


class ScimToken(TenantTable, table="identity.scim_token", insert_event="identity.scim_token_issued"):
    """What a directory signs in with: the HMAC-SHA256 of its text. It opens ``/scim/`` and nothing else."""

    name: Mapped[str] = column(Text, business(), fixed=True)
    secret_hash: Mapped[bytes] = column(LargeBinary, sensitive("SCIM token", read="nobody", seal=False), fixed=True)
    created_by: Mapped[UUID] = column(Uuid, business(), fixed=True)
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    revoked_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(event="identity.scim_token_revoked"))

    __constraints__ = (unique("secret_hash"),)


class ScimUser(TenantTable, table="identity.scim_user", insert_event="identity.member_provisioned"):
    """What the directory says of a member. ``deleted``: the directory removed it, and sees it no more."""

    membership_id: Mapped[UUID] = reference(Membership, business(), fixed=True)
    external_id: Mapped[str | None] = column(Text, personal("provisioning", mask=initials, erase="drop"))
    display_name: Mapped[str | None] = column(Text, personal("provisioning", mask=initials, erase="drop"))
    given_name: Mapped[str | None] = column(Text, personal("provisioning", mask=initials, erase="drop"))
    family_name: Mapped[str | None] = column(Text, personal("provisioning", mask=initials, erase="drop"))
    state: Mapped[str] = stages("listed", "deleted", rule=business(event="identity.member_deprovisioned"))
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    changed_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())

    __constraints__ = (unique("membership_id"), index("external_id"))


class ScimGroup(
    TenantTable, table="identity.scim_group", grants="select insert update delete", insert_event="identity.group_made"
):
    """A group of the directory. With a role, its members get that role; without one, it says nothing about rights."""

    display_name: Mapped[str] = column(Text, business())
    external_id: Mapped[str | None] = column(Text, business())
    role: Mapped[str | None] = stages(*GRANTABLE, rule=business(event="identity.group_role"), nullable=True)
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    changed_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())

    __constraints__ = (unique("display_name"),)


class ScimGroupMember(
    TenantDetail, table="identity.scim_group_member", part_of="group_id", grants="select insert delete"
):
    """That a member belongs to a group of the directory."""

    group_id: Mapped[UUID] = reference(ScimGroup, business(), fixed=True, primary_key=True)
    membership_id: Mapped[UUID] = reference(Membership, business(), fixed=True, primary_key=True)

    __constraints__ = (index("membership_id"),)
