"""The tables of factors. An account's factors belong to the platform; what is demanded of them, to each tenant.

The tenants' roles read none of them directly: a signed-in person reaches their own by functions that take the person
from the signed pin, and the sign-in asks for one account or one credential at a time
(``migrations/sql/0010_factors.sql``).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
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
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.database.roles import DOORKEEPER
from stockade.identity.model import Account
from stockade.tenancy.declaration import (
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
    unique,
)
from stockade.tenancy.masks import hidden, initials

_GUARDED = {DOORKEEPER: "select insert update delete"}
ATTESTATION = ("none", "direct")
CLONED = ("refuse", "revoke")
CHANGES = (
    "passkey_added", "passkey_renamed", "passkey_revoked", "passkey_cloned", "totp_added", "totp_removed",
    "recovery_codes_made", "recovery_code_used", "password_reset", "email_changed", "email_restored",
)  # fmt: skip


def _refers_to_account(table: Table) -> None:
    table.append_constraint(ForeignKeyConstraint([table.c.account_id], [Account.__table__.c.id]))


class Passkey(PlatformTable, table="identity.passkey", exempt=_GUARDED):
    """A passkey (WebAuthn credential): its public key, the count of its last signature, and what it calls itself.

    ``attested``: a certificate of its maker, under roots that the organisation trusts, vouched for its ``aaguid``.
    """

    account_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    credential_id: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    public_key: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    sign_count: Mapped[int] = column(BigInteger, technical())
    transports: Mapped[list[str]] = column(JSONB(none_as_null=True), technical(), fixed=True)
    aaguid: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    attested: Mapped[bool] = column(Boolean, technical(), fixed=True)
    name: Mapped[str] = column(Text, personal("sign-in", mask=initials, erase="drop"))
    backed_up: Mapped[bool] = column(Boolean, technical())
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    last_used_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())
    revoked_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())
    cloned_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())
    """When a signature came whose count did not rise: somebody may hold a copy of it."""

    __constraints__ = (
        lambda table: table.append_constraint(UniqueConstraint(table.c.credential_id)),
        lambda table: Index("passkey_account_id_idx", table.c.account_id),
        _refers_to_account,
    )


class PasskeyChallenge(PlatformTable, table="identity.passkey_challenge", exempt=_GUARDED):
    """A challenge that one browser may answer once, within five minutes. Only its hash is kept."""

    challenge_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    purpose: Mapped[str] = stages("enrol", "sign_in", "step_up", rule=technical(), fixed=True)
    account_id: Mapped[UUID | None] = column(Uuid, technical(), fixed=True)
    browser_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    expires_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True)
    used_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())

    __constraints__ = (
        lambda table: table.append_constraint(UniqueConstraint(table.c.challenge_hash)),
        lambda table: Index("passkey_challenge_expires_at_idx", table.c.expires_at),
        _refers_to_account,
    )


class Totp(PlatformTable, table="identity.totp", exempt=_GUARDED):
    """An authenticator app (RFC 6238): its seed, sealed, and the last time step that was accepted.

    A row without ``confirmed_at`` is one that is being set up; an account has one of each at most.
    """

    account_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    seed_sealed: Mapped[bytes] = column(LargeBinary, sensitive("sign-in", read="nobody", seal=False), fixed=True)
    """Sealed by ``stockade.identity.sealing``, bound to this row and this account."""
    last_step: Mapped[int] = column(BigInteger, technical(), server_default="0")
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    confirmed_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())

    __constraints__ = (
        lambda table: Index(
            "totp_account_id_uidx", table.c.account_id, unique=True, postgresql_where=text("confirmed_at is not null")
        ),
        lambda table: Index("totp_account_id_idx", table.c.account_id),
        _refers_to_account,
    )


class RecoveryCode(PlatformTable, table="identity.recovery_code", exempt=_GUARDED):
    """A recovery code: its hash, and when it was used up. A new set takes the place of the old one."""

    account_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    code_hash: Mapped[bytes] = column(LargeBinary, sensitive("sign-in", read="nobody", seal=False), fixed=True)
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    used_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())

    __constraints__ = (
        lambda table: table.append_constraint(UniqueConstraint(table.c.account_id, table.c.code_hash)),
        _refers_to_account,
    )


class FactorPolicy(
    TenantTable, table="identity.factor_policy", insert_event="identity.factor_policy_set",
    exempt={DOORKEEPER: "select"},
):  # fmt: skip
    """What an organisation demands of its people's factors. No row: passwords are allowed, one factor is enough."""

    second_factor_required: Mapped[bool] = column(
        Boolean, business(event="identity.factor_policy_set"), server_default=false()
    )
    passwords_allowed: Mapped[bool] = column(
        Boolean, business(event="identity.factor_policy_set"), server_default=true()
    )
    attestation: Mapped[str] = stages(
        *ATTESTATION, rule=business(event="identity.factor_policy_set"), server_default="none"
    )
    """``direct``: a passkey has to show a certificate of its maker, under one of ``attestation_roots``."""
    attestation_roots: Mapped[str] = column(Text, business(event="identity.factor_policy_set"), server_default="")
    """Certificates (PEM) of the makers of authenticators that are trusted."""
    aaguids: Mapped[list[str]] = column(
        JSONB(none_as_null=True), business(event="identity.factor_policy_set"), server_default="[]"
    )
    """The models of authenticators that are allowed; empty: any."""
    cloned: Mapped[str] = stages(*CLONED, rule=business(event="identity.factor_policy_set"), server_default="revoke")
    """What happens to a passkey whose count does not rise: this signature is refused, or the passkey revoked, too."""
    version: Mapped[int] = column(Integer, technical(), server_default="1")

    __constraints__ = (
        unique(),
        check("rooted", "attestation = 'none' or attestation_roots <> ''"),
        check("attested_models", "attestation = 'direct' or aaguids = '[]'"),
    )


class FactorChange(
    TenantTable, table="identity.factor_change", insert_event="identity.factor_changed", grants="select insert"
):
    """Something changed about a member's factors: for the trail, where the factors themselves have no tenant."""

    account_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    change: Mapped[str] = stages(*CHANGES, rule=business(), fixed=True)
    called: Mapped[str] = column(Text, personal("sign-in", mask=hidden, erase="drop"), fixed=True)
    """What the factor is called."""
    at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (index("account_id", "at"),)
