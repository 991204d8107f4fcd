"""Break-glass from the request to its end, on the running application (claim C6)."""

from typing import Any
from uuid import UUID

import pytest
from tests.conftest import MakeTenant, TenantFixture
from tests.platform.conftest import MakeOperator, Person
from tests.running import Site

from stockade.platform.accesses import approve_as_customer, end_as_customer, list_accesses, list_uses, set_terms
from stockade.platform.operators import deactivate_operator
from stockade.tenancy.transaction import Database


class Case:
    """Two operators and a tenant."""

    def __init__(self, site: Site, tenant: TenantFixture, asker: Person, other: Person) -> None:
        self.site, self.tenant, self.asker, self.other = site, tenant, asker, other
        self.path = f"/tenants/{tenant.id}/accesses"

    async def ask(self, **given: Any) -> str:
        wanted = {"tenant_id": str(self.tenant.id), "reason": "A customer cannot print", "ticket": "T-7",
                  "scope": ["orders"], "minutes": 30} | given  # fmt: skip
        answer = await self.asker.ask("POST", "/accesses", json=wanted)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def approve(self, access: str, by: Person | None = None) -> int:
        return (await (by or self.other).ask("POST", f"{self.path}/{access}/approve")).status_code

    async def enter(self, access: str, by: Person | None = None) -> str:
        answer = await (by or self.asker).ask("POST", f"{self.path}/{access}/enter")
        return str(answer.json().get("token", answer.status_code))

    async def open(self, **given: Any) -> tuple[str, str]:
        access = await self.ask(**given)
        assert await self.approve(access) == 200
        return access, await self.enter(access)

    async def get(self, token: str, path: str = "/api/v1/orders") -> int:
        return (await self.site.call(token, "GET", path)).status_code


@pytest.fixture
async def case(site: Site, tenant: TenantFixture, make_operator: MakeOperator) -> Case:
    return Case(site, tenant, await make_operator(), await make_operator())


async def test_an_approved_access_reads_its_modules_and_nothing_else(case: Case) -> None:
    _, token = await case.open()
    assert await case.get(token) == 200
    assert await case.get(token, "/api/v1/customers") == 403
    assert await case.get(token, "/api/v1/api-keys") == 403
    assert (await case.asker.ask("GET", "/tenants")).status_code == 200
    assert await case.get(token, "/platform/api/tenants") == 401


async def test_it_writes_nothing_unless_that_was_asked_for(case: Case) -> None:
    _, token = await case.open(scope=["orders", "parties", "catalog"])
    answer = await case.site.call(token, "POST", "/api/v1/customers", json={})
    assert answer.status_code == 403


async def test_nobody_approves_their_own_and_nobody_enters_without_approval(case: Case) -> None:
    access = await case.ask()
    assert await case.approve(access, by=case.asker) == 409
    assert await case.enter(access) == "409"
    assert await case.approve(access) == 200
    assert await case.approve(access) == 409
    assert await case.enter(access, by=case.other) == "409"


async def test_it_ends_in_mid_session_when_its_minutes_are_over(case: Case, superuser: Any) -> None:
    access, token = await case.open()
    assert await case.get(token) == 200
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute(
        "update platform.break_glass set starts_at = starts_at - interval '1 hour', "
        "expires_at = expires_at - interval '1 hour' where id = $1", UUID(access),
    )  # fmt: skip
    await superuser.execute("set session_replication_role = origin")
    assert await case.get(token) == 401


async def test_the_customer_sees_it_live_and_ends_it(case: Case) -> None:
    access, token = await case.open()
    assert await case.get(token) == 200
    async with case.site.database.transaction(case.tenant.principal) as tx:
        assert [str(row.id) for row in await list_accesses(tx)] == [access]
        assert [(use.method, use.path) for use in await list_uses(tx, UUID(access))] == [("GET", "/api/v1/orders")]
        await end_as_customer(tx, UUID(access))
    assert await case.get(token) == 401


async def test_an_operator_ends_it_and_a_deactivated_one_is_out(case: Case, platform: Database) -> None:
    access, token = await case.open()
    assert (await case.other.ask("POST", f"{case.path}/{access}/end")).status_code == 200
    assert await case.get(token) == 401
    _, token = await case.open()
    assert await case.get(token) == 200
    await deactivate_operator(platform, case.asker.email)
    assert await case.get(token) == 401


async def test_where_the_contract_says_so_the_customer_approves_too(case: Case) -> None:
    async with case.site.database.transaction(case.tenant.principal) as tx:
        await set_terms(tx, needed=True)
    access = await case.ask()
    assert await case.approve(access) == 200
    assert await case.enter(access) == "409"
    async with case.site.database.transaction(case.tenant.principal) as tx:
        await approve_as_customer(tx, UUID(access))
    assert await case.get(await case.enter(access)) == 200


async def test_another_tenant_is_closed_to_it(case: Case, make_tenant: MakeTenant) -> None:
    _, token = await case.open()
    other = await make_tenant()
    assert await case.get(token.replace(case.tenant.id.hex, other.id.hex)) == 401


async def test_entering_again_ends_what_was_entered_before(case: Case) -> None:
    access, token = await case.open()
    fresh = await case.enter(access)
    assert (await case.get(token), await case.get(fresh)) == (401, 200)


async def test_the_trail_names_the_operator(case: Case, superuser: Any) -> None:
    _, token = await case.open()
    await case.get(token)
    found = await superuser.fetch(
        "select action, actor_id from audit.entry where tenant_id = $1 and actor_kind = 'operator'", case.tenant.id
    )
    asker, other = case.asker.enrolment.id, case.other.enrolment.id
    assert {(row["action"], row["actor_id"]) for row in found} >= {
        ("support.requested", asker), ("support.approved", other), ("support.entered", asker),
        ("support.looked", asker),
    }  # fmt: skip
