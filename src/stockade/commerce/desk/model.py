"""What the desk itself keeps: exports (what left the system, by whom, how much of it), saved views of lists, and orders
that are still being typed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Integer, Text, Uuid, false, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.commerce.orders.model import Order
from stockade.tenancy.declaration import (
    TenantDetail,
    TenantTable,
    business,
    check,
    column,
    index,
    reference,
    stages,
    technical,
    unique,
)


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


class Dismissal(TenantTable, table="desk.dismissal", grants="select insert delete", audited=False):
    """Something that a person does not want to be offered any more: the first day's list."""

    account_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    what: Mapped[str] = stages("first_day", rule=business(), fixed=True)

    __constraints__ = (unique("account_id", "what"),)


class EntryDraft(TenantTable, table="desk.entry_draft", grants="select insert update delete", audited=False):
    """An order while somebody types it, half words and all, for that person alone. It becomes an order or is discarded;
    the trail begins with the order."""

    account_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    content: Mapped[dict[str, Any]] = column(JSONB, business())
    """``desk.entry.drafts.Entry``; its bounds make the size's."""
    version: Mapped[int] = column(Integer, technical(), server_default="1")
    updated_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())

    __constraints__ = (index("account_id", "id"), check("size", "octet_length(content::text) <= 1048576"))


class Bulk(TenantTable, table="desk.bulk", grants="select insert", insert_event="desk.bulk_started"):
    """One action that somebody does to many orders. The worker does it, one order a transaction."""

    account_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    """In whose name."""
    action: Mapped[str] = column(Text, business(), fixed=True)
    total: Mapped[int] = column(Integer, business(), fixed=True)
    started_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())


class BulkItem(TenantDetail, table="desk.bulk_item", part_of="bulk_id", grants="select insert update", audited=False):
    """What became of one of the orders; ``refusal`` is the problem's title and detail."""

    bulk_id: Mapped[UUID] = reference(Bulk, business(), fixed=True, primary_key=True)
    position: Mapped[int] = column(Integer, business(), fixed=True, primary_key=True)
    order_id: Mapped[UUID] = reference(Order, business(), fixed=True)
    outcome: Mapped[str] = stages("waiting", "done", "refused", rule=business(), server_default="waiting")
    refusal: Mapped[str | None] = column(Text, business())

    __constraints__ = (unique("bulk_id", "order_id"),)


class Note(TenantTable, table="desk.note", grants="select insert update delete"):
    """What somebody wrote beside a record, for colleagues. It can be taken back by its author."""

    subject_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    author_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    text: Mapped[str] = column(Text, business())
    written_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (index("subject_id", "written_at"), check("text", "length(text) between 1 and 2000"))
