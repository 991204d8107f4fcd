"""Placing an order: a draft with its lines, priced from the catalogue. Two statements, however many lines, and a third
if somebody chose where it goes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from stockade.commerce.orders.commands import NewOrder
from stockade.commerce.orders.service.deliver import send_to
from stockade.commerce.orders.service.numbers import next_in, period
from stockade.commerce.orders.service.pricing import look_up, price_lines, totals_of
from stockade.commerce.orders.views import LineView, OrderView
from stockade.database.statements import Statement, raw
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction

_INSERT: Statement[Any] = raw(
    f"""
    with {next_in("order")}, made as (
        insert into orders.sales_order (
            tenant_id, id, number, customer_id, warehouse_id, stage, currency, customer_reference, requested_on,
            net_minor, vat_minor, gross_minor, note
        )
        select $1::uuid, $3::uuid, number, $4::uuid, $5::uuid, 'draft', $6::text, $7::text, $8::date,
            $9::bigint, $10::bigint, $11::bigint, $12::text
        from counter
        returning number, placed_at
    ), lines as (
        insert into orders.line (
            tenant_id, order_id, position, product_id, sku, description, quantity, unit_price, discount_percent,
            vat_category, vat_rate, net_minor, stocked, whole
        )
        select $1::uuid, $3::uuid, l.* from unnest(
            $13::int[], $14::uuid[], $15::text[], $16::text[], $17::int[], $18::numeric[], $19::numeric[],
            $20::text[], $21::numeric[], $22::bigint[], $23::bool[], $24::bool[]
        ) as l
    )
    select number, placed_at from made
    """,
    "this_tenant period id customer_id warehouse_id currency customer_reference requested_on net vat gross note "
    "positions products skus descriptions quantities prices discounts categories rates nets stocked whole",
)


async def place_order(tx: Transaction, id: UUID, command: NewOrder) -> OrderView:
    """Make a draft and return it as it stands.

    ``Invalid`` if the customer, the warehouse, the address or a product is not there (or another tenant's),
    ``Forbidden`` if a price or discount is given without ``orders:price``.
    """
    parties, offers = await look_up(
        tx, command.customer_id, command.warehouse_id, [line.product_id for line in command.lines]
    )
    lines = price_lines(tx, command.lines, parties, offers)
    sums, currency = totals_of(lines), parties.currency
    number, placed_at = await _INSERT.one(
        tx, period=period(), id=id, customer_id=parties.customer.id, warehouse_id=parties.warehouse.id,
        currency=currency, customer_reference=command.customer_reference, requested_on=command.requested_on,
        net=sums.net_minor, vat=sums.vat_minor, gross=sums.gross_minor, note=command.note, **line_arrays(lines),
    )  # fmt: skip
    delivery = None
    if command.delivery_address_id is not None:
        delivery = await send_to(tx, id, parties.customer.id, command.delivery_address_id)
    return OrderView(
        id=id, number=number, stage="draft", customer=parties.customer, warehouse=parties.warehouse,
        customer_reference=command.customer_reference, placed_at=placed_at, requested_on=command.requested_on,
        net=Money(sums.net_minor, currency), vat=Money(sums.vat_minor, currency),
        gross=Money(sums.gross_minor, currency), note=command.note, version=1, lines=lines, delivery=delivery,
    )  # fmt: skip


def line_arrays(lines: Sequence[LineView]) -> dict[str, list[Any]]:
    """Return the columns of the lines, as ``unnest`` takes them."""
    return {
        "positions": [line.position for line in lines],
        "products": [line.product_id for line in lines],
        "skus": [line.sku for line in lines],
        "descriptions": [line.description for line in lines],
        "quantities": [line.quantity for line in lines],
        "prices": [line.unit_price for line in lines],
        "discounts": [line.discount_percent for line in lines],
        "categories": [line.vat_category for line in lines],
        "rates": [line.vat_rate for line in lines],
        "nets": [line.net.amount_minor for line in lines],
        "stocked": [line.stocked for line in lines],
        "whole": [line.whole for line in lines],
    }
