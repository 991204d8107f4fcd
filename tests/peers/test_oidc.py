"""Signing in by a real OpenID Connect provider (npm's oidc-provider), its keys rotated meanwhile; and its tokens."""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from tests.conftest import MakeTenant, Server, TenantFixture
from tests.peers.oidc import SECRET, OidcPeer, missing, oidc_peer
from tests.running import ORIGIN, Site, browser, running_site
from tests.walls.inhabitants import session_of

from stockade.identity.sso import connections, domains
from stockade.identity.sso.connections import ConnectionChange, ConnectionRow, NewConnection
from stockade.identity.sso.issuers import NewIssuer, trust_issuer
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Database

_REASON = missing()
pytestmark = pytest.mark.skipif(bool(_REASON), reason=_REASON or "it is installed")
CALLBACK = f"{ORIGIN}/sign-in/oidc/callback"
AUDIENCE = "https://stockade.test/api"


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcPeer]:
    with oidc_peer(tmp_path_factory.mktemp("oidc"), CALLBACK) as running:
        yield running


@pytest.fixture
async def site(
    peer: OidcPeer, server: Server, database: Database, database_name: str, tmp_path: Path
) -> AsyncIterator[Site]:
    home = Path(os.environ["STOCKADE_TEST_HOME"])
    async with running_site(
        home, tmp_path, server.admin_dsn(database_name), database, sso_private_networks=True,
        sso_certificates=peer.authority,
    ) as running:  # fmt: skip
        yield running


@dataclass
class Firm:
    """An organisation with a sign-on for a domain of its own."""

    site: Site
    tenant: TenantFixture
    peer: OidcPeer
    connection: ConnectionRow
    domain: str

    async def person(self, name: str = "ada", **more: Any) -> str:
        """Somebody at the provider, who signs in next; their address."""
        email = f"{name}@{self.domain}"
        standing = {"sub": f"{name}-{self.domain}", "email": email, "email_verified": True, "name": name.title()}
        await self.peer.control(person=standing | more)
        return email

    async def set(self, **changes: Any) -> None:
        async with self.site.database.transaction(self.tenant.principal) as tx:
            row = await connections.read_connection(tx, self.connection.id)
            values = {"name": row.name, "settings": row.settings, "just_in_time": row.just_in_time} | changes
            sealer = self.site.installation.sealer
            change = ConnectionChange(expected_version=row.version, **values)
            await connections.change_connection(tx, sealer, row.id, change)


@pytest.fixture
async def firm(site: Site, tenant: TenantFixture, peer: OidcPeer) -> Firm:
    await peer.control(options={"userinfo": False}, algorithm="RS256")
    return await made_firm(site, tenant, peer)


async def made_firm(site: Site, tenant: TenantFixture, peer: OidcPeer) -> Firm:
    domain = f"{new_id().hex}.example"
    new = NewConnection(
        kind="oidc", name="Firm", settings={"issuer": peer.issuer, "client_id": "stockade"}, secret=SECRET,
        just_in_time="member",
    )  # fmt: skip
    async with site.database.transaction(tenant.principal) as tx:
        row = await connections.add_connection(tx, site.installation.sealer, new_id(), new)
        await connections.set_connection_state(tx, row.id, "active")
        added = await domains.add_domain(tx, new_id(), domain=domain, connection_id=row.id)
        await domains.verify_domain(tx, added.id, [added.record])
    return Firm(site, tenant, peer, row, domain)


async def begun(firm: Firm, client: httpx.AsyncClient) -> str:
    """Where the provider is asked."""
    answer = await client.get(f"/sign-in/sso/{firm.connection.id}")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def signed_in(firm: Firm, client: httpx.AsyncClient) -> httpx.Response:
    """Go all the way; the answer to the provider's."""
    return await client.get(await firm.peer.let_in(await begun(firm, client)))


def changed(address: str, **changes: str | None) -> str:
    """An address with other parameters."""
    parts = urlsplit(address)
    fields = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return f"{parts.path}?{urlencode({name: value for name, value in fields.items() if value is not None})}"


def refused(answer: httpx.Response, *words: str) -> bool:
    assert "__Host-session" not in answer.headers.get("set-cookie", "")
    return answer.status_code in (401, 503) and any(word in answer.text for word in words)


async def test_somebody_of_the_domain_signs_in_and_has_a_place(firm: Firm) -> None:
    email = await firm.person()
    async with browser(firm.site) as client:
        answer = await signed_in(firm, client)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/welcome"), answer.text
        members = await client.get("/api/v1/members")
        assert [(it["email"], it["role"], it["name"]) for it in members.json()] == [(email, "member", "Ada")]
    async with browser(firm.site) as again:
        assert (await signed_in(firm, again)).status_code == 303
        assert len((await again.get("/api/v1/members")).json()) == 1


