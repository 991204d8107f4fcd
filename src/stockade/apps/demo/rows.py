"""Rows by the thousand: one INSERT a table, its columns as arrays, in types that the declaration names.

``INSERT ... SELECT ... FROM unnest(...)``, because COPY passes by row-level security only where there is none.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from stockade.tenancy.declaration import TenantDetail, TenantTable
from stockade.tenancy.transaction import Transaction

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves dialects untyped


class Rows:
    """How rows get into some columns of a table. Columns that are not named take their defaults."""

    def __init__(self, model: type[TenantTable] | type[TenantDetail], columns: str) -> None:
        table = model.__table__
        assert isinstance(table, Table)
        self.columns = columns.split()
        kinds = [table.c[name].type.compile(dialect=_DIALECT) for name in self.columns]
        arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(kinds, start=2))
        listed = ", ".join(self.columns)
        self._sql = (
            f"insert into {table.fullname} (tenant_id, {listed}) "
            f"select $1::uuid, r.* from unnest({arrays}) as r ({listed})"
        )

    async def write(self, tx: Transaction, rows: Sequence[Sequence[Any]]) -> None:
        """Insert the rows, values in the order of the columns."""
        if rows:
            await tx.execute(self._sql, tx.tenant_id, *(list(values) for values in zip(*rows, strict=True)))

    async def write_structs(self, tx: Transaction, rows: Sequence[Any], **renamed: str) -> None:
        """Insert structs whose fields are named as the columns are, or as ``renamed`` says."""
        fields = [renamed.get(name, name) for name in self.columns]
        await self.write(tx, [[getattr(row, name) for name in fields] for row in rows])
