"""What past orders did to the shelves: receipts in time for every shipment, some breakage, what is low today. Pure.

A shelf is one product in one warehouse. It is restocked when it falls below half of its usual order, and on the morning
of a shipment that it could not serve; so no level was ever negative. Where a shelf has to be low today, its last
receipts are made smaller, the newest first: behind them only shipments follow, so that every earlier level still holds.
"""

from datetime import UTC, datetime, time, timedelta
from math import ceil
from random import Random
from uuid import UUID

import msgspec

from stockade.apps.demo.master import Ids, Product
from stockade.apps.demo.past import DAYS, Order
from stockade.commerce.orders.rules import backordered, shippable
from stockade.commerce.stock.rules import Demand, Shelf, share_out

WEEKS = DAYS / 7


class Move(msgspec.Struct, frozen=True):
    """A quantity that came or went."""

    id: UUID
    warehouse_id: UUID
    product_id: UUID
    quantity: int
    reason: str
    source_id: UUID | None
    note: str | None
    moved_at: datetime


class Flow(msgspec.Struct):
    """A planned move of one shelf."""

    at: datetime
    quantity: int
    reason: str
    source_id: UUID | None = None
    note: str | None = None


class Stock(msgspec.Struct):
    """Everything about stock: moves, what is on hand, and what is reserved for whom."""

    moves: list[Move]
    on_hand: dict[Shelf, int]
    reservations: list[Demand]


def stock_of(
    orders: list[Order], products: list[Product], warehouses: list[UUID], returned: list[Move], breakage: str,
    rng: Random, ids: Ids, end: datetime,
) -> Stock:  # fmt: skip
    """Return the stock behind the orders, and write into them what is reserved and into products when to reorder.

    ``returned`` are moves of goods that came back; ``breakage`` is the note on what was damaged.
    """
    shipped: dict[Shelf, list[Flow]] = {(w, p.id): [] for w in warehouses for p in products if p.stocked}
    for order in orders:
        warehouse_id, items = warehouses[order.customer.warehouse], {line.position: line for line in order.lines}
        for shipment in order.shipments:
            for position, quantity in shipment.leaving.items():
                if items[position].stocked:
                    flow = Flow(shipment.at, -quantity, "shipment", shipment.id)
                    shipped[warehouse_id, items[position].product_id].append(flow)
    scarce = _scarce(orders, products, rng)
    sources: dict[tuple[UUID, datetime], UUID] = {}
    moves = list(returned)
    for product in products:
        if not product.stocked:
            continue
        sold = -sum(flow.quantity for w in warehouses for flow in shipped[w, product.id])
        product.reorder_point = product.case_pack * max(1, ceil(2 * sold / WEEKS / product.case_pack))
        for warehouse_id in warehouses:
            flows = _shelf(shipped[warehouse_id, product.id], product.case_pack, breakage, rng, end)
            if product.id in scarce:
                _trim(flows, rng.choice([0, 0, product.reorder_point // 3]))
            moves += _moves(flows, warehouse_id, product.id, sources, ids)
    on_hand = dict.fromkeys(shipped, 0)
    for move in moves:
        on_hand[move.warehouse_id, move.product_id] += move.quantity
    return Stock(sorted(moves, key=lambda move: move.moved_at), on_hand, _reserve(orders, warehouses, on_hand))


def _scarce(orders: list[Order], products: list[Product], rng: Random) -> set[UUID]:
    """Return the products that run low: a few at random, and what troubled orders wait for."""
    goods = [product.id for product in products if product.stocked]
    awaited = {
        next(line.product_id for line in order.lines if line.stocked) for order in orders if order.trouble == "waiting"
    }
    return awaited | set(rng.sample(goods, len(goods) // 15))


def _shelf(shipped: list[Flow], case_pack: int, breakage: str, rng: Random, end: datetime) -> list[Flow]:
    """Return all flows of a shelf in order, receipts and breakage between the shipments."""
    weekly = -sum(flow.quantity for flow in shipped) / WEEKS
    usual = case_pack * max(5, ceil(6 * weekly / case_pack))
    opened = end - timedelta(days=DAYS + 3)
    flows, on_hand, due = [Flow(opened, usual, "opening")], usual, end
    for flow in sorted(shipped, key=lambda flow: flow.at):
        if due < flow.at:
            flows.append(Flow(due, usual, "receipt"))
            on_hand, due = on_hand + usual, end
        if on_hand < -flow.quantity:
            quantity = case_pack * ceil((usual - flow.quantity - on_hand) / case_pack)
            flows.append(Flow(_morning(flow.at), quantity, "receipt"))
            on_hand += quantity
        flows.append(flow)
        on_hand += flow.quantity
        if on_hand > 2 and rng.random() < 0.01:
            flows.append(Flow(flow.at + timedelta(seconds=1), -1, "damage", None, breakage))
            on_hand -= 1
        if on_hand < usual / 2 and due == end:
            due = min(end, _morning(flow.at + timedelta(days=rng.randint(2, 6))))
    if due < end:
        flows.append(Flow(due, usual, "receipt"))
    return flows


def _trim(flows: list[Flow], target: int) -> None:
    """Make the last receipts smaller until ``target`` is left, or the shelf has never been filled."""
    extra = sum(flow.quantity for flow in flows) - target
    for flow in reversed(flows):
        if flow.quantity > 0 and extra > 0:
            less = min(extra, flow.quantity)
            flow.quantity, extra = flow.quantity - less, extra - less


def _moves(
    flows: list[Flow], warehouse_id: UUID, product_id: UUID, sources: dict[tuple[UUID, datetime], UUID], ids: Ids
) -> list[Move]:
    """Return a shelf's flows as moves; what arrived at a warehouse on one morning is one delivery."""
    made = []
    for flow in flows:
        if flow.reason == "receipt" and flow.quantity:
            flow.source_id = sources.setdefault((warehouse_id, flow.at), ids.at(flow.at.timestamp()))
        if flow.quantity:
            made.append(
                Move(
                    ids.at(flow.at.timestamp()),
                    warehouse_id,
                    product_id,
                    flow.quantity,
                    flow.reason,
                    flow.source_id,
                    flow.note,
                    flow.at,
                )
            )
    return made


def _reserve(orders: list[Order], warehouses: list[UUID], on_hand: dict[Shelf, int]) -> list[Demand]:
    """Promise what is there to the open orders, the oldest first; one that gets nothing is not picked yet."""
    is_open = [order for order in orders if order.stage in ("confirmed", "picking")]
    wanted = [
        Demand(order.id, line.position, warehouses[order.customer.warehouse], line.product_id, backordered(line))
        for order in is_open
        for line in order.lines
        if backordered(line)
    ]
    granted = share_out(wanted, on_hand)
    reserved = {(demand.order_id, demand.position): demand.quantity for demand in granted}
    for order in is_open:
        order.lines = [
            msgspec.structs.replace(line, reserved=reserved.get((order.id, line.position), 0)) for line in order.lines
        ]
        if order.stage == "picking" and not order.shipments and not shippable(order.lines):
            order.stage = "confirmed"
    return granted


def _morning(at: datetime) -> datetime:
    return datetime.combine(at.date(), time(6, 30), UTC)
