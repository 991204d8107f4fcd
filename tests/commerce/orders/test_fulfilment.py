"""From draft to shipped: reservations, partial shipments, backorders, holds, cancellations."""

from datetime import timedelta

import pytest
from tests.commerce.orders.shop import Shop, reconcile

from stockade.commerce.orders import service as orders
from stockade.commerce.orders.commands import Confirmation
from stockade.commerce.orders.rules import NothingToShip, OnHold
from stockade.commerce.orders.service import AlreadyHeld, CustomerArchived
from stockade.commerce.orders.views import OrderView
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound, VersionConflict


def progress(order: OrderView) -> list[tuple[int, int, int]]:
    return [(line.reserved, line.shipped, line.cancelled) for line in order.lines]


async def test_confirming_reserves_stock_and_shipping_takes_it_off_the_shelf(shop: Shop) -> None:
    product = await shop.product("A", on_hand=10)
    order = await shop.ordered((product, 4))
    assert (order.stage, progress(order), await shop.level(product)) == ("confirmed", [(4, 0, 0)], (10, 4))
    shipped = await shop.ship(await shop.pick(order))
    assert (shipped.stage, progress(shipped), await shop.level(product)) == ("shipped", [(0, 4, 0)], (6, 0))
    assert [line.quantity for line in shipped.shipments[0].lines] == [4]
    await reconcile(shop)


async def test_two_lines_that_share_one_item_do_not_both_get_the_last_pieces(shop: Shop) -> None:
    product = await shop.product("A", on_hand=5)
    order = await shop.ordered((product, 4), (product, 4))
    assert progress(order) == [(4, 0, 0), (1, 0, 0)]
    assert await shop.level(product) == (5, 5)
    await reconcile(shop)


async def test_a_short_order_ships_in_parts_and_the_rest_follows_when_it_arrives(shop: Shop) -> None:
    product, other = await shop.product("A", on_hand=3), await shop.product("B", on_hand=9)
    order = await shop.ordered((product, 8), (other, 2))
    order = await shop.ship(await shop.pick(order), {1: 2, 2: 2})
    assert (order.stage, progress(order)) == ("picking", [(1, 2, 0), (0, 2, 0)])
    await shop.receive(product, 20)
    async with shop.open() as tx:
        order = await orders.allocate(tx, order.id, order.version)
    assert progress(order)[0] == (6, 2, 0)
    order = await shop.ship(order)
    assert (order.stage, progress(order), len(order.shipments)) == ("shipped", [(0, 8, 0), (0, 2, 0)], 2)
    assert await shop.level(product) == (15, 0)
    await reconcile(shop)


async def test_no_more_ships_than_is_reserved(shop: Shop) -> None:
    product = await shop.product("A", on_hand=3)
    order = await shop.pick(await shop.ordered((product, 8)))
    with pytest.raises(Invalid, match="Of line 1, 3 can be shipped now"):
        await shop.ship(order, {1: 4})
    assert await shop.level(product) == (3, 3)


async def test_an_order_of_which_nothing_is_reserved_cannot_be_picked(shop: Shop) -> None:
    order = await shop.ordered((await shop.product("A"), 1))
    with pytest.raises(NothingToShip):
        await shop.pick(order)


async def test_postage_needs_no_stock_and_leaves_with_the_first_shipment(shop: Shop) -> None:
    product, postage = await shop.product("A", on_hand=1), await shop.product("POST", stocked=False)
    order = await shop.ship(await shop.pick(await shop.ordered((product, 2), (postage, 1))), {1: 1})
    assert progress(order) == [(0, 1, 0), (0, 1, 0)]
    assert [(line.position, line.quantity) for line in order.shipments[0].lines] == [(1, 1), (2, 1)]


async def test_an_order_of_services_alone_can_be_shipped(shop: Shop) -> None:
    order = await shop.ordered((await shop.product("HOUR", stocked=False), 3))
    assert (await shop.ship(await shop.pick(order))).stage == "shipped"


