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
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.database.roles import DOORKEEPER, Role
from stockade.tenancy.declaration import (
    PlatformTable,
    TenantDetail,
    TenantTable,
    business,
    check,
    column,
    index,
    personal,
    reference,
    sensitive,
    stages,
    technical,
    unique,
)
from stockade.tenancy.masks import hidden, initials, mail_mask

_ASKED = {DOORKEEPER: "select insert delete"}
_OPERATED = {DOORKEEPER: "select insert update", Role.PLATFORM.login: "select insert update"}
ROLES = ("owner", "admin", "member", "viewer")
OWN = "own"
"""In the place of a system role: the role is one that the tenant made itself."""
_ROLE_OR_OWN = (*ROLES, OWN)
VOUCHERS = ("mail", "provider", "operator", "administrator", "migration")
"""Who said that an address is its person's: a letter that was followed, the provider of a proved domain, the command
line of the installation, an administrator who handed a link over where no mail is sent, or the migration that brought
the question up, for those who were there before it."""
LINK_PURPOSES = ("sign_in", "reset", "address", "undo")
_NAMED = check("own_role", "(role = 'own') = (own_role_id is not null)")


def _refers_to_account(table: Table) -> None:
    table.append_constraint(ForeignKeyConstraint([table.c.account_id], [Account.__table__.c.id]))


class Account(PlatformTable, table="identity.account", exempt=_OPERATED):
    """A person who may sign in. The address is kept in lower case; it is unique over the platform."""

    email: Mapped[str] = column(Text, personal("account", mask=mail_mask, erase="pseudonym", lookup=True))
    name: Mapped[str] = column(Text, personal("account", mask=initials, erase="pseudonym"))
    password_hash: Mapped[str | None] = column(Text, sensitive("sign-in", read="nobody", seal=False))
    state: Mapped[str] = stages("active", "deactivated", rule=technical())
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    email_verified_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())
    """When the address was proved to be the person's. Before it nobody gets in."""
    verified_by: Mapped[str | None] = stages(*VOUCHERS, rule=technical(), nullable=True)

    __constraints__ = (
        lambda table: table.append_constraint(UniqueConstraint(table.c.email)),
        check("verified", "num_nulls(email_verified_at, verified_by) in (0, 2)"),
    )


class OneTimeLink(PlatformTable, table="identity.one_time_link", exempt=_OPERATED):
    """A link that works once: the hash of its token, what it is for, whose it is, and until when.

    ``sign_in`` lets somebody in, ``reset`` sets a password, ``address`` makes a new address count, ``undo`` brings the
    former one back. With ``browser_hash`` it works in the browser that asked for it, and in no other.
    """

    token_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    account_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    tenant_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    expires_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True)
    used_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())
    purpose: Mapped[str] = stages(*LINK_PURPOSES, rule=technical(), fixed=True, server_default="sign_in")
    browser_hash: Mapped[bytes | None] = column(LargeBinary, technical(), fixed=True)
    vouched_by: Mapped[str | None] = stages(
        "mail", "operator", "administrator", rule=technical(), fixed=True, nullable=True
    )
    """What following it proves about the account's address; None: nothing."""
    address: Mapped[str | None] = column(Text, personal("account", mask=mail_mask, erase="drop"), fixed=True)
    """The address that it was mailed to (it proves no other one), that is to count, or that comes back."""

    __constraints__ = (
        lambda table: table.append_constraint(UniqueConstraint(table.c.token_hash)),
        lambda table: Index(
            "one_time_link_account_id_idx", table.c.account_id, postgresql_where=text("used_at is null")
        ),
        check("address", "purpose not in ('address', 'undo') or address is not null"),
        _refers_to_account,
    )


class LetterRequest(PlatformTable, table="identity.letter_request", exempt=_ASKED):
    """Somebody asked for a letter with a link, to an address that may be anybody's.

    It is written down whether or not there is such an account, and looked at by the worker alone: whoever asks is told
    the same after the same work.
    """

    wanted: Mapped[str] = stages("sign_in", "reset", "verify", rule=technical(), fixed=True)
    email: Mapped[str] = column(Text, personal("account", mask=mail_mask, erase="drop", retention="1 day"), fixed=True)
    browser_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    locale: Mapped[str] = column(Text, technical(), fixed=True)
    asked_from: Mapped[str] = column(
        Text, personal("security", mask=hidden, erase="drop", retention="1 day"), fixed=True
    )
    asked_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (lambda table: Index("letter_request_asked_at_idx", table.c.asked_at),)


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


class OwnRole(TenantTable, table="identity.role", insert_event="identity.role_made"):
    """A role that the tenant made itself: permissions by name, and the records that it is limited to.

    ``customers``: all, those whose responsible the person is, or those of the person's region. ``warehouses``: all, or
    those that the person works in. What it hides of a record follows from the field permissions that it lacks.
    """

    name: Mapped[str] = column(Text, business())
    note: Mapped[str] = column(Text, business(), server_default="")
    permissions: Mapped[list[str]] = column(JSONB(none_as_null=True), business(event="identity.role_permissions"))
    customers: Mapped[str] = stages("all", "own", "region", rule=business(event="identity.role_limits"))
    warehouses: Mapped[str] = stages("all", "own", rule=business(event="identity.role_limits"))
    state: Mapped[str] = stages("active", "archived", rule=business(), server_default="active")
    version: Mapped[int] = column(Integer, technical(), server_default="1")
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (unique("name"),)


