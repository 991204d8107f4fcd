"""Operators, their sessions, and break-glass access: asked for, approved by another, limited in time, and logged.

Operators are no accounts: nothing of theirs is in ``identity``. The tenants' roles read nothing of them but the name
behind an access to their own tenant. What an access may become is guarded by a trigger and by CHECKs
(``migrations/sql/0008_platform.sql``), so that the code, or SQL injected into it, cannot widen or prolong one.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.database.roles import DOORKEEPER, Role
from stockade.tenancy.declaration import (
    Addition,
    PlatformTable,
    TenantTable,
    business,
    check,
    column,
    index,
    personal,
    sensitive,
    stages,
    technical,
)
from stockade.tenancy.masks import initials, mail_mask
from stockade.tenancy.model import Tenant

_PLATFORM = Role.PLATFORM.login
_MOMENT = DateTime(timezone=True)
NEVER_WRITTEN = (
    "members", "keys", "roles", "support", "identity", "sso", "scim", "reviews", "security", "alerts", "signon",
    "provisioning", "sign_in_policy",
)  # fmt: skip
"""Modules that say who may come in: an access for a while must not leave a lasting one behind."""
_LASTING = ", ".join(f"'{name}'" for name in NEVER_WRITTEN)


def _refers_to_operator(*names: str) -> tuple[Addition, ...]:
    def reference_of(name: str) -> Addition:
        return lambda table: table.append_constraint(ForeignKeyConstraint([table.c[name]], [Operator.__table__.c.id]))

    return tuple(reference_of(name) for name in names)


def _unique(name: str) -> Addition:
    def add(table: Table) -> None:
        table.append_constraint(UniqueConstraint(table.c[name]))

    return add


def _refers_to_tenant(table: Table) -> None:
    table.append_constraint(ForeignKeyConstraint([table.c.tenant_id], [Tenant.__table__.c.id]))


class Operator(
    PlatformTable, table="platform.operator", exempt={_PLATFORM: "select insert update", DOORKEEPER: "select"}
):
    """A person who runs the platform. Always a password and an authenticator; never a way into a tenant by itself."""

    email: Mapped[str] = column(Text, personal("operator", mask=mail_mask, erase="pseudonym", lookup=True), fixed=True)
    name: Mapped[str] = column(Text, personal("operator", mask=initials, erase="pseudonym"))
    password_hash: Mapped[str] = column(Text, sensitive("sign-in", read="nobody", seal=False))
    password_is_once: Mapped[bool] = column(Boolean, technical(), server_default=true())
    """The password was made for the first sign-in, and lets in to choose another one only."""
    totp_sealed: Mapped[bytes] = column(LargeBinary, sensitive("sign-in", read="nobody"))
    totp_step: Mapped[int] = column(BigInteger, technical(), server_default="0")
    """The time step of the last accepted code: none is accepted twice (RFC 6238 section 5.2)."""
    permissions: Mapped[list[str]] = column(JSONB(none_as_null=True), technical())
    failures: Mapped[int] = column(Integer, technical(), server_default="0")
    blocked_until: Mapped[datetime | None] = column(_MOMENT, technical())
    state: Mapped[str] = stages("active", "deactivated", rule=technical())
    created_at: Mapped[datetime] = column(_MOMENT, technical(), fixed=True, server_default=func.now())

    __constraints__ = (_unique("email"),)


class OperatorSession(PlatformTable, table="platform.operator_session", exempt={_PLATFORM: "select insert update"}):
    """An operator who has signed in: the HMAC of ``op_…``, for eight hours, and thirty minutes without a request."""

    operator_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    token_hash: Mapped[bytes] = column(LargeBinary, sensitive("session", read="nobody", seal=False), fixed=True)
    address: Mapped[str] = column(Text, personal("security", mask=mail_mask, erase="drop"), fixed=True)
    created_at: Mapped[datetime] = column(_MOMENT, technical(), fixed=True, server_default=func.now())
    expires_at: Mapped[datetime] = column(_MOMENT, technical(), fixed=True)
    used_at: Mapped[datetime] = column(_MOMENT, technical(), server_default=func.now())
    ended_at: Mapped[datetime | None] = column(_MOMENT, technical())

    __constraints__ = (
        _unique("token_hash"), *_refers_to_operator("operator_id"),
        check("lifetime", "expires_at <= created_at + interval '8 hours 1 minute'"),
    )  # fmt: skip


class AccessTerms(TenantTable, table="platform.access_terms", exempt={DOORKEEPER: "select"}):
    """Whether operators need the tenant's own approval besides another operator's. No row: they do not.

    One row a tenant, under the tenant's own id.
    """

    operator_access_needs_approval: Mapped[bool] = column(Boolean, business(event="support.terms_changed"))

    __constraints__ = (check("single", "id = tenant_id"),)


class BreakGlass(
    PlatformTable,
    table="platform.break_glass",
    scope="tenant",
    grants="select",
    audited=True,
    insert_event="support.requested",
    triggers=("guard platform.guard_break_glass",),
    exempt={_PLATFORM: "select insert update", DOORKEEPER: "select update"},
):
    """An operator's access to one tenant: for a reason, to some modules, for some minutes.

    What was asked for is fixed. The moments are set by the database. ``starts_at`` and ``expires_at`` come with the
    last approval; ``token_hash`` with the operator who then enters.
    """

    tenant_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    operator_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    reason: Mapped[str] = column(Text, business(), fixed=True)
    ticket: Mapped[str] = column(Text, business(), fixed=True)
    scope: Mapped[list[str]] = column(JSONB(none_as_null=True), business(), fixed=True)
    """The modules whose permissions it gives, as in ``orders``."""
    read_only: Mapped[bool] = column(Boolean, business(), fixed=True, server_default=true())
    minutes: Mapped[int] = column(Integer, business(), fixed=True)
    requested_at: Mapped[datetime] = column(_MOMENT, business(), fixed=True, server_default=func.now())
    needs_customer: Mapped[bool] = column(Boolean, business(), fixed=True)
    approved_by: Mapped[UUID | None] = column(Uuid, business(event="support.approved"))
    approved_at: Mapped[datetime | None] = column(_MOMENT, business())
    customer_approved_by: Mapped[UUID | None] = column(Uuid, business(event="support.approved_by_customer"))
    customer_approved_at: Mapped[datetime | None] = column(_MOMENT, business())
    starts_at: Mapped[datetime | None] = column(_MOMENT, business())
    expires_at: Mapped[datetime | None] = column(_MOMENT, business())
    token_hash: Mapped[bytes | None] = column(LargeBinary, sensitive("session", read="nobody", seal=False))
    entered_at: Mapped[datetime | None] = column(_MOMENT, business(event="support.entered"))
    ended_at: Mapped[datetime | None] = column(_MOMENT, business(event="support.ended"))
    ended_by: Mapped[UUID | None] = column(Uuid, business())

    __constraints__ = (
        _refers_to_tenant, *_refers_to_operator("operator_id", "approved_by"), index("requested_at"),
        _unique("token_hash"),
        check("minutes", "minutes between 1 and 240"),
        check("reason", "length(btrim(reason)) >= 10 and length(btrim(ticket)) >= 1"),
        check("scope", "jsonb_typeof(scope) = 'array' and jsonb_array_length(scope) between 1 and 40"),
        check("lasting", f"read_only or not scope ?| array[{_LASTING}]"),
        check("second_person", "approved_by <> operator_id"),
        check("approved", "(approved_by is null) = (approved_at is null)"),
        check("approved_in_time", "approved_at <= requested_at + interval '24 hours'"),
        check("customer", "customer_approved_at is null or needs_customer"),
        check("customer_in_time", "customer_approved_at <= requested_at + interval '24 hours'"),
        check("started", "(starts_at is null) = (expires_at is null)"),
        check("started_approved", "starts_at is null or (approved_at is not null"
              " and (customer_approved_at is not null or not needs_customer))"),
        check("as_long_as_asked", "expires_at <= starts_at + make_interval(mins => minutes)"),
        check("entered", "(token_hash is null) = (entered_at is null)"
              " and (entered_at is null or starts_at is not null)"),
        check("ended", "(ended_by is null) = (ended_at is null)"),
    )  # fmt: skip


class BreakGlassUse(
    TenantTable,
    table="platform.break_glass_use",
    grants="select",
    insert_event="support.looked",
    exempt={DOORKEEPER: "select insert"},
):
    """A request that an operator made in the tenant, written down before it was answered."""

    break_glass_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    at: Mapped[datetime] = column(_MOMENT, business(), fixed=True, server_default=func.now())
    method: Mapped[str] = column(Text, business(), fixed=True)
    path: Mapped[str] = column(Text, business(), fixed=True)
    """Without its query, which may hold what was searched for."""
    request_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)

    __constraints__ = (
        index("break_glass_id", "at"),
        lambda table: table.append_constraint(
            ForeignKeyConstraint([table.c.break_glass_id], [BreakGlass.__table__.c.id])
        ),
    )
