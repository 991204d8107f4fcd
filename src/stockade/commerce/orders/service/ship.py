"""Picking and shipping: goods leave, all at once or in parts, and never more than is reserved."""

from typing import Any
from uuid import UUID

from stockade.commerce.orders.commands import NewShipment
from stockade.commerce.orders.rules import plan_shipment, stage_after
from stockade.commerce.orders.service.locked import advanced, lock_order, save, with_lines
from stockade.commerce.orders.service.numbers import next_in, period
from stockade.commerce.orders.service.read import read_order, read_shipment
from stockade.commerce.orders.views import OrderView, ShipmentView
from stockade.commerce.stock import service as stock
from stockade.database.statements import Statement, raw
from stockade.tenancy.transaction import Transaction

_INSERT: Statement[Any] = raw(
    f"""
    with {next_in("shipment")}, made as (
        insert into orders.shipment (tenant_id, id, order_id, number, carrier, tracking)
        select $1::uuid, $3::uuid, $4::uuid, number, $5::text, $6::text from counter
    )
    insert into orders.shipment_line (tenant_id, shipment_id, position, order_id, quantity)
    select $1::uuid, $3::uuid, l.position, $4::uuid, l.quantity
    from unnest($7::int[], $8::int[]) as l (position, quantity)
    """,
    "this_tenant period id order_id carrier tracking positions quantities",
)


async def start_picking(tx: Transaction, order_id: UUID, expected_version: int) -> OrderView:
    """Send a confirmed order to the warehouse; ``OnHold`` while a hold is open.

    What is reserved no longer expires: somebody is walking to fetch it.
    """
    order = await lock_order(tx, order_id, "pick", expected_version)
    await stock.set_expiry(tx, order_id, None)
    await save(tx, order, "picking", {})
    return await read_order(tx, order_id)


async def ship(tx: Transaction, id: UUID, command: NewShipment) -> ShipmentView:
    """Ship what is named, or all that is reserved, and return the shipment (``id``).

    Reservations are consumed, moves take the goods off the shelf, and the order is shipped when nothing is left.
    ``Invalid`` if more is named than is reserved.
    """
    order = await lock_order(tx, command.order_id, "ship", command.expected_version)
    wanted = None if command.lines is None else {line.position: line.quantity for line in command.lines}
    leaving = plan_shipment(order.lines, wanted)
    stocked = {
        line.position: leaving[line.position] for line in order.lines if line.stocked and line.position in leaving
    }
    await stock.consume(tx, order.id, stocked, source_id=id)
    taken = {position: -quantity for position, quantity in stocked.items()}
    changed = advanced(order, shipped=leaving, reserved=taken)
    await save(tx, order, stage_after(order.stage, with_lines(order, changed)), changed)
    await _INSERT.run(
        tx, period=period(), id=id, order_id=order.id, carrier=command.carrier, tracking=command.tracking,
        positions=list(leaving), quantities=list(leaving.values()),
    )  # fmt: skip
    return await read_shipment(tx, id)
