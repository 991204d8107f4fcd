"""Bringing people along: their hashes let them in once, open nothing else, and come out nowhere."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import bcrypt
import msgspec
import pytest
from tests.access.test_factors_routes import Browser
from tests.conftest import MakeTenant, Server, TenantFixture
from tests.running import Site
from tests.walls.calls import inside
from tests.walls.inhabitants import session_of

from stockade.database.roles import Role
from stockade.identity.passwords import hashing
from stockade.identity.service import sign_in as sign_in_parts
from stockade.identity.service.importing import Imported, Person, import_people
from stockade.identity.service.members import Place, add_member, list_members
from stockade.identity.service.passwords import set_password
from stockade.identity.service.sign_in import SignedIn, SignInRefused, Visitor
from stockade.identity.signing_in import flow
from stockade.identity.signing_in.flow import Door
from stockade.kernel.ids import new_id
from stockade.kernel.logging import configure_logging, logger
from stockade.tenancy.transaction import Database, open_pool

PASSWORD = "correct horse battery staple"
BCRYPT = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(12)).decode()


def somebody() -> str:
    """A fresh address."""
    return f"{new_id().hex}@example.com"


async def sign_in(site: Site, email: str, password: str = PASSWORD, tenant_id: UUID | None = None) -> SignedIn:
    """Bring a password, through the flow."""
    state = inside(site).state
    door = Door(site.database, state.credentials, state.sealer, state.party)
    found = await flow.with_password(
        door, Visitor("192.0.2.7", "tests", new_id(), "here"), email=email, password=password, tenant_id=tenant_id
    )
    assert isinstance(found, SignedIn)
    return found


async def bring(site: Site, tenant: TenantFixture, email: str, hashed: str | None = BCRYPT) -> str:
    """Import somebody; return the outcome."""
    person = Person(email=email, name="Ada", place=Place(role="member"), password_hash=hashed)
    async with site.database.transaction(tenant.principal) as tx:
        outcome = (await import_people(tx, [person]))[0].outcome
    await prove(site, tenant, email)
    return outcome


async def prove(site: Site, tenant: TenantFixture, email: str) -> None:
    """Say that an address is its person's: whoever is brought along confirms it first, as everybody does."""
    async with site.database.transaction(tenant.principal) as tx:
        account_id = next(item.account_id for item in await list_members(tx) if item.email == email)
        await tx.execute("select identity.vouch($1, 'operator')", account_id)


async def kept_of(superuser: Any, email: str) -> str:
    """The imported hash that is kept for an address."""
    found: str = await superuser.fetchval(
        "select i.password_hash from identity.imported_password i join identity.account a on a.id = i.account_id "
        "where a.email = $1", email,
    )  # fmt: skip
    return found


@pytest.fixture
async def owner(site: Site, tenant: TenantFixture) -> Browser:
    """An owner's browser."""
    return Browser(site, await session_of(site, tenant, "owner"))


@pytest.fixture
async def platform(server: Server, database_name: str) -> AsyncIterator[Database]:
    """The platform's operator at the database."""
    database = Database({"main": await open_pool(server.dsn(Role.PLATFORM, database_name), server.signer, size=1)})
    yield database
    await database.close()


def row(email: str, **other: Any) -> dict[str, Any]:
    """A row of a request."""
    return {"email": email, "name": "Ada", "role": "member"} | other


async def test_an_imported_bcrypt_hash_lets_in_and_argon2id_takes_its_place(
    site: Site, tenant: TenantFixture, superuser: Any
) -> None:
    email = somebody()
    assert await bring(site, tenant, email) == "added"
    with pytest.raises(SignInRefused):
        await sign_in(site, email, "wrong")
    assert await kept_of(superuser, email) == BCRYPT
    assert (await sign_in(site, email)).tenant_id == tenant.id
    kept = await kept_of(superuser, email)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    await sign_in(site, email)
    assert await kept_of(superuser, email) == kept


async def test_the_api_imports_row_by_row_and_gives_no_hash_back(
    owner: Browser, tenant: TenantFixture, superuser: Any
) -> None:
    good, bad, plain = somebody(), somebody(), somebody()
    people = [row(good, password_hash=BCRYPT), row(bad, password_hash="$2b$31$" + "a" * 53), row(plain), row(plain)]
    answer = await owner.api("POST", "/members/import", {"people": people})
    assert answer.status_code == 200, answer.text
    assert [item["outcome"] for item in answer.json()["rows"]] == ["added", "refused", "added", "member_already"]
    assert "cost" in answer.json()["rows"][1]["why"]
    assert "$2b$" not in answer.text
    await prove(owner.site, tenant, good)
    await sign_in(owner.site, good)
    with pytest.raises(SignInRefused):
        await sign_in(owner.site, plain)
    listed = await owner.api("GET", "/members")
    assert good in listed.text
    assert bad not in listed.text
    assert "$argon2" not in listed.text


async def test_no_more_than_five_hundred_come_in_a_call(owner: Browser) -> None:
    people = [row(somebody()) for _ in range(501)]
    assert (await owner.api("POST", "/members/import", {"people": people})).status_code in (400, 422)


