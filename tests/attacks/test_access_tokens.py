"""Access and refresh tokens under attack (claim B4): forged, borrowed, replayed, and used for what they are not."""

import asyncio
import hashlib
import hmac
import time
from typing import Any

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey
from tests.conftest import MakeTenant, TenantFixture
from tests.identity.tokens.programs import PASSWORD, READ, TOKENS, Program, opened, part
from tests.running import Site
from tests.walls.calls import inside

from stockade.identity.service import sessions
from stockade.identity.service.members import Place, change_member
from stockade.identity.tokens import signing
from stockade.identity.tokens.access import ACCESS_SECONDS, AccessTokens
from stockade.identity.tokens.signing import SigningKeys
from stockade.kernel.ids import new_id


@pytest.fixture
async def program(site: Site, tenant: TenantFixture, superuser: Any) -> Program:
    return await Program.of(site, tenant, superuser)


async def signed(program: Program, token: str, **changed: Any) -> str:
    """A token that our own key signed, with other claims."""
    _, claims = opened(token)
    return await program.own.keys.sign(program.site.database, claims | changed)


async def test_a_program_signs_in_reads_and_writes_with_its_access_token(program: Program) -> None:
    pair = await program.signs_in()
    assert pair["state"] == "signed_in"
    assert pair["token_type"] == "Bearer"
    assert pair["expires_in"] == ACCESS_SECONDS
    assert await program.status(pair["access_token"]) == 200
    customer = {"name": "Museum Ltd", "country": "DE", "currency": "EUR"}
    assert await program.status(pair["access_token"], "/api/v1/customers", "POST", json=customer) == 201


async def test_what_the_access_token_claims(program: Program) -> None:
    header, claims = opened((await program.signs_in())["access_token"])
    assert set(header) == {"alg", "typ", "kid"}
    assert header["alg"] == "EdDSA"
    assert header["typ"] == "at+jwt"
    assert set(claims) == {"iss", "aud", "sub", "tenant", "membership", "sid", "iat", "exp", "jti"}
    assert claims["iss"] == "https://localhost:8443"
    assert claims["aud"] == "https://localhost:8443/api/v1"
    assert (claims["sub"], claims["tenant"]) == (str(program.account_id), str(program.tenant.id))
    assert claims["exp"] - claims["iat"] == 900


async def test_anybody_verifies_it_with_the_published_keys_which_hold_no_private_part(program: Program) -> None:
    token = (await program.signs_in())["access_token"]
    answer = await program.site.client.get("/.well-known/jwks.json")
    assert "public" in answer.headers["cache-control"]
    listed = answer.json()["keys"]
    assert len(listed) >= 2
    assert all("d" not in key and key["kty"] == "OKP" for key in listed)
    key = next(item for item in listed if item["kid"] == opened(token)[0]["kid"])
    assert jwt.decode(token, OKPKey.import_key(key), algorithms=["EdDSA"]).claims["sub"] == str(program.account_id)


async def test_answers_with_tokens_are_not_cached(program: Program) -> None:
    answer = await program.post("", email=program.email, password=PASSWORD, client="Scanner")
    assert answer.headers["cache-control"] == "no-store"


FORGERIES = ["none", "hmac", "jwk", "jku", "other kid", "other key", "no typ", "plain typ", "crit", "unsigned"]


@pytest.mark.parametrize("how", FORGERIES)
async def test_what_our_key_did_not_sign_as_we_sign_is_refused(program: Program, how: str) -> None:
    good = (await program.signs_in())["access_token"]
    answer = await program.site.call(await forged(program, good, how), "GET", READ)
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/identity/invalid-token"
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert await program.status(good) == 200


async def forged(program: Program, good: str, how: str) -> str:
    header, claims = opened(good)
    stranger = OKPKey.generate_key("Ed25519")
    published = (await program.site.client.get("/.well-known/jwks.json")).json()["keys"]
    headers: dict[str, dict[str, Any]] = {
        "jwk": header | {"jwk": stranger.as_dict(private=False)}, "jku": header | {"jku": "https://attacker.example"},
        "other kid": header | {"kid": stranger.thumbprint()}, "other key": header,
    }  # fmt: skip
    if how in headers:
        content = f"{part(headers[how])}.{part(claims)}"
        return f"{content}.{signature(stranger, content)}"
    if how == "none":
        return f"{part(header | {'alg': 'none'})}.{part(claims)}.AA"
    if how == "unsigned":
        return good.rpartition(".")[0] + "."
    if how == "hmac":  # the public key, which everybody has, as the secret of an HMAC
        public = next(key for key in published if key["kid"] == header["kid"])["x"]
        content = f"{part(header | {'alg': 'HS256'})}.{part(claims)}"
        return f"{content}.{b64(hmac.digest(unb64(public), content.encode(), hashlib.sha256))}"
    changed = {"no typ": {}, "plain typ": {"typ": "JWT"}, "crit": {"typ": "at+jwt", "crit": ["exp"], "exp": 1}}[how]
    _, ours = program.own.keys._active or pytest.fail("there is no active key")
    content = f"{part({'alg': 'EdDSA', 'kid': header['kid']} | changed)}.{part(claims)}"
    return f"{content}.{signature(ours, content)}"