async def test_the_request_carries_pkce_nonce_and_state_and_no_secret(firm: Firm) -> None:
    async with browser(firm.site) as client:
        asked = parse_qs(urlsplit(await begun(firm, client)).query)
        cookie = client.cookies["__Host-sso"]
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge", "client_id", "redirect_uri", "scope", "response_type"} <= set(asked)
    assert asked["response_type"] == ["code"]
    assert not any(cookie in value or SECRET in value for values in asked.values() for value in values)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
async def test_other_signatures_count_once_chosen(firm: Firm, algorithm: str) -> None:
    await firm.person()
    await firm.peer.control(algorithm=algorithm)
    firm.site.app.app.app.state.provider_keys.forget(f"{firm.peer.issuer}/jwks")
    async with browser(firm.site) as client:
        assert (await signed_in(firm, client)).status_code == 303
    await firm.set(settings={"issuer": firm.peer.issuer, "client_id": "stockade", "algorithms": ["RS256"]})
    async with browser(firm.site) as client:
        assert refused(await signed_in(firm, client), "is not among those chosen")


async def test_keys_rotated_between_two_sign_ins_need_no_restart(firm: Firm) -> None:
    await firm.person()
    for _ in range(2):
        async with browser(firm.site) as client:
            assert (await signed_in(firm, client)).status_code == 303
        await firm.peer.control(rotate=True)
    async with browser(firm.site) as client:
        assert (await signed_in(firm, client)).status_code == 303


async def test_an_address_that_only_userinfo_tells_counts(firm: Firm) -> None:
    email = await firm.person()
    await firm.peer.control(options={"userinfo": True})
    async with browser(firm.site) as client:
        assert (await signed_in(firm, client)).status_code == 303
        assert (await client.get("/api/v1/members")).json()[0]["email"] == email


async def test_an_unverified_address_lets_nobody_in(firm: Firm) -> None:
    for unproved in (False, None, "no"):
        await firm.person(email_verified=unproved)
        async with browser(firm.site) as client:
            assert refused(await signed_in(firm, client), "is verified")


async def test_the_provider_speaks_for_its_domains_alone(firm: Firm, make_tenant: MakeTenant) -> None:
    await session_of(firm.site, firm.tenant, "owner", email := f"{new_id().hex}@elsewhere.example")
    for stranger in (email, "eve@evil.example", f"eve@sub.{firm.domain}", f"eve@{firm.domain}.evil.example"):
        await firm.person(email=stranger)
        async with browser(firm.site) as client:
            assert refused(await signed_in(firm, client), "in none of the domains")
    other = await made_firm(firm.site, await make_tenant(), firm.peer)
    await firm.person(email=f"eve@{other.domain}")
    async with browser(firm.site) as client:
        assert refused(await signed_in(firm, client), "in none of the domains")


async def test_an_answer_counts_in_the_browser_that_asked_and_once(firm: Firm) -> None:
    await firm.person()
    async with browser(firm.site) as mine, browser(firm.site) as thief:
        await begun(firm, thief)  # a cookie of the thief's own
        answer = await firm.peer.let_in(await begun(firm, mine))
        assert refused(await thief.get(answer), "another browser")
        async with browser(firm.site) as bare:
            assert refused(await bare.get(answer), "no sign-in that began in this browser")
        assert (await mine.get(answer)).status_code == 303
        assert refused(await mine.get(answer), "was used already")


async def test_a_code_of_another_sign_in_is_refused_by_pkce_or_nonce(firm: Firm) -> None:
    await firm.person()
    async with browser(firm.site) as victim, browser(firm.site) as attacker:
        stolen = parse_qs(urlsplit(await firm.peer.let_in(await begun(firm, victim))).query)["code"][0]
        own = await firm.peer.let_in(await begun(firm, attacker))
        assert refused(await attacker.get(changed(own, code=stolen)), "refuses the code")


async def test_a_token_that_answers_another_nonce_is_refused(firm: Firm) -> None:
    await firm.person()
    async with browser(firm.site) as client:
        asked = await begun(firm, client)
        other = asked.replace(f"nonce={parse_qs(urlsplit(asked).query)['nonce'][0]}", "nonce=planted")
        assert refused(await client.get(await firm.peer.let_in(other)), "answers another sign-in")


async def test_the_answers_issuer_is_demanded_and_compared(firm: Firm) -> None:
    await firm.person()
    for wrong, words in ((None, "which provider"), ("https://evil.example", "another provider")):
        async with browser(firm.site) as client:
            answer = await firm.peer.let_in(await begun(firm, client))
            assert refused(await client.get(changed(answer, iss=wrong)), words)


