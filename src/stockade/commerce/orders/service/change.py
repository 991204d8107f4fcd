"""Changing a draft: its lines, note, wish for a date. Lines are updated in place: the trail shows each change."""

from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.orders.commands import DraftChange, NewLine
from stockade.commerce.orders.service.locked import lock_order
from stockade.commerce.orders.service.place import line_arrays
from stockade.commerce.orders.service.pricing import look_up, price_lines, totals_of
from stockade.commerce.orders.service.read import read_order
from stockade.commerce.orders.views import LineView, OrderView
from stockade.database.statements import Statement, raw
from stockade.tenancy.transaction import Transaction

_DROP: Statement[Any] = raw(
    """
    delete from orders.line as l
    where l.tenant_id = $1 and l.order_id = $2 and not exists (
        select from unnest($3::int[], $4::uuid[]) as k (position, product_id)
        where k.position = l.position and k.product_id = l.product_id
    )
    """,
    "this_tenant id positions products",
)
_WRITE: Statement[Any] = raw(
    """
    insert into orders.line as l (
        tenant_id, order_id, position, product_id, sku, description, quantity, unit_price, discount_percent,
        vat_category, vat_rate, net_minor, stocked, whole
    )
    select $1::uuid, $2::uuid, d.* from unnest(
        $3::int[], $4::uuid[], $5::text[], $6::text[], $7::int[], $8::numeric[], $9::numeric[],
        $10::text[], $11::numeric[], $12::bigint[], $13::bool[], $14::bool[]
    ) as d
    on conflict (tenant_id, order_id, position) do update set
        description = excluded.description, quantity = excluded.quantity, unit_price = excluded.unit_price,
        discount_percent = excluded.discount_percent, vat_category = excluded.vat_category,
        vat_rate = excluded.vat_rate, net_minor = excluded.net_minor, whole = excluded.whole
    """,
    "this_tenant id positions products skus descriptions quantities prices discounts categories rates nets stocked "
    "whole",
)
_UPDATE: Statement[Any] = raw(
    """
    update orders.sales_order set customer_reference = $3, requested_on = $4, note = $5, net_minor = $6, vat_minor = $7,
        gross_minor = $8, version = version + 1, updated_at = now()
    where tenant_id = $1 and id = $2
    """,
    "this_tenant id customer_reference requested_on note net vat gross",
)


async def change_draft(tx: Transaction, order_id: UUID, command: DraftChange) -> OrderView:
    """Change a draft and return it. A line that keeps its product at its position keeps its price, unless one is given.

    Raises what ``lock_order`` and ``place_order`` raise.
    """
    order = await lock_order(tx, order_id, "change", command.expected_version)
    lines = order.lines
    if command.lines is not msgspec.UNSET:
        lines = await _replace_lines(tx, order, command.lines)
    sums = totals_of(lines)
    await _UPDATE.run(
        tx, id=order_id, customer_reference=_chosen(command.customer_reference, order.customer_reference),
        requested_on=_chosen(command.requested_on, order.requested_on), note=_chosen(command.note, order.note),
        net=sums.net_minor, vat=sums.vat_minor, gross=sums.gross_minor,
    )  # fmt: skip
    return await read_order(tx, order_id)


async def _replace_lines(tx: Transaction, order: OrderView, wanted: list[NewLine]) -> list[LineView]:
    parties, offers = await look_up(tx, order.customer.id, order.warehouse.id, [line.product_id for line in wanted])
    lines = price_lines(tx, wanted, parties, offers, {line.position: line for line in order.lines})
    arrays = line_arrays(lines)
    await _DROP.run(tx, id=order.id, positions=arrays["positions"], products=arrays["products"])
    await _WRITE.run(tx, id=order.id, **arrays)
    return lines


def _chosen(given: Any, before: Any) -> Any:
    """Return what was given; absent is not the same as null."""
    return before if given is msgspec.UNSET else given
