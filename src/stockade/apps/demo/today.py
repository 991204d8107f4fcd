"""The demo distributor's day: some orders through the same verbs that people and programs use, each in its transaction.

So the youngest orders stand in every stage for real, with their audit entries, holds and reservations. What is there
already is counted first: a making that was cut off goes on where it stopped.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from uuid import UUID

import msgspec

from stockade.apps.demo.trade import Trade
from stockade.commerce.invoicing.service.issuing import issue_invoice
from stockade.commerce.orders import service as orders
from stockade.commerce.orders.commands import Cancellation, Confirmation, LineToShip, NewLine, NewOrder, NewShipment
from stockade.commerce.orders.rules import shippable
from stockade.commerce.orders.views import OrderView
from stockade.commerce.receivables.service.payments import NewPayment, record_payment
from stockade.database.statements import raw
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Transaction

TIGHT = 4
"""So many customers have reached their credit limit (``history``)."""


class Buyer(msgspec.Struct, frozen=True):
    """A customer: what it may still owe (None: no limit), and how often it has ordered."""

    id: UUID
    room_minor: int | None
    orders: int


class Item(msgspec.Struct, frozen=True):
    """A product, its case, and what the first warehouse has free of it."""

    id: UUID
    case_pack: int
    free: int


_MADE = raw(
    "select count(*) from orders.sales_order where tenant_id = $1 "
    "and placed_at >= (select created_at from tenancy.tenant where id = $1)",
    "this_tenant",
    int,
)
"""History lies before the tenant was made, the day's orders after it."""
_BUYERS = raw(
    """
    with owed as (
        select customer_id, sum(open_minor)::bigint as minor from receivables.open_item where tenant_id = $1 group by 1
    ), placed as (select customer_id, count(*) as orders from orders.sales_order where tenant_id = $1 group by 1)
    select c.id, c.credit_limit_minor - coalesce(owed.minor, 0), coalesce(placed.orders, 0)
    from parties.customer c left join owed on owed.customer_id = c.id left join placed on placed.customer_id = c.id
    where c.tenant_id = $1 order by 2, c.number
    """,
    "this_tenant",
    Buyer,
)
_ITEMS = raw(
    """
    select p.id, p.case_pack, l.on_hand - l.reserved from catalog.product p
    join stock.level l on l.tenant_id = $1 and l.product_id = p.id
    where p.tenant_id = $1 and p.state = 'active' and l.warehouse_id = (
        select id from stock.warehouse where tenant_id = $1 and state = 'active' order by code limit 1)
    order by p.sku
    """,
    "this_tenant",
    Item,
)


class Desk:
    """What one order needs to be told: the transaction, the vocabulary, who may buy (least room first), the dice."""

    def __init__(self, tx: Transaction, trade: Trade, buyers: list[Buyer], rng: Random) -> None:
        self.tx, self.trade, self.buyers, self.rng = tx, trade, buyers, rng


Deed = Callable[[Desk, OrderView], Awaitable[object]]


async def live_today(database: Database, principal: Principal, trade: Trade, count: int) -> None:
    """Place orders until the day has ``count`` of them, and take each as far as its turn says."""
    async with database.transaction(principal) as tx:
        made, buyers = await _MADE.one(tx), await _BUYERS.all(tx)
    for number in range(made, count):
        rng = Random(f"{trade.slug} {number}")  # noqa: S311  # made-up data has to come out the same again
        async with database.transaction(principal) as tx:
            desk = Desk(tx, trade, buyers, rng)
            deed = DEEDS[number % len(DEEDS)]
            order = await _place(
                desk, is_tight=deed is _over_limit, is_short=deed in (_wait_for_stock, _hold_for_stock)
            )
            await deed(desk, order)


