"""Counters: in order, without gaps, each tenant its own."""

import asyncio

import pytest
from tests.conftest import MakeTenant, TenantFixture

from stockade.commerce.numbering.service import next_number, pass_over
from stockade.tenancy.transaction import Database


async def test_numbers_follow_each_other_in_each_series_and_period(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        taken = [await next_number(tx, "INV", "2026") for _ in range(3)]
        other = [await next_number(tx, "INV", "2027"), await next_number(tx, "CN", "2026")]
    assert taken == [1, 2, 3]
    assert other == [1, 1]


async def test_a_rollback_gives_the_number_back(database: Database, tenant: TenantFixture) -> None:
    async def take_and_fail() -> None:
        async with database.transaction(tenant.principal) as tx:
            assert await next_number(tx, "INV", "2026") == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await take_and_fail()
    async with database.transaction(tenant.principal) as tx:
        assert await next_number(tx, "INV", "2026") == 1


async def test_one_tenants_numbers_tell_nothing_about_anothers(database: Database, make_tenant: MakeTenant) -> None:
    mine, theirs = await make_tenant(), await make_tenant()
    for _ in range(3):
        async with database.transaction(theirs.principal) as tx:
            await next_number(tx, "INV", "2026")
    async with database.transaction(mine.principal) as tx:
        assert await next_number(tx, "INV", "2026") == 1


async def test_simultaneous_takers_get_every_number_once(database: Database, tenant: TenantFixture) -> None:
    async def take() -> int:
        async with database.transaction(tenant.principal) as tx:
            return await next_number(tx, "INV", "2026")

    assert sorted(await asyncio.gather(*(take() for _ in range(30)))) == list(range(1, 31))


async def test_passing_over_never_goes_back(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        await pass_over(tx, "customer", "", 7)
        await pass_over(tx, "customer", "", 3)
        assert await next_number(tx, "customer", "") == 8


async def test_a_number_costs_one_round_trip(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        before = tx.round_trips
        await next_number(tx, "INV", "2026")
        assert tx.round_trips - before == 1
