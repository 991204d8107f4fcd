"""The keys that access tokens are signed with, and the refresh tokens of each family. A family is a session's row."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Index, LargeBinary, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.database.roles import DOORKEEPER
from stockade.identity.model import Session
from stockade.tenancy.declaration import (
    PlatformTable,
    TenantTable,
    column,
    index,
    reference,
    sensitive,
    stages,
    technical,
    unique,
)

_SIGNING = {DOORKEEPER: "select insert update delete"}


class SigningKey(PlatformTable, table="identity.signing_key", exempt=_SIGNING):
    """A key pair (Ed25519). There is one active and one next at most; retiring ones verify until the last token that
    they signed has expired. The private part is sealed to its row, and the database never sees it open."""

    key_id: Mapped[str] = column(Text, technical(), fixed=True)
    """The thumbprint of the public part (RFC 7638)."""
    public_jwk: Mapped[dict[str, Any]] = column(JSONB(none_as_null=True), technical(), fixed=True)
    private_sealed: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    state: Mapped[str] = stages("next", "active", "retiring", rule=technical())
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    activated_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())
    retired_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())

    __constraints__ = (
        lambda table: table.append_constraint(UniqueConstraint(table.c.key_id)),
        lambda table: Index(
            "signing_key_state_uidx", table.c.state, unique=True, postgresql_where=text("state <> 'retiring'")
        ),
    )


class RefreshToken(
    TenantTable, table="identity.refresh_token", grants="select insert update delete", audited=False
):  # fmt: skip
    """A refresh token, kept as HMAC-SHA256. It is used once; brought again, it ends its family.

    A used one stays until it would have expired, so that it is known when it comes back.
    """

    token_hash: Mapped[bytes] = column(LargeBinary, sensitive("session", read="nobody", seal=False), fixed=True)
    session_id: Mapped[UUID] = reference(Session, technical(), fixed=True)
    issued_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    expires_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True)
    used_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())

    __constraints__ = (unique("token_hash"), index("session_id"), index("expires_at"))
