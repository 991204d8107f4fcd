"""Products as the desk sees them: the list with what is free, and one product's stock, sales and prices."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from stockade.commerce.catalog.api import READ
from stockade.commerce.catalog.model import VAT_CATEGORIES
from stockade.commerce.desk.listing import Choice, Column, Flag, Listing, Search
from stockade.commerce.desk.naming import ACTOR
from stockade.database.statements import raw
from stockade.kernel.money import Money
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

STATES = {"active": N_("Active"), "archived": N_("Archived")}
VAT_LABELS = dict(zip(VAT_CATEGORIES, (
    N_("Standard rate"), N_("Reduced rate"), N_("Super-reduced rate"), N_("Zero rate"), N_("Exempt"), N_("Outside VAT"),
), strict=True))  # fmt: skip
_STOCK = """
    left join lateral (
        select sum(v.on_hand)::bigint as on_hand, sum(v.reserved)::bigint as reserved,
            sum(v.on_hand - v.reserved)::bigint as free
        from stock.level v where v.tenant_id = $1 and v.product_id = p.id
    ) shelf on true
"""
_COST = "catalog:cost"
_MARGIN = "case when p.list_price > 0 then round((1 - p.cost / p.list_price) * 100, 1) end"
_FREE = "case when p.stocked then coalesce(shelf.free, 0) end"
_SOLD_LATELY = """exists (
    select from orders.line l join orders.sales_order o on o.tenant_id = $1 and o.id = l.order_id
    where l.tenant_id = $1 and l.product_id = p.id and o.placed_at > {today}::timestamptz - interval '90 days'
)"""
PRODUCTS = Listing(
    name="products", address="/products", permission=READ,
    source="catalog.product p", where="p.tenant_id = $1", key="p.id", joins={"shelf": _STOCK},
    columns=(
        Column("sku", N_("SKU"), "p.sku", "code", sort=True, link="/products/{id}"),
        Column("name", N_("Name"), "p.name", sort=True),
        Column("price", N_("List price"), "p.list_price", "price", sort=True),
        Column("cost", N_("Cost"), "p.cost", "price", shown=False, permission=_COST),
        Column("margin", N_("Margin"), _MARGIN, "percent", shown=False, permission=_COST),
        Column("unit", N_("Unit"), "p.unit"),
        Column("on_hand", N_("On hand"), "case when p.stocked then coalesce(shelf.on_hand, 0) end", "quantity",
               needs=("shelf",)),
        Column("reserved", N_("Promised"), "nullif(shelf.reserved, 0)", "quantity", needs=("shelf",)),
        Column("free", N_("Free"), _FREE, "quantity", needs=("shelf",)),
        Column("reorder_point", N_("Reorder at"), "p.reorder_point", "quantity"),
        Column("vat", N_("VAT"), "p.vat_category", "badge", shown=False,
               badges={name: (label, "plain", "") for name, label in VAT_LABELS.items()}),
        Column("barcode", N_("Barcode"), "p.barcode", "code", shown=False),
        Column("case_pack", N_("Case"), "p.case_pack", "quantity", shown=False),
        Column("state", N_("State"), "p.state", "badge", shown=False,
               badges={"active": (STATES["active"], "good", ""), "archived": (STATES["archived"], "hollow", "")}),
    ),
    filters=(
        Search(
            "(p.sku ^@ upper({0}) or p.sku ^@ {0} or p.barcode = {0} or strpos(lower(p.name), lower({0})) > 0)",
            N_("SKU, name or barcode"),
        ),
        Choice("state", N_("State"), STATES, "p.state = {0}", tabs=True),
        Flag("low", N_("Low stock"), "p.stocked and p.state = 'active' and coalesce(shelf.free, 0) <= p.reorder_point",
             needs=("shelf",)),
        Flag("none", N_("None free"), "p.stocked and coalesce(shelf.free, 0) <= 0", needs=("shelf",)),
        Flag("idle", N_("Not sold for 90 days"), "not " + _SOLD_LATELY),
        Choice("vat", N_("VAT category"), VAT_LABELS, "p.vat_category = {0}"),
    ),
    sort="sku",
)  # fmt: skip


class Place(msgspec.Struct, frozen=True):
    """A product's stock in one warehouse, in units."""

    warehouse_id: UUID
    code: str
    name: str
    on_hand: int
    reserved: int


