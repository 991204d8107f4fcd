"""Which keys have been used, for what, by whom."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, Text, Uuid, func
from sqlalchemy.orm import Mapped

from stockade.tenancy.declaration import TenantDetail, column, technical


class UsedKey(TenantDetail, table="idempotency.used_key", grants="select insert delete", audited=False):
    """A key (the ``Idempotency-Key`` header), the hash of the request it came with, and the row that it made."""

    actor_id: Mapped[UUID] = column(Uuid, technical(), fixed=True, primary_key=True)
    key: Mapped[str] = column(Text, technical(), fixed=True, primary_key=True)
    request_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    made_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    used_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
