"""Security alerts as people see them: the list, acknowledging, what alerts lead to, and an export that is kept back."""

import pytest
from tests.apps.admin.browsing import Person, signed_in
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.calls import inside

from stockade.identity.suspicion import rules
from stockade.identity.suspicion.noting import raise_alert
from stockade.identity.suspicion.rules import DEFAULT_POLICY
from stockade.kernel.ids import new_id


@pytest.fixture
async def owner(site: Site, tenant: TenantFixture) -> Person:
    return await signed_in(site, tenant, "owner")


async def raised(site: Site, tenant: TenantFixture) -> None:
    async with site.database.transaction(tenant.principal) as tx:
        evidence = {"from": "PL", "to": "<JP>", "at_least_km": 7000}
        await raise_alert(tx, "impossible_travel", actor_id=new_id(), evidence=evidence)


async def test_an_alert_is_shown_with_its_evidence_and_acknowledged(
    site: Site, tenant: TenantFixture, owner: Person
) -> None:
    assert "No alerts" in await owner.see("/alerts")
    await raised(site, tenant)
    page = await owner.see("/alerts")
    assert "Two sign-ins that are too far apart" in page
    assert "&lt;JP&gt;" in page
    action = page.partition('action="/alerts/')[2].partition('"')[0]
    answer = await owner.send(f"/alerts/{action}")
    assert answer.headers["location"] == "/alerts?done=acknowledged"
    assert "Acknowledged" in await owner.see("/alerts")


async def test_an_owner_says_what_alerts_lead_to_and_an_admin_only_sees_it(
    site: Site, tenant: TenantFixture, owner: Person
) -> None:
    choices = dict.fromkeys(DEFAULT_POLICY, "lock")
    answer = await owner.send("/alerts/policy", expected_version="0", **choices)
    assert answer.headers["location"] == "/alerts/policy?done=saved"
    assert 'value="lock" selected' in await owner.see("/alerts/policy")
    admin = await signed_in(site, tenant, "admin")
    assert "<select" not in await admin.see("/alerts/policy")
    assert (await admin.send("/alerts/policy", expected_version="1", **choices)).status_code == 403


async def test_the_api_says_the_same(site: Site, tenant: TenantFixture) -> None:
    await raised(site, tenant)
    key = await site.key(tenant, "admin")
    (alert,) = (await site.call(key, "GET", "/api/v1/alerts")).json()
    done = await site.call(key, "POST", f"/api/v1/alerts/{alert['id']}/acknowledge", json={})
    assert done.json()["state"] == "acknowledged"
    again = await site.call(key, "POST", f"/api/v1/alerts/{alert['id']}/acknowledge", json={})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/identity/alert-already-acknowledged")
    member = await site.key(tenant, "member")
    assert (await site.call(member, "GET", "/api/v1/alerts")).status_code == 403


async def test_an_export_far_beyond_the_usual_is_kept_back_and_the_alert_stays(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = dict.fromkeys(DEFAULT_POLICY, "step_up")
    await owner.send("/alerts/policy", expected_version="0", **choices)
    allowed = await owner.ask("GET", "/customers.csv")
    assert allowed.headers["content-disposition"] == 'attachment; filename="customers.csv"'
    monkeypatch.setattr(rules, "EXPORT_OF_A_STRANGER", -1)
    kept_back = await owner.ask("GET", "/customers.csv")
    assert kept_back.status_code == 403
    assert "content-disposition" not in kept_back.headers
    assert "This export was kept back" in kept_back.text
    assert "Far more rows exported than usual" in await owner.see("/alerts")


async def test_a_flood_of_requests_with_a_session_raises_an_alert_at_the_next_minute(
    site: Site, tenant: TenantFixture, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = inside(site).state.admission.meter
    await meter.write_down(site.database)  # what others asked is written before
    monkeypatch.setattr(rules, "RATE_OF_A_STRANGER", 5)
    for _ in range(6):
        await owner.see("/alerts")
    assert await meter.write_down(site.database) == 1
    assert "Far more requests than usual" in await owner.see("/alerts")
