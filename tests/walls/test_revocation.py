"""What is taken away is gone with the next request, in every process: the look-up is remembered, the check is not."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.conftest import Server, TenantFixture
from tests.running import Site, running_site
from tests.walls.calls import inside
from tests.walls.inhabitants import session_of, suspend

from stockade.identity.credentials import Credentials

ORDERS = "/api/v1/orders"
WAREHOUSES = "/api/v1/warehouses"


@pytest.fixture
async def other(site: Site, server: Server, database_name: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A second process of the same installation, as far as credentials go."""
    home = Path(os.environ["STOCKADE_TEST_HOME"])
    run = tmp_path / "second"
    run.mkdir()
    async with running_site(home, run, server.admin_dsn(database_name), site.database) as running:
        yield running


def cookie(token: str, site: Site) -> dict[str, str]:
    return {"Cookie": f"__Host-session={token}", "X-CSRF-Token": inside(site).state.csrf.token(token)}


async def make_warehouse(site: Site, token: str, code: str) -> int:
    headers = cookie(token, site)
    return (await site.call(None, "POST", WAREHOUSES, json={"code": code, "name": code}, headers=headers)).status_code


async def statuses(site: Site, token: str) -> int:
    return (await site.call(None, "GET", ORDERS, headers=cookie(token, site))).status_code


async def member_of(site: Site, owner: str, email: str) -> dict[str, Any]:
    members = (await site.call(owner, "GET", "/api/v1/members")).json()
    return next(member for member in members if member["email"] == email)


async def test_a_revoked_key_is_refused_by_a_process_that_knew_it(
    site: Site, other: Site, tenant: TenantFixture
) -> None:
    owner = await site.key(tenant)
    issued = (await site.call(owner, "POST", "/api/v1/api-keys", json={"name": "till", "role": "member"})).json()
    secret, key_id = issued["secret"], UUID(issued["key"]["id"])
    assert (await other.call(secret, "GET", ORDERS)).status_code == 200
    credentials: Credentials = inside(other).state.credentials
    assert credentials.known(secret) is not None
    assert (await site.call(owner, "POST", f"/api/v1/api-keys/{key_id}/revoke")).status_code == 200
    assert (await other.call(secret, "GET", ORDERS)).status_code == 401
    assert credentials.known(secret) is None


async def test_a_remembered_key_would_be_served_if_the_database_did_not_confirm_it(
    site: Site, other: Site, tenant: TenantFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: without the confirmation, the memory alone lets a revoked key in."""
    owner = await site.key(tenant)
    issued = (await site.call(owner, "POST", "/api/v1/api-keys", json={"name": "till", "role": "member"})).json()
    assert (await other.call(issued["secret"], "GET", ORDERS)).status_code == 200
    await site.call(owner, "POST", f"/api/v1/api-keys/{issued['key']['id']}/revoke")
    known = Credentials.known

    def unconfirmed(self: Credentials, text: str) -> Any:
        found = known(self, text)
        return found and msgspec.structs.replace(found, confirmation="")

    monkeypatch.setattr(Credentials, "known", unconfirmed)
    assert (await other.call(issued["secret"], "GET", ORDERS)).status_code == 200


async def test_a_changed_role_holds_at_once_in_a_process_that_knew_the_old_one(
    site: Site, other: Site, tenant: TenantFixture
) -> None:
    owner, email = await site.key(tenant), f"eve-{tenant.id.hex}@example.com"
    token = await session_of(site, tenant, "viewer", email)
    member = await member_of(site, owner, email)
    assert await make_warehouse(other, token, "A") == 403
    change = {"role": "admin", "state": "active"}
    assert (await site.call(owner, "POST", f"/api/v1/members/{member['id']}", json=change)).status_code == 200
    assert await make_warehouse(other, token, "A") == 201
    change = {"role": "viewer", "state": "active"}
    assert (await site.call(owner, "POST", f"/api/v1/members/{member['id']}", json=change)).status_code == 200
    assert await make_warehouse(other, token, "B") == 403
    assert await statuses(other, token) == 200


async def test_an_ended_membership_ends_its_sessions(site: Site, other: Site, tenant: TenantFixture) -> None:
    owner, email = await site.key(tenant), f"eve-{tenant.id.hex}@example.com"
    token = await session_of(site, tenant, "admin", email)
    member = await member_of(site, owner, email)
    assert await statuses(other, token) == 200
    change = {"role": "admin", "state": "ended"}
    assert (await site.call(owner, "POST", f"/api/v1/members/{member['id']}", json=change)).status_code == 200
    assert await statuses(other, token) == 401


async def test_a_session_that_was_signed_out_is_refused_by_a_process_that_knew_it(
    site: Site, other: Site, tenant: TenantFixture
) -> None:
    token = await session_of(site, tenant, "owner")
    assert await statuses(other, token) == 200
    form = {"csrf_token": inside(site).state.csrf.token(token)}
    answer = await site.client.post("/sign-out", data=form, headers=cookie(token, site))
    assert answer.status_code == 303
    assert await statuses(other, token) == 401
    assert await statuses(site, token) == 401


async def test_a_suspended_tenant_is_out_at_once_with_its_keys_and_sessions(
    site: Site, other: Site, tenant: TenantFixture, superuser: Any
) -> None:
    key, token = await site.key(tenant), await session_of(site, tenant, "owner")
    assert (await other.call(key, "GET", ORDERS)).status_code == 200
    assert await statuses(other, token) == 200
    await suspend(superuser, tenant)
    assert (await other.call(key, "GET", ORDERS)).status_code == 401
    assert await statuses(other, token) == 401
