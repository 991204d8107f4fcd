"""Toy controls and installations: enough to run controls against a database, without a server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from stockade.database.roles import Role
from stockade.kernel.control import CONTROLS, Check, Control, Finding
from stockade.tenancy.transaction import Database, open_pool
from stockade.trust.collect import collect
from stockade.trust.evidence import EvidenceSigner

SIGNER = EvidenceSigner.of(bytes(range(32)))
OTHER_SIGNER = EvidenceSigner.of(bytes(32))
MINUTE = timedelta(minutes=1)
collect()  # before any test takes the declared controls away for a while: modules declare theirs only once


@dataclass
class ToyInstallation:
    """What a toy control needs of an installation."""

    application: Database
    worker: Database
    platform: Any = None
    probes: Any = ()
    origin: str = "https://localhost:8443"
    certificate_authority: Path | None = None
    settings: Any = None
    routes: list[Any] = field(default_factory=list)
    evidence_signer: EvidenceSigner = SIGNER


@asynccontextmanager
async def toy_installation(server: Any, database_name: str) -> AsyncIterator[ToyInstallation]:
    """An installation on a test's database, connected as the application and as the worker."""
    opened = [
        Database({"main": await open_pool(server.dsn(role, database_name), server.signer, size=4)})
        for role in (Role.APPLICATION, Role.WORKER)
    ]
    try:
        yield ToyInstallation(*opened)
    finally:
        for database in opened:
            await database.close()


@contextmanager
def only(*controls: Control) -> Iterator[None]:
    """Let these be the only controls for the length of the block."""
    kept = dict(CONTROLS)
    CONTROLS.clear()
    CONTROLS.update({item.id: item for item in controls})
    try:
        yield
    finally:
        CONTROLS.clear()
        CONTROLS.update(kept)


def toy(id: str, check: Check, *claims: str, every: timedelta = MINUTE, max_age: timedelta = 5 * MINUTE) -> Control:
    """A control with that check."""
    return Control(id, claims or ("A1",), f"The toy {id} works.", check, every, max_age, ("ISO 27001 A.8.3",))


async def holds(_installation: Any) -> Finding:
    """Hold."""
    return Finding(True, "1 toy checked, no breach.")


async def fails(_installation: Any) -> Finding:
    """Fail, with more to say than is kept."""
    return Finding(False, "broken \0 toy\n" + "x" * 1000, tuple(f"detail {number}" for number in range(100)))


async def raises(_installation: Any) -> Finding:
    """Raise with something that may not be published."""
    raise RuntimeError("password=hunter2")


async def hangs(_installation: Any) -> Finding:
    """Never finish, and swallow the first attempt to be ended."""
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        await asyncio.sleep(3600)
    return Finding(True, "never")


async def says_nothing(_installation: Any) -> Any:
    """Return no finding."""
    return True
