"""The trail's table.

Rows come from the trigger ``audit.record`` alone (see ``migrations/sql``); there is no other way in.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.database.roles import AUDITOR
from stockade.tenancy.declaration import TenantDetail, business, column, index, personal, technical
from stockade.tenancy.masks import hidden

KEPT = "while the tenant is a customer, and ten years for tax documents"


class Entry(
    TenantDetail,
    table="audit.entry",
    grants="select",
    also={AUDITOR: "insert"},
    audited=False,
    options={"postgresql_partition_by": "RANGE (recorded_at)"},
):
    """One change: an insert, update or delete of a row, or an event that a column's rule names.

    ``before`` and ``after`` hold the columns that changed, personal and sensitive values masked. ``transaction_id`` is
    ``pg_current_xact_id()``, by which a sequencer can tell which rows no running transaction may still precede.
    """

    recorded_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, primary_key=True)
    id: Mapped[UUID] = column(Uuid, technical(), fixed=True, primary_key=True)
    transaction_id: Mapped[int] = column(BigInteger, technical(), fixed=True)
    actor_id: Mapped[UUID] = column(Uuid, business(retention=KEPT), fixed=True)
    actor_kind: Mapped[str] = column(Text, business(), fixed=True)
    request_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    address: Mapped[str] = column(
        Text,
        personal("security of the account", mask=hidden, erase="keep", read="audit:read", retention=KEPT),
        fixed=True,
    )
    action: Mapped[str] = column(Text, business(), fixed=True)
    subject: Mapped[str] = column(Text, business(), fixed=True)
    subject_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    before: Mapped[dict[str, Any] | None] = column(JSONB(none_as_null=True), business(), fixed=True)
    after: Mapped[dict[str, Any] | None] = column(JSONB(none_as_null=True), business(), fixed=True)

    __constraints__ = (index("subject_id", "recorded_at"), index("action", "recorded_at"))
