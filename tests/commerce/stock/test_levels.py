"""Levels and what runs low."""

from tests.commerce.orders.shop import Shop

from stockade.commerce.stock import service as stock
from stockade.kernel.ids import new_id


async def test_available_is_what_is_on_hand_and_not_reserved(shop: Shop) -> None:
    product = await shop.product("A", on_hand=7)
    await shop.ordered((product, 3))
    async with shop.open() as tx:
        [row] = await stock.list_levels(tx, count=5)
    assert (row.sku, row.warehouse_code, row.on_hand, row.reserved, row.available) == ("A", "MAIN", 7, 3, 4)


async def test_levels_are_listed_by_sku_in_pages_that_join_and_filtered(shop: Shop) -> None:
    products = [await shop.product(sku, on_hand=1) for sku in ("C", "A", "B")]
    east = new_id()
    async with shop.open() as tx:
        await stock.create_warehouse(tx, id=east, code="EAST", name="East")
        await stock.receive(tx, id=new_id(), warehouse_id=east, quantities=[(products[1], 9)])
        found, after = [], None
        while rows := await stock.list_levels(tx, after=after, count=1):
            found.append(f"{rows[0].sku} {rows[0].warehouse_code}")
            after = (rows[0].sku, rows[0].warehouse_id)
        assert sorted(found) == ["A EAST", "A MAIN", "B MAIN", "C MAIN"]
        assert [row.on_hand for row in await stock.list_levels(tx, warehouse_id=east, count=5)] == [9]
        assert len(await stock.list_levels(tx, product_id=products[1], count=5)) == 2
        assert len(await stock.list_levels(tx, product_id=products[1], warehouse_id=east, count=5)) == 1


async def test_low_is_what_is_free_in_all_warehouses_together_at_the_reorder_point_or_below(shop: Shop) -> None:
    low = await shop.product("LOW", on_hand=8, reorder_point=5)
    await shop.product("FINE", on_hand=6, reorder_point=5)
    await shop.product("NEVER-CAME", reorder_point=0)
    await shop.product("UNWATCHED")
    await shop.product("POST", stocked=False, reorder_point=5)
    await shop.ordered((low, 3))
    async with shop.open() as tx:
        rows = await stock.list_low_stock(tx, count=9)
        assert [(row.sku, row.available) for row in rows] == [("LOW", 5), ("NEVER-CAME", 0)]
        assert [row.sku for row in await stock.list_low_stock(tx, after="LOW", count=9)] == ["NEVER-CAME"]
