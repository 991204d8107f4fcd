"""Stock as the desk sees it: what lies where, and everything that came and went."""

from decimal import Decimal
from uuid import UUID

import msgspec

from stockade.commerce.desk.listing import Choice, Column, Days, Entity, Flag, Listing, Search
from stockade.commerce.stock.permissions import READ
from stockade.database.statements import raw
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

REASON_LABELS = {
    "receipt": N_("Receipt"), "shipment": N_("Shipment"), "return": N_("Return"), "adjustment": N_("Adjustment"),
    "count": N_("Count"), "damage": N_("Damage"), "opening": N_("Opening stock"), "reversal": N_("Reversal"),
    "transfer": N_("Transfer"),
}  # fmt: skip
"""What a move's reason is called."""
LEVELS = Listing(
    name="stock", address="/stock", permission=READ,
    source="stock.level v join catalog.product p on p.tenant_id = $1 and p.id = v.product_id "
    "join stock.warehouse w on w.tenant_id = $1 and w.id = v.warehouse_id",
    where="v.tenant_id = $1", key="md5(p.id::text || w.id::text)::uuid", record="p.id",
    columns=(
        Column("sku", N_("SKU"), "p.sku", "code", sort=True, link="/products/{id}"),
        Column("name", N_("Product"), "p.name", sort=True),
        Column("warehouse", N_("Warehouse"), "w.code", "code"),
        Column("on_hand", N_("On hand"), "v.on_hand", "quantity", sort=True),
        Column("reserved", N_("Promised"), "v.reserved", "quantity"),
        Column("free", N_("Free"), "v.on_hand - v.reserved", "quantity", sort=True),
        Column("reorder_point", N_("Reorder at"), "p.reorder_point", "quantity"),
        Column("unit", N_("Unit"), "p.unit", shown=False),
    ),
    filters=(
        Search(
            "(p.sku ^@ upper({0}) or p.sku ^@ {0} or p.barcode = {0} or strpos(lower(p.name), lower({0})) > 0)",
            N_("SKU, name or barcode"),
        ),
        Entity("warehouse", N_("Warehouse"), "v.warehouse_id = {0}", "warehouses",
               shown="select name from stock.warehouse where tenant_id = $1 and id = $2"),
        Flag("low", N_("Low stock"), "v.on_hand - v.reserved <= p.reorder_point"),
        Flag("none", N_("None free"), "v.on_hand - v.reserved <= 0"),
        Flag("promised", N_("Promised"), "v.reserved > 0"),
    ),
    sort="sku",
)  # fmt: skip
MOVES = Listing(
    name="moves", address="/stock/moves", permission=READ,
    source="stock.move m join catalog.product p on p.tenant_id = $1 and p.id = m.product_id "
    "join stock.warehouse w on w.tenant_id = $1 and w.id = m.warehouse_id",
    where="m.tenant_id = $1", key="m.id",
    columns=(
        Column("at", N_("When"), "m.moved_at", "moment", sort=True, link="/stock/moves/{id}"),
        Column("sku", N_("SKU"), "p.sku", "code"),
        Column("product", N_("Product"), "p.name"),
        Column("warehouse", N_("Warehouse"), "w.code", "code"),
        Column("quantity", N_("Quantity"), "m.quantity::bigint", "quantity"),
        Column("reason", N_("Why"), "m.reason", "badge",
               badges={name: (label, "plain", "") for name, label in REASON_LABELS.items()}),
        Column("note", N_("Note"), "m.note"),
    ),
    filters=(
        Entity("product", N_("Product"), "m.product_id = {0}", "products",
               shown="select sku from catalog.product where tenant_id = $1 and id = $2"),
        Entity("warehouse", N_("Warehouse"), "m.warehouse_id = {0}", "warehouses",
               shown="select name from stock.warehouse where tenant_id = $1 and id = $2"),
        Choice("reason", N_("Why"), REASON_LABELS, "m.reason = {0}"),
        Days("moved", N_("When"), "m.moved_at", moment=True),
    ),
    sort="-at",
)  # fmt: skip


class Holder(msgspec.Struct, frozen=True):
    """An order that a product is reserved for."""

    order_id: UUID
    number: str
    customer_name: str
    quantity: int


_HOLDERS = raw(
    """
    select o.id, o.number, c.name, sum(r.quantity)::bigint from stock.reservation r
    join orders.sales_order o on o.tenant_id = $1 and o.id = r.order_id
    join parties.customer c on c.tenant_id = $1 and c.id = o.customer_id
    where r.tenant_id = $1 and r.warehouse_id = $2 and r.product_id = $3
    group by o.id, o.number, c.name order by o.number limit 50
    """,
    "this_tenant warehouse_id product_id",
    Holder,
)
_COSTS = raw("select id, cost from catalog.product where tenant_id = $1 and id = any($2)", "this_tenant products")


async def holders_of(tx: Transaction, warehouse_id: UUID, product_id: UUID) -> list[Holder]:
    """Return the orders that a product is reserved for in a warehouse."""
    return await _HOLDERS.all(tx, warehouse_id=warehouse_id, product_id=product_id)


async def costs_of(tx: Transaction, products: list[UUID]) -> dict[UUID, Decimal | None]:
    """Return what a unit of some products costs. For those with ``catalog:cost`` only."""
    return dict(await _COSTS.all(tx, products=products))
