"""Alembic's entry: runs on the connection that ``stockade.database.migrate`` hands over, as the owner of the tables."""

from typing import Any

from alembic import context

import stockade.apps.schema
import stockade.tenancy.operations  # registers op.build_wall and its comparison
from stockade.tenancy.declaration import Base
from stockade.tenancy.drift import UNDECLARED, UNDECLARED_SCHEMAS

assert stockade.apps.schema


def _is_ours(name: str | None, kind: str, parents: Any) -> bool:
    """Compare our schemas only, without the partitions that grow by themselves and the tables of others."""
    if kind == "schema":
        return name in {table.schema for table in Base.metadata.tables.values()}
    full_name = f"{parents.get('schema_name')}.{name}"
    if kind == "table":
        return (
            full_name not in UNDECLARED
            and parents.get("schema_name") not in UNDECLARED_SCHEMAS
            and not full_name.startswith("audit.entry_")
        )
    return True


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_schemas=True,
    include_name=_is_ours,
    compare_type=True,
    compare_server_default=True,
    version_table="schema_version",
    version_table_schema="tenancy",
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
