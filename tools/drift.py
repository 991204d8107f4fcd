"""Builds a scratch database by the migrations and asks twice whether it is what the declaration says: Alembic for
columns and constraints, our own comparison for policies, grants and triggers. Exit code 1 and the differences if not."""

import asyncio
import sys
import tempfile
from pathlib import Path

import asyncpg

from stockade.database import embedded
from stockade.database.migrate import differences
from stockade.database.provision import DATABASE, dsn_for, ensure_database, provision
from stockade.database.roles import Role
from stockade.kernel.secrets import Keyring
from stockade.tenancy.drift import drift
from stockade.tenancy.pin import Signer
from stockade.tenancy.wall import LIVE_FACTS


async def found(cluster: embedded.Cluster, home: Path) -> list[str]:
    """Return every difference, from an empty database to the newest revision."""

    def dsn(database: str) -> str:
        return cluster.dsn(user=embedded.SUPERUSER, password=cluster.superuser_password(), database=database)

    keyring = Keyring(home, production=False, environ={})
    signer = Signer.of(keyring.secret("pin"))
    await ensure_database(dsn("postgres"))
    await provision(dsn(DATABASE), keyring, pads=(signer.key_id, *signer.pads))
    lines = await differences(dsn_for(dsn(DATABASE), Role.MIGRATION, keyring))
    connection = await asyncpg.connect(dsn(DATABASE))
    try:
        return lines + drift([(row[0], row[1]) for row in await connection.fetch(LIVE_FACTS)])
    finally:
        await connection.close()


def main() -> None:
    """Compare and tell."""
    with tempfile.TemporaryDirectory(prefix="stockade drift ") as folder:
        home = Path(folder)
        home.chmod(0o711)
        with embedded.running(home, durable=False) as server:
            lines = asyncio.run(found(server.cluster, home))
        embedded.discard(server.cluster)
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
