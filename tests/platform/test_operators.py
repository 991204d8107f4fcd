"""Operators: how they sign in, and that no credential is worth anything on the other side."""

import time
from typing import Any

import pyotp
import pytest
from tests.conftest import TenantFixture
from tests.platform.conftest import MakeOperator
from tests.running import Site
from tests.walls.inhabitants import session_of

from stockade.access.admission import PLATFORM
from stockade.apps.site import routes_of
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound
from stockade.platform.operators import add_operator, deactivate_operator, list_operators, renew_operator
from stockade.platform.permissions import ANYBODY
from stockade.tenancy.transaction import Database

CLOSED = [it for it in routes_of() if it.surface == PLATFORM and it.permission != ANYBODY.name]


def filled(path: str) -> str:
    for name in ("tenant_id", "access_id", "operator_id"):
        path = path.replace(f"{{{name}:uuid}}", str(new_id()))
    return path


async def test_no_credential_of_a_tenant_works_on_the_platform(site: Site, tenant: TenantFixture) -> None:
    given = [await site.key(tenant), await session_of(site, tenant, "owner"), None, "", "op_nobody",
             f"bg_{tenant.id.hex}_{'A' * 43}"]  # fmt: skip
    for route in CLOSED:
        for credential in given:
            answer = await site.call(credential, route.method, filled(route.path), json={})
            assert answer.status_code == 401, (route.path, credential)
        cookie = {"Cookie": f"__Host-session={given[1]}; __Host-operator={given[1]}"}
        assert (await site.call(None, route.method, filled(route.path), json={}, headers=cookie)).status_code == 401
    assert len(CLOSED) >= 9


async def test_an_operators_bearer_works_nowhere_else(site: Site, make_operator: MakeOperator) -> None:
    person, asked = await make_operator(), 0
    assert (await person.ask("GET", "/tenants")).status_code == 200
    for route in routes_of():
        if route.surface == "api" and "{" not in route.path:
            answer = await site.call(person.token, route.method, route.path, json={})
            assert answer.status_code == 401, route.path
            asked += 1
    headers = {"Cookie": f"__Host-session={person.token}"}
    assert (await site.client.get("/api/v1/orders", headers=headers)).status_code == 401
    assert asked > 20


@pytest.mark.parametrize("wrong", [{"password": "not the password"}, {"code": "000000"}, {"email": "x@y.example"}])
async def test_password_and_code_are_both_needed_and_the_answer_tells_nothing(
    make_operator: MakeOperator, wrong: dict[str, str]
) -> None:
    person = await make_operator()
    answer = await person.sign_in(**wrong)
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/platform/sign-in-refused"
    assert set(answer.json()) == {"type", "title", "status", "request_id"} or "detail" not in answer.json()


async def test_a_code_is_not_accepted_twice(make_operator: MakeOperator) -> None:
    person = await make_operator()
    code = person.code()
    assert (await person.sign_in(code=code)).status_code == 200
    assert (await person.sign_in(code=code)).status_code == 401


async def test_the_first_password_lets_in_to_choose_another_only(site: Site, platform: Database) -> None:
    email = f"{new_id().hex}@platform.example"
    made = await add_operator(platform, site.installation.sealer, email=email, name="New")
    totp: Any = pyotp.parse_uri(made.authenticator)
    given = {"email": email, "password": made.password, "code": totp.at(int(time.time()))}
    token = (await site.client.post("/platform/api/sign-in", json=given)).json()["token"]
    assert (await site.call(token, "GET", "/platform/api/tenants")).status_code == 403
    chosen = await site.call(token, "POST", "/platform/api/password", json={"password": "a longer pass phrase"})
    assert chosen.status_code == 200
    assert (await site.call(token, "GET", "/platform/api/tenants")).status_code == 200


async def test_a_session_ends_by_sign_out_idleness_age_and_deactivation(
    make_operator: MakeOperator, platform: Database, superuser: Any
) -> None:
    for end in ("used_at = now() - interval '31 minutes'", "expires_at = now() - interval '1 second'"):
        person = await make_operator()
        assert (await person.ask("GET", "/tenants")).status_code == 200
        await superuser.execute(
            f"update platform.operator_session set {end} where operator_id = $1", person.enrolment.id
        )
        assert (await person.ask("GET", "/tenants")).status_code == 401
    person = await make_operator()
    assert (await person.ask("POST", "/sign-out")).status_code == 200
    assert (await person.ask("GET", "/tenants")).status_code == 401
    person = await make_operator()
    await deactivate_operator(platform, person.email)
    assert (await person.ask("GET", "/tenants")).status_code == 401


async def test_failures_block_even_the_right_answer_for_a_while(make_operator: MakeOperator) -> None:
    person = await make_operator()
    for _ in range(6):
        assert (await person.sign_in(password="wrong", code="000000")).status_code == 401
    assert (await person.sign_in()).status_code == 401


async def test_operators_see_counts_and_suspend_and_reactivate(
    site: Site, make_operator: MakeOperator, tenant: TenantFixture
) -> None:
    person, key = await make_operator(), await site.key(tenant)
    listed = (await person.ask("GET", "/tenants")).json()
    seen = next(item for item in listed if item["id"] == str(tenant.id))
    assert set(seen) == {"id", "slug", "name", "state", "placement", "members", "orders"}
    for state, status in (("suspended", 401), ("active", 200)):
        answer = await person.ask("POST", f"/tenants/{tenant.id}/state", json={"state": state})
        assert answer.status_code == 200, answer.text
        assert (await site.call(key, "GET", "/api/v1/orders")).status_code == status


@pytest.mark.parametrize(
    ("email", "name"),
    [("nobody", "Olga"), ("two words@e.example", "Olga"), ("x" * 250 + "@e.example", "Olga"), ("o@e.example", " "),
     ("o@e.example", "Olga\x07"), ("o@e.example", "O" * 201), ("a@b@c.example", "Olga")],
)  # fmt: skip
async def test_an_operator_has_an_address_that_signs_in_and_a_name(
    site: Site, platform: Database, email: str, name: str
) -> None:
    with pytest.raises(Invalid):
        await add_operator(platform, site.installation.sealer, email=email, name=name)


async def test_who_lost_phone_or_password_gets_both_anew_and_the_old_ones_end(
    site: Site, platform: Database, make_operator: MakeOperator
) -> None:
    person = await make_operator()
    await deactivate_operator(platform, person.email)
    made = await renew_operator(platform, site.installation.sealer, person.email)
    assert (await person.ask("GET", "/tenants")).status_code == 401
    assert (await person.sign_in()).status_code == 401
    totp = pyotp.parse_uri(made.authenticator)
    assert isinstance(totp, pyotp.TOTP)
    person.password, person.totp, person.ahead = made.password, totp, -1
    person.token = (await person.sign_in()).json()["token"]
    assert (await person.ask("GET", "/tenants")).status_code == 403
    with pytest.raises(NotFound):
        await renew_operator(platform, site.installation.sealer, "nobody@platform.example")
    assert person.email in {row.email for row in await list_operators(platform)}
