"""The tenants themselves."""

from datetime import datetime

from sqlalchemy import Boolean, DateTime, Text, UniqueConstraint, false, func
from sqlalchemy.orm import Mapped

from stockade.database.roles import Role
from stockade.tenancy.declaration import PlatformTable, business, column, stages, technical


class Tenant(
    PlatformTable,
    table="tenancy.tenant",
    scope="tenant",
    tenant_column="id",
    grants="select",
    audited=True,
    exempt={Role.PLATFORM.login: "select insert update"},
):
    """One distributor on the platform. It sees its own row only; the platform's operators see them all.

    ``placement`` names the database that holds the tenant's rows (``main`` is the pooled one).
    """

    slug: Mapped[str] = column(Text, business(), fixed=True)
    name: Mapped[str] = column(Text, business())
    state: Mapped[str] = stages("active", "suspended", rule=business(event="tenancy.state_changed"))
    placement: Mapped[str] = column(Text, technical())
    is_probe: Mapped[bool] = column(Boolean, technical(), fixed=True, server_default=false())
    """A tenant that belongs to the controls: it holds made-up rows to attack, and no customer."""
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (lambda table: table.append_constraint(UniqueConstraint(table.c.slug)),)
