"""The list of orders: newest first, by keyset, filtered."""

from datetime import datetime
from uuid import UUID

from tests.commerce.orders.shop import Shop, insert_customer

from stockade.commerce.orders import service as orders
from stockade.commerce.orders.commands import NewLine, NewOrder
from stockade.commerce.orders.service import Filter
from stockade.kernel.ids import new_id


async def numbers(shop: Shop, wanted: Filter, size: int = 2) -> list[int]:
    """Walk all pages and return the orders' numbers."""
    after: tuple[datetime, UUID] | None = None
    found: list[int] = []
    async with shop.open() as tx:
        while rows := await orders.list_orders(tx, wanted, after=after, count=size):
            found += [int(row.number[-6:]) for row in rows]
            after = (rows[-1].placed_at, rows[-1].id)
    return found


async def test_pages_join_to_the_whole_list_newest_first(shop: Shop) -> None:
    product = await shop.product("A")
    for _ in range(5):
        await shop.place((product, 1))
    assert await numbers(shop, Filter()) == [5, 4, 3, 2, 1]


async def test_orders_placed_in_the_same_moment_are_neither_lost_nor_repeated(shop: Shop) -> None:
    lines = [NewLine(product_id=await shop.product("A"), quantity=1)]
    async with shop.open() as tx:  # now() stands still within a transaction
        for _ in range(5):
            await orders.place_order(tx, new_id(), NewOrder(customer_id=shop.customer_id, lines=lines))
    assert sorted(await numbers(shop, Filter())) == [1, 2, 3, 4, 5]


async def test_filters_by_stage_customer_number_and_hold_apply_together(shop: Shop) -> None:
    product, other = await shop.product("A", on_hand=9), new_id()
    async with shop.open() as tx:
        await insert_customer(tx, other)
    first, second = await shop.ordered((product, 1)), await shop.ordered((product, 1))
    async with shop.open() as tx:
        await orders.place_hold(tx, second.id, "Why", second.version)
        command = NewOrder(customer_id=other, lines=[NewLine(product_id=product, quantity=1)])
        await orders.place_order(tx, new_id(), command)
    assert await numbers(shop, Filter(stage="confirmed")) == [2, 1]
    assert await numbers(shop, Filter(on_hold=True)) == [2]
    assert await numbers(shop, Filter(stage="confirmed", on_hold=False)) == [1]
    assert await numbers(shop, Filter(customer_id=other)) == [3]
    assert await numbers(shop, Filter(number=first.number)) == [1]
    assert await numbers(shop, Filter(number=first.number[:8], customer_id=shop.customer_id, stage="draft")) == []


async def test_wildcards_in_a_number_are_plain_characters(shop: Shop) -> None:
    await shop.place((await shop.product("A"), 1))
    assert await numbers(shop, Filter(number="SO-%")) == []


async def test_a_row_shows_customer_sum_and_hold(shop: Shop) -> None:
    order = await shop.ordered((await shop.product("A", on_hand=1), 1))
    async with shop.open() as tx:
        await orders.place_hold(tx, order.id, "Why", order.version)
        [row] = await orders.list_orders(tx, Filter(), count=5)
    assert (row.customer_name, row.gross, row.on_hold, row.version) == ("Corner Shop", order.gross, True, 3)
