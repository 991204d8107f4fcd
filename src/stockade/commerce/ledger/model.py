"""Runs of the ledger import, so that one can be resumed and is never done twice."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.tenancy.declaration import TenantTable, business, column, stages, technical, unique


class ImportRun(TenantTable, table="ledger.import_run", insert_event="ledger.import_started", document=True):
    """One file, imported once. ``batches_done`` is advanced in the transaction of each batch: a crash loses no line and
    repeats none. ``account`` says at the end what became of every input line."""

    file_name: Mapped[str] = column(Text, business(), fixed=True)
    file_hash: Mapped[bytes] = column(LargeBinary, business(), fixed=True)
    mapping: Mapped[str] = column(Text, business(), fixed=True)
    state: Mapped[str] = stages("running", "finished", rule=business(event="ledger.import_state_changed"))
    batches_done: Mapped[int] = column(BigInteger, technical(), server_default="0")
    account: Mapped[dict[str, Any] | None] = column(JSONB(none_as_null=True), business())
    started_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    finished_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())

    __constraints__ = (unique("file_hash", "mapping"),)
