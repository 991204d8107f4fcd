"""Asks twice whether a database made by the migrations is what the declaration says: Alembic for columns and
constraints, our own comparison for policies, grants and triggers. Exit code 1 and the differences if not."""

import sys

import asyncpg

import stockade.apps.schema  # noqa: F401  # every table, declared
from stockade.database.migrate import differences
from stockade.tenancy.drift import drift
from stockade.tenancy.wall import LIVE_FACTS
from tools.scratch import Scratch, on_scratch


async def found(scratch: Scratch) -> list[str]:
    """Return every difference."""
    lines = await differences(scratch.migration_dsn)
    connection = await asyncpg.connect(scratch.admin_dsn)
    try:
        return lines + drift([(row[0], row[1]) for row in await connection.fetch(LIVE_FACTS)])
    finally:
        await connection.close()


if __name__ == "__main__":
    lines = on_scratch(found)
    print(*(lines or ["Declaration, migrations and catalogue agree."]), sep="\n")
    sys.exit(1 if lines else 0)
