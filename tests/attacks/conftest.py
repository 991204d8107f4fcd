"""Two populated tenants, and the application's own role with all the SQL in the world.

``installation`` is for attacks that must fail. ``breach`` is for their twins: a clone of the database in which a
superuser may take a defence away, so that the same attack is seen to succeed and the control to turn red.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.conftest import Server

import stockade.audit.controls
import stockade.tenancy.controls  # noqa: F401  # declares what the tests check
from stockade.database.roles import Role
from stockade.kernel.control import Probe
from stockade.kernel.settings import Settings
from stockade.tenancy.probes import ensure_probes
from stockade.tenancy.transaction import Database, open_pool


@dataclass(frozen=True)
class Attacked:
    """An installation as the controls know it; see ``stockade.kernel.control.Installation``."""

    name: str
    application: Database
    worker: Database
    platform: Database
    probes: tuple[Probe, Probe]
    settings: Settings
    origin: str = "https://localhost:8443"
    certificate_authority: Path | None = None
    routes: list[Any] = field(default_factory=list)

    @property
    def attacker(self) -> Probe:
        """The tenant that attacks."""
        return self.probes[0]

    @property
    def victim(self) -> Probe:
        """The tenant that is attacked."""
        return self.probes[1]


@asynccontextmanager
async def attacked(server: Server, name: str, home: Path) -> AsyncIterator[Attacked]:
    """Open a database as an installation, with both probe tenants filled."""
    opened = [
        Database({"main": await open_pool(server.dsn(role, name), server.signer, size=3)})
        for role in (Role.APPLICATION, Role.WORKER, Role.PLATFORM)
    ]
    application, worker, platform = opened
    try:
        probes = await ensure_probes(application, platform)
        yield Attacked(name, application, worker, platform, probes, Settings(home=home))
    finally:
        for database in opened:
            await database.close()


@pytest.fixture
async def installation(server: Server, database_name: str, tmp_path: Path) -> AsyncIterator[Attacked]:
    """The worker's database, to be attacked in vain."""
    async with attacked(server, database_name, tmp_path) as made:
        yield made


@dataclass(frozen=True)
class Breach:
    """A clone to tamper with: the installation, and a superuser's connection to it."""

    installation: Attacked
    superuser: "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def breach(server: Server, scratch: str, tmp_path: Path) -> AsyncIterator[Breach]:
    """A clone of this test's own, for the twin of an attack."""
    superuser = await asyncpg.connect(server.admin_dsn(scratch))
    try:
        async with attacked(server, scratch, tmp_path) as made:
            yield Breach(made, superuser)
    finally:
        await superuser.close()