async def test_a_hash_brought_for_somebody_with_an_account_is_worth_nothing(
    site: Site, tenant: TenantFixture, make_tenant: MakeTenant, superuser: Any
) -> None:
    """Attack: an administrator imports the account of another organisation's person with a hash of their own."""
    victims, email = await make_tenant(), somebody()
    async with site.database.transaction(victims.principal) as tx:
        await add_member(tx, id=new_id(), email=email, name="Ada", place=Place(role="owner"))
    assert await bring(site, tenant, email) == "added"
    assert await kept_of(superuser, email) is None
    for place in (None, tenant.id, victims.id):
        with pytest.raises(SignInRefused):
            await sign_in(site, email, tenant_id=place)


async def test_a_hash_brought_before_the_person_joins_another_organisation_does_not_open_that_one(
    site: Site, tenant: TenantFixture, make_tenant: MakeTenant
) -> None:
    """Attack: an administrator imports an address that another organisation will invite one day."""
    victims, email = await make_tenant(), somebody()
    await bring(site, tenant, email)
    await sign_in(site, email)
    async with site.database.transaction(victims.principal) as tx:
        await add_member(tx, id=new_id(), email=email, name="Ada", place=Place(role="owner"))
    with pytest.raises(SignInRefused):
        await sign_in(site, email, tenant_id=victims.id)
    assert (await sign_in(site, email)).tenant_id == tenant.id


async def test_the_database_itself_keeps_no_hash_for_an_account_that_is_there(
    site: Site, tenant: TenantFixture, make_tenant: MakeTenant, superuser: Any
) -> None:
    """Attack: the id of an account that is there, given as the new one's."""
    victims, email = await make_tenant(), somebody()
    async with site.database.transaction(victims.principal) as tx:
        account_id = await add_member(tx, id=new_id(), email=email, name="Ada", place=Place(role="owner"))
    async with site.database.transaction(tenant.principal) as tx:
        found = await tx.fetchrow(
            "select identity.import_account($1, $2, $3, 'Ada', $4)", account_id, new_id(), email, BCRYPT
        )
    assert found[0] == account_id
    assert await kept_of(superuser, email) is None


async def test_a_password_that_the_person_sets_takes_the_imported_ones_place(
    site: Site, tenant: TenantFixture, platform: Database, superuser: Any
) -> None:
    email = somebody()
    await bring(site, tenant, email)
    await set_password(platform, email=email, password="another four uncommon words")
    assert await kept_of(superuser, email) is None
    await sign_in(site, email, "another four uncommon words")
    with pytest.raises(SignInRefused):
        await sign_in(site, email)


async def test_a_key_imports_nobody_and_an_admin_no_owner(site: Site, tenant: TenantFixture) -> None:
    body = {"people": [row(somebody(), password_hash=BCRYPT)]}
    refused = await site.call(await site.key(tenant), "POST", "/api/v1/members/import", json=body)
    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/people-only"
    admin = Browser(site, await session_of(site, tenant, "admin"))
    refused = await admin.api("POST", "/members/import", {"people": [row(somebody(), role="owner")]})
    assert refused.status_code == 403


async def test_neither_password_nor_hash_is_in_the_trail_or_the_log(
    owner: Browser, superuser: Any, tenant: TenantFixture
) -> None:
    stream, email = io.StringIO(), somebody()
    configure_logging(stream)
    await owner.api("POST", "/members/import", {"people": [row(email, password_hash=BCRYPT)]})
    await prove(owner.site, tenant, email)
    await sign_in(owner.site, email)
    for text in (BCRYPT, await kept_of(superuser, email)):
        logger.info("seen", text=f"kept {text} so", password_hash=text, error=repr({"hash": text}))
        assert text not in repr(Person(email=email, name="A", place=Place(role="member"), password_hash=text))
    rows = await superuser.fetch("select e::text as entry from audit.entry e where tenant_id = $1", tenant.id)
    trail = json.dumps([item["entry"] for item in rows])
    assert "identity.member_added" in trail
    for word in (PASSWORD, BCRYPT, "$2b$", "$argon2"):
        assert word not in stream.getvalue()
        assert word not in trail


async def test_a_flood_of_sign_ins_is_answered_with_come_back_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    while hashing._ROOM.acquire(blocking=False):
        pass
    try:
        page = await site.client.get("/sign-in", headers={"Accept": "text/html"})
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        answer = await site.client.post(
            "/sign-in", headers={"Accept": "text/html"},
            data={"email": somebody(), "password": "wrong", "csrf_token": token},
        )  # fmt: skip
    finally:
        for _ in range(hashing.THREADS + hashing.WAITING):
            hashing._ROOM.release()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == str(hashing.RETRY_AFTER_SECONDS)


def test_the_answers_have_no_field_for_a_hash() -> None:
    assert "hash" not in msgspec.json.encode(Imported(1, "a@b.example", "added")).decode()


async def test_without_the_binding_an_imported_hash_would_open_the_other_organisation(
    site: Site, tenant: TenantFixture, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = sign_in_parts._tenant_of
    monkeypatch.setattr(sign_in_parts, "_tenant_of", lambda account, wanted, only: bound(account, wanted, only=None))
    victims, email = await make_tenant(), somebody()
    await bring(site, tenant, email)
    async with site.database.transaction(victims.principal) as tx:
        await add_member(tx, id=new_id(), email=email, name="Ada", place=Place(role="owner"))
    assert (await sign_in(site, email, tenant_id=victims.id)).tenant_id == victims.id
