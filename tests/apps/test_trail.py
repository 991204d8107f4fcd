"""What must be in the trail as an entry of its own: who came in, what was let go, who took data out (claim F2)."""

from typing import Any
from uuid import UUID

from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.inhabitants import session_of
from tests.walls.trading import Trader

from stockade.kernel.ids import new_id


async def trail(site: Site, tenant: TenantFixture) -> list[Any]:
    async with site.database.transaction(tenant.principal) as tx:
        return list(
            await tx.fetch("select * from audit.entry where tenant_id = $1 order by recorded_at, id", tenant.id)
        )


async def entries(site: Site, tenant: TenantFixture, action: str) -> list[Any]:
    return [entry for entry in await trail(site, tenant) if entry["action"] == action]


async def test_a_sign_in_is_an_entry_with_the_person_and_the_address(site: Site, tenant: TenantFixture) -> None:
    await session_of(site, tenant, "viewer")
    [entry] = await entries(site, tenant, "identity.signed_in")
    assert entry["after"]["method"] == "link"
    assert str(entry["after"]["account_id"]) == str(entry["actor_id"])
    assert "token_hash" not in str(entry["after"]) or "\\\\x" not in str(entry["after"]["token_hash"])


async def test_keys_that_are_issued_and_revoked_are_entries_by_whoever_did_it(
    site: Site, tenant: TenantFixture
) -> None:
    trader = Trader(site, await site.key(tenant))
    issued = await trader.make("/api-keys", {"name": "till", "role": "viewer"}, "key_id")
    await trader.ask("POST", f"/api-keys/{trader.made['key_id']}/revoke")
    made = [entry for entry in await entries(site, tenant, "identity.key_issued") if entry["after"]["name"] == "till"]
    [revoked] = await entries(site, tenant, "identity.key_revoked")
    assert len(made) == 1
    assert made[0]["actor_id"] == revoked["actor_id"]
    assert issued["secret"] not in str([dict(entry) for entry in await trail(site, tenant)])


async def test_each_stage_of_an_order_is_an_entry_with_before_and_after(site: Site, tenant: TenantFixture) -> None:
    trader = Trader(site, await site.key(tenant))
    await trader.open_shop()
    await trader.invoiced()
    stages = [
        (it["before"]["stage"], it["after"]["stage"]) for it in await entries(site, tenant, "orders.stage_changed")
    ]
    assert stages == [("draft", "confirmed"), ("confirmed", "picking"), ("picking", "shipped"), ("shipped", "invoiced")]
    assert len(await entries(site, tenant, "invoicing.issued")) == 1


async def test_a_changed_discount_is_an_entry_with_both_values(site: Site, tenant: TenantFixture) -> None:
    trader = Trader(site, await site.key(tenant))
    await trader.open_shop()
    order = await trader.order()
    line = trader.order_body()["lines"][0] | {"discount_percent": "10"}
    change = {"expected_version": order["version"], "lines": [line]}
    await trader.ask("PATCH", f"/orders/{order['id']}", change)
    [entry] = await entries(site, tenant, "orders.discount_changed")
    assert float(entry["before"]["discount_percent"]) == 0
    assert float(entry["after"]["discount_percent"]) == 10


async def test_an_export_is_an_entry_with_what_was_asked_for(site: Site, tenant: TenantFixture) -> None:
    trader = Trader(site, await site.key(tenant))
    await trader.open_shop()
    await trader.order()
    answer = await site.call(trader.key, "GET", "/orders.csv", params={"stage": "draft"})
    assert answer.status_code == 200
    assert answer.text.count("\n") == 2
    found = [entry for entry in await trail(site, tenant) if entry["subject"] == "desk.export"]
    assert len(found) == 1
    assert found[0]["after"]["rows"] == 1
    assert found[0]["after"]["filters"]["stage"] == "draft"


async def test_an_entry_names_the_request_that_caused_it(site: Site, tenant: TenantFixture) -> None:
    trader = Trader(site, await site.key(tenant))
    answer = await site.call(trader.key, "POST", "/api/v1/warehouses", json={"code": "A", "name": "A"})
    request_id = UUID(answer.headers["x-request-id"])
    assert request_id in [entry["request_id"] for entry in await trail(site, tenant)]
    assert request_id != new_id()
