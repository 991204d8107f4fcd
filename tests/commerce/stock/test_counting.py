"""Stock counts: entries add up whoever makes them, goods that move meanwhile are counted right, approval books once."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.commerce.orders.shop import Shop

from stockade.commerce.stock import service as stock
from stockade.commerce.stock.rules import (
    CountClosed,
    CountUnsettled,
    NotEnoughStock,
    NothingCounted,
    NotReversible,
    corrections,
    difference,
)
from stockade.commerce.stock.service import counting
from stockade.commerce.stock.service.counting import LineView, NewCount, NewEntry
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound


async def opened(shop: Shop, **more: Any) -> UUID:
    count_id = new_id()
    async with shop.open() as tx:
        await counting.open_count(tx, count_id, NewCount(**({"warehouse_id": shop.warehouse_id} | more)))
    return count_id


async def found(shop: Shop, count_id: UUID, code: str, quantity: int) -> int:
    async with shop.open() as tx:
        return (await counting.enter(tx, new_id(), count_id, NewEntry(code=code, quantity=quantity))).counted


async def lines(shop: Shop, count_id: UUID, **how: Any) -> dict[str, LineView]:
    async with shop.open() as tx:
        return {line.sku: line for line in await counting.list_lines(tx, count_id, count=100, **how)}


async def on_hand(shop: Shop, product_id: UUID) -> int:
    async with shop.open() as tx:
        return (await stock.list_levels(tx, product_id=product_id, count=1))[0].on_hand


async def approve(shop: Shop, count_id: UUID) -> list[LineView]:
    async with shop.open() as tx:
        return await counting.approve_count(tx, count_id)


async def test_what_several_people_find_of_a_product_adds_up(shop: Shop) -> None:
    await shop.product("A", on_hand=10)
    count = await opened(shop)
    totals = await asyncio.gather(*(found(shop, count, "A", quantity) for quantity in (3, 4, 2)))
    assert max(totals) <= 9
    line = (await lines(shop, count))["A"]
    assert (line.counted, line.entries, line.difference) == (9, 3, -1)


async def test_approval_books_the_differences_once_and_closes_the_count(shop: Shop) -> None:
    short, more, right = [await shop.product(sku, on_hand=10) for sku in ("SHORT", "MORE", "RIGHT")]
    count = await opened(shop)
    for sku, quantity in (("SHORT", 7), ("MORE", 12), ("RIGHT", 10)):
        await found(shop, count, sku, quantity)
    assert {line.sku for line in await approve(shop, count)} == {"SHORT", "MORE"}
    assert [await on_hand(shop, product) for product in (short, more, right)] == [7, 12, 10]
    async with shop.open() as tx:
        moves = await stock.read_moves_of(tx, count)
    assert sorted((move.reason, move.quantity) for move in moves) == [("count", -3), ("count", 2)]
    for act in (approve(shop, count), found(shop, count, "SHORT", 1)):
        with pytest.raises(CountClosed):
            await act


async def test_of_two_approvals_at_once_one_books(shop: Shop) -> None:
    product = await shop.product("A", on_hand=10)
    count = await opened(shop)
    await found(shop, count, "A", 4)
    ended = await asyncio.gather(*(approve(shop, count) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(end, CountClosed) for end in ended) == 3
    assert await on_hand(shop, product) == 4


async def test_goods_that_come_before_the_shelf_is_counted_are_no_difference(shop: Shop) -> None:
    product = await shop.product("A", on_hand=10)
    count = await opened(shop)
    async with shop.open() as tx:
        await stock.receive(tx, id=new_id(), warehouse_id=shop.warehouse_id, quantities=[(product, 5)])
    await found(shop, count, "A", 15)
    line = (await lines(shop, count))["A"]
    assert (line.booked, line.booked_then, line.difference) == (10, 15, 0)


async def test_goods_that_come_after_the_shelf_was_counted_stay_as_booked(shop: Shop) -> None:
    product = await shop.product("A", on_hand=10)
    count = await opened(shop)
    await found(shop, count, "A", 8)
    async with shop.open() as tx:
        await stock.receive(tx, id=new_id(), warehouse_id=shop.warehouse_id, quantities=[(product, 5)])
    await approve(shop, count)
    assert await on_hand(shop, product) == 13


async def test_less_than_is_promised_is_refused_by_name_until_the_line_is_left_out(shop: Shop) -> None:
    promised, other = await shop.product("PROMISED", on_hand=10), await shop.product("OTHER", on_hand=10)
    await shop.confirm(await shop.place((promised, 8)))
    count = await opened(shop)
    await found(shop, count, "PROMISED", 5)
    await found(shop, count, "OTHER", 9)
    with pytest.raises(NotEnoughStock) as refused:
        await approve(shop, count)
    assert refused.value.members["product_id"] == str(promised)
    assert await on_hand(shop, other) == 10
    async with shop.open() as tx:
        await counting.mark_line(tx, count, promised, left_out=True)
    await approve(shop, count)
    assert [await on_hand(shop, promised), await on_hand(shop, other)] == [10, 9]


async def test_counting_afresh_forgets_what_was_entered(shop: Shop) -> None:
    product = await shop.product("A", on_hand=10)
    count = await opened(shop)
    await found(shop, count, "A", 99)
    async with shop.open() as tx:
        await counting.mark_line(tx, count, product, recount=True)
    assert (await lines(shop, count, which="missing")).keys() == {"A"}
    await found(shop, count, "A", 10)
    assert (await lines(shop, count))["A"].difference == 0


async def test_a_product_that_nobody_expected_joins_the_count(shop: Shop) -> None:
    await shop.product("A", on_hand=10)
    count = await opened(shop)
    stray = await shop.product("STRAY")
    await found(shop, count, "stray", 2)
    await approve(shop, count)
    assert await on_hand(shop, stray) == 2


async def test_a_code_that_nothing_has_is_told_at_its_field(shop: Shop) -> None:
    await shop.product("A", on_hand=1)
    count = await opened(shop)
    with pytest.raises(Invalid) as refused:
        await found(shop, count, "NONE", 1)
    assert refused.value.members["errors"][0]["field"] == "code"


async def test_a_count_of_nothing_is_not_opened_and_one_without_an_entry_not_approved(shop: Shop) -> None:
    with pytest.raises(Invalid):
        await opened(shop)
    await shop.product("A", on_hand=1)
    with pytest.raises(NothingCounted):
        await approve(shop, await opened(shop))


async def test_each_scope_holds_the_products_that_it_says(shop: Shop) -> None:
    first, _ = await shop.product("A", on_hand=1), await shop.product("B", on_hand=1)
    assert (await lines(shop, await opened(shop, scope="products", product_ids=[first]))).keys() == {"A"}
    assert len(await lines(shop, await opened(shop, scope="sample", sample=1))) == 1
    assert len(await lines(shop, await opened(shop, scope="moved", moved_since=today()))) == 2
    with pytest.raises(Invalid):
        await opened(shop, scope="moved", moved_since=today() + timedelta(days=1))
    with pytest.raises(Invalid):
        await opened(shop, scope="moved")


async def test_a_transfer_moves_goods_whole_or_not_at_all_and_is_not_half_undone(shop: Shop) -> None:
    product = await shop.product("A", on_hand=10)
    target = new_id()
    async with shop.open() as tx:
        await stock.create_warehouse(tx, id=target, code="SECOND", name="Second")
    how: dict[str, Any] = {"from_id": shop.warehouse_id, "to_id": target, "note": None}
    with pytest.raises(NotEnoughStock):
        async with shop.open() as tx:
            await stock.transfer(tx, id=new_id(), quantities=[(product, 11)], **how)
    carried = new_id()
    async with shop.open() as tx:
        await stock.transfer(tx, id=carried, quantities=[(product, 4)], **how)
        levels = {
            level.warehouse_code: level.on_hand for level in await stock.list_levels(tx, product_id=product, count=9)
        }
        moves = await stock.read_moves_of(tx, carried)
    assert sorted(levels.values()) == [4, 6]
    with pytest.raises(NotReversible):
        async with shop.open() as tx:
            await stock.reverse(tx, moves[0].id)


@pytest.mark.parametrize("received", [0, 2])
async def test_goods_that_move_between_two_entries_of_a_product_are_not_guessed(shop: Shop, received: int) -> None:
    product = await shop.product("A", on_hand=10)
    order = await shop.pick(await shop.ordered((product, 2)))
    count = await opened(shop)
    await found(shop, count, "A", 5)
    await shop.ship(order)
    if received:  # the books are as they were, the shelves are not
        await shop.receive(product, received)
    await found(shop, count, "A", 4)
    with pytest.raises(CountUnsettled) as refused:
        await approve(shop, count)
    assert refused.value.members["products"] == [str(product)]
    async with shop.open() as tx:
        await counting.mark_line(tx, count, product, recount=True)
    await found(shop, count, "A", 7 + received)
    await approve(shop, count)
    assert await on_hand(shop, product) == 7 + received


async def test_another_tenants_count_does_not_exist(shop: Shop, make_tenant: Any) -> None:
    await shop.product("A", on_hand=1)
    count = await opened(shop)
    stranger = await make_tenant()
    async with shop.database.transaction(stranger.principal) as tx:
        with pytest.raises(NotFound):
            await counting.enter(tx, new_id(), count, NewEntry(code="A"))


@dataclass(frozen=True)
class Line:
    counted: int | None
    booked_then: int | None
    left_out: bool
    moved_meanwhile: bool = False


@given(st.lists(st.builds(Line, st.none() | st.integers(0, 99), st.none() | st.integers(0, 99), st.booleans())))
def test_what_is_corrected_differs_is_counted_and_not_left_out(counted: list[Line]) -> None:
    wrong = corrections(counted)
    assert all(line.counted != line.booked_then and not line.left_out for line in wrong)
    assert all(difference(line) in (None, 0) or line.left_out for line in counted if line not in wrong)


@given(st.integers(0, 99), st.integers(0, 99), st.lists(st.integers(-20, 20)))
def test_whatever_moves_after_the_last_entry_the_correction_makes_books_and_shelf_agree(
    booked: int, on_shelf: int, later: list[int]
) -> None:
    correction = difference(Line(on_shelf, booked, left_out=False))
    assert correction is not None
    assert booked + sum(later) + correction == on_shelf + sum(later)
