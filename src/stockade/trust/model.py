"""Evidence: what each run of a control found, signed, chained and never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.database.roles import Role
from stockade.tenancy.declaration import PlatformTable, business, column, stages, technical


def _by_control_and_moment(table: Table) -> None:
    Index("evidence_control_checked_at_idx", table.c.control, table.c.checked_at)


class Evidence(
    PlatformTable,
    table="trust.evidence",
    exempt={Role.APPLICATION.login: "select", Role.WORKER.login: "select insert", Role.PLATFORM.login: "select"},
):
    """One result: the signed statement (canonical JSON), its Ed25519 signature, and the hash of the one before."""

    control: Mapped[str] = column(Text, business(), fixed=True)
    outcome: Mapped[str] = stages("holds", "fails", rule=business(), fixed=True)
    checked_at: Mapped[datetime] = column(DateTime(timezone=True), business(), fixed=True)
    sequence: Mapped[int] = column(BigInteger, technical(), fixed=True, unique=True)
    statement: Mapped[dict[str, Any]] = column(JSONB, business(), fixed=True)
    previous_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    evidence_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    signature: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)

    __constraints__ = (_by_control_and_moment,)
