"""Hashes of passwords that an organisation brought along from another system."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, Table, Text, UniqueConstraint, Uuid, func
from sqlalchemy.orm import Mapped

from stockade.database.roles import DOORKEEPER, Role
from stockade.identity.model import Account
from stockade.tenancy.declaration import PlatformTable, column, sensitive, technical

_GUARDED = {DOORKEEPER: "select insert update delete", Role.PLATFORM.login: "select insert delete"}


def _refers_to_account(table: Table) -> None:
    table.append_constraint(ForeignKeyConstraint([table.c.account_id], [Account.__table__.c.id]))


class ImportedPassword(PlatformTable, table="identity.imported_password", exempt=_GUARDED):
    """The password of an account that an organisation's import made. It opens that organisation and no other one, and
    counts until the person sets a password here; at its first use Argon2id takes the foreign hash's place."""

    account_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    tenant_id: Mapped[UUID] = column(Uuid, technical(), fixed=True)
    password_hash: Mapped[str] = column(Text, sensitive("sign-in", read="nobody", seal=False))
    imported_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (lambda table: table.append_constraint(UniqueConstraint(table.c.account_id)), _refers_to_account)
