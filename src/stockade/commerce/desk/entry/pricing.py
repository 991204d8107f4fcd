"""Pricing an entry: what the lines cost, what the shelves can give, and what the customer's credit leaves.

Nothing is written. Prices are the orders slice's (``quote``), the sharing of stock is that of confirming
(``share_out``), credit is what confirming will compare. Seven statements at most, whatever the number of lines.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.desk.entry.looking import PRODUCT, TERMS, ProductFound
from stockade.commerce.orders.commands import Quotation
from stockade.commerce.orders.credit import exposure_of
from stockade.commerce.orders.service import Quote, quote
from stockade.commerce.orders.views import LineView
from stockade.commerce.parties.permissions import CREDIT
from stockade.commerce.stock.rules import Demand, share_out
from stockade.database.statements import Statement, raw
from stockade.kernel.clock import today
from stockade.kernel.money import exponent_of
from stockade.tenancy.pin import NOBODY
from stockade.tenancy.transaction import Transaction

MOST_OFFERED = 5
"""How many substitutes of one product are offered."""


class PricedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it would be placed; with a ``problem``, only that. Of the quantity, ``granted`` would be reserved now;
    ``available`` is free in the warehouse, ``elsewhere`` in the others, None for what is not kept in stock; ``free`` is
    what the lines above leave of it."""

    problem: str = ""
    sku: str = ""
    name: str = ""
    unit: str = ""
    case_pack: int = 1
    unit_price: Decimal | None = None
    discount_percent: Decimal | None = None
    net_minor: int = 0
    available: int | None = None
    elsewhere: int = 0
    free: int = 0
    granted: int = 0
    substitutes: list[ProductFound] = []


class AddressChoice(msgspec.Struct, frozen=True):
    """One of the customer's addresses."""

    id: UUID
    recipient: str
    street: str
    postcode: str
    city: str


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer may owe (None: any amount), owes or will owe already, and what this order leaves of it.

    In minor units; ``overdue_minor`` is due since ``overdue_since``.
    """

    limit_minor: int | None
    used_minor: int
    left_minor: int | None
    overdue_minor: int
    overdue_since: date | None
    terms_days: int


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """An entry priced: lines in the order in which they were sent, amounts in minor units with so many ``digits``."""

    customer_id: UUID
    customer_number: str
    customer_name: str
    warehouse_id: UUID
    currency: str
    digits: int
    net_minor: int
    vat_minor: int
    gross_minor: int
    lines: list[PricedLine]
    credit: Credit
    addresses: list[AddressChoice]


class _Shelf(msgspec.Struct, frozen=True):
    product_id: UUID
    unit: str
    case_pack: int
    available: int
    elsewhere: int


class _Standing(msgspec.Struct, frozen=True):
    limit_minor: int | None
    terms_days: int
    overdue_minor: int
    overdue_since: date | None
    addresses: list[AddressChoice]


_SHELVES = raw(
    """
    select p.id, p.unit, p.case_pack,
        coalesce(sum(v.on_hand - v.reserved) filter (where v.warehouse_id = $2), 0)::bigint,
        coalesce(sum(v.on_hand - v.reserved) filter (where v.warehouse_id <> $2), 0)::bigint
    from catalog.product as p
    left join stock.level as v on v.tenant_id = $1 and v.product_id = p.id
    where p.tenant_id = $1 and p.id = any($3::uuid[])
    group by p.id, p.unit, p.case_pack
    """,
    "this_tenant warehouse_id products",
    _Shelf,
)
_INSTEAD: Statement[Any] = raw(
    f"""
    select s.product_id, {PRODUCT}, false
    from catalog.substitute as s
    join catalog.product as p on p.tenant_id = $1 and p.id = s.substitute_id and p.state = 'active'
    cross join {TERMS} as t
    where s.tenant_id = $1 and s.product_id = any($4::uuid[])
    order by s.product_id, s.position
    """,
    "this_tenant customer_id warehouse_id products",
)
_STANDING = raw(
    """
    select json_build_object(
        'limit_minor', c.credit_limit_minor, 'terms_days', c.terms_days,
        'overdue_minor', i.open, 'overdue_since', i.since,
        'addresses', (
            select coalesce(json_agg(json_build_object(
                'id', a.id, 'recipient', a.recipient, 'street', a.street, 'postcode', a.postcode, 'city', a.city
            ) order by a.kind = 'shipping' desc, a.id), '[]')
            from parties.address as a where a.tenant_id = $1 and a.customer_id = c.id
        )
    )::text
    from parties.customer as c
    cross join lateral (
        select coalesce(sum(o.open_minor), 0)::bigint as open, min(o.due_on) as since from receivables.open_item as o
        where o.tenant_id = $1 and o.customer_id = c.id and o.currency = c.currency and o.open_minor > 0
            and o.due_on < $3
    ) as i
    where c.tenant_id = $1 and c.id = $2
    """,
    "this_tenant customer_id today",
    str,
)


async def price_entry(tx: Transaction, asked: Quotation) -> Priced:
    """Price an entry. ``Invalid`` and ``Forbidden`` as ``quote`` has them; a line's own problem stands at the line."""
    quoted = await quote(tx, asked)
    parties, totals = quoted.parties, quoted.totals
    place, customer = parties.warehouse.id, parties.customer
    products = {line.line.product_id for line in quoted.lines if line.line is not None}
    shelves = {row.product_id: row for row in await _SHELVES.all(tx, warehouse_id=place, products=list(products))}
    granted = _granted(quoted, place, shelves)
    short = {
        quoted_line.line.product_id
        for position, quoted_line in enumerate(quoted.lines, start=1)
        if quoted_line.line is not None and quoted_line.line.stocked
        and granted.get(position, 0) < quoted_line.line.quantity
    }  # fmt: skip
    instead = await _substitutes(tx, customer.id, place, short)
    left = {product_id: shelf.available for product_id, shelf in shelves.items()}
    return Priced(
        customer_id=customer.id, customer_number=customer.number, customer_name=customer.name, warehouse_id=place,
        currency=parties.currency, digits=exponent_of(parties.currency), net_minor=totals.net_minor,
        vat_minor=totals.vat_minor, gross_minor=totals.gross_minor,
        lines=[
            _line(quoted_line.line, quoted_line.problem, shelves, granted.get(position, 0), left, instead)
            for position, quoted_line in enumerate(quoted.lines, start=1)
        ],
        **await _standing(tx, customer.id, parties.currency, totals.gross_minor),
    )  # fmt: skip


