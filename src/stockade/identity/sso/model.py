"""What sign-on keeps: connections, proved domains, who is who there, sign-ins under way, and trusted token issuers."""

from datetime import datetime
from typing import Any
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
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.database.roles import DOORKEEPER, Role
from stockade.identity.model import Account
from stockade.tenancy.declaration import (
    PlatformTable,
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

KINDS = ("oidc", "saml", "ldap")
STATES = ("draft", "active", "off")
GRANTABLE = ("viewer", "member", "admin")
"""What a provider's word may make of somebody. Nobody becomes an owner by it."""
_READ_BY_THE_GATE = {DOORKEEPER: "select"}


class Connection(
    TenantTable, table="identity.connection", exempt=_READ_BY_THE_GATE, insert_event="identity.sign_on_added"
):
    """A sign-on of the organisation's own. A draft lets nobody in but whoever tests it."""

    kind: Mapped[str] = stages(*KINDS, rule=business(), fixed=True)
    name: Mapped[str] = column(Text, business())
    state: Mapped[str] = stages(*STATES, rule=business(event="identity.sign_on_state"), server_default="draft")
    settings: Mapped[dict[str, Any]] = column(JSONB(none_as_null=True), business(event="identity.sign_on_settings"))
    """Of its kind, see ``kinds``; never a secret."""
    secret_sealed: Mapped[bytes | None] = column(LargeBinary, sensitive("sign-on", read="nobody", seal=False))
    """The client secret, the bind password or the private key, sealed to this row."""
    enforced: Mapped[bool] = column(Boolean, business(event="identity.sign_on_required"), server_default=false())
    """Whether people of its domains sign in by it and by nothing else."""
    just_in_time: Mapped[str | None] = stages(
        *GRANTABLE, rule=business(event="identity.sign_on_just_in_time"), nullable=True
    )
    """The role of whoever comes from one of its domains and has no place yet; None: they are not let in."""
    version: Mapped[int] = column(Integer, technical(), server_default="1")
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (unique("name"),)


class Domain(
    TenantTable, table="identity.domain", exempt={DOORKEEPER: "select update"}, grants="select insert update delete",
    insert_event="identity.domain_added",
):  # fmt: skip
    """A domain of e-mail addresses, in lower case, and the token that its DNS shows to prove whose it is.

    Two organisations may both add a domain; one can prove it. That is asked of the doorkeeper while proving: a unique
    index over the platform would tell everybody which domains others have.
    """

    domain: Mapped[str] = column(Text, business(), fixed=True)
    connection_id: Mapped[UUID] = reference(Connection, business(event="identity.domain_moved"))
    token: Mapped[str] = column(Text, business(), fixed=True)
    verified_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(event="identity.domain_verified"))
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (unique("domain"), index("connection_id"), lambda table: Index("domain_name_idx", table.c.domain))


def _refers_to_account(table: Table) -> None:
    table.append_constraint(ForeignKeyConstraint([table.c.account_id], [Account.__table__.c.id]))


class LinkedIdentity(
    TenantTable, table="identity.linked_identity", grants="select insert delete", insert_event="identity.linked",
):  # fmt: skip
    """Who somebody is at a connection's provider. An address that is given to another person there stays linked to the
    subject that had it first, and lets the other one in nowhere."""

    connection_id: Mapped[UUID] = reference(Connection, business(), fixed=True)
    subject: Mapped[str] = column(Text, personal("sign-on", mask=initials, erase="drop"), fixed=True)
    account_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (unique("connection_id", "subject"), unique("connection_id", "account_id"), _refers_to_account)


class SsoAttempt(
    PlatformTable, table="identity.sso_attempt",
    exempt={DOORKEEPER: "select insert update delete", Role.PLATFORM.login: "select delete"},
):  # fmt: skip
    """A sign-in that is under way at a provider: used once, for ten minutes, by the browser that began it.

    Both secrets (the ``state`` and the browser's cookie) are kept as SHA-256; PKCE verifier and nonce are derived from
    them, so that the table holds nothing that could finish a sign-in.
    """

    state_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    browser_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    tenant_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    connection_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    purpose: Mapped[str] = stages("sign_in", "test", rule=technical(), fixed=True)
    going_to: Mapped[str] = column(Text, technical(), fixed=True)
    answer_sealed: Mapped[bytes | None] = column(LargeBinary, technical())
    """What came by a post from another site (SAML), until the browser that began it comes with its cookie."""
    expires_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True)

    __constraints__ = (
        lambda table: table.append_constraint(UniqueConstraint(table.c.state_hash)),
        lambda table: Index("sso_attempt_expires_at_idx", table.c.expires_at),
    )


class TokenIssuer(
    TenantTable, table="identity.token_issuer", exempt=_READ_BY_THE_GATE, insert_event="identity.issuer_trusted"
):
    """An outside identity provider whose tokens the organisation takes on its API, and what they may do there."""

    name: Mapped[str] = column(Text, business())
    issuer: Mapped[str] = column(Text, business(event="identity.issuer_changed"))
    audience: Mapped[str] = column(Text, business(event="identity.issuer_changed"))
    algorithms: Mapped[list[str]] = column(JSONB(none_as_null=True), business(event="identity.issuer_changed"))
    jwks_uri: Mapped[str | None] = column(Text, business(event="identity.issuer_changed"))
    """None: found by the issuer's discovery document."""
    role: Mapped[str | None] = stages(*GRANTABLE, rule=business(event="identity.issuer_changed"), nullable=True)
    """What every token of it may do; None: what ``roles`` say, and nothing without one of those."""
    role_claim: Mapped[str | None] = column(Text, business(event="identity.issuer_changed"))
    roles: Mapped[dict[str, str]] = column(
        JSONB(none_as_null=True), business(event="identity.issuer_changed"), server_default="{}"
    )
    """A value of the role claim -> a role here."""
    required: Mapped[dict[str, str]] = column(
        JSONB(none_as_null=True), business(event="identity.issuer_changed"), server_default="{}"
    )
    """Claims that a token must hold with exactly this value, as the organisation's id at the provider."""
    name_claim: Mapped[str] = column(Text, business(), server_default="name")
    state: Mapped[str] = stages("active", "off", rule=business(event="identity.issuer_state"), server_default="active")
    version: Mapped[int] = column(Integer, technical(), server_default="1")
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (unique("name"), lambda table: Index("token_issuer_issuer_idx", table.c.issuer))


class OutsideSubject(TenantTable, table="identity.outside_subject", insert_event="identity.outside_subject_seen"):
    """Somebody who came by an outside token: the id that the trail knows them by, and who that is at the issuer."""

    issuer_id: Mapped[UUID] = reference(TokenIssuer, business(), fixed=True)
    subject: Mapped[str] = column(Text, personal("API access", mask=initials, erase="drop"), fixed=True)
    name: Mapped[str] = column(Text, personal("API access", mask=initials, erase="pseudonym"))
    seen_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())

    __constraints__ = (unique("issuer_id", "subject"),)
