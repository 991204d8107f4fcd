"""Outside tokens (claim B3): what counts as one, and everything that somebody might pass off as one."""

import base64
import json
import time
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from tests.conftest import MakeTenant, TenantFixture
from tests.identity.sso.providers import AUDIENCE, Provider, by_hand, listening
from tests.running import Site
from tests.walls.inhabitants import session_of, suspend

from stockade.identity.sso import keys as key_sets
from stockade.identity.sso.issuers import IssuerRow, NewIssuer, set_issuer_state, trust_issuer
from stockade.kernel.ids import new_id

READ = "/api/v1/orders"
CUSTOMER = {"name": "Museum Ltd", "country": "DE", "currency": "EUR"}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    made = Provider(f"https://{new_id().hex}.example")
    made.rotate("one")
    listening(monkeypatch, made)
    return made


async def trusting(site: Site, tenant: TenantFixture, provider: Provider, **more: Any) -> IssuerRow:
    given: dict[str, Any] = {"name": new_id().hex, "issuer": provider.issuer, "audience": AUDIENCE, "role": "viewer"}
    async with site.database.transaction(tenant.principal) as tx:
        return await trust_issuer(tx, new_id(), NewIssuer(**(given | more)))


async def status(site: Site, token: str, *, tenant: TenantFixture | None = None, path: str = READ) -> int:
    headers = {} if tenant is None else {"Stockade-Tenant": str(tenant.id)}
    return (await site.call(token, "GET", path, headers=headers)).status_code


async def test_a_token_of_a_trusted_issuer_reads_and_its_role_bounds_it(
    site: Site, tenant: TenantFixture, provider: Provider
) -> None:
    await trusting(site, tenant, provider)
    token = provider.token()
    assert await status(site, token) == 200
    refused = await site.call(token, "POST", "/api/v1/customers", json={"name": "x"})
    assert refused.status_code == 403


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
async def test_other_signatures_that_were_chosen_count(
    site: Site, tenant: TenantFixture, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    provider = Provider(f"https://{new_id().hex}.example", algorithm)
    provider.rotate("one")
    listening(monkeypatch, provider)
    await trusting(site, tenant, provider, algorithms=[algorithm])
    assert await status(site, provider.token()) == 200
    await trusting(site, tenant, other := Provider(f"https://{new_id().hex}.example", algorithm), algorithms=["RS256"])
    other.rotate("one")
    listening(monkeypatch, other)
    assert await status(site, other.token()) == 401


async def test_whatever_is_no_genuine_token_is_refused(site: Site, tenant: TenantFixture, provider: Provider) -> None:
    await trusting(site, tenant, provider)
    now, own = int(time.time()), next(iter(provider.keys.values()))
    stranger = RSAKey.generate_key(2048)
    public, hmac_head = own.as_pem(private=False), {"alg": "HS256", "kid": "one"}
    none = {"alg": "none", "kid": "one"}
    forged = {
        "no signature": by_hand(none, provider.claims()),
        "no signature, spelt otherwise": by_hand(none | {"alg": "None"}, provider.claims()) + "AA",
        "HMAC by the public key": by_hand(hmac_head, provider.claims(), public),
        "HMAC by the public key as JSON": by_hand(
            hmac_head, provider.claims(), json.dumps(own.as_dict(private=False)).encode()
        ),
        "HMAC called by the name of the key's algorithm": by_hand(
            hmac_head | {"alg": "RS256"}, provider.claims(), public
        ),
        "a stranger's key": provider.token(key=stranger),
        "a stranger's key in the header": provider.token(
            key=stranger, header={"jwk": stranger.as_dict(private=False)}
        ),
        "a key id that nobody has": provider.token(key=stranger, header={"kid": "two"}),
        "a key id that is a path": by_hand(hmac_head | {"kid": "../../dev/null"}, provider.claims(), b""),
        "a key id that is SQL": provider.token(key=stranger, header={"kid": "' or 1=1 --"}),
        "a key id that is an address": provider.token(key=stranger, header={"kid": "https://evil.example/k"}),
        "another algorithm of the same key": provider.token(header={"alg": "RS384"}),
        "another audience": provider.token(aud="https://elsewhere.test"),
        "no audience": provider.token(aud=None),
        "another issuer": provider.token(iss="https://evil.example"),
        "an issuer with a slash more": provider.token(iss=provider.issuer + "/"),
        "no issuer": provider.token(iss=None),
        "expired": provider.token(exp=now - 61),
        "never expires": provider.token(exp=None),
        "expires when it pleases": provider.token(exp="tomorrow"),
        "expires at infinity": provider.token(exp=float("inf")),
        "not yet valid": provider.token(nbf=now + 120),
        "issued tomorrow": provider.token(iat=now + 86_400),
        "nobody's": provider.token(sub=None),
        "a changed payload": _changed(provider.token()),
        "cut off": provider.token()[:-8],
        "with a part more": provider.token() + ".e30",
        "far too long": provider.token(more="x" * 20_000),
    }  # fmt: skip
    assert await status(site, provider.token()) == 200
    answers = {name: await status(site, token) for name, token in forged.items()}
    assert {name: answer for name, answer in answers.items() if answer != 401} == {}


def _changed(token: str) -> str:
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "user-2"}).encode()).rstrip(b"=").decode()
    return f"{header}.{other}.{signature}"


