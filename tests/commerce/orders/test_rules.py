"""The transition table, and that every verb obeys it."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from tests.commerce.orders.shop import Shop

from stockade.commerce.orders import service as orders
from stockade.commerce.orders.commands import Cancellation, Confirmation, DraftChange, NewShipment
from stockade.commerce.orders.model import STAGES
from stockade.commerce.orders.rules import (
    ACTIONS,
    TRANSITIONS,
    NotInThisStage,
    backordered,
    choices,
    fulfilment,
    plan_cancellation,
    plan_shipment,
    refusal,
    stage_after,
)
from stockade.commerce.orders.views import OrderView
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Transaction

Verb = Callable[[Transaction, OrderView], Awaitable[Any]]
VERBS: dict[str, Verb] = {
    "change": lambda tx, o: orders.change_draft(tx, o.id, DraftChange(expected_version=o.version)),
    "confirm": lambda tx, o: orders.confirm(tx, o.id, Confirmation(expected_version=o.version)),
    "hold": lambda tx, o: orders.place_hold(tx, o.id, "Why", o.version),
    "release": lambda tx, o: orders.release_hold(tx, o.id, new_id(), o.version),
    "allocate": lambda tx, o: orders.allocate(tx, o.id, o.version),
    "pick": lambda tx, o: orders.start_picking(tx, o.id, o.version),
    "ship": lambda tx, o: orders.ship(tx, new_id(), NewShipment(order_id=o.id, expected_version=o.version)),
    "invoice": lambda tx, o: orders.mark_invoiced(tx, o.id, {1: 1}, o.version),
    "close": lambda tx, o: orders.close(tx, o.id, o.version),
    "cancel": lambda tx, o: orders.cancel(tx, o.id, Cancellation(expected_version=o.version)),
}
ILLEGAL = [(stage, action) for stage in STAGES for action in ACTIONS if (stage, action) not in TRANSITIONS]


class Line(msgspec.Struct):
    position: int = 1
    quantity: int = 10
    stocked: bool = True
    reserved: int = 0
    shipped: int = 0
    invoiced: int = 0
    cancelled: int = 0


class Order(msgspec.Struct):
    stage: str
    lines: list[Line]
    open_holds: int = 0


def test_every_action_has_a_verb_and_every_transition_an_action() -> None:
    assert set(VERBS) == set(ACTIONS) == {action for _, action in TRANSITIONS}
    assert {stage for step in TRANSITIONS.values() for stage in step.to} <= set(STAGES)


def test_every_stage_but_the_last_ones_leads_somewhere_and_all_are_reached_from_draft() -> None:
    reached, grown = {"draft"}, True
    while grown:
        found = {stage for (start, _), step in TRANSITIONS.items() if start in reached for stage in step.to}
        grown, reached = not found <= reached, reached | found
    assert reached == set(STAGES)
    assert {stage for stage in STAGES if not any(start == stage for start, _ in TRANSITIONS)} == {"closed", "cancelled"}


@pytest.mark.parametrize(("stage", "action"), ILLEGAL)
async def test_an_action_that_the_table_does_not_name_is_refused_by_its_verb(
    shop: Shop, stage: str, action: str
) -> None:
    order = await shop.place((await shop.product("A", on_hand=5), 1))
    async with shop.open() as tx:
        await tx.execute("update orders.sales_order set stage = $1 where id = $2", stage, order.id)
    with pytest.raises(NotInThisStage) as refused:
        async with shop.open() as tx:
            await VERBS[action](tx, order)
    assert refused.value.members == {"stage": stage, "action": action}
    assert (await shop.read(order)).version == order.version


def test_every_refused_choice_says_why_in_a_sentence() -> None:
    for stage in STAGES:
        for choice in choices(Order(stage, [Line()])):
            assert choice.allowed == (refusal(Order(stage, [Line()]), choice.action) is None)
            assert choice.allowed or (choice.why_not.endswith(".") and len(choice.why_not) > 15)


def test_a_choice_names_the_hold_before_the_missing_stock() -> None:
    why = {choice.action: choice.why_not for choice in choices(Order("confirmed", [Line()], open_holds=1))}
    assert why["pick"] == "A hold is open: release it first."
    why = {choice.action: choice.why_not for choice in choices(Order("confirmed", [Line()]))}
    assert why["pick"] == "Nothing is reserved for this order: allocate stock first."


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        (Line(shipped=9), "picking"),
        (Line(shipped=10), "shipped"),
        (Line(shipped=6, cancelled=4), "shipped"),
        (Line(shipped=6, cancelled=4, invoiced=6), "invoiced"),
        (Line(cancelled=10), "cancelled"),
    ],
)
def test_the_stage_follows_from_what_is_left_shipped_and_invoiced(line: Line, stage: str) -> None:
    assert stage_after("picking", [line]) == stage


def test_a_backorder_is_what_is_left_and_not_reserved() -> None:
    assert backordered(Line(reserved=3, shipped=2, cancelled=1)) == 4
    assert backordered(Line(stocked=False)) == 0


def test_services_leave_with_the_first_shipment_unless_fewer_are_named() -> None:
    lines = [Line(1, 5, reserved=5), Line(2, 3, stocked=False)]
    assert plan_shipment(lines, {1: 1}) == {1: 1, 2: 3}
    assert plan_shipment(lines, {1: 1, 2: 2}) == {1: 1, 2: 2}
    assert plan_shipment(lines, None) == {1: 5, 2: 3}


def test_a_cancellation_takes_only_what_has_not_left() -> None:
    assert plan_cancellation([Line(1, 5, shipped=2), Line(2, 3, shipped=3)], None) == {1: 3}


def test_fulfilment_is_derived_from_the_lines() -> None:
    assert [fulfilment([Line(shipped=shipped)]) for shipped in (0, 1, 10)] == ["open", "partial", "complete"]
