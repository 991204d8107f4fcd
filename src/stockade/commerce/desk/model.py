"""Exports: what left the system, by whom, and how much of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Integer, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.tenancy.declaration import TenantTable, business, column, technical


class Export(TenantTable, table="desk.export", grants="select insert", insert_event="desk.exported"):
    """One download of a list: its kind, its filters, and how many rows it held."""

    kind: Mapped[str] = column(Text, business(), fixed=True)
    filters: Mapped[dict[str, Any]] = column(JSONB, business(), fixed=True)
    rows: Mapped[int] = column(Integer, business(), fixed=True)
    exported_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
