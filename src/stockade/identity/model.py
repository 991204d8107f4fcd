"""Accounts belong to the platform; memberships and credentials belong to a tenant.

One person may work for several distributors: hence accounts of the platform.

The tenants' roles hold no privilege on the platform's tables: what sign-in needs, it asks of functions that answer for
one address or one secret at a time (``migrations/sql/0001_identity.sql``).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    DateTime,
    ForeignKeyConstraint,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
)
from sqlalchemy.orm import Mapped

from stockade.database.roles import DOORKEEPER, Role
from stockade.tenancy.declaration import (
    PlatformTable,
    TenantTable,
    business,
    column,
    index,
    personal,
    sensitive,
    stages,
    technical,
    unique,
)
from stockade.tenancy.masks import hidden, initials, mail_mask

_OPERATED = {DOORKEEPER: "select insert update", Role.PLATFORM.login: "select insert update"}
ROLES = ("owner", "admin", "member", "viewer")


def _refers_to_account(table: Table) -> None:
    table.append_constraint(ForeignKeyConstraint([table.c.account_id], [Account.__table__.c.id]))


class Account(PlatformTable, table="identity.account", exempt=_OPERATED):
    """A person who may sign in. The address is kept in lower case; it is unique over the platform."""

    email: Mapped[str] = column(Text, personal("account", mask=mail_mask, erase="pseudonym", lookup=True))
    name: Mapped[str] = column(Text, personal("account", mask=initials, erase="pseudonym"))
    password_hash: Mapped[str | None] = column(Text, sensitive("sign-in", read="nobody", seal=False))
    state: Mapped[str] = stages("active", "deactivated", rule=technical())
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (lambda table: table.append_constraint(UniqueConstraint(table.c.email)),)


class OneTimeLink(PlatformTable, table="identity.one_time_link", exempt=_OPERATED):
    """A way in that works once: the hash of its token, whom it lets in where, and until when."""

    token_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    account_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    tenant_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    expires_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True)
    used_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())

    __constraints__ = (lambda table: table.append_constraint(UniqueConstraint(table.c.token_hash)), _refers_to_account)


class Attempt(
    PlatformTable, table="identity.attempt", exempt={DOORKEEPER: "select insert", Role.PLATFORM.login: "select"}
):
    """A failed sign-in.

    The address that was tried is kept as an HMAC only: it may be anybody's, or a mistyped password.
    """

    at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    email_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    address: Mapped[str] = column(
        Text, personal("security", mask=hidden, erase="drop", retention="12 months"), fixed=True
    )
    reason: Mapped[str] = stages("unknown", "password", "deactivated", "link", rule=technical(), fixed=True)


class Membership(
    TenantTable, table="identity.membership", exempt={DOORKEEPER: "select"}, insert_event="identity.member_added"
):
    """An account's place in a tenant, and what it may do there."""

    account_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    role: Mapped[str] = stages(*ROLES, rule=business(event="identity.role_changed"))
    state: Mapped[str] = stages("active", "ended", rule=business(event="identity.membership_changed"))
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (unique("account_id"), _refers_to_account)


class Session(TenantTable, table="identity.session", insert_event="identity.signed_in"):
    """A browser that somebody signed in with. The token is kept as HMAC-SHA256 and carries the tenant, so that it is
    looked up inside that tenant's wall."""

    token_hash: Mapped[bytes] = column(LargeBinary, sensitive("session", read="nobody", seal=False), fixed=True)
    account_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    method: Mapped[str] = stages("password", "link", rule=business(), fixed=True)
    user_agent: Mapped[str] = column(Text, personal("security of the account", mask=initials, erase="drop"), fixed=True)
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    expires_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True)
    ended_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(event="identity.signed_out"))

    __constraints__ = (unique("token_hash"), index("account_id"), _refers_to_account)


class ApiKey(TenantTable, table="identity.api_key", insert_event="identity.key_issued"):
    """A key for programs.

    The HMAC-SHA256 of its secret, a prefix to recognise it by, a role, and whether it may change things.
    """

    name: Mapped[str] = column(Text, business())
    prefix: Mapped[str] = column(Text, business(), fixed=True)
    secret_hash: Mapped[bytes] = column(LargeBinary, sensitive("API key", read="nobody", seal=False), fixed=True)
    role: Mapped[str] = stages(*ROLES, rule=business(), fixed=True)
    read_only: Mapped[bool] = column(Boolean, business(), fixed=True, server_default=false())
    created_by: Mapped[UUID] = column(Uuid, business(), fixed=True)
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    expires_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(), fixed=True)
    revoked_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(event="identity.key_revoked"))

    __constraints__ = (unique("secret_hash"),)
