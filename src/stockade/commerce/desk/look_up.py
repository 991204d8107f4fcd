"""Looking records up while somebody types: for pickers and for the command palette, one statement each.

Customers and products are found by any part of their number or name, those that begin so first, and products by
barcode; orders and invoices by any part of their number (who says "eighteen nineteen" on the telephone means its end).
What is archived is not found. The queries read a tenant's rows in index order and compare texts: no index serves a part
of a word, and none needs to at the size of a tenant.
"""

from collections.abc import Mapping
from functools import cache
from uuid import UUID

import msgspec

from stockade.access.permissions import PERMISSIONS
from stockade.database.statements import Statement, raw
from stockade.tenancy.transaction import Transaction

MOST_FOUND = 12


class Found(msgspec.Struct, frozen=True):
    """A record that was found: what it is called, what tells it from others, and where its page is."""

    kind: str
    id: UUID
    label: str
    detail: str
    href: str


class _Kind(msgspec.Struct, frozen=True):
    """A kind of record: who may look for it, and the query.

    ``$2`` is the text in small letters, ``$3`` a pattern of anything that holds it as it was typed, ``$4`` the same in
    capitals (which costs a third of ILIKE), ``$5`` how many.
    """

    permission: str
    sql: str


_BEST_FIRST = """
    case when lower({number}) = $2::text then 0 when lower({name}) like $2::text || '%' then 1
        when lower({name}) like '% ' || $2::text || '%' then 2 else 3 end, {name}, {id}
"""
# A text without a figure is no part of a number: then nothing is read at all.
_DOCUMENTS = """
    select '{kind}', d.id, d.number, c.name, '/{kind}/' || d.id from (
        select d.id, d.number, d.customer_id, d.{day} from {table} d
        where d.tenant_id = $1 and ($2::text ~ '[0-9]' or $2::text = '')
            and (d.number like $4::text or d.number like $3::text)
        order by d.{day} desc, d.id desc limit $5::int
    ) d join parties.customer c on c.tenant_id = $1 and c.id = d.customer_id order by d.{day} desc, d.id desc
"""
KINDS: Mapping[str, _Kind] = {
    "customers": _Kind(
        "parties:read",
        f"""
        select 'customers', c.id, c.name, c.number, '/customers/' || c.id from parties.customer c
        where c.tenant_id = $1 and c.state = 'active'
            and (c.name ilike $3::text or c.number like $4::text or c.number like $3::text)
        order by {_BEST_FIRST.format(number="c.number", name="c.name", id="c.id")} limit $5::int
        """,
    ),
    "products": _Kind(
        "catalog:read",
        f"""
        select 'products', p.id, p.name, p.sku, '/products/' || p.id from catalog.product p
        where p.tenant_id = $1 and p.state = 'active'
            and (p.name ilike $3::text or p.sku like $4::text or p.sku like $3::text or p.barcode = $2::text)
        order by {_BEST_FIRST.format(number="p.sku", name="p.name", id="p.id")} limit $5::int
        """,
    ),
    "orders": _Kind(
        "orders:read", _DOCUMENTS.format(kind="orders", table="orders.sales_order", day="placed_at")
    ),
    "invoices": _Kind(
        "invoices:read", _DOCUMENTS.format(kind="invoices", table="invoicing.invoice", day="issued_on")
    ),
    "warehouses": _Kind(
        "stock:read",
        "select 'warehouses', w.id, w.name, w.code, '/stock?warehouse=' || w.id from stock.warehouse w "
        "where w.tenant_id = $1 and w.state = 'active' and (lower(w.code) ^@ $2::text or lower(w.name) ^@ $2::text "
        "or $3::text = '' or $4::text = '') order by w.code, w.id limit $5::int",
    ),
    "members": _Kind(
        "members:read",
        "select 'members', p.account_id, p.name, p.email, '/members/' || p.membership_id from identity.people() p "
        "where (lower(p.name) ^@ $2::text or lower(p.email) ^@ $2::text or $3::text = '' or $4::text = '') "
        "and $1::uuid is not null order by p.name, p.account_id limit $5::int",
    ),
}  # fmt: skip
_IN_THE_PALETTE = ("customers", "products", "orders", "invoices")
_OF_EACH = 5
"""How many of each kind stand in the palette, where several kinds share the room."""


async def look_up(tx: Transaction, kind: str, text: str) -> list[Found]:
    """Return the best ``MOST_FOUND`` records of a kind for a text; without one, those that come first or are newest."""
    return await _statement((kind,)).all(tx, **_values(text), count=MOST_FOUND)


async def look_up_everything(tx: Transaction, text: str) -> list[Found]:
    """Return the best records of every kind that the principal may read; nothing for no text."""
    kinds = tuple(name for name in _IN_THE_PALETTE if PERMISSIONS[KINDS[name].permission].granted_to(tx.principal))
    if not text or not kinds:
        return []
    return await _statement(kinds).all(tx, **_values(text), count=_OF_EACH)


def _values(text: str) -> dict[str, str]:
    # What LIKE would read as a sign of its own is a letter like any other here.
    part = "%" + text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    return {"text": text.lower(), "part": part, "capitals": part.upper()}


@cache
def _statement(kinds: tuple[str, ...]) -> Statement[Found]:
    """Return the statement that looks for some kinds at once, in their order."""
    parts = " union all ".join(f"(select * from ({KINDS[kind].sql}) found)" for kind in kinds)
    return raw(parts, "this_tenant text part capitals count", Found)