def signature(key: OKPKey, content: str) -> str:
    return b64(key.private_key.sign(content.encode()))  # type: ignore[union-attr]  # it is an Ed25519 key


def b64(raw: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


NOW = int(time.time())
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://attacker.example"},
    "another audience": {"aud": "https://localhost:8443/somewhere"},
    "an audience among others": {"aud": ["https://localhost:8443/api/v1", "https://attacker.example"]},
    "expired": {"iat": NOW - 1000, "exp": NOW - 100},
    "good for an hour": {"iat": NOW, "exp": NOW + 3600},
    "issued tomorrow": {"iat": NOW + 86_400, "exp": NOW + 86_400 + 900},
    "without an end": {"exp": None},
    "another session": {"sid": str(new_id())},
    "somebody else": {"sub": str(new_id())},
    "no id": {"jti": 7},
}


@pytest.mark.parametrize("what", WRONG_CLAIMS)
async def test_a_token_that_claims_something_else_is_refused_though_our_key_signed_it(
    program: Program, what: str
) -> None:
    good = (await program.signs_in())["access_token"]
    assert await program.status(await signed(program, good)) == 200
    assert await program.status(await signed(program, good, **WRONG_CLAIMS[what])) == 401


async def test_a_token_of_one_tenant_is_worthless_in_another(program: Program, make_tenant: MakeTenant) -> None:
    good, other = (await program.signs_in())["access_token"], await make_tenant()
    assert await program.status(await signed(program, good, tenant=str(other.id))) == 401
    assert await program.status(good, headers={"Stockade-Tenant": str(other.id)}) == 401
    assert await program.status(good, headers={"Stockade-Tenant": str(program.tenant.id)}) == 200