async def test_an_open_hold_keeps_an_order_from_being_picked_until_it_is_released(shop: Shop) -> None:
    order = await shop.ordered((await shop.product("A", on_hand=5), 1))
    async with shop.open() as tx:
        order = await orders.place_hold(tx, order.id, "Address to be checked", order.version)
    with pytest.raises(OnHold):
        await shop.pick(order)
    async with shop.open() as tx:
        order = await orders.release_hold(tx, order.id, order.holds[0].id, order.version)
    assert order.holds[0].released_by == shop.principal.actor_id
    assert (await shop.pick(order)).stage == "picking"


async def test_a_hold_placed_while_picking_keeps_the_goods_from_leaving(shop: Shop) -> None:
    order = await shop.pick(await shop.ordered((await shop.product("A", on_hand=5), 1)))
    async with shop.open() as tx:
        order = await orders.place_hold(tx, order.id, "Customer called", order.version)
    with pytest.raises(OnHold):
        await shop.ship(order)


async def test_an_order_has_one_open_manual_hold_at_most(shop: Shop) -> None:
    order = await shop.ordered((await shop.product("A", on_hand=5), 1))
    async with shop.open() as tx:
        order = await orders.place_hold(tx, order.id, "One", order.version)
    with pytest.raises(AlreadyHeld):
        async with shop.open() as tx:
            await orders.place_hold(tx, order.id, "Two", order.version)


async def test_a_hold_of_another_order_is_not_found(shop: Shop) -> None:
    product = await shop.product("A", on_hand=5)
    first, second = await shop.ordered((product, 1)), await shop.ordered((product, 1))
    async with shop.open() as tx:
        first = await orders.place_hold(tx, first.id, "One", first.version)
        second = await orders.place_hold(tx, second.id, "Two", second.version)
    with pytest.raises(NotFound):
        async with shop.open() as tx:
            await orders.release_hold(tx, second.id, first.holds[0].id, second.version)


async def test_an_order_that_ships_only_complete_is_held_while_short_and_freed_by_the_allocation(shop: Shop) -> None:
    product = await shop.product("A", on_hand=3)
    order = await shop.ordered((product, 5), complete_only=True)
    assert [(hold.kind, hold.released_at) for hold in order.holds] == [("stock", None)]
    await shop.receive(product, 10)
    async with shop.open() as tx:
        order = await orders.allocate(tx, order.id, order.version)
    assert order.open_holds == 0
    assert (await shop.ship(await shop.pick(order))).stage == "shipped"


async def test_an_allocation_without_stock_leaves_the_order_as_it_was(shop: Shop) -> None:
    order = await shop.ordered((await shop.product("A"), 5))
    async with shop.open() as tx:
        assert await orders.allocate(tx, order.id, order.version) == order


async def test_cancelling_frees_what_was_reserved(shop: Shop) -> None:
    product = await shop.product("A", on_hand=5)
    order = await shop.cancel(await shop.ordered((product, 4)))
    assert (order.stage, progress(order), await shop.level(product)) == ("cancelled", [(0, 0, 4)], (5, 0))
    await reconcile(shop)


async def test_cancelling_the_backorder_of_a_partly_shipped_order_makes_it_shipped(shop: Shop) -> None:
    product = await shop.product("A", on_hand=3)
    order = await shop.cancel(await shop.ship(await shop.pick(await shop.ordered((product, 5)))))
    assert (order.stage, progress(order)) == ("shipped", [(0, 3, 2)])


async def test_cancelling_one_line_leaves_the_others(shop: Shop) -> None:
    product, other = await shop.product("A", on_hand=5), await shop.product("B", on_hand=5)
    order = await shop.cancel(await shop.ordered((product, 1), (other, 2)), [2])
    assert (order.stage, progress(order)) == ("confirmed", [(1, 0, 0), (0, 0, 2)])
    with pytest.raises(Invalid, match="Nothing is left of line 2"):
        await shop.cancel(order, [2])


