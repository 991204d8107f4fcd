"""The bench's world: one embedded server on the work core, a database for each size, and web servers on them.

Each database is provisioned as the product does it, and its tenants and keys are made by the product's own verbs; only
orders, lines, products and customers come from ``bench.fill``. Nothing outside the bench's own folder is touched.
"""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg

from bench.fill import fill
from bench.machine import ALL_CORES, WORK_CORE, pinned
from stockade.apps.first_day import open_tenant
from stockade.apps.installation import Installation
from stockade.database import embedded
from stockade.database.provision import ensure_database
from stockade.database.roles import Role
from stockade.identity.service.keys import Scope, issue_key
from stockade.kernel.ids import new_id
from stockade.kernel.processes import end, spawn
from stockade.kernel.settings import Settings
from stockade.tenancy.principal import Principal

ENOUGH_PER_MINUTE = 10**8
"""The limits stay on; they only never refuse."""
READY_SECONDS = 60.0
PASSPHRASE_FREE = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
PASSPHRASE_FREE.check_hostname = False
PASSPHRASE_FREE.verify_mode = ssl.CERT_NONE


@dataclass(frozen=True)
class Tenant:
    """A tenant of the bench: its number in the fill, its id, and an owner's API key."""

    number: int
    id: UUID
    key: str


@dataclass
class Site:
    """A filled database with the installation that serves it."""

    name: str
    installation: Installation
    tenants: list[Tenant] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """The installation's folder."""
        return self.installation.settings.home

    @property
    def dsn(self) -> str:
        """The superuser's address."""
        return self.installation.admin_dsn()


class World:
    """A running server and what was made on it."""

    def __init__(self, folder: Path, server: embedded.ServerProcess) -> None:
        self.folder = folder
        self.server = server

    def dsn(self, database: str) -> str:
        """The superuser's address of a database."""
        cluster = self.server.cluster
        return cluster.dsn(user=embedded.SUPERUSER, password=cluster.superuser_password(), database=database)

    def site(self, name: str, tenants: int) -> Site:
        """Make and fill a database for so many tenants."""
        home = self.folder / name
        home.mkdir(mode=0o711)
        first = self.folder / "secrets"
        if first.exists():  # Logins belong to the server, so all databases share their secret.
            shutil.copytree(first, home / "secrets")
        installation = Installation(_settings(home, self.dsn(name)))
        made = Site(name, installation)
        asyncio.run(self._make(made, tenants))
        if not first.exists():
            shutil.copytree(home / "secrets", first)
        return made

    async def _make(self, site: Site, tenants: int) -> None:
        await ensure_database(self.dsn("postgres"), site.name)
        await site.installation.prepare_database()
        installation = site.installation
        async with installation.connect(Role.PLATFORM, size=1) as platform, installation.connect(size=1) as database:
            for number in range(tenants):
                tenant_id = await open_tenant(
                    platform, database, slug=f"bench-{number}", name=f"Bench {number}", country="GB", currency="GBP"
                )
                async with database.transaction(Principal.system(tenant_id)) as tx:
                    key = await issue_key(
                        tx, installation.credentials, id=new_id(), name="bench", scope=Scope(role="owner")
                    )
                site.tenants.append(Tenant(number, tenant_id, key))
        await fill(self.dsn(site.name))

    async def clone(self, source: str, target: str) -> None:
        """Copy a database that nobody is connected to."""
        admin = await asyncpg.connect(self.dsn("postgres"))
        try:
            await admin.execute(f'create database "{target}" template "{source}" strategy file_copy')
        finally:
            await admin.close()


def _settings(home: Path, dsn: str) -> Settings:
    return Settings(
        home=home, database_url=dsn, address_requests_per_minute=ENOUGH_PER_MINUTE, demo=False,
        credential_requests_per_minute=ENOUGH_PER_MINUTE,
    )  # fmt: skip


@contextmanager
def world() -> Iterator[World]:
    """Run a durable embedded server on the work core, in a folder of its own that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="stockade bench ") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the server's user has to pass through
        with pinned(WORK_CORE), embedded.running(folder / "server") as server:
            os.sched_setaffinity(0, ALL_CORES)
            yield World(folder, server)


@dataclass(frozen=True)
class Served:
    """A web server: where it listens, and its process."""

    port: int
    pid: int


@contextmanager
def serving(
    home: Path, module: str = "stockade.apps.web_process", *, cores: frozenset[int] = WORK_CORE,
    environment: dict[str, str] | None = None,
) -> Iterator[Served]:  # fmt: skip
    """Run a web server's module on these cores until the block is left; it listens on ``STOCKADE_PORT``."""
    port = free_port()
    given = os.environ | {"STOCKADE_HOME": str(home), "STOCKADE_PORT": str(port)} | (environment or {})
    with (home / f"{module}.log").open("wb") as log, pinned(cores):
        process = spawn([sys.executable, "-m", module], env=given, stdout=log, stderr=log)
    try:
        wait_until_ready(port, process)
        yield Served(port, process.pid)
    finally:
        end(process)


def product_environment(site: Site, *, workers: int = 1) -> dict[str, str]:
    """What the product's web server has to be told to serve a site, as ``stockade serve`` tells it."""
    return {
        "DATABASE_URL": site.dsn,
        "STOCKADE_WORKERS": str(workers),
        "STOCKADE_ADDRESS_REQUESTS_PER_MINUTE": str(ENOUGH_PER_MINUTE),
        "STOCKADE_CREDENTIAL_REQUESTS_PER_MINUTE": str(ENOUGH_PER_MINUTE),
    }


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(
    port: int, process: "subprocess.Popen[bytes]", *, patience_seconds: float = READY_SECONDS
) -> float:
    """Wait until ``/readyz`` answers with 200, and return after how many seconds that was."""
    began = time.perf_counter()
    while time.perf_counter() - began < patience_seconds:
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(map(str, _words(process.args)))} ended with {process.returncode}.")
        if _answers(port):
            return time.perf_counter() - began
        time.sleep(0.02)
    raise RuntimeError(f"Nothing answered on port {port} within {patience_seconds:.0f} s.")


def _answers(port: int) -> bool:
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=1) as plain,
            PASSPHRASE_FREE.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            return secure.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _words(args: object) -> Sequence[object]:
    return args if isinstance(args, (list, tuple)) else [args]
