"""The first day: the data itself says which steps are done, and nobody is sent back once there is an order."""

from typing import Any

from tests.apps.admin.browsing import signed_in, told
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.calls import inside
from tests.walls.trading import COMPANY, Trader

from stockade.apps.admin.first_day import STEPS, first_page
from stockade.commerce.catalog.service.vat import list_vat_rates
from stockade.commerce.catalog.vat_by_country import _RATES, offered_rates
from stockade.commerce.desk.first_day import FirstDay, first_day
from stockade.commerce.parties.codes import COUNTRIES
from stockade.identity.service.members import list_members
from stockade.identity.service.sign_in import SignedIn
from stockade.tenancy.transaction import Database


async def day_of(database: Database, tenant: TenantFixture) -> FirstDay:
    async with database.transaction(tenant.principal) as tx:
        return await first_day(tx)


def done(day: FirstDay) -> set[str]:
    return {step.name for step in STEPS if getattr(day, step.name)}


async def test_each_step_is_done_by_what_is_there(site: Site, database: Database, tenant: TenantFixture) -> None:
    trader = Trader(site, await site.key(tenant))
    assert done(await day_of(database, tenant)) == set()
    await trader.ask("POST", "/company", COMPANY, status=201)
    assert done(await day_of(database, tenant)) == {"company"}
    await trader.ask("POST", "/vat-rates", {"category": "standard", "valid_from": "2020-01-01", "rate": "19"})
    await trader.make("/warehouses", {"code": "MAIN", "name": "Main"}, "warehouse_id")
    assert done(await day_of(database, tenant)) == {"company", "vat"}
    await trader.stock_product("A-1", 5)
    assert "products" in done(await day_of(database, tenant))
    await trader.make("/customers", {"name": "Museum", "country": "DE", "currency": "EUR"}, "customer_id")
    assert "customer" in done(await day_of(database, tenant))
    await trader.order()
    assert done(await day_of(database, tenant)) == {"company", "vat", "products", "customer", "order"}
    for role in ("owner", "viewer"):
        await signed_in(site, tenant, role)
    assert (await day_of(database, tenant)).done == len(STEPS)


async def test_the_page_offers_the_rates_of_the_country_and_takes_them(
    site: Site, database: Database, tenant: TenantFixture
) -> None:
    await Trader(site, await site.key(tenant)).ask("POST", "/company", COMPANY | {"country": "PL"}, status=201)
    person = await signed_in(site, tenant)
    page = told(await person.see("/welcome"))
    assert "23% , 8% , 5%" in page
    assert await person.done("/welcome/vat") == "/welcome?done=vat"
    async with database.transaction(tenant.principal) as tx:
        rates = {rate.category: str(rate.rate.normalize()) for rate in await list_vat_rates(tx)}
    assert rates == {"standard": "23", "reduced": "8", "super_reduced": "5"}
    assert "Use these rates" not in await person.see("/welcome")


async def test_whoever_signs_in_lands_here_until_there_is_an_order_or_it_was_put_aside(
    site: Site, tenant: TenantFixture
) -> None:
    first, second = await signed_in(site, tenant, "owner"), await signed_in(site, tenant, "viewer")
    assert {await landing(site, tenant, role) for role in ("owner", "viewer")} == {"/welcome"}
    assert await first.done("/welcome/dismiss") == "/"
    assert await first.done("/welcome/dismiss") == "/"
    assert await landing(site, tenant, "owner") == "/orders"
    assert await landing(site, tenant, "viewer") == "/welcome"
    assert "Put this aside" not in await first.see("/welcome")
    assert "Put this aside" in await second.see("/welcome")
    trader = Trader(site, await site.key(tenant))
    await trader.open_shop()
    await trader.order()
    assert await landing(site, tenant, "viewer") == "/orders"


async def test_a_viewer_is_offered_nothing_that_would_be_refused(site: Site, tenant: TenantFixture) -> None:
    viewer = await signed_in(site, tenant, "viewer")
    page = await viewer.see("/welcome")
    main = page[page.index("<main") : page.index("</main>")]
    assert "An administrator does this." in main
    assert not any(way.address in main for step in STEPS for way in step.ways)
    assert (await viewer.send("/welcome/vat")).status_code == 403


async def test_company_data_entered_from_here_leads_back(site: Site, tenant: TenantFixture) -> None:
    person = await signed_in(site, tenant)
    assert 'name="from" value="welcome"' in await person.see("/settings/company?from=welcome")
    fields = {"vat_id": "", "email": "", "phone": "", "locale": "en", "from": "welcome"}
    assert await person.done("/settings/company", **COMPANY | fields) == "/welcome?done=company"


async def test_it_costs_one_statement_besides_the_frame(site: Site, tenant: TenantFixture) -> None:
    person = await signed_in(site, tenant)
    seen: list[Any] = []
    inside(site).state.observe_transaction = seen.append
    await person.see("/welcome")
    assert [tx.round_trips for tx in seen] == [3]  # BEGIN, the steps, the frame


def test_offered_rates_are_of_real_countries_and_fall() -> None:
    assert set(_RATES) <= COUNTRIES
    for country in _RATES:
        rates = list(offered_rates(country).values())
        assert rates == sorted(rates, reverse=True)
        assert 0 < rates[0] <= 27
    assert offered_rates("US") == {}


async def landing(site: Site, tenant: TenantFixture, role: str) -> str:
    """Where the first member of a role begins."""
    async with site.database.transaction(tenant.principal) as tx:
        account_id = next(member.account_id for member in await list_members(tx) if member.role == role)
    return await first_page(site.database, SignedIn("", tenant.id, account_id), "/orders")
