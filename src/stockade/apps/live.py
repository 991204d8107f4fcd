"""The running installation, as the controls see it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stockade.apps.installation import Installation
from stockade.database.roles import Role
from stockade.identity.credentials import Credentials
from stockade.identity.sealing import Sealer
from stockade.identity.service.keys import Scope, issue_key, revoke_key
from stockade.identity.service.members import list_members
from stockade.identity.service.sign_in import issue_link
from stockade.kernel.control import Probe
from stockade.kernel.ids import new_id
from stockade.kernel.settings import Settings
from stockade.tenancy.probes import address_of, ensure_probes
from stockade.tenancy.transaction import Database
from stockade.trust.evidence import EvidenceSigner

__all__ = ["Live", "checked", "ensure_probes"]


@dataclass(frozen=True)
class Live:
    """What ``stockade.kernel.control.Installation`` promises to the checks."""

    application: Database
    worker: Database
    platform: Database
    probes: tuple[Probe, Probe]
    origin: str
    certificate_authority: Path | None
    settings: Settings
    routes: list[Any]
    installation: Installation

    @property
    def evidence_signer(self) -> EvidenceSigner:
        """Signs what the checks find."""
        return self.installation.evidence_signer

    @asynccontextmanager
    async def probe_key(self, role: str = "owner") -> AsyncIterator[str]:
        """An API key of the first probe tenant, revoked when the block is left."""
        principal, key_id = self.probes[0].principal, new_id()
        async with self.application.transaction(principal) as tx:
            text = await issue_key(tx, self.installation.credentials, id=key_id, name="control", scope=Scope(role=role))
        try:
            yield text
        finally:
            async with self.application.transaction(principal) as tx:
                await revoke_key(tx, key_id)

    @property
    def credentials(self) -> Credentials:
        """What hashes credentials, for controls that make one of a kind that no person issues by hand."""
        return self.installation.credentials

    @property
    def sealer(self) -> Sealer:
        """What seals, for the control that signs as the installation does."""
        return self.installation.sealer

    async def probe_link(self) -> str:
        """The secret of a one-time link for the first probe tenant's one person."""
        async with self.application.transaction(self.probes[0].principal) as tx:
            person = next(one for one in await list_members(tx) if one.email == address_of(self.probes[0].tenant_id))
            return await issue_link(tx, person.account_id, vouched_by="operator")


@asynccontextmanager
async def checked(installation: Installation) -> AsyncIterator[Live]:
    """Open what the controls look at, as each of the roles."""
    from stockade.apps.site import routes_of

    settings = installation.settings
    async with (
        installation.connect(Role.APPLICATION, size=4) as application,
        installation.connect(Role.WORKER, size=2) as worker,
        installation.connect(Role.PLATFORM, size=1) as platform,
    ):
        yield Live(
            application, worker, platform, await ensure_probes(application, platform), settings.origin,
            None if settings.certificate else installation.certificate().authority, settings, routes_of(), installation,
        )  # fmt: skip