async def test_invoicing_follows_shipping_and_ends_in_closed(shop: Shop) -> None:
    product = await shop.product("A", on_hand=5)
    order = await shop.ship(await shop.pick(await shop.ordered((product, 5))), {1: 2})
    async with shop.open() as tx:
        with pytest.raises(Invalid, match="Of line 1, 2 can be invoiced now"):
            await orders.mark_invoiced(tx, order.id, {1: 3})
        order = await orders.mark_invoiced(tx, order.id, {1: 2})
    assert order.stage == "picking"
    order = await shop.ship(order)
    async with shop.open() as tx:
        order = await orders.mark_invoiced(tx, order.id, {1: 3}, order.version)
        assert order.stage == "invoiced"
        assert (await orders.close(tx, order.id, order.version)).stage == "closed"


async def test_a_change_from_a_stale_page_is_refused_with_the_current_version(shop: Shop) -> None:
    order = await shop.place((await shop.product("A", on_hand=5), 1))
    await shop.confirm(order)
    with pytest.raises(VersionConflict) as refused:
        await shop.cancel(order)
    assert refused.value.members == {"current_version": 2}


async def test_an_order_that_is_not_there_is_not_found_by_any_verb(shop: Shop) -> None:
    with pytest.raises(NotFound):
        async with shop.open() as tx:
            await orders.confirm(tx, new_id(), Confirmation(expected_version=1))


async def test_an_order_of_an_archived_customer_cannot_be_confirmed(shop: Shop) -> None:
    order = await shop.place((await shop.product("A", on_hand=5), 1))
    async with shop.open() as tx:
        await tx.execute("update parties.customer set state = 'archived' where id = $1", shop.customer_id)
    with pytest.raises(CustomerArchived):
        await shop.confirm(order)


async def test_stock_cannot_be_reserved_until_a_moment_that_has_passed(shop: Shop) -> None:
    order = await shop.place((await shop.product("A", on_hand=5), 1))
    with pytest.raises(Invalid, match="still to come"):
        await shop.confirm(order, reserve_until=now() - timedelta(seconds=1))


async def test_an_expired_reservation_becomes_a_backorder_that_can_be_allocated_again(shop: Shop) -> None:
    product = await shop.product("A", on_hand=5)
    order = await shop.ordered((product, 2), (product, 2), reserve_until=now() + timedelta(hours=1))
    kept = await shop.ordered((product, 1))
    async with shop.open() as tx:
        assert await orders.expire_reservations(tx, now()) == 0
        assert await orders.expire_reservations(tx, now() + timedelta(hours=2)) == 1
    after = await shop.read(order)
    assert (after.stage, progress(after), after.version) == ("confirmed", [(0, 0, 0), (0, 0, 0)], order.version + 1)
    assert (await shop.read(kept)).lines[0].reserved == 1
    await reconcile(shop)
    async with shop.open() as tx:
        assert progress(await orders.allocate(tx, after.id, after.version)) == [(2, 0, 0), (2, 0, 0)]


async def test_a_held_order_keeps_its_stock_for_a_week_and_a_released_one_for_good(shop: Shop) -> None:
    product = await shop.product("A", on_hand=5)
    held, freed = await shop.ordered((product, 1)), await shop.ordered((product, 1))
    async with shop.open() as tx:
        held = await orders.place_hold(tx, held.id, "One", held.version)
        freed = await orders.place_hold(tx, freed.id, "Two", freed.version)
        await orders.release_hold(tx, freed.id, freed.holds[0].id, freed.version)
        assert await orders.expire_reservations(tx, now() + timedelta(days=8)) == 1
    assert progress(await shop.read(held)) == [(0, 0, 0)]
    assert progress(await shop.read(freed)) == [(1, 0, 0)]


async def test_what_is_being_picked_does_not_expire(shop: Shop) -> None:
    product = await shop.product("A", on_hand=5)
    await shop.pick(await shop.ordered((product, 1), reserve_until=now() + timedelta(hours=1)))
    async with shop.open() as tx:
        assert await orders.expire_reservations(tx, now() + timedelta(days=1)) == 0
