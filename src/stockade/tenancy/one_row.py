"""A tenant's one row of settings: the usual ones until somebody sets it, and then set by whoever saw its version.

The row's id is the tenant's, so that it is there once, and no address but the tenant's own finds it.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from stockade.database.statements import TENANT, param, statement
from stockade.kernel.problems import VersionConflict
from stockade.tenancy.transaction import Transaction

Row = TypeVar("Row", bound=msgspec.Struct)


class OneRow(Generic[Row]):
    """The one row that each tenant has of ``table``, read as ``row`` with the fields ``id`` and ``version``.

    ``usual`` holds, at version 0, for a tenant that has set nothing.
    """

    def __init__(self, table: type[Any], row: type[Row], usual: Mapping[Any, Any]) -> None:
        columns = [getattr(table, name) for name in row.__struct_fields__]
        self.names = tuple(name for name in row.__struct_fields__ if name not in ("id", "version"))
        self._unset = partial(row, version=0, **usual)
        self._read = statement(select(*columns).where(table.tenant_id == TENANT, table.id == TENANT), row)
        given = {name: param(name) for name in self.names}
        self._set = statement(
            insert(table)
            .values(tenant_id=TENANT, id=TENANT, **given)
            .on_conflict_do_update(
                index_elements=(table.tenant_id, table.id),
                set_=given | {"version": table.version + 1},
                where=table.version == param("expected"),
            )
            .returning(*columns),
            row,
        )

    async def read(self, tx: Transaction) -> Row:
        """Return the row, the usual one if it was never set."""
        return await self._read.first(tx) or self._unset(id=tx.tenant_id)

    async def set(self, tx: Transaction, expected_version: int, given: Mapping[str, Any]) -> Row:
        """Set every field of the row; ``VersionConflict`` unless it still is as it was read."""
        row = await self._set.first(tx, expected=expected_version, **given)
        if row is None or (expected_version == 0 and row.version != 1):  # type: ignore[attr-defined]  # it has one
            raise VersionConflict
        return row