async def _place(desk: Desk, *, is_tight: bool, is_short: bool) -> OrderView:
    """Place an order of things that are there; ``is_short``: also of one that is not, ``is_tight``: above the limit."""
    rng, items = desk.rng, await _ITEMS.all(desk.tx)
    tight, roomy = desk.buyers[:TIGHT], desk.buyers[TIGHT:]
    buyer = rng.choice(tight) if is_tight else rng.choices(roomy, [one.orders + 1 for one in roomy])[0]
    there = [item for item in items if item.free > 2 * item.case_pack]
    lines = [
        NewLine(product_id=item.id, quantity=item.case_pack * rng.randint(1, 2))
        for item in rng.sample(there, rng.randint(2, 7))
    ]
    if is_short:
        scarce = sorted(items, key=lambda item: item.free)[:12]
        item = rng.choice(scarce)
        lines.append(NewLine(product_id=item.id, quantity=max(item.free, 0) + item.case_pack * rng.randint(1, 3)))
    new = NewOrder(
        customer_id=buyer.id, lines=lines, requested_on=today() + timedelta(days=rng.randint(1, 6)),
        customer_reference=f"PO {rng.randint(1000, 99999)}" if rng.random() < 0.5 else None,
    )  # fmt: skip
    return await orders.place_order(desk.tx, new_id(), new)


async def _leave_draft(desk: Desk, order: OrderView) -> OrderView:
    return order


async def _confirm(desk: Desk, order: OrderView) -> OrderView:
    return await orders.confirm(desk.tx, order.id, Confirmation(expected_version=order.version))


async def _hold_for_stock(desk: Desk, order: OrderView) -> OrderView:
    return await orders.confirm(desk.tx, order.id, Confirmation(expected_version=order.version, complete_only=True))


async def _hold(desk: Desk, order: OrderView) -> OrderView:
    order = await _confirm(desk, order)
    return await orders.place_hold(desk.tx, order.id, desk.rng.choice(desk.trade.words.holds), order.version)


async def _pick(desk: Desk, order: OrderView) -> OrderView:
    order = await _confirm(desk, order)
    if order.open_holds or not shippable(order.lines):
        return order
    return await orders.start_picking(desk.tx, order.id, order.version)


async def _ship(desk: Desk, order: OrderView, *, most: int | None = None) -> OrderView:
    order = await _pick(desk, order)
    if order.stage != "picking":
        return order
    ready = list(shippable(order.lines).items())[:most]
    command = NewShipment(
        order_id=order.id, expected_version=order.version, carrier=desk.rng.choice(desk.trade.carriers),
        lines=[LineToShip(position=position, quantity=quantity) for position, quantity in ready],
    )  # fmt: skip
    await orders.ship(desk.tx, new_id(), command)
    return await orders.read_order(desk.tx, order.id)


async def _ship_part(desk: Desk, order: OrderView) -> OrderView:
    return await _ship(desk, order, most=1)


async def _invoice(desk: Desk, order: OrderView) -> OrderView:
    order = await _ship(desk, order)
    if order.shipments:
        await issue_invoice(desk.tx, new_id(), order.id, expected_version=order.version)
    return order


async def _sell(desk: Desk, order: OrderView) -> OrderView:
    """Take an order the whole way: paid on the day, and put away."""
    order = await _ship(desk, order)
    if not order.shipments:
        return order
    invoice = await issue_invoice(desk.tx, new_id(), order.id, expected_version=order.version)
    payment = NewPayment(
        customer_id=invoice.customer_id, method="card", received_on=today(), currency=invoice.currency,
        amount_minor=invoice.gross_minor, external_id=f"DEMO-{order.number}",
        allocations=[(invoice.id, invoice.gross_minor)],
    )  # fmt: skip
    await record_payment(desk.tx, new_id(), payment)
    order = await orders.read_order(desk.tx, order.id)
    return await orders.close(desk.tx, order.id, order.version) if order.stage == "invoiced" else order


async def _cancel(desk: Desk, order: OrderView) -> OrderView:
    order = await _confirm(desk, order)
    return await orders.cancel(desk.tx, order.id, Cancellation(expected_version=order.version))


async def _over_limit(desk: Desk, order: OrderView) -> OrderView:
    return await _confirm(desk, order)


async def _wait_for_stock(desk: Desk, order: OrderView) -> OrderView:
    return await _confirm(desk, order)


DEEDS: list[Deed] = [
    _leave_draft, _confirm, _over_limit, _wait_for_stock, _pick, _hold, _ship_part, _invoice, _hold_for_stock, _ship,
    _sell, _cancel,
]  # fmt: skip
"""What becomes of the day's orders, in turn."""