def _granted(quoted: Quote, place: UUID, shelves: dict[UUID, _Shelf]) -> dict[int, int]:
    """Return what confirming would reserve now, by position: lines that share an item share its stock."""
    demands = [
        Demand(NOBODY, position, place, item.line.product_id, item.line.quantity, whole=item.line.whole)
        for position, item in enumerate(quoted.lines, start=1)
        if item.line is not None and item.line.stocked
    ]
    free = {(place, product_id): shelf.available for product_id, shelf in shelves.items()}
    return {demand.position: demand.quantity for demand in share_out(demands, free)}


async def _substitutes(
    tx: Transaction, customer_id: UUID, warehouse_id: UUID, short: Iterable[UUID]
) -> dict[UUID, list[ProductFound]]:
    wanted = list(short)
    found: dict[UUID, list[ProductFound]] = {}
    if wanted:
        rows = await _INSTEAD.all(tx, customer_id=customer_id, warehouse_id=warehouse_id, products=wanted)
        for product_id, *product in rows:
            found.setdefault(product_id, []).append(ProductFound(*product))
    return found


def _line(
    line: LineView | None, problem: str, shelves: dict[UUID, _Shelf], granted: int, left: dict[UUID, int],
    instead: dict[UUID, list[ProductFound]],
) -> PricedLine:  # fmt: skip
    """Return a line with what it gets; that is taken from what is ``left`` for the lines below."""
    if line is None:
        return PricedLine(problem=problem)
    shelf, free = shelves[line.product_id], left[line.product_id]
    left[line.product_id] = free - granted
    return PricedLine(
        sku=line.sku, name=line.description, unit=shelf.unit, case_pack=shelf.case_pack, unit_price=line.unit_price,
        discount_percent=line.discount_percent, net_minor=line.net.amount_minor,
        available=shelf.available if line.stocked else None, elsewhere=shelf.elsewhere if line.stocked else 0,
        free=max(0, free) if line.stocked else line.quantity, granted=granted if line.stocked else line.quantity,
        substitutes=instead.get(line.product_id, [])[:MOST_OFFERED],
    )  # fmt: skip


async def _standing(tx: Transaction, customer_id: UUID, currency: str, gross_minor: int) -> dict[str, Any]:
    """Return the customer's credit and addresses."""
    text = await _STANDING.one(tx, customer_id=customer_id, today=today())
    standing = msgspec.json.decode(text, type=_Standing)
    used = await exposure_of(tx, customer_id, currency, except_order=NOBODY)
    limit = None if CREDIT.name in tx.hidden else standing.limit_minor
    credit = Credit(
        limit_minor=limit, used_minor=used, left_minor=None if limit is None else limit - used - gross_minor,
        overdue_minor=standing.overdue_minor, overdue_since=standing.overdue_since, terms_days=standing.terms_days,
    )  # fmt: skip
    return {"credit": credit, "addresses": standing.addresses}
