"""Signing in through the pages by a real directory, OpenLDAP's slapd: groups become roles, guesses are braked."""

import os
import re
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from tests.apps.admin.browsing import told
from tests.conftest import Server, TenantFixture
from tests.peers.slapd import PASSWORD, directory_server, missing
from tests.running import ORIGIN, Site, browser, running_site
from tests.walls.inhabitants import session_of

from stockade.identity.ldap.directory import Directory
from stockade.identity.sso import connections, domains
from stockade.identity.sso.connections import NewConnection
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Database

_REASON = missing() or ("" if find_spec("bonsai") else "bonsai is not installed (the extra ldap)")
pytestmark = pytest.mark.skipif(bool(_REASON), reason=_REASON or "it is installed")


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    with directory_server(tmp_path_factory.mktemp("slapd")) as config:
        yield config


@pytest.fixture
async def site(server: Server, database: Database, database_name: str, tmp_path: Path) -> AsyncIterator[Site]:
    home = Path(os.environ["STOCKADE_TEST_HOME"])
    async with running_site(
        home, tmp_path, server.admin_dsn(database_name), database, sso_private_networks=True
    ) as running:  # fmt: skip
        yield running


@pytest.fixture
async def connection_id(site: Site, tenant: TenantFixture, directory: Directory) -> AsyncIterator[UUID]:
    settings = msgspec.to_builtins(directory)
    new = NewConnection(kind="ldap", name="Firm", settings=settings, secret=settings.pop("bind_password"))
    made = new_id()
    async with site.database.transaction(tenant.principal) as tx:
        await connections.add_connection(tx, site.installation.sealer, made, new)
        await connections.set_connection_state(tx, made, "active")
        domain = await domains.add_domain(tx, new_id(), domain="example.org", connection_id=made)
        await domains.verify_domain(tx, domain.id, [domain.record])
    yield made
    async with site.database.transaction(tenant.principal) as tx:
        await domains.remove_domain(tx, domain.id)


async def typed(client: httpx.AsyncClient, connection_id: UUID, username: str, password: str) -> httpx.Response:
    page = await client.get(f"/sign-in/sso/{connection_id}", follow_redirects=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    fields = {"csrf_token": found[1], "username": username, "password": password}
    return await client.post(f"/sign-in/ldap/{connection_id}", data=fields)


async def test_somebody_signs_in_with_the_role_of_their_groups(site: Site, connection_id: UUID) -> None:
    async with browser(site) as client:
        answer = await typed(client, connection_id, "ada", PASSWORD)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/welcome"), answer.text
        members: Any = (await client.get("/api/v1/members")).json()
        assert [(it["email"], it["role"]) for it in members] == [("ada@example.org", "member")]


async def test_guesses_look_alike_and_are_braked(site: Site, connection_id: UUID) -> None:
    async with browser(site) as client:
        unknown = await typed(client, connection_id, new_id().hex, "wrong")
        for password in ("wrong", "", "also wrong"):
            answer = await typed(client, connection_id, "guessed", password)
            assert answer.status_code == 401
            assert "do not go together" in answer.text
            assert "__Host-session" not in client.cookies
        assert unknown.status_code == 401
        answers = [(await typed(client, connection_id, "guessed", "wrong")).status_code for _ in range(3)]
        assert 429 in answers
        assert (await typed(client, connection_id, "guessed", PASSWORD)).status_code == 429


async def test_the_secret_stays_sealed_and_the_test_explains(
    site: Site, tenant: TenantFixture, connection_id: UUID, directory: Directory, superuser: Any
) -> None:
    held = await superuser.fetchval("select to_jsonb(c)::text from identity.connection c where id = $1", connection_id)
    assert directory.bind_password not in held
    token = await session_of(site, tenant, "owner")
    headers = {"Cookie": f"__Host-session={token}", "Accept": "text/html", "Origin": ORIGIN}
    given = {"csrf_token": site.app.app.app.state.csrf.token(token), "username": "ada"}
    page = await site.client.post(f"/settings/sign-on/{connection_id}/test", data=given, headers=headers)
    assert page.status_code == 200
    assert directory.bind_password not in page.text
    assert page.text.count(">works<") == 7, told(page.text)[:1500]
    assert ">fails<" not in page.text