async def test_errors_of_the_provider_are_told(firm: Firm) -> None:
    async with browser(firm.site) as client:
        state = parse_qs(urlsplit(await begun(firm, client)).query)["state"][0]
        given = {"state": state, "iss": firm.peer.issuer, "error": "access_denied", "error_description": "<b>No</b>"}
        answer = await client.get(f"/sign-in/oidc/callback?{urlencode(given)}")
        assert refused(answer, "access_denied. &lt;b&gt;No")
    await firm.set(secret="a wrong secret")
    await firm.person()
    async with browser(firm.site) as client:
        assert refused(await signed_in(firm, client), "Check client id and secret")


async def test_an_address_given_to_another_person_brings_no_rights_along(firm: Firm) -> None:
    await firm.person()
    async with browser(firm.site) as client:
        assert (await signed_in(firm, client)).status_code == 303
    await firm.person(sub="a-new-ada")
    async with browser(firm.site) as client:
        assert refused(await signed_in(firm, client), "was another person")


async def test_whose_place_ended_stays_out(firm: Firm) -> None:
    await firm.person()
    async with browser(firm.site) as client:
        assert (await signed_in(firm, client)).status_code == 303
        owner = await firm.site.key(firm.tenant)
        member = (await firm.site.call(owner, "GET", "/api/v1/members")).json()[0]
        ended = await firm.site.call(
            owner, "POST", f"/api/v1/members/{member['id']}", json={"role": "member", "state": "ended"}
        )
        assert ended.status_code == 200, ended.text
        assert (await client.get("/api/v1/orders")).status_code == 401
    async with browser(firm.site) as client:
        assert refused(await signed_in(firm, client), "has ended")


async def test_nobody_gets_a_place_where_the_connection_makes_none(firm: Firm) -> None:
    await firm.set(just_in_time=None)
    email = await firm.person()
    async with browser(firm.site) as client:
        assert refused(await signed_in(firm, client), "has no place here yet")
    await session_of(firm.site, firm.tenant, "viewer", email)
    async with browser(firm.site) as client:
        assert (await signed_in(firm, client)).status_code == 303


async def test_a_connection_that_is_off_begins_and_finishes_nothing(firm: Firm) -> None:
    await firm.person()
    async with browser(firm.site) as client:
        answer = await firm.peer.let_in(await begun(firm, client))
        async with firm.site.database.transaction(firm.tenant.principal) as tx:
            await connections.set_connection_state(tx, firm.connection.id, "off")
        assert refused(await client.get(answer), "turned off")
        assert refused(await client.get(f"/sign-in/sso/{firm.connection.id}"), "not in use")


async def test_tokens_of_the_provider_open_the_api_and_its_keys_rotate(firm: Firm, make_tenant: MakeTenant) -> None:
    await firm.peer.control(algorithm="RS256")
    new = NewIssuer(
        name="Programs", issuer=firm.peer.issuer, audience=f"{AUDIENCE}/{firm.domain}", role="viewer",
        required={"org_id": "org-a"},
    )  # fmt: skip
    async with firm.site.database.transaction(firm.tenant.principal) as tx:
        await trust_issuer(tx, new_id(), new)

    async def status(token: str, **headers: str) -> int:
        return (await firm.site.call(token, "GET", "/api/v1/orders", headers=headers)).status_code

    before = await firm.peer.program_token(new.audience)
    assert await status(before) == 200
    await firm.peer.control(rotate=True)
    assert await status(await firm.peer.program_token(new.audience)) == 200
    assert await status(before) == 401
    assert await status(await firm.peer.program_token(AUDIENCE)) == 401
    other = await make_tenant()
    assert await status(await firm.peer.program_token(new.audience), **{"Stockade-Tenant": str(other.id)}) == 401


async def test_a_test_signs_nobody_in_and_explains_each_step(firm: Firm) -> None:
    async with firm.site.database.transaction(firm.tenant.principal) as tx:
        await connections.set_connection_state(tx, firm.connection.id, "off")
    owner = {"Cookie": f"__Host-session={await session_of(firm.site, firm.tenant, 'owner')}"}
    email = await firm.person()

    async def tried() -> httpx.Response:
        async with browser(firm.site) as client:
            begun_at = await client.get(f"/settings/sign-on/{firm.connection.id}/try", headers=owner)
            assert begun_at.status_code == 303, begun_at.text
            return await client.get(await firm.peer.let_in(begun_at.headers["location"]))

    good = await tried()
    assert good.status_code == 200
    assert "__Host-session" not in good.headers.get("set-cookie", "")
    assert f"{email} gets a place with the role Member" in good.text or f"{email} gets a place" in good.text
    assert "fails" not in good.text
    await firm.person(email="ada@elsewhere.example")
    bad = await tried()
    assert bad.text.count(">fails<") == 1
    assert "in none of the domains" in bad.text
    members = await firm.site.call(await firm.site.key(firm.tenant), "GET", "/api/v1/members")
    assert email not in members.text
