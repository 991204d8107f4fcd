"""Sign-on as people configure it: connections, domains, issuers, and tests that explain what fails."""

import re
from typing import Any
from uuid import UUID

import pytest
from tests.apps.admin.browsing import Person, signed_in, told
from tests.apps.test_signing_in import PASSWORD, browser, link_of, sign_in, token_on, use_link
from tests.apps.test_signing_in import Person as Account
from tests.conftest import MakeTenant, TenantFixture
from tests.identity.sso.providers import AUDIENCE, Provider, listening
from tests.running import Site
from tests.walls.inhabitants import session_of

from stockade.apps.admin.settings import sign_on
from stockade.identity.passwords.hashing import hash_password
from stockade.identity.service.members import Place, add_member
from stockade.identity.sso import connections, domains
from stockade.kernel.ids import new_id

LIST = "/settings/sign-on"
SECRET = "the client's own secret"


@pytest.fixture
async def owner(site: Site, tenant: TenantFixture) -> Person:
    return await signed_in(site, tenant, "owner")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    made = Provider(f"https://{new_id().hex}.example")
    made.rotate("one")
    listening(monkeypatch, made)
    return made


def fields_for(provider: Provider, **more: str) -> dict[str, str]:
    return {
        "name": "Firm", "issuer": provider.issuer, "client_id": "stockade", "secret": SECRET, "algorithms": "RS256",
        "email_claim": "email", "verified_claim": "email_verified", "just_in_time": "member", "enforced": "",
    } | more  # fmt: skip


async def added(owner: Person, provider: Provider, **more: str) -> str:
    """Add a connection; its address."""
    return (await owner.done(f"{LIST}/new/oidc", **fields_for(provider, **more))).partition("?")[0]


async def test_a_connection_is_added_as_a_draft_and_its_secret_is_shown_nowhere(
    owner: Person, provider: Provider, superuser: Any
) -> None:
    address = await added(owner, provider)
    page = await owner.see(address)
    assert "Draft" in told(page)
    assert SECRET not in page
    assert "Firm" in told(await owner.see(LIST))
    held = await superuser.fetchval(
        "select string_agg(t::text, ' ') from (select to_jsonb(c) t from identity.connection c "
        "union all select to_jsonb(e) from audit.entry e) it"
    )
    assert SECRET not in held
    assert SECRET.encode().hex() not in held


async def test_what_is_wrong_is_said_at_its_field(owner: Person, provider: Provider) -> None:
    for field, wrong in (("issuer", "http://plain.example"), ("issuer", "https://u@x.example"), ("algorithms", "HS256"),
                         ("algorithms", "none"), ("just_in_time", "owner"), ("name", "")):  # fmt: skip
        refused = await owner.send(f"{LIST}/new/oidc", **fields_for(provider, **{field: wrong}))
        assert refused.status_code == 422
        assert f'id="error-{field}"' in refused.text, (field, wrong)
    refused = await owner.send(f"{LIST}/new/saml", name="Firm", metadata="<no/>")
    assert refused.status_code in (403, 422)
    assert "metadata" in refused.text


async def test_a_secret_goes_to_no_other_address_than_the_one_that_it_was_given_for(
    owner: Person, provider: Provider
) -> None:
    address = await added(owner, provider)
    again = {"secret": "", "expected_version": "1"}
    moved = await owner.send(address, **fields_for(provider, issuer="https://evil.example", **again))
    assert moved.status_code == 422
    assert "Enter the secret again" in moved.text
    assert await owner.done(address, **fields_for(provider, name="Renamed", **again))
    assert "Renamed" in told(await owner.see(address))
    stale = await owner.send(address, **fields_for(provider, **again))
    assert stale.status_code == 409


async def test_the_test_explains_what_works_and_what_does_not(owner: Person, provider: Provider) -> None:
    address = await added(owner, provider)
    found = told((await owner.send(f"{address}/test")).text)
    assert "The provider describes itself" in found
    assert "1 keys" in found
    assert "fails" not in found
    provider.keys = {}
    assert "no key among them" in told((await owner.send(f"{address}/test")).text)
    other = await added(owner, Provider("https://nobody.example"), name="Nobody")
    silent = told((await owner.send(f"{other}/test")).text)
    assert "fails The provider describes itself" in silent