async def test_a_token_of_one_organisations_issuer_is_worthless_in_another(
    site: Site, tenant: TenantFixture, make_tenant: MakeTenant, provider: Provider
) -> None:
    other = await make_tenant()
    await trusting(site, tenant, provider)
    assert await status(site, provider.token(), tenant=tenant) == 200
    assert await status(site, provider.token(), tenant=other) == 401
    assert await status(site, provider.token(), tenant=TenantFixture(new_id(), "", tenant.principal)) == 401


async def test_of_organisations_that_share_an_issuer_the_required_claim_decides(
    site: Site, tenant: TenantFixture, make_tenant: MakeTenant, provider: Provider
) -> None:
    other = await make_tenant()
    await trusting(site, tenant, provider, required={"org_id": "org-a"})
    await trusting(site, other, provider, required={"org_id": "org-b"})
    mine = provider.token(org_id="org-a")
    assert await status(site, mine) == 200
    assert await status(site, mine, tenant=other) == 401
    assert await status(site, provider.token(org_id="org-c")) == 401
    assert await status(site, provider.token()) == 401
    assert await status(site, provider.token(org_id=["org-a", "org-b"])) == 401


async def test_a_token_that_several_would_take_names_the_one_that_it_means(
    site: Site, tenant: TenantFixture, make_tenant: MakeTenant, provider: Provider
) -> None:
    other = await make_tenant()
    await trusting(site, tenant, provider)
    await trusting(site, other, provider, role="admin")
    assert await status(site, provider.token()) == 401
    assert await status(site, provider.token(), tenant=tenant) == 200
    made = await site.call(
        provider.token(), "POST", "/api/v1/customers", json={}, headers={"Stockade-Tenant": str(tenant.id)}
    )
    assert made.status_code == 403  # a viewer here, whatever it is there


async def test_a_claim_says_the_role_and_never_owner(site: Site, tenant: TenantFixture, provider: Provider) -> None:
    await trusting(
        site, tenant, provider, role=None, role_claim="app_metadata.roles", roles={"boss": "admin", "staff": "viewer"}
    )

    async def read_keys(*roles: str) -> int:
        return await status(site, provider.token(app_metadata={"roles": list(roles)}), path="/api/v1/api-keys")

    assert await read_keys("staff", "boss") == 200
    assert await read_keys("staff") == 403
    assert await read_keys("owner") == 401
    assert await status(site, provider.token()) == 401


