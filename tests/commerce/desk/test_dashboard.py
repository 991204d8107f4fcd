"""Each figure of the dashboard is exact: it is what the rows behind it add up to, in each currency for itself."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.trading import Trader

from stockade.commerce.desk import dashboard
from stockade.commerce.desk.periods import Span
from stockade.kernel.clock import today
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Database

NET_MINOR = 5 * 1250


@pytest.fixture
async def trader(site: Site, tenant: TenantFixture) -> Trader:
    """A shop with two invoices (of 5 and 10 pieces), a credit note for one piece, and an open order."""
    made = Trader(site, await site.key(tenant))
    await made.open_shop()
    first = await made.invoiced()
    await made.invoiced(10)
    note = {"invoice_id": first["id"], "reason": "Broken", "lines": [{"position": 1, "quantity": 1}]}
    await made.make("/credit-notes", note, "credit_note_id")
    await made.act(await made.order(), "confirm")
    return made


async def test_revenue_is_what_was_invoiced_less_what_was_credited(
    trader: Trader, tenant: TenantFixture, database: Database
) -> None:
    now = today()
    async with database.transaction(tenant.principal) as tx:
        days = await dashboard.read_days(tx, Span(now - timedelta(days=1), now), with_revenue=True)
    assert days.revenue_in(Span(now, now), "EUR") == NET_MINOR + 2 * NET_MINOR - 1250
    assert days.revenue_in(Span(now - timedelta(days=1), now - timedelta(days=1)), "EUR") == 0
    assert days.orders_in(Span(now, now)) == 3


async def test_without_the_right_to_see_invoices_no_revenue_is_read(
    trader: Trader, tenant: TenantFixture, database: Database
) -> None:
    async with database.transaction(tenant.principal) as tx:
        days = await dashboard.read_days(tx, Span(today(), today()), with_revenue=False)
    assert days.revenue == {}
    assert days.orders != {}


def test_revenue_in_another_currency_stands_apart_and_is_not_added() -> None:
    day = date(2026, 11, 21)
    days = dashboard.Days({("EUR", day): 100, ("PLN", day): 700}, {})
    assert days.revenue_in(Span(day, day), "EUR") == 100
    assert days.others(Span(day, day), "EUR") == (Money(700, "PLN"),)


async def test_open_late_and_held_orders_are_counted(trader: Trader, tenant: TenantFixture, database: Database) -> None:
    body = trader.order_body() | {"requested_on": str(today())}
    order = await trader.make("/orders", body, "order_id")
    await trader.act(await trader.act(order, "confirm"), "holds", reason="Wait")
    async with database.transaction(tenant.principal) as tx:
        standing = await dashboard.read_desk(tx, today())
        tomorrow = await dashboard.read_desk(tx, today() + timedelta(days=1))
    assert (standing.orders.count, standing.orders.late, standing.orders.held) == (2, 0, 1)
    assert tomorrow.orders.late == 1
    assert not standing.is_empty


async def test_open_invoices_have_the_age_of_their_due_day(
    trader: Trader, tenant: TenantFixture, database: Database
) -> None:
    due = today() + timedelta(days=30)
    expected = {0: "not_due", 1: "days_1_30", 30: "days_1_30", 31: "days_31_60", 61: "days_61_90", 91: "days_over_90"}
    async with database.transaction(tenant.principal) as tx:
        found = {late: await dashboard.read_ages(tx, due + timedelta(days=late)) for late in expected}
    assert {late: {row.age for row in rows} for late, rows in found.items()} == {
        late: {age} for late, age in expected.items()
    }
    gross = round((3 * NET_MINOR - 1250) * 1.19)
    assert all(sum(row.open_minor for row in rows) == pytest.approx(gross, abs=1) for rows in found.values())


async def test_products_and_customers_are_ranked_by_what_they_brought_less_credits(
    trader: Trader, tenant: TenantFixture, database: Database
) -> None:
    cheap = trader.made["product_id"]
    await trader.stock_product("AMPHORA-2", 100)
    await trader.invoiced(50)
    async with database.transaction(tenant.principal) as tx:
        span = Span(today(), today())
        products, customers = await dashboard.read_best(tx, span, "EUR", products=True, customers=True)
        nothing = await dashboard.read_best(tx, span, "EUR", products=False, customers=False)
    assert [(row.code, row.count, row.net) for row in products] == [
        ("AMPHORA-2", 50, Money(50 * 1250, "EUR")), ("AMPHORA-1", 14, Money(14 * 1250, "EUR")),
    ]  # fmt: skip
    assert products[1].id == cheap
    assert [row.net for row in customers] == [Money(64 * 1250, "EUR")]
    assert nothing == ([], [])


async def test_a_product_at_its_reorder_point_is_low_and_one_above_is_not(
    trader: Trader, tenant: TenantFixture, database: Database
) -> None:
    async def low(point: int, version: int) -> list[Any]:
        body = {"expected_version": version, "reorder_point": point}
        await trader.ask("PATCH", f"/products/{trader.made['product_id']}", body)
        async with database.transaction(tenant.principal) as tx:
            return await dashboard.read_low(tx)

    free = 1000 - 5 - 10 - 5
    assert await low(free - 1, 1) == []
    found = await low(free, 2)
    assert [(row.available, row.all) for row in found] == [(free, 1)]


async def test_what_happened_is_told_newest_first_with_the_order_that_it_belongs_to(
    trader: Trader, tenant: TenantFixture, database: Database
) -> None:
    order = await trader.act(await trader.order(), "confirm")
    await trader.act(order, "holds", reason="Wait")
    async with database.transaction(tenant.principal) as tx:
        found = await dashboard.read_happened(tx)
    assert len(found) == dashboard.LATEST
    assert [entry.recorded_at for entry in found] == sorted((entry.recorded_at for entry in found), reverse=True)
    assert (found[0].action, found[0].record_id, found[0].label) == (
        "orders.held", UUID(order["id"]), order["number"],
    )  # fmt: skip


async def test_a_tenant_without_orders_is_empty(tenant: TenantFixture, database: Database) -> None:
    async with database.transaction(tenant.principal) as tx:
        desk = await dashboard.read_desk(tx, today())
    assert desk.is_empty
    assert desk.orders.count == 0


async def test_another_tenants_orders_are_not_counted(trader: Trader, make_tenant: Any, database: Database) -> None:
    other = await make_tenant()
    async with database.transaction(other.principal) as tx:
        assert (await dashboard.read_desk(tx, today())).is_empty
        assert await dashboard.read_happened(tx) == []
