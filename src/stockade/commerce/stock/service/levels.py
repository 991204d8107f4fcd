"""Levels: what is on hand, promised and free, and what runs low."""

from functools import cache
from uuid import UUID

import msgspec
from sqlalchemy import Text, Uuid, select, tuple_

from stockade.commerce.catalog.model import Product
from stockade.commerce.stock.model import Level, Warehouse
from stockade.database.statements import TENANT, Statement, param, raw, statement
from stockade.tenancy.transaction import Transaction


class LevelView(msgspec.Struct, frozen=True):
    """A product in a warehouse, in units; ``available`` is on hand and promised to nobody."""

    product_id: UUID
    sku: str
    name: str
    warehouse_id: UUID
    warehouse_code: str
    on_hand: int
    reserved: int
    available: int


class LowStock(msgspec.Struct, frozen=True):
    """A product whose free stock, all warehouses together, is at its reorder point or below."""

    product_id: UUID
    sku: str
    name: str
    on_hand: int
    reserved: int
    available: int
    reorder_point: int


_LOW = raw(
    """
    select p.id, p.sku, p.name, coalesce(s.on_hand, 0)::bigint, coalesce(s.reserved, 0)::bigint,
        coalesce(s.on_hand - s.reserved, 0)::bigint, p.reorder_point
    from catalog.product as p
    left join lateral (
        select sum(l.on_hand) as on_hand, sum(l.reserved) as reserved from stock.level as l
        where l.tenant_id = $1 and l.product_id = p.id
    ) as s on true
    where p.tenant_id = $1 and p.stocked and p.state = 'active' and p.sku > $2
        and coalesce(s.on_hand - s.reserved, 0) <= p.reorder_point
    order by p.sku limit $3
    """,
    "this_tenant after count",
    LowStock,
)


async def list_levels(
    tx: Transaction, *, product_id: UUID | None = None, warehouse_id: UUID | None = None,
    after: tuple[str, UUID] | None = None, count: int,
) -> list[LevelView]:  # fmt: skip
    """Return up to ``count`` levels by SKU, those after the given (sku, warehouse)."""
    asked = _levels(product_id is not None, warehouse_id is not None, after is not None)
    after_sku, after_id = after or ("", None)
    return await asked.all(
        tx, product_id=product_id, warehouse_id=warehouse_id, after_sku=after_sku, after_id=after_id, count=count
    )


async def list_low_stock(tx: Transaction, *, after: str = "", count: int) -> list[LowStock]:
    """Return up to ``count`` active products that run low, by SKU, those after the given one."""
    return await _LOW.all(tx, after=after, count=count)


@cache
def _levels(by_product: bool, by_warehouse: bool, paged: bool) -> Statement[LevelView]:
    """Compose the list once for each shape that is asked for."""
    asked = (
        select(
            Level.product_id, Product.sku, Product.name, Level.warehouse_id, Warehouse.code.label("warehouse_code"),
            Level.on_hand, Level.reserved, (Level.on_hand - Level.reserved).label("available"),
        )
        .join(Product, (Product.tenant_id == Level.tenant_id) & (Product.id == Level.product_id))
        .join(Warehouse, (Warehouse.tenant_id == Level.tenant_id) & (Warehouse.id == Level.warehouse_id))
        .where(Level.tenant_id == TENANT, Product.tenant_id == TENANT, Warehouse.tenant_id == TENANT)
        .order_by(Product.sku, Level.warehouse_id)
        .limit(param("count"))
    )  # fmt: skip
    if by_product:
        asked = asked.where(Level.product_id == param("product_id"))
    if by_warehouse:
        asked = asked.where(Level.warehouse_id == param("warehouse_id"))
    if paged:
        place = tuple_(param("after_sku", Text), param("after_id", Uuid))
        asked = asked.where(tuple_(Product.sku, Level.warehouse_id) > place)
    return statement(asked, LevelView)
