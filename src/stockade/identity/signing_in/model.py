"""What signing in keeps before anybody is known: sign-ins under way, and how often somebody was wrong."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, Index, Integer, LargeBinary, Table, UniqueConstraint, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.database.roles import DOORKEEPER, Role
from stockade.identity.model import Account
from stockade.tenancy.declaration import PlatformTable, column, stages, technical

_GUARDED = {DOORKEEPER: "select insert update delete", Role.PLATFORM.login: "select delete"}
KINDS = ("account", "address", "pair", "device", "factor", "letters", "letters_address", "letters_pair")


def _refers_to_account(table: Table) -> None:
    table.append_constraint(ForeignKeyConstraint([table.c.account_id], [Account.__table__.c.id]))


class PendingSignIn(PlatformTable, table="identity.pending_sign_in", exempt=_GUARDED):
    """A sign-in that wants one more factor: whose it is, what was proved already, and the hash of the cookie that goes
    on with it. It lives for ten minutes and ends with its first success or its fifth failure."""

    token_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    account_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    tenant_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    proofs: Mapped[list[str]] = column(JSONB(none_as_null=True), technical(), fixed=True)
    failures: Mapped[int] = column(Integer, technical(), server_default="0")
    expires_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True)

    __constraints__ = (
        lambda table: table.append_constraint(UniqueConstraint(table.c.token_hash)),
        lambda table: Index("pending_sign_in_expires_at_idx", table.c.expires_at),
        _refers_to_account,
    )


class Throttle(PlatformTable, table="identity.throttle", exempt=_GUARDED):
    """How often somebody was wrong about an account, from an address, or about one from the other; and until when they
    wait. ``subject`` is an HMAC: which account or address it is, the table does not say."""

    subject: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    kind: Mapped[str] = stages(*KINDS, rule=technical(), fixed=True)
    failures: Mapped[int] = column(Integer, technical())
    failed_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())
    blocked_until: Mapped[datetime | None] = column(DateTime(timezone=True), technical())
    locked_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())
    """When the account was locked, and its owner told."""

    __constraints__ = (
        lambda table: table.append_constraint(UniqueConstraint(table.c.subject)),
        lambda table: Index("throttle_failed_at_idx", table.c.failed_at),
    )
