"""Signing in and out through the pages, as a browser and as those who would like to be one do it."""

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.conftest import MakeTenant, Server, TenantFixture
from tests.running import Site, browser, running_site
from tests.walls.calls import Call, calls_of, ids_from, inside
from tests.walls.inhabitants import furnish
from tests.walls.trading import Trader

from stockade.apps.admin.sign_in import local_path
from stockade.identity.passwords.hashing import hash_password
from stockade.identity.service.members import Place, add_member
from stockade.identity.service.sign_in import issue_link
from stockade.kernel.ids import new_id

PASSWORD = "correct horse battery"
COOKIE = re.compile(r"__Host-session=se_[0-9a-f]{32}_[\w-]{43}")
ATTRIBUTES = {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=lax", "Secure"}


@dataclass(frozen=True)
class Person:
    """A member with a password."""

    tenant: TenantFixture
    account_id: UUID
    email: str


@pytest.fixture(scope="module")
def hashed() -> str:
    """The password's hash, which takes a while."""
    return asyncio.run(hash_password(PASSWORD))


@pytest.fixture
async def person(site: Site, tenant: TenantFixture, superuser: Any, hashed: str) -> Person:
    """An owner with a password."""
    return await member(site, tenant, superuser, hashed)


async def member(site: Site, tenant: TenantFixture, superuser: Any, hashed: str) -> Person:
    email = f"{new_id().hex}@example.com"
    async with site.database.transaction(tenant.principal) as tx:
        account_id = await add_member(tx, id=new_id(), email=email, name="Ada", place=Place(role="owner"))
    await superuser.execute("update identity.account set password_hash = $1 where id = $2", hashed, account_id)
    return Person(tenant, account_id, email)


async def token_on(client: httpx.AsyncClient, path: str) -> str:
    """The CSRF token on a page."""
    page = await client.get(path)
    assert page.status_code == 200
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    return found[1]


async def sign_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    fields = {"csrf_token": await token_on(client, "/sign-in"), "email": email, "password": password}
    return await client.post("/sign-in", data=fields | more)


async def link_of(site: Site, person: Person) -> str:
    async with site.database.transaction(person.tenant.principal) as tx:
        return await issue_link(tx, person.account_id)


async def use_link(client: httpx.AsyncClient, secret: str) -> httpx.Response:
    token = await token_on(client, f"/sign-in/once?token={secret}")
    return await client.post("/sign-in/once", data={"csrf_token": token, "token": secret})


def told(page: httpx.Response, *changing: str) -> str:
    """A page without what differs from request to request."""
    text = re.sub(r'(nonce|value|content)="[^"]*"', "", page.text)
    for one in changing:
        text = text.replace(one, "…")
    return text


async def test_a_password_opens_a_session_that_shows_the_orders(site: Site, person: Person) -> None:
    async with browser(site) as client:
        answer = await sign_in(client, person.email)
        assert (answer.status_code, answer.headers["location"]) == (303, "/welcome")  # it never had an order
        assert (await client.get("/orders")).status_code == 200
        assert (await client.get("/api/v1/orders")).status_code == 200


async def test_the_session_cookie_can_be_read_set_and_sent_by_this_origin_only(site: Site, person: Person) -> None:
    async with browser(site) as client:
        visitor = (await client.get("/sign-in")).headers["set-cookie"]
        answer = await sign_in(client, person.email)
    set_cookies = {text.partition("=")[0]: text.split("; ") for text in answer.headers.get_list("set-cookie")}
    pair, *attributes = set_cookies["__Host-session"]
    assert COOKIE.fullmatch(pair)
    assert set(attributes) == ATTRIBUTES
    assert ATTRIBUTES - {"Max-Age=43200"} <= set(set_cookies["__Host-device"])
    assert re.fullmatch(r"__Host-visitor=[\w-]{43}; Path=/; Max-Age=\d+; Secure; HttpOnly; SameSite=Lax", visitor)


async def test_every_refused_sign_in_looks_the_same(
    site: Site, person: Person, make_tenant: MakeTenant, superuser: Any, hashed: str
) -> None:
    deactivated = await member(site, await make_tenant(), superuser, hashed)
    await superuser.execute("update identity.account set state = 'deactivated' where id = $1", deactivated.account_id)
    alone = f"{new_id().hex}@example.com"
    await superuser.execute(
        "insert into identity.account (id, email, name, password_hash, state) values ($1, $2, 'Eve', $3, 'active')",
        new_id(), alone, hashed,
    )  # fmt: skip
    tries = [
        (person.email, "wrong horse battery"), ("nobody@example.com", PASSWORD), (deactivated.email, PASSWORD),
        (alone, PASSWORD),
    ]  # fmt: skip
    answers = set()
    for email, password in tries:
        async with browser(site) as client:
            page = await sign_in(client, email, password)
            assert "__Host-session" not in client.cookies
        answers.add((page.status_code, told(page, email)))
    assert len(answers) == 1
    assert answers.pop()[0] == 401


async def test_a_one_time_link_works_once(site: Site, person: Person) -> None:
    secret = await link_of(site, person)
    async with browser(site) as first, browser(site) as second:
        assert (await use_link(first, secret)).status_code == 303
        assert (await first.get("/orders")).status_code == 200
        again = await use_link(second, secret)
        assert again.status_code == 401
        assert "__Host-session" not in second.cookies


async def test_opening_a_one_time_link_does_not_use_it_up(site: Site, person: Person) -> None:
    """Mail scanners open links."""
    secret = await link_of(site, person)
    async with browser(site) as client:
        for _ in range(3):
            assert (await client.get(f"/sign-in/once?token={secret}")).status_code == 200
        assert (await use_link(client, secret)).status_code == 303


async def test_of_two_who_use_a_link_at_once_one_gets_in(site: Site, person: Person) -> None:
    secret = await link_of(site, person)
    async with browser(site) as first, browser(site) as second:
        answers = await asyncio.gather(use_link(first, secret), use_link(second, secret))
    assert sorted(answer.status_code for answer in answers) == [303, 401]


async def test_an_expired_link_lets_nobody_in(site: Site, person: Person, superuser: Any) -> None:
    secret = await link_of(site, person)
    await superuser.execute(
        "update identity.one_time_link set expires_at = now() - interval '1 second' where account_id = $1",
        person.account_id,
    )
    async with browser(site) as client:
        assert (await use_link(client, secret)).status_code == 401


async def test_signing_out_ends_the_session_and_not_just_the_cookie(site: Site, person: Person) -> None:
    async with browser(site) as client:
        await sign_in(client, person.email)
        session = client.cookies["__Host-session"]
        answer = await client.post("/sign-out", data={"csrf_token": await token_on(client, "/orders")})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        assert "Max-Age=0" in answer.headers["set-cookie"]
        client.cookies.set("__Host-session", session, domain="localhost")
        assert (await client.get("/api/v1/orders")).status_code == 401


async def test_signing_out_of_a_session_that_has_ended_still_takes_the_cookie_away(site: Site, person: Person) -> None:
    async with browser(site) as client:
        await sign_in(client, person.email)
        token = await token_on(client, "/orders")
        async with site.database.transaction(person.tenant.principal) as tx:
            await tx.execute("update identity.session set ended_at = now() where account_id = $1", person.account_id)
        answer = await client.post("/sign-out", data={"csrf_token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_who_is_not_signed_in_is_sent_to_the_sign_in_and_back(site: Site, person: Person) -> None:
    async with browser(site) as client:
        answer = await client.get("/orders")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/orders")
        answer = await sign_in(client, person.email, next=f"/orders/{new_id()}")
        assert answer.headers["location"].startswith("/orders/")


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "\\\\evil", "/\t/evil.example",
     "///evil.example", " //evil.example", "/\n/evil.example", "evil.example", "/%5cevil\\", "http:evil.example"],
)  # fmt: skip
def test_the_sign_in_sends_nobody_to_strangers(target: str) -> None:
    assert local_path(target) == "/orders"


async def test_the_form_itself_sends_nobody_to_strangers(site: Site, person: Person) -> None:
    async with browser(site) as client:
        page = await client.get("/sign-in", params={"next": "//evil.example"})
        assert "evil.example" not in page.text
        answer = await sign_in(client, person.email, next="//evil.example")
        assert answer.headers["location"] == "/orders"


async def test_a_session_holds_in_its_own_tenant_only(site: Site, person: Person, make_tenant: MakeTenant) -> None:
    other = await make_tenant()
    stranger = Trader(site, await site.key(other))
    await stranger.open_shop()
    order = await stranger.order()
    async with browser(site) as client:
        await sign_in(client, person.email)
        assert (await client.get(f"/orders/{order['id']}")).status_code == 404
        session = client.cookies["__Host-session"]
        moved = session.replace(person.tenant.id.hex, other.id.hex)
        assert moved != session
        client.cookies.clear()
        client.cookies.set("__Host-session", moved, domain="localhost")
        assert (await client.get("/api/v1/orders")).status_code == 401


async def test_attempts_from_one_address_are_limited(
    server: Server, database_name: str, site: Site, person: Person, tmp_path: Path
) -> None:
    run, home = tmp_path / "limited", Path(os.environ["STOCKADE_TEST_HOME"])
    run.mkdir()
    limited = running_site(home, run, server.admin_dsn(database_name), site.database, sign_in_attempts_per_minute=3)
    async with limited as running, browser(running) as client:
        answers = [(await sign_in(client, person.email, "wrong horse battery")).status_code for _ in range(3)]
        answer = await sign_in(client, person.email)
        assert answers == [401, 401, 401]
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "__Host-session" not in client.cookies


async def test_every_form_refuses_what_did_not_come_from_a_page_of_ours(
    site: Site, person: Person, tenant: TenantFixture
) -> None:
    made = await furnish(site, tenant)
    async with browser(site) as client, browser(site) as stranger:
        await sign_in(client, person.email)
        foreign = await token_on(stranger, "/sign-in")
        own = inside(site).state.csrf.token(client.cookies["__Host-session"])
        forms = [call for call in calls_of(site) if call.is_form]
        for call in forms:
            for token in (None, "", foreign):
                assert await refused(client, call, made, token), f"{call.name} with {token}"
            assert await refused(client, call, made, own, Origin="https://evil.example"), call.name
            assert await refused(client, call, made, own, **{"Sec-Fetch-Site": "cross-site"}), call.name
        assert len(forms) >= 10
        assert (await client.get("/orders")).status_code == 200


async def refused(client: httpx.AsyncClient, call: Call, made: Any, token: str | None, **headers: str) -> bool:
    path, _, _ = call.content(ids_from(made))
    fields = {"expected_version": "1"} | ({} if token is None else {"csrf_token": token})
    answer = await client.post(path, data=fields, headers=headers | {"Accept": "application/json"})
    return answer.status_code == 403 and answer.json()["type"] == "/problems/csrf"


async def test_a_script_of_another_site_changes_nothing_through_the_api_with_a_session(
    site: Site, person: Person
) -> None:
    async with browser(site) as client:
        await sign_in(client, person.email)
        body = {"code": "A", "name": "A"}
        headers = {"Idempotency-Key": new_id().hex}
        answer = await client.post("/api/v1/warehouses", json=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/csrf")
        headers["X-CSRF-Token"] = await token_on(client, "/orders")
        assert (await client.post("/api/v1/warehouses", json=body, headers=headers)).status_code == 201
