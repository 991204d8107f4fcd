"""What the desk itself keeps: exports (what left the system, by whom, how much of it), and saved views of lists."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Integer, Text, Uuid, false, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.tenancy.declaration import TenantTable, business, check, column, index, technical


class Export(TenantTable, table="desk.export", grants="select insert", insert_event="desk.exported"):
    """One download of a list: its kind, its filters, and how many rows it held."""

    kind: Mapped[str] = column(Text, business(), fixed=True)
    filters: Mapped[dict[str, Any]] = column(JSONB, business(), fixed=True)
    rows: Mapped[int] = column(Integer, business(), fixed=True)
    exported_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())


class View(TenantTable, table="desk.view", grants="select insert update delete"):
    """A question to a list, kept under a name: its owner's alone, or everybody's (``shared``)."""

    listing: Mapped[str] = column(Text, business(), fixed=True)
    owner_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    name: Mapped[str] = column(Text, business())
    query: Mapped[str] = column(Text, business())
    """The address's query, without cursor."""
    shared: Mapped[bool] = column(Boolean, business(), server_default=false())

    __constraints__ = (
        index("listing", "name"),
        check("query", "length(query) <= 2000"),
    )
