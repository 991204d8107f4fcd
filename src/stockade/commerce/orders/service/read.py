"""Reading: one order with everything that belongs to it in one statement, and the list by keyset."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, Text, Uuid, exists, select, tuple_

from stockade.commerce.orders.model import Hold, Order
from stockade.commerce.orders.views import OrderRow, OrderView, ShipmentView
from stockade.commerce.parties.model import Customer
from stockade.database.statements import TENANT, Statement, param, raw, statement
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction

_SHIPMENT = """json_build_object(
    'id', s.id, 'order_id', s.order_id, 'number', s.number, 'shipped_at', s.shipped_at, 'carrier', s.carrier,
    'tracking', s.tracking, 'lines', (
        select json_agg(json_build_object('position', i.position, 'quantity', i.quantity) order by i.position)
        from orders.shipment_line as i where i.tenant_id = $1 and i.shipment_id = s.id
    )
)"""
# PostgreSQL builds the JSON of one object with its children faster than rows can be fetched and joined here. Decimals
# travel as text, without trailing zeros. Every table that is looked into verifies the pin once (20 us), so none is
# looked into that the stage rules out: a draft has no holds, and nothing has been shipped before picking.
_ORDER = raw(
    f"""
    select json_build_object(
        'id', o.id, 'number', o.number, 'stage', o.stage,
        'customer', json_build_object('id', c.id, 'number', c.number, 'name', c.name),
        'warehouse', json_build_object('id', o.warehouse_id),
        'customer_reference', o.customer_reference, 'placed_at', o.placed_at, 'requested_on', o.requested_on,
        'net', json_build_object('amount_minor', o.net_minor, 'currency', o.currency),
        'vat', json_build_object('amount_minor', o.vat_minor, 'currency', o.currency),
        'gross', json_build_object('amount_minor', o.gross_minor, 'currency', o.currency),
        'note', o.note, 'version', o.version,
        'lines', (
            select json_agg(json_build_object(
                'position', l.position, 'product_id', l.product_id, 'sku', l.sku, 'description', l.description,
                'quantity', l.quantity, 'unit_price', trim_scale(l.unit_price)::text,
                'discount_percent', trim_scale(l.discount_percent)::text, 'vat_category', l.vat_category,
                'vat_rate', trim_scale(l.vat_rate)::text,
                'net', json_build_object('amount_minor', l.net_minor, 'currency', o.currency), 'stocked', l.stocked,
                'reserved', l.reserved, 'shipped', l.shipped, 'invoiced', l.invoiced, 'cancelled', l.cancelled,
                'whole', l.whole
            ) order by l.position)
            from orders.line as l where l.tenant_id = $1 and l.order_id = o.id
        ),
        'delivery', (
            select json_build_object(
                'recipient', d.recipient, 'street', d.street, 'postcode', d.postcode, 'city', d.city,
                'country', d.country
            ) from orders.delivery as d where d.tenant_id = $1 and d.order_id = o.id
        ),
        'holds', case when o.stage = 'draft' then '[]' else (
            select coalesce(json_agg(json_build_object(
                'id', h.id, 'kind', h.kind, 'reason', h.reason, 'placed_at', h.placed_at,
                'released_at', h.released_at, 'released_by', h.released_by
            ) order by h.id), '[]')
            from orders.hold as h where h.tenant_id = $1 and h.order_id = o.id
        ) end,
        'shipments', case when o.stage in ('draft', 'confirmed', 'cancelled') then '[]' else (
            select coalesce(json_agg({_SHIPMENT} order by s.id), '[]')
            from orders.shipment as s where s.tenant_id = $1 and s.order_id = o.id
        ) end
    )::text
    from orders.sales_order as o
    join parties.customer as c on c.tenant_id = $1 and c.id = o.customer_id
    where o.tenant_id = $1 and o.id = $2
    """,
    "this_tenant id",
    str,
)
_ONE_SHIPMENT = raw(
    f"select {_SHIPMENT}::text from orders.shipment as s where s.tenant_id = $1 and s.id = $2", "this_tenant id", str
)
_ORDER_DECODER = msgspec.json.Decoder(OrderView)
_SHIPMENT_DECODER = msgspec.json.Decoder(ShipmentView)


async def read_order(tx: Transaction, order_id: UUID) -> OrderView:
    """Return an order, or raise ``NotFound``."""
    return _ORDER_DECODER.decode(await _ORDER.one(tx, id=order_id))


async def read_shipment(tx: Transaction, shipment_id: UUID) -> ShipmentView:
    """Return a shipment, or raise ``NotFound``."""
    return _SHIPMENT_DECODER.decode(await _ONE_SHIPMENT.one(tx, id=shipment_id))


class Filter(msgspec.Struct, frozen=True):
    """Which orders to list; None does not ask. ``number`` is how the order's number begins."""

    stage: str | None = None
    customer_id: UUID | None = None
    number: str | None = None
    on_hold: bool | None = None


async def list_orders(
    tx: Transaction, wanted: Filter, *, after: tuple[datetime, UUID] | None = None, count: int
) -> list[OrderRow]:
    """Return up to ``count`` orders, newest first, those after the given (placed_at, id)."""
    asked = _listing(
        wanted.stage is not None, wanted.customer_id is not None, wanted.number is not None, wanted.on_hold,
        after is not None,
    )  # fmt: skip
    after_at, after_id = after or (None, None)
    rows = await asked.all(
        tx, stage=wanted.stage, customer_id=wanted.customer_id, number=wanted.number, after_at=after_at,
        after_id=after_id, count=count,
    )  # fmt: skip
    return [
        OrderRow(key, number, stage, customer_id, name, placed_at, requested_on, Money(minor, currency), held, version)
        for key, number, stage, customer_id, name, placed_at, requested_on, minor, currency, held, version in rows
    ]


@cache
def _listing(by_stage: bool, by_customer: bool, by_number: bool, on_hold: bool | None, paged: bool) -> Statement[Any]:
    """Compose the list once for each shape that is asked for."""
    held = exists().where(Hold.tenant_id == TENANT, Hold.order_id == Order.id, Hold.released_at.is_(None))
    asked = (
        select(
            Order.id, Order.number, Order.stage, Order.customer_id, Customer.name, Order.placed_at, Order.requested_on,
            Order.gross_minor, Order.currency, held.label("on_hold"), Order.version,
        )
        .join(Customer, (Customer.tenant_id == TENANT) & (Customer.id == Order.customer_id))
        .where(Order.tenant_id == TENANT)
        .order_by(Order.placed_at.desc(), Order.id.desc())
        .limit(param("count"))
    )  # fmt: skip
    if by_stage:
        asked = asked.where(Order.stage == param("stage"))
    if by_customer:
        asked = asked.where(Order.customer_id == param("customer_id"))
    if by_number:
        # starts_with (^@) is leakproof, LIKE is not: only the former may use an index behind the policy.
        asked = asked.where(Order.number.op("^@", is_comparison=True)(param("number", Text)))
    if on_hold is not None:
        asked = asked.where(held if on_hold else ~held)
    if paged:
        place = tuple_(param("after_at", DateTime(timezone=True)), param("after_id", Uuid))
        asked = asked.where(tuple_(Order.placed_at, Order.id) < place)
    return statement(asked)
