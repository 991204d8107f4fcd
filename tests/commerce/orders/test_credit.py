"""The credit check: holds instead of refusals, and no two orders that each pass alone."""

import asyncio
from uuid import UUID

import pytest
from tests.commerce.orders.shop import Shop, open_shop
from tests.conftest import MakeTenant

from stockade.commerce.orders import credit
from stockade.commerce.orders import service as orders
from stockade.commerce.orders.views import OrderView
from stockade.tenancy.transaction import Database, Transaction


def held(order: OrderView) -> list[str]:
    return [hold.reason for hold in order.holds if hold.kind == "credit"]


@pytest.fixture
async def limited(database: Database, make_tenant: MakeTenant) -> Shop:
    """A shop whose customer may owe 100.00 EUR."""
    return await open_shop(database, (await make_tenant()).principal, limit=10_000)


async def test_an_order_up_to_the_limit_goes_on_and_the_next_one_is_held_with_the_reason(limited: Shop) -> None:
    product = await limited.product("A", price="25", vat="zero", on_hand=50)
    first = await limited.ordered((product, 4))
    second = await limited.ordered((product, 1))
    assert held(first) == []
    assert held(second) == ["The credit limit of 100.00 EUR would be exceeded by 25.00 EUR."]
    assert second.stage == "confirmed"


async def test_vat_counts_and_what_is_cancelled_or_invoiced_does_not(limited: Shop) -> None:
    product = await limited.product("A", price="25", on_hand=50)
    first = await limited.ordered((product, 3))  # 90.00 with VAT
    assert held(await limited.ordered((product, 1))) == [
        "The credit limit of 100.00 EUR would be exceeded by 20.00 EUR."
    ]
    await limited.cancel(first)
    assert held(await limited.ordered((product, 2))) == []


async def test_a_customer_with_a_limit_of_zero_pays_in_advance(database: Database, make_tenant: MakeTenant) -> None:
    shop = await open_shop(database, (await make_tenant()).principal, limit=0)
    assert held(await shop.ordered((await shop.product("A"), 1))) != []


async def test_what_receivables_register_counts_towards_the_limit(
    limited: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def owes(tx: Transaction, customer_id: UUID, currency: str) -> int:
        return 9_000 if (customer_id, currency) == (limited.customer_id, "EUR") else 0

    monkeypatch.setattr(credit, "_PROVIDERS", [])
    credit.provide_exposure(owes)
    product = await limited.product("A", price="10", vat="zero")
    assert held(await limited.ordered((product, 1))) == []
    assert held(await limited.ordered((product, 1))) != []


async def test_of_orders_confirmed_at_the_same_time_no_more_pass_than_the_limit_allows(limited: Shop) -> None:
    product = await limited.product("A", price="30", vat="zero", on_hand=50)
    drafts = [await limited.place((product, 1)) for _ in range(8)]
    confirmed = await asyncio.gather(*(limited.confirm(draft) for draft in drafts))
    assert sum(held(order) == [] for order in confirmed) == 3


async def test_the_hold_is_gone_with_its_release_and_remembers_who_released_it(limited: Shop) -> None:
    product = await limited.product("A", price="999", on_hand=5)
    order = await limited.ordered((product, 1))
    async with limited.open() as tx:
        order = await orders.release_hold(tx, order.id, order.holds[0].id, order.version)
    assert (order.open_holds, order.holds[0].released_by) == (0, limited.principal.actor_id)
    assert (await limited.pick(order)).stage == "picking"
