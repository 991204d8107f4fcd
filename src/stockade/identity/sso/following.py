"""Following directories: whoever has a session by one is looked up again, every few minutes.

A directory tells nobody that somebody has left, so it is asked. Who has gone or is disabled there, or has lost every
group that gives a place, loses the sessions that the directory opened; who is in other groups gets their role. A
directory that does not answer changes nothing: sessions end by their age.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.ldap.directory import Directory, DirectoryPasswordExpired, DirectoryRefused
from stockade.identity.ldap.looking import look_again
from stockade.identity.sealing import Sealer
from stockade.identity.service.sessions import end_sessions_of
from stockade.identity.sso.admitting import settle
from stockade.identity.sso.connections import Held, held_connection
from stockade.identity.sso.ldap_way import identified
from stockade.identity.sso.reaching import Reach
from stockade.identity.sso.steps import SignOnRefused, Steps
from stockade.kernel.logging import logger
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database


class _Here(msgspec.Struct, frozen=True):
    account_id: UUID
    subject: str


_DIRECTORIES = raw(
    "select id from identity.connection where tenant_id = $1 and kind = 'ldap' and state = 'active'",
    "this_tenant",
    UUID,
)
_HERE = raw(
    """
    select l.account_id, l.subject from identity.linked_identity l
    where l.tenant_id = $1 and l.connection_id = $2 and exists (
        select from identity.session s where s.tenant_id = $1 and s.account_id = l.account_id
            and s.ended_at is null and s.expires_at > now() and s.proofs ? 'sso')
    order by l.id
    """,
    "this_tenant connection_id",
    _Here,
)


class Follower(msgspec.Struct, frozen=True):
    """What following needs of the installation."""

    worker: Database
    sealer: Sealer
    reach: Reach

    async def follow_everywhere(self, tenants: Iterable[UUID]) -> int:
        """Look at everybody who is here by a directory; return how many had to go. What fails for one is told."""
        gone = 0
        for tenant_id in tenants:
            async with self.worker.transaction(_acting(tenant_id)) as tx:
                directories = [await held_connection(tx, self.sealer, it) for it in await _DIRECTORIES.all(tx)]
            for connection in directories:
                try:
                    gone += await self.follow(connection)
                except Exception as error:  # noqa: BLE001  # told, and tried again at the next turn
                    logger.error("directory not followed", connection=str(connection.id), error=type(error).__name__)
        return gone

    async def follow(self, connection: Held) -> int:
        """Look at everybody who is here by one directory; return how many had to go."""
        config: Directory = connection.configured()
        async with self.worker.transaction(_acting(connection.tenant_id)) as tx:
            people = await _HERE.all(tx, connection_id=connection.id)
        if people:
            await self.reach.check(config.host.strip("[]"), config.port)
        return sum([await self._look(connection, config, person) for person in people])

    async def _look(self, connection: Held, config: Directory, here: _Here) -> bool:
        """Look at one person; return whether they had to go."""
        try:
            person = await look_again(config, here.subject)
        except (DirectoryRefused, DirectoryPasswordExpired):
            return False
        async with self.worker.transaction(_acting(connection.tenant_id)) as tx:
            try:
                if person is not None:
                    await settle(tx, connection, identified(config, person), Steps())
                    return False
            except SignOnRefused:
                pass  # the directory knows them, and gives them no place here any more
            return await end_sessions_of(tx, here.account_id, proof="sso") > 0


def _acting(tenant_id: UUID) -> Principal:
    return Principal.system(tenant_id, kind=ActorKind.JOB)