class Membership(
    TenantTable, table="identity.membership", exempt={DOORKEEPER: "select"}, insert_event="identity.member_added"
):
    """An account's place in a tenant, and what it may do there."""

    account_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    role: Mapped[str] = stages(*_ROLE_OR_OWN, rule=business(event="identity.role_changed"))
    own_role_id: Mapped[UUID | None] = reference(OwnRole, business(event="identity.role_changed"))
    regions: Mapped[list[str]] = column(
        JSONB(none_as_null=True), business(event="identity.region_changed"), server_default="[]"
    )
    """Countries (ISO 3166-1 alpha-2) that a role limited to its region sees the customers of."""
    warehouses: Mapped[list[str]] = column(
        JSONB(none_as_null=True), business(event="identity.warehouses_changed"), server_default="[]"
    )
    """Ids of the warehouses that a role limited to its own sees."""
    state: Mapped[str] = stages("active", "ended", rule=business(event="identity.membership_changed"))
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (unique("account_id"), _refers_to_account, _NAMED, index("own_role_id"))


class Session(TenantTable, table="identity.session", insert_event="identity.signed_in"):
    """A browser that somebody signed in with, or a family of tokens that a program holds for them.

    A browser's token is kept as HMAC-SHA256 and carries the tenant, so that it is looked up inside that tenant's wall.
    A family's hash is that of its own id, which signed access tokens point to.
    """

    token_hash: Mapped[bytes] = column(LargeBinary, sensitive("session", read="nobody", seal=False), fixed=True)
    account_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    method: Mapped[str] = stages("password", "link", "passkey", "sso", rule=business(), fixed=True)
    proofs: Mapped[list[str]] = column(JSONB(none_as_null=True), business(), fixed=True, server_default="[]")
    """What the person proved, in its order, as in ["password", "totp"]."""
    must_enrol: Mapped[bool] = column(Boolean, business(), server_default=false())
    """The organisation demands a second factor and the person has none: the session can do nothing but enrol one."""
    client: Mapped[str | None] = column(Text, business(), fixed=True)
    """What the program calls itself that has tokens instead of a cookie; None for a browser."""
    user_agent: Mapped[str] = column(Text, personal("security of the account", mask=initials, erase="drop"), fixed=True)
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    confirmed_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())
    """When the person last proved who they are: what is sensitive wants that to be recent."""
    viewing_as: Mapped[str | None] = column(Text, business(event="identity.viewing_as"))
    """A role's name or id: the session sees what that role sees, and changes nothing."""
    expires_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True)
    ended_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(event="identity.signed_out"))

    __constraints__ = (
        unique("token_hash"),
        index("account_id"),
        _refers_to_account,
        check("viewing_as", "viewing_as ~ '^(owner|admin|member|viewer|own:[0-9a-f-]{36})$'"),
    )


class ApiKey(TenantTable, table="identity.api_key", insert_event="identity.key_issued"):
    """A key for programs.

    The HMAC-SHA256 of its secret, a prefix to recognise it by, a role, and whether it may change things.
    """

    name: Mapped[str] = column(Text, business())
    prefix: Mapped[str] = column(Text, business(), fixed=True)
    secret_hash: Mapped[bytes] = column(LargeBinary, sensitive("API key", read="nobody", seal=False), fixed=True)
    role: Mapped[str] = stages(*_ROLE_OR_OWN, rule=business(), fixed=True)
    own_role_id: Mapped[UUID | None] = reference(OwnRole, business(), fixed=True)
    read_only: Mapped[bool] = column(Boolean, business(), fixed=True, server_default=false())
    modules: Mapped[list[str] | None] = column(JSONB(none_as_null=True), business(), fixed=True)
    """The modules whose permissions it may use; None: all that its role has."""
    networks: Mapped[list[str] | None] = column(JSONB(none_as_null=True), business(event="identity.key_networks"))
    """The networks (CIDR) that it may come from; None: any."""
    per_minute: Mapped[int | None] = column(Integer, business())
    """A limit of its own, below the installation's."""
    replaces_id: Mapped[UUID | None] = column(Uuid, business(), fixed=True)
    """The key that it is the rotation of."""
    created_by: Mapped[UUID] = column(Uuid, business(), fixed=True)
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    expires_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(event="identity.key_expiry"))
    revoked_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(event="identity.key_revoked"))

    __constraints__ = (unique("secret_hash"), _NAMED, check("per_minute", "per_minute between 1 and 100000"))


class Use(TenantDetail, table="identity.credential_use", grants="select insert update", audited=False):
    """When and from where a session or key was last used, to within five minutes."""

    credential_id: Mapped[UUID] = column(Uuid, technical(), fixed=True, primary_key=True)
    used_at: Mapped[datetime] = column(DateTime(timezone=True), technical())
    address: Mapped[str] = column(Text, personal("security of the account", mask=hidden, erase="drop"))
