"""VAT rates through their verbs, in a real database."""

from datetime import date
from decimal import Decimal

import pytest
from tests.conftest import MakeTenant, TenantFixture

from stockade.commerce.catalog.rules import VatCategory
from stockade.commerce.catalog.service.vat import VatRateSetting, list_vat_rates, rates_on, set_vat_rate
from stockade.kernel.problems import Invalid
from stockade.tenancy.transaction import Database


def setting(category: VatCategory, day: str, rate: str) -> VatRateSetting:
    return VatRateSetting(category=category, valid_from=date.fromisoformat(day), rate=Decimal(rate))


async def test_the_newest_rate_that_is_not_in_the_future_counts(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        for each in (("2010-01-01", "17.5"), ("2011-01-04", "20"), ("2030-01-01", "25")):
            await set_vat_rate(tx, setting("standard", *each))
        found = [
            (await rates_on(tx, date.fromisoformat(day))).get("standard")
            for day in ("2009-12-31", "2011-01-03", "2011-01-04", "2029-12-31")
        ]
    assert found == [None, Decimal("17.5"), Decimal(20), Decimal(20)]


async def test_categories_without_vat_have_nought_without_being_set(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        assert await rates_on(tx, date(2026, 1, 1)) == {"zero": 0, "exempt": 0, "outside": 0}


async def test_a_second_setting_for_the_same_day_replaces_the_first(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        first = await set_vat_rate(tx, setting("reduced", "2026-01-01", "5"))
        second = await set_vat_rate(tx, setting("reduced", "2026-01-01", "7"))
        assert await list_vat_rates(tx) == [second]
    assert (second.id, second.rate) == (first.id, Decimal(7))


async def test_a_rate_for_a_category_without_vat_is_refused(database: Database, tenant: TenantFixture) -> None:
    with pytest.raises(Invalid):
        async with database.transaction(tenant.principal) as tx:
            await set_vat_rate(tx, setting("exempt", "2026-01-01", "1"))


async def test_one_tenants_rates_are_not_anothers(database: Database, make_tenant: MakeTenant) -> None:
    mine, theirs = await make_tenant(), await make_tenant()
    async with database.transaction(theirs.principal) as tx:
        await set_vat_rate(tx, setting("standard", "2026-01-01", "23"))
    async with database.transaction(mine.principal) as tx:
        assert "standard" not in await rates_on(tx, date(2026, 6, 1))
        assert await list_vat_rates(tx) == []