async def test_a_token_that_was_known_a_moment_ago_expires_all_the_same(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (await program.signs_in())["access_token"]
    assert await program.status(token) == 200
    later = time.time() + ACCESS_SECONDS + 1
    monkeypatch.setattr("stockade.identity.tokens.access.time.time", lambda: later)
    assert await program.status(token) == 401


async def test_it_is_no_cookie_no_directory_token_and_no_operators_bearer(program: Program) -> None:
    token = (await program.signs_in())["access_token"]
    cookie = {"Cookie": f"__Host-session={token}"}
    assert (await program.site.client.get(READ, headers=cookie)).status_code == 401
    assert await program.status(token, "/scim/v2/Users") in (401, 403)
    assert await program.status(token, "/platform/api/tenants") == 401


async def test_an_access_token_does_not_refresh_and_a_refresh_token_does_not_admit(program: Program) -> None:
    pair = await program.signs_in()
    assert (await program.post("/refresh", refresh_token=pair["access_token"][:200])).status_code == 401
    assert await program.status(pair["refresh_token"]) == 401
    cookie = {"Cookie": f"__Host-session={pair['refresh_token']}"}
    assert (await program.site.client.get(READ, headers=cookie)).status_code == 401
    pointer = f"family {pair['session_id'].replace('-', '')}"
    assert await program.status(pointer) == 401
    assert (await program.site.client.get(READ, headers={"Cookie": f"__Host-session={pointer}"})).status_code == 401


async def test_a_refresh_gives_a_new_pair_and_uses_the_old_token_up(program: Program) -> None:
    first = await program.signs_in()
    second = (await program.refreshes(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["session_id"] == first["session_id"]
    assert await program.status(second["access_token"]) == 200
    assert (await program.refreshes(second["refresh_token"])).status_code == 200


async def test_a_replayed_refresh_token_ends_its_family_is_written_down_and_told_to_its_person(
    program: Program, superuser: Any
) -> None:
    first = await program.signs_in()
    other = await program.signs_in("Another program")
    second = (await program.refreshes(first["refresh_token"])).json()
    replayed = await program.refreshes(first["refresh_token"])
    assert replayed.status_code == 401
    assert replayed.json()["type"] == "/problems/identity/refresh-refused"
    for pair in (first, second):
        assert await program.status(pair["access_token"]) == 401
    assert (await program.refreshes(second["refresh_token"])).status_code == 401
    assert await program.status(other["access_token"]) == 200
    trail = await superuser.fetch(
        "select action from audit.entry where tenant_id = $1 and recorded_at > now() - interval '1 minute'",
        program.tenant.id,
    )
    assert {"identity.alert_raised", "identity.signed_out"} <= {row["action"] for row in trail}
    letter = await superuser.fetchval(
        "select count(*) from mail.letter where tenant_id = $1 and subject ilike '%token was used twice%'",
        program.tenant.id,
    )
    assert letter == 1


async def test_a_replay_ends_the_family_though_the_token_was_spent_long_ago(program: Program) -> None:
    first = token = (await program.signs_in())["refresh_token"]
    for _ in range(3):
        pair = (await program.refreshes(token)).json()
        token = pair["refresh_token"]
    assert (await program.refreshes(first)).status_code == 401
    assert await program.status(pair["access_token"]) == 401


async def test_of_two_refreshes_at_the_same_moment_one_is_answered_and_the_family_ends(program: Program) -> None:
    token = (await program.signs_in())["refresh_token"]
    answers = await asyncio.gather(*(program.refreshes(token) for _ in range(6)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {answer.status_code for answer in answers} == {200, 401}
    assert await program.status(won[0].json()["access_token"]) == 401


async def test_a_refresh_token_expires_after_seven_days(program: Program, superuser: Any) -> None:
    pair = await program.signs_in()
    lasts = await superuser.fetchval(
        "select max(expires_at - issued_at) <= interval '7 days' from identity.refresh_token where session_id = $1",
        msgspec.convert(pair["session_id"], type(program.account_id), strict=False),
    )
    assert lasts
    await superuser.execute("update identity.refresh_token set expires_at = now() where tenant_id = $1",
                            program.tenant.id)  # fmt: skip
    assert (await program.refreshes(pair["refresh_token"])).status_code == 401
    assert await program.status(pair["access_token"]) == 200


async def test_a_refresh_token_of_another_tenants_text_is_unknown(program: Program, make_tenant: MakeTenant) -> None:
    from stockade.identity.credentials import checksum

    token, other = (await program.signs_in())["refresh_token"], await make_tenant()
    body = token.rpartition("_")[0].replace(program.tenant.id.hex, other.id.hex)
    assert (await program.refreshes(f"{body}_{checksum(body)}")).status_code == 401
    assert (await program.refreshes(token)).status_code == 200


@pytest.mark.parametrize("how", ["access token", "refresh token", "other session", "membership", "all others"])
async def test_whatever_ends_the_session_ends_its_tokens_at_the_next_request(program: Program, how: str) -> None:
    pair, site = await program.signs_in(), program.site
    token = pair["access_token"]
    assert await program.status(token) == 200
    if how == "access token":
        assert (await site.call(token, "DELETE", TOKENS)).status_code == 204
    elif how == "refresh token":
        assert (await program.post("/revoke", refresh_token=pair["refresh_token"])).status_code == 204
    elif how == "other session":
        other = (await program.signs_in("Another"))["access_token"]
        assert await program.status(other, f"/api/v1/me/sessions/{pair['session_id']}/end", "POST") == 200
    elif how == "all others":
        async with site.database.transaction(program.principal) as tx:
            await sessions.end_other_sessions(tx)
    else:
        async with site.database.transaction(program.tenant.principal) as tx:
            member = await tx.connection.fetchval(
                "select id from identity.membership where account_id = $1", program.account_id
            )
            spare = new_id()
            from stockade.identity.service.members import add_member

            await add_member(tx, id=spare, email=f"{spare.hex}@example.com", name="Spare", place=Place(role="owner"))
            await change_member(tx, member, place=Place(role="owner"), state="ended")
    assert await program.status(token) == 401
    assert (await program.refreshes(pair["refresh_token"])).status_code == 401


async def test_a_lost_role_holds_from_the_next_request_on(program: Program) -> None:
    token = (await program.signs_in())["access_token"]
    assert await program.status(token, "/api/v1/api-keys") == 200
    async with program.site.database.transaction(program.tenant.principal) as tx:
        from stockade.identity.service.members import add_member

        spare = new_id()
        await add_member(tx, id=spare, email=f"{spare.hex}@example.com", name="Spare", place=Place(role="owner"))
        member = await tx.connection.fetchval(
            "select id from identity.membership where account_id = $1", program.account_id
        )
        await change_member(tx, member, place=Place(role="viewer"), state="active")
    assert await program.status(token, "/api/v1/api-keys") == 403
    assert await program.status(token) == 200


async def test_the_second_factor_is_asked_for_before_there_are_tokens(program: Program) -> None:
    app = await program.enrols_app()
    waiting = await program.signs_in()
    assert waiting["state"] == "factor"
    assert "access_token" not in waiting
    assert "refresh_token" not in waiting
    wrong = await program.post("/factor", pending=waiting["pending"], code="000000", client="Scanner")
    assert wrong.status_code == 401
    code = app.at(time.time() + 30)  # the one before is used up by the enrolment
    done = await program.post("/factor", pending=waiting["pending"], code=code, client="Scanner")
    assert done.status_code == 200, done.text
    assert await program.status(done.json()["access_token"]) == 200


async def test_wrong_passwords_are_braked_here_too(program: Program) -> None:
    answers = [
        (await program.post("", email=program.email, password="wrong", client="x")).status_code for _ in range(6)
    ]
    assert answers[0] == 401
    assert answers[-1] == 429


async def test_a_session_that_must_enrol_gets_tokens_that_can_do_nothing_else(program: Program, superuser: Any) -> None:
    pair = await program.signs_in()
    await superuser.execute("update identity.session set must_enrol = true where tenant_id = $1", program.tenant.id)
    assert await program.status(pair["access_token"]) == 403
    assert await program.status(pair["access_token"], "/api/v1/me/factors") == 200
    assert (await program.refreshes(pair["refresh_token"])).json()["state"] == "enrolment"


async def test_families_stand_in_the_list_of_sessions_with_their_programs_name(program: Program) -> None:
    pair = await program.signs_in("Warehouse scanner")
    listed = (await program.site.call(pair["access_token"], "GET", "/api/v1/me/sessions")).json()
    mine = next(item for item in listed["items"] if item["id"] == pair["session_id"]) if "items" in listed else next(
        item for item in listed if item["id"] == pair["session_id"])  # fmt: skip
    assert mine["client"] == "Warehouse scanner"
    assert mine["current"]


async def test_a_key_rotated_in_mid_use_signs_new_tokens_and_verifies_old_ones_in_every_process(
    program: Program,
) -> None:
    state = inside(program.site).state
    elsewhere = AccessTokens(SigningKeys(state.sealer), program.own.issuer)
    before = (await program.signs_in())["access_token"]
    await elsewhere.keys.rotate(program.site.database)
    await elsewhere.keys.rotate(program.site.database)
    assert await program.status(before) == 200
    ids = {"tenant_id": program.tenant.id, "account_id": program.account_id}
    session_id = msgspec.convert(opened(before)[1]["sid"], type(program.account_id), strict=False)
    after = await elsewhere.issue(program.site.database, **ids, session_id=session_id)
    assert opened(after)[0]["kid"] != opened(before)[0]["kid"]
    signing_unknown, signing.UNKNOWN_EVERY_SECONDS = signing.UNKNOWN_EVERY_SECONDS, 0.0
    try:
        assert await program.status(after) == 200
    finally:
        signing.UNKNOWN_EVERY_SECONDS = signing_unknown


async def test_keys_that_were_compromised_verify_nothing_more(program: Program) -> None:
    pair = await program.signs_in()
    assert await program.status(pair["access_token"]) == 200
    await program.own.keys.rotate(program.site.database, compromised=True)
    assert await program.status(pair["access_token"]) == 401
    assert await program.status((await program.refreshes(pair["refresh_token"])).json()["access_token"]) == 200


async def test_a_key_is_rotated_by_itself_when_it_is_a_month_old_and_nobody_reads_its_private_part(
    program: Program, superuser: Any
) -> None:
    keys = SigningKeys(inside(program.site).state.sealer)
    await keys.published(program.site.database)
    old = await superuser.fetchrow("select key_id, private_sealed from identity.signing_key where state = 'active'")
    assert b'"d"' not in old["private_sealed"]
    await superuser.execute("update identity.signing_key set activated_at = now() - interval '31 days' "
                            "where state = 'active'")  # fmt: skip
    fresh = SigningKeys(inside(program.site).state.sealer)
    await asyncio.gather(*(fresh.published(program.site.database) for _ in range(4)))
    states = await superuser.fetch("select state, key_id from identity.signing_key order by state")
    assert [row["state"] for row in states].count("active") == 1
    assert [row["state"] for row in states].count("next") == 1
    assert old["key_id"] in {row["key_id"] for row in states if row["state"] == "retiring"}


async def test_neither_the_application_nor_the_worker_reads_the_keys(site: Site, tenant: TenantFixture) -> None:
    import asyncpg

    for sql in ("select * from identity.signing_key", "select * from identity.signing_keys()"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with site.database.transaction(tenant.principal) as tx:
                await tx.fetch(sql)
