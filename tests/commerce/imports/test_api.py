"""Imports through the API: uploaded, mapped, checked, started, accounted for."""

from base64 import b64encode
from typing import Any

import pytest
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.trading import Trader

from stockade.commerce.imports.jobs import work_on
from stockade.commerce.imports.model import MOST_BYTES


@pytest.fixture
async def trader(site: Site, tenant: TenantFixture) -> Trader:
    made = Trader(site, await site.key(tenant))
    await made.open_shop()
    return made


def body(content: bytes, **more: str) -> dict[str, str]:
    return {"target": "products", "file_name": "a.csv", "content": b64encode(content).decode()} | more


async def test_a_program_imports_a_file_and_reads_what_became_of_it(
    trader: Trader, tenant: TenantFixture, site: Site
) -> None:
    made = await trader.make("/imports", body(b"code,label,cost\nNEW-1,New,1.50\nNEW-2,,2\n"), "import_id")
    path = f"/imports/{made['id']}"
    assert made["state"] == "reading"
    await work_on(site.database, tenant.id, trader.made["import_id"])
    read = await trader.ask("GET", path)
    assert (read["state"], read["header"]) == ("ready", ["code", "label", "cost"])
    fields: dict[str, Any] = {
        "sku": {"column": 0}, "name": {"column": 1}, "list_price": {"column": 2}, "vat_category": {"value": "standard"},
    }  # fmt: skip
    await trader.ask("PUT", f"{path}/mapping", {"fields": fields})
    await trader.ask("POST", f"{path}/check")
    await work_on(site.database, tenant.id, trader.made["import_id"])
    assert (await trader.ask("GET", path))["progress"]["rejected"] == 1
    await trader.ask("POST", f"{path}/start")
    await work_on(site.database, tenant.id, trader.made["import_id"])
    done = await trader.ask("GET", path)
    assert (done["state"], done["progress"]["created"], done["progress"]["rejected"]) == ("finished", 1, 1)
    rejected = (await trader.ask("GET", f"{path}/lines?outcome=rejected"))["items"]
    assert [(line["number"], line["reasons"][0]["field"]) for line in rejected] == [(3, "name")]
    text = (await trader.ask("GET", f"{path}/rejects.csv")).decode("utf-8-sig")
    assert text.splitlines() == ["code,label,cost,Reason", "NEW-2,,2,This is missing."]
    listed = (await trader.ask("GET", "/imports?limit=1"))["items"]
    assert [row["id"] for row in listed] == [made["id"]]


async def test_what_has_run_is_neither_mapped_nor_started_again(
    trader: Trader, tenant: TenantFixture, site: Site
) -> None:
    made = await trader.make("/imports", body(b"sku,name,price\nNEW-1,New,1\n"), "import_id")
    path = f"/imports/{made['id']}"
    await trader.ask("POST", f"{path}/start", status=409)
    await work_on(site.database, tenant.id, trader.made["import_id"])
    await trader.ask("POST", f"{path}/start")
    await trader.ask("POST", f"{path}/start", status=409)
    await work_on(site.database, tenant.id, trader.made["import_id"])
    problem = await trader.ask("POST", f"{path}/start", status=409)
    assert problem["type"] == "/problems/imports/not-now"
    await trader.ask("PUT", f"{path}/mapping", {"fields": {}}, status=409)


async def test_a_file_of_more_than_twenty_megabytes_is_refused(trader: Trader, site: Site) -> None:
    answer = await site.call(trader.key, "POST", "/api/v1/imports", json=body(b"a" * (MOST_BYTES + 3)))
    assert answer.status_code == 422
    answer = await site.call(trader.key, "POST", "/api/v1/imports", json=body(b"a" * (MOST_BYTES + 9_000_000)))
    assert answer.status_code == 413


async def test_only_uploads_may_be_larger_than_other_requests(trader: Trader, site: Site) -> None:
    large = {"name": "x" * 3_000_000, "country": "DE", "currency": "EUR"}
    assert (await site.call(trader.key, "POST", "/api/v1/customers", json=large)).status_code == 413


async def test_a_member_reads_imports_and_does_not_run_them(site: Site, tenant: TenantFixture) -> None:
    key = await site.key(tenant, "member")
    assert (await site.call(key, "GET", "/api/v1/imports")).status_code == 200
    assert (await site.call(key, "POST", "/api/v1/imports", json=body(b"sku\nA"))).status_code == 403
    viewer = await site.key(tenant, "viewer")
    assert (await site.call(viewer, "GET", "/api/v1/imports")).status_code == 403
