"""What all tests share: an embedded server a session, a provisioned template, a database a worker, many tenants.

The controlling process starts the server and provisions the template; each worker clones it. Tests stay apart by making
tenants of their own, as customers do; those that tamper with the schema take a clone for themselves (``scratch``).
"""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from tests.running import Site, client_of, running_site

import stockade.apps.schema  # noqa: F401  # every table, declared
from stockade.database.embedded import SUPERUSER, Cluster, locate, prepare, start
from stockade.database.provision import dsn_for, ensure_database, provision
from stockade.database.roles import Role
from stockade.kernel.ids import new_id
from stockade.kernel.secrets import Keyring
from stockade.tenancy.pin import Signer
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import create_tenant
from stockade.tenancy.transaction import Database, open_pool

SHARED = Path(__file__).parents[1].parent / "shared"
TEMPLATE = "template_stockade"
_HOME = "STOCKADE_TEST_HOME"


@dataclass(frozen=True)
class Server:
    """The session's server: addresses for each role and database."""

    cluster: Cluster
    keyring: Keyring

    def admin_dsn(self, database: str) -> str:
        """The superuser's address."""
        return self.cluster.dsn(user=SUPERUSER, password=self.cluster.superuser_password(), database=database)

    def dsn(self, role: Role, database: str) -> str:
        """A role's address."""
        return dsn_for(self.admin_dsn(database), role, self.keyring)

    @property
    def signer(self) -> Signer:
        """The signer whose key the template holds."""
        return Signer.of(self.keyring.secret("pin"))


def pytest_configure(config: pytest.Config) -> None:
    """Start the server in the controlling process, before any worker."""
    if hasattr(config, "workerinput") or os.environ.get(_HOME):
        return
    home = Path(tempfile.mkdtemp(prefix="stockade test "))
    home.chmod(0o711)  # the server's user has to pass through
    os.environ[_HOME] = str(home)
    config.stash[_SERVER] = start(prepare(home, durable=False))
    server = _server()
    asyncio.run(ensure_database(server.admin_dsn("postgres"), TEMPLATE))
    asyncio.run(provision(server.admin_dsn(TEMPLATE), server.keyring, pads=(server.signer.key_id, *server.signer.pads)))


def pytest_collection_finish() -> None:
    """Let the collector of garbage leave alone what stays, every module and test, and look at the rest more often:
    an application that a test built for itself is a hundred thousand objects in circles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 3)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    if running := config.stash.get(_SERVER, None):
        running.stop()
        shutil.rmtree(os.environ.pop(_HOME), ignore_errors=True)


_SERVER = pytest.StashKey[object]()


def _server() -> Server:
    home = Path(os.environ[_HOME])
    return Server(locate(home), Keyring(home, production=False, environ={}))


@pytest.fixture(scope="session")
def server() -> Server:
    """The session's database server."""
    return _server()


@pytest.fixture(scope="session")
def database_name(server: Server, worker_id: str) -> str:
    """This worker's clone of the template."""
    name = f"test_{worker_id}"
    asyncio.run(clone(server, name))
    return name


async def clone(server: Server, name: str) -> None:
    """Make a database from the template; the statements about the database itself are repeated for it."""
    from stockade.database.roles import database_statements

    admin = await asyncpg.connect(server.admin_dsn("postgres"))
    try:
        await admin.execute(f'drop database if exists "{name}" with (force)')
        await admin.execute(f'create database "{name}" template {TEMPLATE} strategy file_copy')
        for sql in database_statements(name)[:-1]:
            await admin.execute(sql)
    finally:
        await admin.close()


@pytest.fixture
async def scratch(server: Server, worker_id: str) -> AsyncIterator[str]:
    """A database of this test's own, to tamper with; its name."""
    name = f"scratch_{worker_id}"
    await clone(server, name)
    yield name
    admin = await asyncpg.connect(server.admin_dsn("postgres"))
    await admin.execute(f'drop database "{name}" with (force)')
    await admin.close()


@pytest.fixture(scope="session")
async def database(server: Server, database_name: str) -> AsyncIterator[Database]:
    """The application's way to this worker's database."""
    pool = await open_pool(server.dsn(Role.APPLICATION, database_name), server.signer, size=20)
    gate = await open_pool(server.dsn(Role.GATE, database_name), server.signer, size=4, least=0)
    made = Database({"main": pool}, gate=gate)
    yield made
    await made.close()


@pytest.fixture(scope="session")
async def onlooker(server: Server, database_name: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A superuser's connection that stays open."""
    connection = await asyncpg.connect(server.admin_dsn(database_name))
    yield connection
    await connection.close()


@pytest.fixture
async def superuser(server: Server, database_name: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A superuser's connection, to look behind the wall."""
    connection = await asyncpg.connect(server.admin_dsn(database_name))
    yield connection
    await connection.close()


@dataclass(frozen=True)
class TenantFixture:
    """A tenant of one test."""

    id: UUID
    slug: str
    principal: Principal


MakeTenant = Callable[[], Awaitable[TenantFixture]]


@pytest.fixture
def make_tenant(server: Server, database_name: str) -> MakeTenant:
    """Make a tenant, as the platform's operator would.

    Its principal acts as the installation, with an owner's rights.
    """

    async def make() -> TenantFixture:
        pool = await open_pool(server.dsn(Role.PLATFORM, database_name), server.signer, size=1)
        platform = Database({"main": pool})
        slug = f"t-{new_id().hex}"
        try:
            tenant_id = await create_tenant(platform, slug=slug, name="Test Distribution Ltd")
        finally:
            await platform.close()
        return TenantFixture(tenant_id, slug, Principal.system(tenant_id))

    return make


@pytest.fixture
async def tenant(make_tenant: MakeTenant) -> TenantFixture:
    """One tenant."""
    return await make_tenant()


@pytest.fixture(scope="session")
async def standing(
    server: Server, database: Database, database_name: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The application on this worker's database, built once."""
    run = tmp_path_factory.mktemp("run")
    async with running_site(server.cluster.home, run, server.admin_dsn(database_name), database) as running:
        yield running


@pytest.fixture
async def site(standing: Site, onlooker: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[Site]:
    """The application, asked in process by a client that nobody has used, from an address that is not braked."""
    await onlooker.execute("delete from identity.throttle")
    async with client_of(standing.app) as client:
        yield replace(standing, client=client)