async def test_a_domain_counts_once_its_dns_shows_the_record(
    owner: Person, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await added(owner, provider)
    domain = f"{new_id().hex}.example"
    await owner.done(f"{address}/domains", domain=f" @{domain.upper()}. ")
    page = await owner.see(address)
    record = re.search(r"stockade-verification=[\w-]+", page)
    verify = re.search(r'action="(/settings/sign-on/domains/[0-9a-f-]+/verify)"', page)
    assert domain in page
    assert record
    assert verify
    shown: list[str] = ["v=spf1 -all", "stockade-verification=another"]

    async def records(name: str) -> list[str]:
        assert name == domain
        return shown

    monkeypatch.setattr(sign_on.domains, "txt_records", records)
    refused = await owner.send(verify[1])
    assert refused.status_code == 409
    assert "shows no TXT record" in refused.text
    shown.append(record[0])
    assert (await owner.done(verify[1])).endswith("done=verified")
    assert "Proved" in told(await owner.see(address))


async def test_two_organisations_cannot_prove_one_domain(
    site: Site, owner: Person, provider: Provider, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = f"{new_id().hex}.example"
    other = await signed_in(site, await make_tenant(), "owner")
    outcomes = []
    for person in (owner, other):
        address = await added(person, provider)
        await person.done(f"{address}/domains", domain=domain)
        page = await person.see(address)
        record, verify = re.search(r"stockade-verification=[\w-]+", page), re.search(r'action="(\S+/verify)"', page)
        assert record
        assert verify

        async def records(name: str, found: str = record[0]) -> list[str]:
            return [found]

        monkeypatch.setattr(sign_on.domains, "txt_records", records)
        outcomes.append((await person.send(verify[1])).status_code)
    assert outcomes == [303, 409]


async def test_only_owners_configure_and_admins_see(
    site: Site, tenant: TenantFixture, owner: Person, provider: Provider
) -> None:
    address = await added(owner, provider)
    admin, member = await signed_in(site, tenant, "admin"), await signed_in(site, tenant, "member")
    assert "Activate" not in told(await admin.see(address))
    assert (await admin.send(f"{address}/state", state="active")).status_code == 403
    await member.see(address, status=403)
    assert "/settings/sign-on" not in await member.see("/settings/company")


async def test_whoever_may_configure_makes_no_role_that_they_lack(
    site: Site, tenant: TenantFixture, owner: Person, provider: Provider
) -> None:
    made = {"name": "Signs on", "permissions.signon:read": "on", "permissions.signon:manage": "on", "customers": "all",
            "warehouses": "all", "note": ""}  # fmt: skip
    role = (await owner.done("/roles/new", **made)).partition("?")[0].rpartition("/")[2]
    token = await session_of(site, tenant, "own", place=Place(role="own", own_role_id=UUID(role)))
    limited = Person(site, token)
    assert (await limited.send(f"{LIST}/new/oidc", **fields_for(provider, just_in_time="admin"))).status_code == 403
    assert (await limited.send(f"{LIST}/new/oidc", **fields_for(provider, just_in_time=""))).status_code == 303


async def test_an_issuer_is_trusted_tested_and_turned_off(site: Site, owner: Person, provider: Provider) -> None:
    given = {
        "name": "Ours", "issuer": provider.issuer, "audience": AUDIENCE, "jwks_uri": "", "algorithms": "RS256",
        "role": "", "role_claim": "role", "roles": "boss = admin\nstaff = viewer", "required": "org_id = org-a",
        "name_claim": "name",
    }  # fmt: skip
    address = (await owner.done(f"{LIST}/issuers/new", **given)).partition("?")[0]
    good = provider.token(role="boss", org_id="org-a")
    assert (await site.call(good, "GET", "/api/v1/api-keys")).status_code == 200
    explained = told((await owner.send(f"{address}/test", token=good)).text)
    assert "It gets the role admin" in explained
    assert "fails" not in explained
    for token, words in (
        (provider.token(role="boss"), "lacks a claim"), (provider.token(org_id="org-a"), "stands for no role"),
        (provider.token(org_id="org-a", exp=1), "has expired"), ("nonsense", "no signed token"),
    ):  # fmt: skip
        assert words in told((await owner.send(f"{address}/test", token=token)).text)
    assert (await owner.done(f"{address}/turn-off")).endswith("done=off")
    assert (await site.call(good, "GET", "/api/v1/api-keys")).status_code == 401
    wrong = await owner.send(f"{LIST}/issuers/new", **given | {"name": "x", "roles": "boss = owner"})
    assert wrong.status_code == 422
    assert 'id="error-roles"' in wrong.text


async def test_people_of_a_required_sign_on_come_by_it_alone_and_owners_have_a_way_back(
    site: Site, tenant: TenantFixture, owner: Person, provider: Provider, superuser: Any
) -> None:
    address = await added(owner, provider, enforced="on")
    connection_id = address.rpartition("/")[2]
    domain, hashed = f"{new_id().hex}.example", await hash_password(PASSWORD)
    people = {}
    async with site.database.transaction(tenant.principal) as tx:
        row = await domains.add_domain(tx, new_id(), domain=domain, connection_id=UUID(connection_id))
        await domains.verify_domain(tx, row.id, [row.record])
        await connections.set_connection_state(tx, UUID(connection_id), "active")
        for role, email in (("owner", f"boss@{domain}"), ("member", f"ada@{domain}"), ("viewer", f"x@other{domain}")):
            people[role] = Account(
                tenant, await add_member(tx, id=new_id(), email=email, name=role, place=Place(role=role)), email
            )
    for person in people.values():
        await superuser.execute(
            "update identity.account set password_hash = $1 where id = $2", hashed, person.account_id
        )
    async with browser(site) as client:
        refused = await sign_in(client, people["member"].email)
        assert refused.status_code == 403
        assert f'href="/sign-in/sso/{connection_id}"' in refused.text
        assert "__Host-session" not in client.cookies
        wrong = await sign_in(client, people["member"].email, "wrong horse battery")
        assert wrong.status_code == 401
        assert connection_id not in wrong.text
        assert (await use_link(client, await link_of(site, people["member"]))).status_code == 403
        assert (await sign_in(client, people["owner"].email)).status_code == 403
        assert "__Host-session" not in client.cookies
    async with browser(site) as client:
        assert (await use_link(client, await link_of(site, people["owner"]))).status_code == 303
    async with browser(site) as client:
        assert (await sign_in(client, people["viewer"].email)).status_code == 303


async def test_the_way_by_an_address_tells_of_domains_and_never_of_accounts(
    site: Site, tenant: TenantFixture, owner: Person, provider: Provider
) -> None:
    address = await added(owner, provider)
    connection_id, domain = UUID(address.rpartition("/")[2]), f"{new_id().hex}.example"
    async with site.database.transaction(tenant.principal) as tx:
        row = await domains.add_domain(tx, new_id(), domain=domain, connection_id=connection_id)
        await domains.verify_domain(tx, row.id, [row.record])
    await signed_in(site, tenant)

    async def ask(email: str) -> str:
        async with browser(site) as client:
            fields = {"csrf_token": await token_on(client, "/sign-in/sso"), "email": email}
            return told((await client.post("/sign-in/sso", data=fields)).text).replace(email, "…")

    nothing = await ask(f"a@{domain}")
    assert "no sign-on for this address" in nothing  # a draft
    assert await owner.done(f"{address}/state", state="active")
    assert "Go on with Firm" in await ask(f"a@{domain}")
    assert await ask(f"nobody@{domain}") == await ask(f"a@{domain.upper()}")
    assert await ask(f"a@sub.{domain}") == nothing.replace(f"a@{domain}", "…")
