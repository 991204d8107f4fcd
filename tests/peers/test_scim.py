"""Directories: scim2-tester, which nobody here wrote, against the running application; and what it cannot know."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from tests.conftest import MakeTenant, TenantFixture
from tests.running import Site

from stockade.identity.credentials import new_session_token
from stockade.identity.scim import groups, tokens
from stockade.identity.service.members import Place, add_member, list_members
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict

scim2_tester = pytest.importorskip("scim2_tester", reason="scim2-tester is not installed")
wsgi = pytest.importorskip("scim2_client.engines.wsgi", reason="scim2-client is not installed")

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


async def token_of(site: Site, tenant: TenantFixture) -> str:
    """A fresh token of an organisation's directory."""
    async with site.database.transaction(tenant.principal) as tx:
        return await tokens.issue_token(tx, site.installation.credentials, id=new_id(), name="directory")


def bridged(site: Site, loop: asyncio.AbstractEventLoop) -> Any:
    """The application as WSGI, for a synchronous client in another thread."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        headers = {
            name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_") and value
        }
        headers.pop("HOST", None)
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        path = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"] + query
        call = site.client.request(environ["REQUEST_METHOD"], path, headers=headers, content=body)
        answer = asyncio.run_coroutine_threadsafe(call, loop).result(30)
        start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.headers.items()))
        return [answer.content]

    return app


async def test_scim2_tester_finds_nothing_wrong(
    site: Site, tenant: TenantFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    filling = pytest.importorskip("scim2_tester.filling")
    example = filling.get_random_example_value

    def with_addresses(path: Any) -> Any:
        """A schema cannot say that userName is an e-mail address, so the tester is told."""
        return f"{new_id().hex}@example.org" if str(path).endswith("userName") else example(path)

    monkeypatch.setattr(filling, "get_random_example_value", with_addresses)
    token = await token_of(site, tenant)
    client = wsgi.WSGISCIMClient(
        bridged(site, asyncio.get_running_loop()), base_url="https://localhost:8443/scim/v2",
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    results = await asyncio.to_thread(scim2_tester.check_server, client)
    wrong = [
        f"{result.resource_type} {result.title}: {result.reason}"
        for result in results
        if result.status.name in ("ERROR", "CRITICAL")
    ]
    assert not wrong, "\n".join(wrong)
    assert sum(result.status.name == "SUCCESS" for result in results) > 30


async def ask(site: Site, token: str, method: str, path: str, body: Any = None) -> Any:
    """Ask as a directory would."""
    return await site.call(token, method, f"/scim/v2{path}", json=body) if body else await site.call(
        token, method, f"/scim/v2{path}"
    )  # fmt: skip


async def add(site: Site, token: str, email: str, **more: Any) -> Any:
    """Provision somebody."""
    return await ask(site, token, "POST", "/Users", {"schemas": [USER], "userName": email} | more)


def change(*operations: dict[str, Any]) -> dict[str, Any]:
    """The body of a PATCH."""
    return {"schemas": [PATCH], "Operations": list(operations)}


async def session_of(site: Site, tenant: TenantFixture, account_id: Any) -> str:
    """A session of a member."""
    token = new_session_token(tenant.id)
    async with site.database.transaction(tenant.principal) as tx:
        await tx.execute(
            "insert into identity.session (tenant_id, id, token_hash, account_id, method, user_agent, expires_at) "
            "values ($1, $2, $3, $4, 'password', '', now() + interval '1 hour')",
            tenant.id, new_id(), site.installation.credentials.hash(token), account_id,
        )  # fmt: skip
    return token


async def member_of(site: Site, tenant: TenantFixture, email: str) -> Any:
    """A member as the members' page sees them."""
    async with site.database.transaction(tenant.principal) as tx:
        return next(member for member in await list_members(tx) if member.email == email)


async def test_who_is_deactivated_is_refused_at_the_next_request_with_session_and_key(
    site: Site, tenant: TenantFixture
) -> None:
    token, email = await token_of(site, tenant), f"{new_id().hex}@example.org"
    made = await add(site, token, email, externalId="00u1")
    assert made.status_code == 201
    assert made.json()["active"] is True
    member = await member_of(site, tenant, email)
    cookie = {"Cookie": f"__Host-session={await session_of(site, tenant, member.account_id)}"}
    assert (await site.call(None, "GET", "/api/v1/customers", headers=cookie)).status_code == 200
    off = change({"op": "Replace", "path": "active", "value": False})
    assert (await ask(site, token, "PATCH", f"/Users/{made.json()['id']}", off)).json()["active"] is False
    assert (await site.call(None, "GET", "/api/v1/customers", headers=cookie)).status_code == 401
    on = change({"op": "replace", "value": {"active": True}})
    assert (await ask(site, token, "PATCH", f"/Users/{made.json()['id']}", on)).json()["active"] is True
    assert (await site.call(None, "GET", "/api/v1/customers", headers=cookie)).status_code == 401
    assert (await member_of(site, tenant, email)).state == "active"


async def test_a_scim_token_works_on_scim_only_and_nothing_else_works_there(
    site: Site, tenant: TenantFixture, make_tenant: MakeTenant
) -> None:
    token = await token_of(site, tenant)
    assert (await ask(site, token, "GET", "/Users")).status_code == 200
    for path in ("/api/v1/customers", "/api/v1/members", "/api/v1/api-keys"):
        assert (await site.call(token, "GET", path)).status_code == 403
    for role in ("owner", "viewer"):
        answer = await ask(site, await site.key(tenant, role), "GET", "/Users")
        assert answer.status_code == 403
        assert "Error" in answer.json()["schemas"][0]
    other = await make_tenant()
    assert (await ask(site, token.replace(tenant.id.hex, other.id.hex), "GET", "/Users")).status_code == 401
    async with site.database.transaction(tenant.principal) as tx:
        await tokens.revoke_token(tx, (await tokens.list_tokens(tx))[0].id)
    assert (await ask(site, token, "GET", "/Users")).status_code == 401