class Month(msgspec.Struct, frozen=True):
    """What was invoiced of a product in a month, less what was credited: units, and money in the company's currency."""

    month: date
    quantity: int
    net_minor: int


class PriceChange(msgspec.Struct, frozen=True):
    """A list price that held until it was changed, from the trail."""

    changed_at: datetime
    actor: str
    before: Decimal
    after: Decimal


class Use(msgspec.Struct, frozen=True):
    """An order that holds a product and has not been closed."""

    order_id: UUID
    number: str
    customer_name: str
    placed_at: datetime
    stage: str
    quantity: int
    left: int


_PLACES = raw(
    """
    select w.id, w.code, w.name, coalesce(v.on_hand, 0)::bigint, coalesce(v.reserved, 0)::bigint from stock.warehouse w
    left join stock.level v on v.tenant_id = $1 and v.warehouse_id = w.id and v.product_id = $2
    where w.tenant_id = $1 and (w.state = 'active' or v.on_hand > 0) order by w.code
    """,
    "this_tenant product_id",
    Place,
)
_MONTHS = raw(
    """
    select date_trunc('month', i.issued_on)::date,
        sum(case when i.kind = 'invoice' then l.quantity else -l.quantity end)::bigint,
        sum(case when i.kind = 'invoice' then l.net_minor else -l.net_minor end)::bigint
    from invoicing.line l join invoicing.invoice i on i.tenant_id = $1 and i.id = l.invoice_id
    where l.tenant_id = $1 and l.product_id = $2 and i.issued_on >= $3 and i.currency = $4 group by 1 order by 1
    """,
    "this_tenant product_id since currency",
    Month,
)
_PRICES = raw(
    f"""
    select e.recorded_at, {ACTOR}, (e.before ->> 'list_price')::numeric,
        (e.after ->> 'list_price')::numeric
    from audit.entry e
    left join identity.people() p on p.account_id = e.actor_id
    left join identity.api_key k on k.tenant_id = $1 and k.id = e.actor_id
    where e.tenant_id = $1 and e.subject_id = $2 and e.subject = 'catalog.product'
        and e.before ->> 'list_price' is distinct from e.after ->> 'list_price' and e.before ? 'list_price'
    order by e.recorded_at desc limit 50
    """,
    "this_tenant product_id",
    PriceChange,
)
_USES = raw(
    """
    select o.id, o.number, c.name, o.placed_at, o.stage, l.quantity, l.quantity - l.shipped - l.cancelled
    from orders.line l join orders.sales_order o on o.tenant_id = $1 and o.id = l.order_id
    join parties.customer c on c.tenant_id = $1 and c.id = o.customer_id
    where l.tenant_id = $1 and l.product_id = $2 and o.stage in ('draft', 'confirmed', 'picking')
        and l.quantity > l.shipped + l.cancelled
    order by o.placed_at, o.id limit 50
    """,
    "this_tenant product_id",
    Use,
)


async def places_of(tx: Transaction, product_id: UUID) -> list[Place]:
    """Return a product's stock by warehouse."""
    return await _PLACES.all(tx, product_id=product_id)


async def sales_by_month(
    tx: Transaction, product_id: UUID, since: date, currency: str
) -> list[tuple[date, int, Money]]:
    """Return units and revenue of each month that sold any, from the month of ``since`` on."""
    found = await _MONTHS.all(tx, product_id=product_id, since=since.replace(day=1), currency=currency)
    return [(it.month, it.quantity, Money(it.net_minor, currency)) for it in found]


async def price_history(tx: Transaction, product_id: UUID) -> list[PriceChange]:
    """Return how a product's list price changed, the newest change first."""
    return await _PRICES.all(tx, product_id=product_id)


async def open_uses(tx: Transaction, product_id: UUID) -> list[Use]:
    """Return the open orders that wait for a product, the oldest first."""
    return await _USES.all(tx, product_id=product_id)
