"""Idempotency: one key, one thing made."""

import asyncio
from datetime import timedelta

import pytest
from tests.conftest import MakeTenant, TenantFixture

from stockade.idempotency.service import KEPT, KeyReused, claim, forget_old_keys
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Database


async def test_a_repeated_key_gets_the_first_ones_id(database: Database, tenant: TenantFixture) -> None:
    first, second = new_id(), new_id()
    async with database.transaction(tenant.principal) as tx:
        made = await claim(tx, "key-one", "make", {"a": 1}, first)
    async with database.transaction(tenant.principal) as tx:
        again = await claim(tx, "key-one", "make", {"a": 1}, second)
    assert (made.id, made.replayed, again.id, again.replayed) == (first, False, first, True)


@pytest.mark.parametrize(("operation", "content"), [("make", {"a": 2}), ("other", {"a": 1})])
async def test_a_key_is_refused_for_anything_else(
    database: Database, tenant: TenantFixture, operation: str, content: dict[str, int]
) -> None:
    async with database.transaction(tenant.principal) as tx:
        await claim(tx, "key-two", "make", {"a": 1}, new_id())
    async with database.transaction(tenant.principal) as tx:
        with pytest.raises(KeyReused):
            await claim(tx, "key-two", operation, content, new_id())


async def test_a_key_that_was_rolled_back_is_free_again(database: Database, tenant: TenantFixture) -> None:
    async def fail() -> None:
        async with database.transaction(tenant.principal) as tx:
            await claim(tx, "key-three", "make", {}, new_id())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.transaction(tenant.principal) as tx:
        assert not (await claim(tx, "key-three", "make", {}, new_id())).replayed


async def test_of_twenty_at_once_one_makes_and_the_others_get_it(database: Database, tenant: TenantFixture) -> None:
    async def attempt() -> tuple[object, bool]:
        async with database.transaction(tenant.principal) as tx:
            made = await claim(tx, "key-four", "make", {}, new_id())
            await asyncio.sleep(0.01)
            return made.id, made.replayed

    found = await asyncio.gather(*(attempt() for _ in range(20)))
    assert len({made_id for made_id, _ in found}) == 1
    assert sum(not replayed for _, replayed in found) == 1


async def test_the_same_key_of_two_tenants_is_two_keys(database: Database, make_tenant: MakeTenant) -> None:
    for tenant in (await make_tenant(), await make_tenant()):
        async with database.transaction(tenant.principal) as tx:
            assert not (await claim(tx, "key-five", "make", {}, new_id())).replayed


async def test_keys_are_forgotten_after_two_days(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        await claim(tx, "key-six", "make", {}, new_id())
        assert await forget_old_keys(tx, now()) == 0
        assert await forget_old_keys(tx, now() + KEPT + timedelta(seconds=1)) == 1
