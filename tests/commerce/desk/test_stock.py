"""Stock as the desk lists it."""

from datetime import date

from tests.commerce.orders.shop import Shop

from stockade.commerce.desk.listing import asked_of, read_page
from stockade.commerce.desk.stock import LEVELS
from stockade.commerce.stock import service as stock
from stockade.kernel.ids import new_id


async def test_a_product_in_two_warehouses_is_lost_at_no_edge_of_a_page(shop: Shop) -> None:
    product, east = await shop.product("A", on_hand=1), new_id()
    async with shop.open() as tx:
        await stock.create_warehouse(tx, id=east, code="EAST", name="East")
        await stock.receive(tx, id=new_id(), warehouse_id=east, quantities=[(product, 2)])
        seen, query = [], dict[str, str]()
        while True:
            asked = asked_of(LEVELS, query, lambda _: True)
            page = await read_page(tx, LEVELS, asked, today=date(2026, 11, 21), size=1)
            seen += page.found
            if page.next is None:
                break
            query = {"after": page.next}
    assert {row.id for row in seen} == {product}
    assert len({row.key for row in seen}) == len(seen) == 2
