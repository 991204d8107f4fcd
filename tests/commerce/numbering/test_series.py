"""Series of numbers: they begin where the tenant says, as long as that leaves no gap."""

import asyncio
import typing

import pytest
from tests.conftest import MakeTenant, TenantFixture
from tests.running import Site
from tests.walls.trading import Trader

from stockade.commerce.numbering.series import (
    KINDS,
    PrefixTaken,
    SeriesInUse,
    SeriesSetting,
    SeriesView,
    list_series,
    set_series,
)
from stockade.commerce.numbering.service import next_number
from stockade.kernel.clock import today
from stockade.tenancy.transaction import Database

YEAR = str(today().year)


async def listed(database: Database, tenant: TenantFixture) -> dict[str, SeriesView]:
    async with database.transaction(tenant.principal) as tx:
        return {view.series: view for view in await list_series(tx)}


async def begin(database: Database, tenant: TenantFixture, series: str, prefix: str, following: int = 1) -> SeriesView:
    async with database.transaction(tenant.principal) as tx:
        return await set_series(tx, SeriesSetting(series=series, prefix=prefix, next=following))  # type: ignore[arg-type]  # any name


async def test_a_new_tenant_sees_every_series_with_its_first_number(database: Database, tenant: TenantFixture) -> None:
    found = await listed(database, tenant)
    assert list(found) == list(KINDS)
    assert {name: view.next_number for name, view in found.items()} == {
        "order": f"SO-{YEAR}-000001", "shipment": f"SH-{YEAR}-000001", "INV": f"INV-{YEAR}-000001",
        "CN": f"CN-{YEAR}-000001", "customer": "C-00001", "count": f"SC-{YEAR}-000001",
    }  # fmt: skip
    assert all(view.open for view in found.values())


async def test_documents_carry_the_prefix_and_go_on_from_the_number_that_was_set(
    site: Site, tenant: TenantFixture
) -> None:
    trader = Trader(site, await site.key(tenant))
    await trader.open_shop()
    for series, prefix, following in (
        ("order", "ZA", 4218),
        ("shipment", "WZ", 7),
        ("INV", "FV", 118),
        ("CN", "FK", 3),
    ):
        await trader.ask("POST", "/number-series", {"series": series, "prefix": prefix, "next": following})
    invoice = await trader.invoiced()
    order = await trader.ask("GET", f"/orders/{invoice['order_id']}")
    note = await trader.make("/credit-notes", {"invoice_id": invoice["id"], "reason": "Broken"}, "credit_note_id")
    assert order["number"] == f"ZA-{YEAR}-004218"
    assert order["shipments"][0]["number"] == f"WZ-{YEAR}-000007"
    assert invoice["number"] == f"FV-{YEAR}-000118"
    assert note["number"] == f"FK-{YEAR}-000003"
    assert (await trader.ask("GET", "/number-series"))[0]["next_number"] == f"ZA-{YEAR}-004219"


def test_every_series_can_be_set() -> None:
    assert set(typing.get_args(SeriesSetting.__annotations__["series"])) == set(KINDS)


async def test_a_series_in_use_keeps_its_beginning(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        await next_number(tx, "INV", YEAR)
    assert not (await listed(database, tenant))["INV"].open
    with pytest.raises(SeriesInUse):
        await begin(database, tenant, "INV", "FV")
    assert (await listed(database, tenant))["INV"].next_number == f"INV-{YEAR}-000002"


async def test_a_beginning_can_be_set_again_until_the_first_number_is_taken(
    database: Database, tenant: TenantFixture
) -> None:
    assert (await begin(database, tenant, "INV", "FV", 500)).next_number == f"FV-{YEAR}-000500"
    assert (await begin(database, tenant, "INV", "FA", 20)).next_number == f"FA-{YEAR}-000020"
    async with database.transaction(tenant.principal) as tx:
        assert await next_number(tx, "INV", YEAR) == 20
    with pytest.raises(SeriesInUse):
        await begin(database, tenant, "INV", "FA", 21)


async def test_a_year_in_which_no_number_was_taken_can_begin_anew(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        await next_number(tx, "INV", str(today().year - 1))
    assert (await begin(database, tenant, "INV", "FV")).next_number == f"FV-{YEAR}-000001"


@pytest.mark.parametrize("prefix", ["CN", "SO", "C"])
async def test_two_series_never_begin_alike(database: Database, tenant: TenantFixture, prefix: str) -> None:
    with pytest.raises(PrefixTaken):
        await begin(database, tenant, "INV", prefix)


async def test_customers_keep_their_letter_but_may_begin_elsewhere(database: Database, tenant: TenantFixture) -> None:
    with pytest.raises(SeriesInUse):
        await begin(database, tenant, "customer", "K")
    assert (await begin(database, tenant, "customer", "C", 9001)).next_number == "C-09001"


async def test_a_number_that_is_taken_at_the_same_moment_wins_over_a_new_beginning(
    database: Database, tenant: TenantFixture
) -> None:
    async with database.transaction(tenant.principal) as taking:
        await next_number(taking, "INV", YEAR)
        setting = asyncio.create_task(begin(database, tenant, "INV", "FV", 500))
        await asyncio.sleep(0.2)
        assert not setting.done()
    with pytest.raises(SeriesInUse):
        await setting
    assert (await listed(database, tenant))["INV"].next == 2


async def test_one_tenants_beginning_is_not_anothers(
    database: Database, tenant: TenantFixture, make_tenant: MakeTenant
) -> None:
    await begin(database, tenant, "INV", "FV", 500)
    assert (await listed(database, await make_tenant()))["INV"].next_number == f"INV-{YEAR}-000001"
