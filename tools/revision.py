"""Writes a new migration from what the declaration says and the migrations do not yet.

python -m tools.revision "what it does"
"""

import re
import sys

from alembic import command

import stockade.apps.schema  # noqa: F401  # every table, declared
from stockade.database.migrate import FOLDER, config, on_connection
from tools.scratch import Scratch, on_scratch


async def write(scratch: Scratch, message: str) -> None:
    """Let Alembic write down what the scratch database lacks."""
    numbers = [int(found[0]) for path in (FOLDER / "versions").glob("*.py") if (found := re.match(r"\d+", path.name))]
    revision = f"{max(numbers, default=0) + 1:04}"
    await on_connection(
        scratch.migration_dsn,
        lambda connection: command.revision(config(connection), message, autogenerate=True, rev_id=revision),
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('usage: python -m tools.revision "what it does"')
    on_scratch(lambda scratch: write(scratch, sys.argv[1]))
