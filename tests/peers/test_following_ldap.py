"""Whoever is here by a directory goes when it says so, without a sign-in in between: OpenLDAP's slapd tells."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from tests.conftest import Server, TenantFixture
from tests.peers.slapd import GROUPS, PASSWORD, PEOPLE, ROOT, ROOT_PASSWORD
from tests.peers.test_sign_on_ldap import connection_id, directory, pytestmark, site, typed
from tests.running import Site, browser

from stockade.database.roles import Role
from stockade.identity.ldap.connecting import bound
from stockade.identity.ldap.directory import Directory, DirectoryUnreachable
from stockade.identity.sso.connections import held_connection
from stockade.identity.sso.following import Follower
from stockade.identity.sso.reaching import Reach
from stockade.tenancy.transaction import Database, open_pool

__all__ = ["connection_id", "directory", "pytestmark", "site"]


@pytest.fixture
async def follower(server: Server, database_name: str, site: Site) -> AsyncIterator[Follower]:
    pool = await open_pool(server.dsn(Role.WORKER, database_name), server.signer, size=2)
    worker = Database({"main": pool})
    yield Follower(worker, site.installation.sealer, Reach(private_networks=True))
    await worker.close()


async def altered(directory: Directory, name: str, attribute: str, *values: Any) -> None:
    """Change an entry as the directory's administrator does."""
    async with bound(directory, ROOT, ROOT_PASSWORD) as connection:
        entry = (await connection.search(name, 0, "(objectClass=*)", [attribute]))[0]
        entry[attribute] = list(values)
        await entry.modify()


async def role_seen(client: httpx.AsyncClient, email: str) -> str | None:
    """What the API says of a member to themselves, None without a session."""
    answer = await client.get("/api/v1/members")
    return next((it["role"] for it in answer.json() if it["email"] == email), None) if answer.is_success else None


async def test_who_is_disabled_in_the_directory_loses_the_session(
    site: Site, tenant: TenantFixture, connection_id: UUID, directory: Directory, follower: Follower
) -> None:
    async with browser(site) as client, browser(site) as other:
        await typed(client, connection_id, "leaving", PASSWORD)
        await typed(other, connection_id, "ada", PASSWORD)
        assert await follower.follow_everywhere([tenant.id]) == 0
        assert await role_seen(client, "leaving@example.org") == "member"
        await altered(directory, f"uid=leaving,{PEOPLE}", "userAccountControl", 514)
        try:
            assert await follower.follow_everywhere([tenant.id]) == 1
            assert await role_seen(client, "leaving@example.org") is None
            assert await role_seen(other, "ada@example.org") == "member"
            assert (await typed(client, connection_id, "leaving", PASSWORD)).status_code == 401
        finally:
            await altered(directory, f"uid=leaving,{PEOPLE}", "userAccountControl", 512)


async def test_groups_change_the_role_and_take_the_place_within_a_session(
    site: Site, tenant: TenantFixture, connection_id: UUID, directory: Directory, follower: Follower
) -> None:
    members = [f"uid={name},{PEOPLE}" for name in ("ada", "leaving", "mover")]
    async with browser(site) as client:
        await typed(client, connection_id, "mover", PASSWORD)
        assert await role_seen(client, "mover@example.org") == "member"
        try:
            await altered(directory, f"cn=strangers,{GROUPS}", "member", f"uid=mover,{PEOPLE}")
            assert await follower.follow_everywhere([tenant.id]) == 0
            assert await role_seen(client, "mover@example.org") == "admin"  # nobody becomes an owner by a directory
            await altered(directory, f"cn=strangers,{GROUPS}", "member", f"uid=nobody,{PEOPLE}")
            await altered(directory, f"cn=sellers,{GROUPS}", "member", *members[:2])
            assert await follower.follow_everywhere([tenant.id]) == 1
            assert await role_seen(client, "mover@example.org") is None
        finally:
            await altered(directory, f"cn=sellers,{GROUPS}", "member", *members)


async def test_a_lock_and_a_directory_that_is_away_end_nothing(
    site: Site, tenant: TenantFixture, connection_id: UUID, directory: Directory, follower: Follower
) -> None:
    async with browser(site) as client:
        await typed(client, connection_id, "leaving", PASSWORD)
        await altered(directory, f"uid=leaving,{PEOPLE}", "lockoutTime", 133000000000000000)
        try:
            assert await follower.follow_everywhere([tenant.id]) == 0
        finally:
            await altered(directory, f"uid=leaving,{PEOPLE}", "lockoutTime")
        away = Follower(follower.worker, follower.sealer, Reach(private_networks=False))
        assert await away.follow_everywhere([tenant.id]) == 0  # it may not be reached from here: told in the log
        assert await role_seen(client, "leaving@example.org") == "member"
        async with site.database.transaction(tenant.principal) as tx:
            held = await held_connection(tx, site.installation.sealer, connection_id)
        nowhere = msgspec.structs.replace(held, settings=held.settings | {"port": 1})
        with pytest.raises(DirectoryUnreachable):
            await follower.follow(nowhere)
        assert await role_seen(client, "leaving@example.org") == "member"