async def test_another_organisations_person_gets_a_place_and_keeps_name_and_address(
    site: Site, tenant: TenantFixture, make_tenant: MakeTenant
) -> None:
    other, email = await make_tenant(), f"{new_id().hex}@example.org"
    async with site.database.transaction(other.principal) as tx:
        their_id = new_id()
        await add_member(tx, id=their_id, email=email, name="Their Own Name", place=Place(role="owner"))
    token = await token_of(site, tenant)
    assert (await ask(site, token, "GET", f"/Users/{their_id}")).status_code == 404
    assert (await ask(site, token, "DELETE", f"/Users/{their_id}")).status_code == 404
    made = await add(site, token, email.upper(), displayName="Renamed", active=False)
    assert made.status_code == 201
    assert made.json()["id"] != str(their_id)
    assert (await member_of(site, other, email)).name == "Their Own Name"
    assert (await member_of(site, other, email)).state == "active"
    moved = change({"op": "replace", "path": "userName", "value": "else@example.org"})
    answer = await ask(site, token, "PATCH", f"/Users/{made.json()['id']}", moved)
    assert answer.status_code == 400
    assert answer.json()["scimType"] == "mutability"


async def test_a_group_gives_its_role_and_takes_it_but_makes_and_unmakes_no_owner(
    site: Site, tenant: TenantFixture
) -> None:
    token, email, boss = await token_of(site, tenant), f"{new_id().hex}@example.org", f"{new_id().hex}@example.org"
    async with site.database.transaction(tenant.principal) as tx:
        owner_id = new_id()
        await add_member(tx, id=owner_id, email=boss, name="Boss", place=Place(role="owner"))
    user = (await add(site, token, email)).json()
    members = [{"value": user["id"]}, {"value": str(owner_id)}]
    group = (
        await ask(site, token, "POST", "/Groups", {"schemas": [GROUP], "displayName": "A", "members": members})
    ).json()
    assert (await member_of(site, tenant, email)).role == "viewer"
    async with site.database.transaction(tenant.principal) as tx:
        await groups.map_group(tx, (await groups.list_groups(tx))[0].id, "admin")
    assert (await member_of(site, tenant, email)).role == "admin"
    assert (await member_of(site, tenant, boss)).role == "owner"
    gone = change({"op": "Remove", "path": "members", "value": [{"value": user["id"]}]})  # as Entra says it
    assert (await ask(site, token, "PATCH", f"/Groups/{group['id']}", gone)).status_code == 200
    assert (await member_of(site, tenant, email)).role == "viewer"
    last = await ask(site, token, "DELETE", f"/Users/{owner_id}")
    assert last.status_code == 409
    assert (await member_of(site, tenant, boss)).state == "active"
    with pytest.raises(Conflict):
        async with site.database.transaction(tenant.principal) as tx:
            await groups.map_group(tx, (await groups.list_groups(tx))[0].id, "owner")


async def test_filters_pages_and_conditions_are_kept(site: Site, tenant: TenantFixture) -> None:
    token = await token_of(site, tenant)
    tag = new_id().hex
    for letter in "abc":
        assert (await add(site, token, f"{letter}{tag}@example.org", externalId=f"{letter}1")).status_code == 201
    assert (await add(site, token, f"a{tag}@example.org")).json()["scimType"] == "uniqueness"
    found = await site.call(token, "GET", "/scim/v2/Users", params={
        "filter": f'userName co "{tag}" and not (externalId eq "b1")', "sortBy": "userName", "sortOrder": "descending",
        "count": "1", "startIndex": "2", "attributes": "userName",
    })  # fmt: skip
    assert found.json()["totalResults"] == 2
    assert [user["userName"] for user in found.json()["Resources"]] == [f"a{tag}@example.org"]
    assert "active" not in found.json()["Resources"][0]
    bad = await site.call(token, "GET", "/scim/v2/Users", params={"filter": "userName zz"})
    assert bad.status_code == 400
    assert bad.json()["scimType"] == "invalidFilter"
    path = f"/scim/v2/Users/{found.json()['Resources'][0]['id']}"
    etag = (await site.call(token, "GET", path)).headers["etag"]
    assert (await site.call(token, "GET", path, headers={"If-None-Match": etag})).status_code == 304
    assert (await site.call(token, "DELETE", path, headers={"If-Match": 'W/"old"'})).status_code == 412
    assert (await site.call(token, "DELETE", path, headers={"If-Match": etag})).status_code == 204
    assert (await site.call(token, "GET", path)).status_code == 404


async def test_the_page_issues_a_token_once_and_gives_a_group_a_role(site: Site, tenant: TenantFixture) -> None:
    key = await site.key(tenant)
    assert "scim/v2" in (await site.call(key, "GET", "/settings/provisioning")).text
    assert (await site.call(await site.key(tenant, "member"), "GET", "/settings/provisioning")).status_code == 403
    token = await token_of(site, tenant)
    await ask(site, token, "POST", "/Groups", {"schemas": [GROUP], "displayName": "Warehouse staff"})
    shown = (await site.call(key, "GET", "/settings/provisioning")).text
    assert "Warehouse staff" in shown
    assert token not in shown
