"""One installation: from settings to addresses, keys and open databases. Every entry point begins here."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

import stockade.apps.schema  # noqa: F401  # whoever asks about the installation's tables sees them all
from stockade.database import embedded
from stockade.database.lock import HomeLock, is_locked
from stockade.database.provision import DATABASE, dsn_for, ensure_database, place_of, provision
from stockade.database.roles import Role
from stockade.identity.credentials import Credentials
from stockade.identity.sealing import Sealer
from stockade.kernel.problems import Refusal
from stockade.kernel.secrets import Keyring
from stockade.kernel.settings import Settings, load_settings
from stockade.tenancy.pin import Signer
from stockade.tenancy.transaction import Database, open_pool
from stockade.trust.evidence import EvidenceSigner
from stockade.web.certificates import CertificateFiles, ensure_local_certificate

GATE_CONNECTIONS = 4


class Installation:
    """What the settings of one installation lead to. Holds no connection; ``connect`` opens those."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self.keyring = Keyring(self.settings.home, production=self.settings.production)

    @property
    def signer(self) -> Signer:
        """Signs pins."""
        return Signer.of(self.keyring.secret("pin"))

    @property
    def credentials(self) -> Credentials:
        """Reads API keys and session tokens."""
        return Credentials(self.keyring.secret("credential"))

    @property
    def sealer(self) -> Sealer:
        """Seals the secrets of identity that are read back."""
        return Sealer(self.keyring.derive("credential", "sealing of identity"))

    @property
    def evidence_signer(self) -> EvidenceSigner:
        """Signs what controls find."""
        return EvidenceSigner.of(self.keyring.secret("evidence"))

    @property
    def is_embedded(self) -> bool:
        """Whether the database is our own server."""
        return self.settings.database_url is None

    def admin_dsn(self) -> str:
        """The administrator's address of the database."""
        if self.settings.database_url:
            return self.settings.database_url
        return self._embedded_dsn(DATABASE)

    def dsn(self, role: Role) -> str:
        """The address that a role connects to."""
        return dsn_for(self.admin_dsn(), role, self.keyring)

    @property
    def maintenance_file(self) -> Path:
        """The file that closes the installation while it is there."""
        return self.settings.home / "run" / "maintenance.json"

    def certificate(self) -> CertificateFiles:
        """The server's certificate: the operator's, or one of the local authority."""
        folder = self.settings.home / "certificates"
        if self.settings.certificate and self.settings.certificate_key:
            return CertificateFiles(self.settings.certificate, self.settings.certificate_key, self.settings.certificate)
        return ensure_local_certificate(folder, list(self.settings.names))

    async def prepare_database(self) -> None:
        """Bring roles, schema and pin key to what they must be."""
        if self.is_embedded:
            await ensure_database(self._embedded_dsn("postgres"))
        signer = self.signer
        await provision(
            self.admin_dsn(), self.keyring, pads=(signer.key_id, *signer.pads), production=self.settings.production
        )

    @asynccontextmanager
    async def connect(self, role: Role = Role.APPLICATION, *, size: int | None = None) -> AsyncIterator[Database]:
        """Open the database as a role for the length of the block; ``Refusal`` if it does not answer."""
        try:
            pool = await open_pool(
                self.dsn(role), self.signer, size=size or self.settings.pool_size,
                behind_pooler=self.settings.pooler == "transaction",
            )  # fmt: skip
        except (OSError, TimeoutError) as error:
            raise Refusal(f"The database at {place_of(self.admin_dsn())} does not answer: {error}.") from None
        except asyncpg.PostgresError as error:
            raise Refusal(
                f"The database does not let {role.login} in ({error}): run 'stockade migrate' first."
            ) from None
        gate = None
        if role is Role.APPLICATION:
            gate = await open_pool(self.dsn(Role.GATE), self.signer, size=GATE_CONNECTIONS, least=0)
        database = Database({"main": pool}, gate=gate)
        try:
            yield database
        finally:
            await database.close()

    @contextmanager
    def database_running(self) -> Iterator[None]:
        """Make sure that the database runs.

        Another process of this installation runs it, or this one does for the block.
        """
        home = self.settings.home
        if not self.is_embedded or is_locked(home):
            yield
            return
        with HomeLock(home):
            server = embedded.start(embedded.prepare(home))
            try:
                asyncio.run(self.prepare_database())
                yield
            finally:
                server.stop()

    def _embedded_dsn(self, database: str) -> str:
        cluster = embedded.locate(self.settings.home)
        return cluster.dsn(user=embedded.SUPERUSER, password=cluster.superuser_password(), database=database)