async def test_keys_rotate_without_a_restart_and_a_withdrawn_one_ends(
    site: Site, tenant: TenantFixture, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trusting(site, tenant, provider)
    before = provider.token()
    assert await status(site, before) == 200
    provider.rotate("two")
    assert await status(site, provider.token()) == 200
    assert await status(site, before) == 401


async def test_made_up_key_ids_ask_the_provider_a_few_times_only(
    site: Site, tenant: TenantFixture, provider: Provider
) -> None:
    await trusting(site, tenant, provider)
    for number in range(30):
        assert await status(site, provider.token(header={"kid": f"no-{number}"})) == 401
    assert provider.asked <= key_sets.BURST + 1
    assert await status(site, provider.token()) == 200


async def test_what_was_fetched_counts_while_the_provider_is_down(
    site: Site, tenant: TenantFixture, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trusting(site, tenant, provider)
    assert await status(site, provider.token()) == 200
    provider.answers = False
    monkeypatch.setattr(key_sets, "FRESH_SECONDS", 0.0)
    assert await status(site, provider.token()) == 200
    monkeypatch.setattr(key_sets, "STALE_SECONDS", 0.0)
    assert await status(site, provider.token()) == 401


async def test_an_issuer_that_is_trusted_no_more_is_refused_at_the_next_request(
    site: Site, tenant: TenantFixture, provider: Provider, superuser: Any
) -> None:
    row = await trusting(site, tenant, provider)
    assert await status(site, provider.token()) == 200
    async with site.database.transaction(tenant.principal) as tx:
        await set_issuer_state(tx, row.id, "off")
    assert await status(site, provider.token()) == 401
    async with site.database.transaction(tenant.principal) as tx:
        await set_issuer_state(tx, row.id, "active")
    assert await status(site, provider.token()) == 200
    await suspend(superuser, tenant)
    assert await status(site, provider.token()) == 401


async def test_a_changed_role_holds_at_the_next_request(site: Site, tenant: TenantFixture, provider: Provider) -> None:
    row = await trusting(site, tenant, provider, role="admin")
    assert await status(site, provider.token(), path="/api/v1/api-keys") == 200
    owner = await site.key(tenant)
    body = {"name": row.name, "issuer": row.issuer, "audience": row.audience, "role": "viewer", "expected_version": 1}
    changed = await site.call(owner, "PUT", f"/api/v1/token-issuers/{row.id}", json=body)
    assert changed.status_code == 200, changed.text
    assert await status(site, provider.token(), path="/api/v1/api-keys") == 403


async def test_a_token_in_the_place_of_a_session_cookie_is_nothing(
    site: Site, tenant: TenantFixture, provider: Provider
) -> None:
    await trusting(site, tenant, provider, role="admin")
    cookie = {"Cookie": f"__Host-session={provider.token()}"}
    assert (await site.client.get(READ, headers=cookie)).status_code == 401
    assert (await site.client.post("/api/v1/customers", json={}, headers=cookie)).status_code == 401


async def test_the_trail_says_who_stood_behind_a_token(
    site: Site, tenant: TenantFixture, provider: Provider, superuser: Any
) -> None:
    row = await trusting(site, tenant, provider, role="member")
    made = await site.call(provider.token(), "POST", "/api/v1/customers", json=CUSTOMER)
    assert made.status_code == 201, made.text
    actor = await superuser.fetchval(
        "select actor_id from audit.entry where tenant_id = $1 and actor_kind = 'api_key' limit 1", tenant.id
    )
    seen = await superuser.fetchrow(
        "select id, subject, name from identity.outside_subject where issuer_id = $1", row.id
    )
    assert tuple(seen) == (actor, "user-1", "Ada")


async def test_only_owners_trust_issuers_and_nobody_gives_more_than_they_have(
    site: Site, tenant: TenantFixture, provider: Provider
) -> None:
    body = {"name": "Ours", "issuer": provider.issuer, "audience": AUDIENCE, "role": "admin"}
    for role in ("admin", "member", "viewer"):
        refused = await site.call(await site.key(tenant, role), "POST", "/api/v1/token-issuers", json=body)
        assert refused.status_code == 403
    owner = await site.key(tenant)
    assert (await site.call(owner, "POST", "/api/v1/token-issuers", json=body | {"role": "owner"})).status_code == 422
    for wrong in ({"issuer": "http://a.example"}, {"algorithms": ["HS256"]}, {"algorithms": ["none"]}):
        assert (await site.call(owner, "POST", "/api/v1/token-issuers", json=body | wrong)).status_code == 422
    assert (await site.call(owner, "POST", "/api/v1/token-issuers", json=body)).status_code == 201
    assert (await site.call(owner, "POST", "/api/v1/token-issuers", json=body)).status_code == 409
    assert await session_of(site, tenant, "viewer")
