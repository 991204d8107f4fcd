"""The dashboard's page: periods in the address, a link at each figure, nothing that its reader may not read."""

from typing import Any

import pytest
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.inhabitants import furnish, session_of
from tests.walls.trading import Trader

from stockade.access.permissions import PERMISSIONS
from stockade.apps.admin.activity import told_of
from stockade.commerce.desk.dashboard import Happened
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id


async def opened(site: Site, token: str, path: str) -> Any:
    headers = {"accept": "text/html", "cookie": f"__Host-session={token}"}
    return await site.client.get(path, headers=headers)


@pytest.mark.parametrize(
    "query", ["", "?by=day", "?by=week&on=2011-11-30", "?by=month&on=0001-01-01", "?on=9999-12-31"]
)
async def test_every_period_answers(site: Site, tenant: TenantFixture, query: str) -> None:
    await furnish(site, tenant)
    answer = await opened(site, await session_of(site, tenant, "viewer"), f"/dashboard{query}")
    assert answer.status_code == 200
    assert "Revenue" in answer.text


@pytest.mark.parametrize("query", ["?by=year", "?on=yesterday"])
async def test_a_period_that_does_not_exist_is_refused(site: Site, tenant: TenantFixture, query: str) -> None:
    await furnish(site, tenant)
    answer = await opened(site, await session_of(site, tenant, "viewer"), f"/dashboard{query}")
    assert answer.status_code in (400, 422)


async def test_an_empty_tenants_dashboard_leads_to_the_first_day(site: Site, tenant: TenantFixture) -> None:
    answer = await opened(site, await session_of(site, tenant, "owner"), "/dashboard")
    assert (answer.status_code, answer.headers["location"]) == (303, "/welcome")


async def test_the_first_page_of_who_is_signed_in_is_the_dashboard(site: Site, tenant: TenantFixture) -> None:
    answer = await opened(site, await session_of(site, tenant, "owner"), "/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")


async def test_what_its_reader_may_not_read_is_not_there(
    site: Site, tenant: TenantFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    trader = Trader(site, await site.key(tenant))
    await trader.furnish()
    token = await session_of(site, tenant, "viewer")
    shown = await opened(site, token, "/dashboard")
    assert "/invoices?issued_from" in shown.text
    assert "Low stock" in shown.text
    for name in ("invoices:read", "receivables:read", "stock:read"):
        only_owners = PERMISSIONS[name].__class__(name, "owner", changes=False)
        monkeypatch.setitem(PERMISSIONS, name, only_owners)
    hidden = await opened(site, token, "/dashboard")
    assert hidden.status_code == 200
    for word in ("Revenue, net", "Low stock", "Overdue", "Open invoices", "INV-", "/invoices?"):
        assert word not in hidden.text, word


def test_an_entry_is_told_only_to_who_may_read_its_record() -> None:
    entry = Happened(now(), "Ada", "invoicing.issued", "invoicing.invoice", new_id(), {"number": "INV-1"}, None)
    told = told_of(entry, lambda name: name == "invoices:read")
    assert told is not None
    assert (told.text, told.address) == ("Invoice INV-1 issued", f"/invoices/{entry.record_id}")
    assert told_of(entry, lambda name: False) is None


def test_of_an_import_only_its_beginning_and_end_are_told() -> None:
    def told(state: str) -> str | None:
        entry = Happened(now(), "Ada", "imports.state_changed", "imports.run", new_id(), {"state": state}, None)
        found = told_of(entry, lambda name: True)
        return found.text if found else None

    assert told("checking") is None
    assert told("finished") == "An import has finished"
