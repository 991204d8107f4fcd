"""A database by the migrations, on a server of its own that goes away again."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from stockade.database import embedded
from stockade.database.provision import DATABASE, dsn_for, ensure_database, provision
from stockade.database.roles import Role
from stockade.kernel.secrets import Keyring
from stockade.tenancy.pin import Signer

Result = TypeVar("Result")


@dataclass(frozen=True)
class Scratch:
    """The scratch database's addresses."""

    admin_dsn: str
    migration_dsn: str


def on_scratch(work: Callable[[Scratch], Awaitable[Result]]) -> Result:
    """Make a database at the newest revision, do the work, throw the server away, and return what the work found."""
    with tempfile.TemporaryDirectory(prefix="stockade scratch ") as folder:
        home = Path(folder)
        home.chmod(0o711)  # the server's user has to pass through
        with embedded.running(home, durable=False) as server:
            found = asyncio.run(_worked(server.cluster, home, work))
        embedded.discard(server.cluster)
    return found


async def _worked(cluster: embedded.Cluster, home: Path, work: Callable[[Scratch], Awaitable[Result]]) -> Result:
    def dsn(database: str) -> str:
        return cluster.dsn(user=embedded.SUPERUSER, password=cluster.superuser_password(), database=database)

    keyring = Keyring(home, production=False, environ={})
    signer = Signer.of(keyring.secret("pin"))
    await ensure_database(dsn("postgres"))
    await provision(dsn(DATABASE), keyring, pads=(signer.key_id, *signer.pads))
    return await work(Scratch(dsn(DATABASE), dsn_for(dsn(DATABASE), Role.MIGRATION, keyring)))
