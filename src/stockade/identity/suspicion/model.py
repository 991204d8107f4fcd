"""Suspicion's tables: the devices that a person signs in with, what they do an hour, alerts, and the policy."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, Integer, LargeBinary, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.identity.model import Account
from stockade.tenancy.declaration import (
    TenantTable,
    business,
    check,
    column,
    index,
    personal,
    sensitive,
    stages,
    technical,
    unique,
)
from stockade.tenancy.masks import hidden

KINDS = (
    "new_country", "new_device", "impossible_travel", "abnormal_rate", "bulk_export", "lockout", "token_reuse",
)  # fmt: skip
ACTIONS = ("notify", "step_up", "lock")
KEPT = "12 months, to tell what is unlike a person (GDPR Art. 6(1)(f))"


def _refers_to_account(table: Table) -> None:
    table.append_constraint(ForeignKeyConstraint([table.c.account_id], [Account.__table__.c.id]))


class KnownDevice(TenantTable, table="identity.known_device", audited=False):
    """A browser in a country, where a person signed in and nothing was held against it.

    The hash is of a long-lived random cookie and the browser's family; no address is kept. ``country`` is ISO 3166-1,
    or empty where the address has none.
    """

    account_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    device_hash: Mapped[bytes] = column(LargeBinary, sensitive("known device", read="nobody", seal=False), fixed=True)
    country: Mapped[str] = column(Text, personal("security", mask=hidden, erase="drop", retention=KEPT), fixed=True)
    first_seen_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True)
    last_seen_at: Mapped[datetime] = column(DateTime(timezone=True), technical())

    __constraints__ = (unique("account_id", "device_hash", "country"), _refers_to_account)


class Activity(TenantTable, table="identity.activity", grants="select insert update delete", audited=False):
    """How much a person or key did in an hour. Older than five weeks, it is deleted when more is noted."""

    actor_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    hour: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True)
    requests: Mapped[int] = column(BigInteger, technical(), server_default="0")
    exported_rows: Mapped[int] = column(BigInteger, technical(), server_default="0")

    __constraints__ = (unique("actor_id", "hour"),)


class Alert(TenantTable, table="identity.alert", insert_event="identity.alert_raised"):
    """Something that is unlike a person or key, with the evidence. An open one that ``locked`` keeps them out."""

    kind: Mapped[str] = stages(*KINDS, rule=business(), fixed=True)
    actor_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    actor_kind: Mapped[str] = stages("account", "key", rule=business(), fixed=True)
    evidence: Mapped[dict[str, Any]] = column(
        JSONB, personal("security", mask=hidden, erase="drop", retention="12 months"), fixed=True
    )
    acted: Mapped[str] = stages("none", "step_up", "locked", rule=business(), fixed=True)
    at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    state: Mapped[str] = stages(
        "open", "acknowledged", rule=business(event="identity.alert_acknowledged"), server_default="open"
    )
    acknowledged_by: Mapped[UUID | None] = column(Uuid, business())
    acknowledged_at: Mapped[datetime | None] = column(DateTime(timezone=True), business())

    __constraints__ = (
        check("acknowledged", "(state = 'acknowledged') = (acknowledged_at is not null)"),
        index("at"),
        index("actor_id", "kind", "at"),
    )


class SuspicionPolicy(TenantTable, table="identity.suspicion_policy"):
    """What an alert of each kind leads to. One row; its id is the tenant's."""

    new_country: Mapped[str] = stages(*ACTIONS, rule=business(event="identity.suspicion_policy_changed"))
    new_device: Mapped[str] = stages(*ACTIONS, rule=business(event="identity.suspicion_policy_changed"))
    impossible_travel: Mapped[str] = stages(*ACTIONS, rule=business(event="identity.suspicion_policy_changed"))
    abnormal_rate: Mapped[str] = stages(*ACTIONS, rule=business(event="identity.suspicion_policy_changed"))
    bulk_export: Mapped[str] = stages(*ACTIONS, rule=business(event="identity.suspicion_policy_changed"))
    lockout: Mapped[str] = stages(*ACTIONS, rule=business(event="identity.suspicion_policy_changed"))
    token_reuse: Mapped[str] = stages(*ACTIONS, rule=business(event="identity.suspicion_policy_changed"))
    version: Mapped[int] = column(Integer, technical(), server_default="1")

    __constraints__ = (check("single", "id = tenant_id"),)
