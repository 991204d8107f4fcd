"""Looking up: a customer or a product by a few letters, each in one statement, best match first."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.catalog.rules import barcode_in
from stockade.commerce.desk.entry.folding import MOST_WORDS, folded_sql, word_starts
from stockade.commerce.parties.rules import customer_number
from stockade.database.statements import Statement, raw
from stockade.tenancy.transaction import Transaction

MOST_FOUND = 8
MOST_DIGITS = 10
"""A longer number is no customer's."""
_STARTS = [f"word{place}" for place in range(MOST_WORDS)]


class CustomerFound(msgspec.Struct, frozen=True):
    """A customer that may be meant; ``exact`` if its number was typed."""

    id: UUID
    number: str
    name: str
    city: str | None
    exact: bool


class ProductFound(msgspec.Struct, frozen=True):
    """A product that may be meant, ``exact`` if its SKU or barcode was typed. The price is the list price per unit in
    ``currency``; ``available`` is free in the warehouse, None for what is not kept in stock."""

    id: UUID
    sku: str
    name: str
    unit: str
    case_pack: int
    price: Decimal | None
    currency: str
    available: int | None
    exact: bool


def _begins(text: str, first: int) -> str:
    """Return the condition that every word that was typed begins a word of ``text``; values from ``$first`` on."""
    others = (f"(${n} = '' or strpos({text}, ${n}) > 0)" for n in range(first + 1, first + MOST_WORDS))
    return " and ".join([f"${first} <> ''", f"strpos({text}, ${first}) > 0", *others])


_CUSTOMERS: Statement[Any] = raw(
    f"""
    select c.id, c.number, c.name, (
            select a.city from parties.address as a where a.tenant_id = $1 and a.customer_id = c.id
            order by a.kind, a.id limit 1
        ), c.rank = 0
    from (
        select c.id, c.number, c.name,
            case when lower(c.number collate "C") = $2 or c.number = $8 then 0
                when starts_with(lower(c.number collate "C"), $2) then 1
                when starts_with(f.text, $4) then 2 else 3 end as rank
        from parties.customer as c
        cross join lateral (select {folded_sql("c.name")} as text offset 0) as f
        where c.tenant_id = $1 and c.state = 'active'
            and (starts_with(lower(c.number collate "C"), $2) or c.number = $8 or ({_begins("f.text", 4)}))
        order by rank, c.name, c.id limit $3
    ) as c
    order by c.rank, c.name, c.id
    """,
    f"this_tenant typed most {' '.join(_STARTS)} number",
    CustomerFound,
)
PRODUCT = """
    p.id, p.sku, p.name, p.unit, p.case_pack, case when t.currency = t.list_currency then trim_scale(p.list_price) end,
    t.currency, case when p.stocked then coalesce((
        select v.on_hand - v.reserved from stock.level as v
        where v.tenant_id = $1 and v.warehouse_id = t.warehouse_id and v.product_id = p.id
    ), 0) end"""
"""The columns of ``ProductFound`` but the last, of a product ``p`` and the terms ``t``."""
TERMS = """(
        select coalesce(c.currency, f.currency, '') as currency, coalesce(f.currency, c.currency, '') as list_currency,
            coalesce($3::uuid, (
                select id from stock.warehouse where tenant_id = $1 and state = 'active' order by code limit 1
            )) as warehouse_id
        from (select 1) as one
        left join parties.company as f on f.tenant_id = $1 and f.id = $1
        left join parties.customer as c on c.tenant_id = $1 and c.id = $2
    )"""
"""The currencies and the warehouse of the customer ``$2`` and the warehouse ``$3``; both may be absent."""
_PRODUCTS: Statement[Any] = raw(
    f"""
    select {PRODUCT}, p.rank = 0
    from (
        select p.*, case when p.barcode = $5 or lower(p.sku collate "C") = $4 then 0
            when starts_with(lower(p.sku collate "C"), $4) then 1 else 2 end as rank
        from catalog.product as p
        cross join lateral (select {folded_sql("p.sku || ' ' || p.name")} as text offset 0) as f
        where p.tenant_id = $1 and p.state = 'active'
            and (starts_with(lower(p.sku collate "C"), $4) or p.barcode = $5 or ({_begins("f.text", 7)}))
        order by rank, case when starts_with(lower(p.sku collate "C"), $4) then p.sku end, p.name, p.id limit $6
    ) as p cross join {TERMS} as t
    order by p.rank, case when p.rank < 2 then p.sku end, p.name, p.id
    """,
    f"this_tenant customer_id warehouse_id typed barcode most {' '.join(_STARTS)}",
    ProductFound,
)


async def find_customers(tx: Transaction, typed: str) -> list[CustomerFound]:
    """Return the active customers that may be meant: by number ("42" is C-00042, too), its beginning, or the beginnings
    of the name's words."""
    text = typed.strip()
    if not text:
        return []
    short = customer_number(int(text)) if text.isascii() and text.isdecimal() and len(text) < MOST_DIGITS else text
    return await _CUSTOMERS.all(tx, typed=text.lower(), most=MOST_FOUND, number=short, **_words(text))


async def find_products(
    tx: Transaction, typed: str, *, customer_id: UUID | None = None, warehouse_id: UUID | None = None
) -> list[ProductFound]:  # fmt: skip
    """Return the active products that may be meant: by SKU or barcode, then by the SKU's beginning, then by words.

    Each word that was typed begins one of the SKU's or the name's. An unknown customer or warehouse only leaves out
    what depends on it.
    """
    text = typed.strip()
    if not text:
        return []
    return await _PRODUCTS.all(
        tx, customer_id=customer_id, warehouse_id=warehouse_id, typed=text.lower(), barcode=barcode_in(text),
        most=MOST_FOUND, **_words(text),
    )  # fmt: skip


def _words(typed: str) -> dict[str, str]:
    return dict(zip(_STARTS, word_starts(typed), strict=True))
