"""Moves: what comes and goes, corrected by reversal, never below what is promised."""

import asyncio
from uuid import UUID

import pytest
from tests.commerce.orders.shop import Shop, open_shop, reconcile
from tests.conftest import MakeTenant

from stockade.commerce.stock import service as stock
from stockade.commerce.stock.rules import NotEnoughStock, NotReversible
from stockade.commerce.stock.service import CodeTaken, MoveView
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound
from stockade.tenancy.transaction import Database


async def adjust(shop: Shop, product_id: UUID, quantity: int, reason: str = "count") -> UUID:
    move_id = new_id()
    async with shop.open() as tx:
        await stock.adjust(
            tx, id=move_id, warehouse_id=shop.warehouse_id, product_id=product_id, quantity=quantity, reason=reason,
            note=None,
        )  # fmt: skip
    return move_id


async def reverse(shop: Shop, move_id: UUID) -> MoveView:
    async with shop.open() as tx:
        return await stock.reverse(tx, move_id, note="Mistyped")


async def test_a_receipt_makes_one_move_a_line_and_raises_the_level(shop: Shop) -> None:
    first, second, receipt_id = await shop.product("A"), await shop.product("B"), new_id()
    async with shop.open() as tx:
        await stock.receive(
            tx, id=receipt_id, warehouse_id=shop.warehouse_id, quantities=[(first, 3), (second, 4), (first, 2)]
        )
        assert tx.round_trips == 4  # with the idempotency claim and COMMIT: 6
        assert sorted(move.quantity for move in await stock.read_moves_of(tx, receipt_id)) == [2, 3, 4]
    assert (await shop.level(first), await shop.level(second)) == ((5, 0), (4, 0))
    await reconcile(shop)


async def test_a_correction_below_zero_is_refused_with_what_is_free(shop: Shop) -> None:
    product = await shop.product("A", on_hand=3)
    with pytest.raises(NotEnoughStock, match="4 would go, but only 3 are free"):
        await adjust(shop, product, -4)
    await adjust(shop, product, -3)
    assert await shop.level(product) == (0, 0)


async def test_what_is_promised_cannot_be_taken_away(shop: Shop) -> None:
    product = await shop.product("A", on_hand=5)
    await shop.ordered((product, 4))
    with pytest.raises(NotEnoughStock, match="only 1 are free"):
        await adjust(shop, product, -2, "damage")


async def test_a_reversal_undoes_a_move_once(shop: Shop) -> None:
    product = await shop.product("A", on_hand=5)
    move_id = await adjust(shop, product, 7)
    undone = await reverse(shop, move_id)
    assert (undone.quantity, undone.reason, undone.source_id, undone.note) == (-7, "reversal", move_id, "Mistyped")
    assert await shop.level(product) == (5, 0)
    with pytest.raises(NotReversible):
        await reverse(shop, move_id)
    await reconcile(shop)


async def test_of_many_reversals_at_once_one_counts(shop: Shop) -> None:
    product = await shop.product("A", on_hand=100)
    move_id = await adjust(shop, product, 7)
    results = await asyncio.gather(*(reverse(shop, move_id) for _ in range(8)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["MoveView"] + ["NotReversible"] * 7
    assert await shop.level(product) == (100, 0)


async def test_a_reversal_that_would_take_what_is_promised_is_refused(shop: Shop) -> None:
    product = await shop.product("A")
    move_id = await adjust(shop, product, 5, "opening")
    await shop.ordered((product, 1))
    with pytest.raises(NotEnoughStock):
        await reverse(shop, move_id)


async def test_a_shipment_and_a_reversal_are_not_reversed(shop: Shop) -> None:
    product = await shop.product("A", on_hand=5)
    order = await shop.ship(await shop.pick(await shop.ordered((product, 1))))
    async with shop.open() as tx:
        [shipped] = await stock.read_moves_of(tx, order.shipments[0].id)
    undone = await reverse(shop, await adjust(shop, product, 1))
    for move_id in (shipped.id, undone.id):
        with pytest.raises(NotReversible):
            await reverse(shop, move_id)


@pytest.mark.parametrize(("quantity", "reason"), [(0, "count"), (1, "damage"), (-1, "return"), (-1, "opening")])
async def test_a_move_whose_sign_belies_its_reason_is_refused(shop: Shop, quantity: int, reason: str) -> None:
    with pytest.raises(Invalid):
        await adjust(shop, await shop.product("A", on_hand=9), quantity, reason)


async def test_what_is_not_kept_in_stock_cannot_be_received(shop: Shop) -> None:
    with pytest.raises(Invalid, match="no such stocked product"):
        await shop.receive(await shop.product("POST", stocked=False), 1)


async def test_another_tenants_product_and_warehouse_are_as_good_as_none(
    shop: Shop, database: Database, make_tenant: MakeTenant
) -> None:
    theirs = await open_shop(database, (await make_tenant()).principal)
    mine, foreign = await shop.product("A"), await theirs.product("A")
    for warehouse_id, product_id in (
        (shop.warehouse_id, foreign),
        (theirs.warehouse_id, mine),
        (shop.warehouse_id, new_id()),
    ):
        with pytest.raises(Invalid, match="no such stocked product"):
            async with shop.open() as tx:
                await stock.receive(tx, id=new_id(), warehouse_id=warehouse_id, quantities=[(product_id, 1)])


async def test_another_tenants_move_is_not_found(shop: Shop, database: Database, make_tenant: MakeTenant) -> None:
    move_id = await adjust(shop, await shop.product("A"), 1)
    theirs = await open_shop(database, (await make_tenant()).principal)
    with pytest.raises(NotFound):
        await reverse(theirs, move_id)


@pytest.mark.parametrize("sql", ["update stock.move set quantity = 1", "delete from stock.move"])
async def test_the_application_cannot_change_a_move(shop: Shop, sql: str) -> None:
    await adjust(shop, await shop.product("A"), 1)
    with pytest.raises(Exception, match="permission denied"):
        async with shop.open() as tx:
            await tx.execute(sql)


async def test_whatever_the_code_does_a_level_cannot_promise_more_than_there_is(shop: Shop) -> None:
    product = await shop.product("A", on_hand=1)
    with pytest.raises(NotEnoughStock):
        async with shop.open() as tx:
            await tx.execute("update stock.level set reserved = 2 where product_id = $1", product)


async def test_moves_are_listed_newest_first_in_pages_that_join(shop: Shop) -> None:
    product = await shop.product("A")
    made = [await adjust(shop, product, n) for n in (1, 2, 3)]
    async with shop.open() as tx:
        first = await stock.list_moves(tx, product_id=product, count=2)
        rest = await stock.list_moves(tx, product_id=product, count=2, after=(first[-1].moved_at, first[-1].id))
    assert [move.id for move in first + rest] == made[::-1]


async def test_a_warehouse_code_is_taken_once(shop: Shop) -> None:
    with pytest.raises(CodeTaken):
        async with shop.open() as tx:
            await stock.create_warehouse(tx, id=new_id(), code="MAIN", name="Again")
    async with shop.open() as tx:
        await stock.create_warehouse(tx, id=new_id(), code="EAST", name="East")
        assert [row.code for row in await stock.list_warehouses(tx, count=9)] == ["EAST", "MAIN"]
        assert [row.code for row in await stock.list_warehouses(tx, after="EAST", count=9)] == ["MAIN"]
        assert (await stock.read_warehouse(tx, shop.warehouse_id)).name == "Main"
