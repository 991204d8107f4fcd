"""Warehouses: made, listed, read."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select

from stockade.commerce.stock.model import Warehouse
from stockade.database.statements import TENANT, Statement, param, statement
from stockade.kernel.problems import Conflict
from stockade.tenancy.transaction import Transaction, on_violation


class CodeTaken(Conflict):
    """Another warehouse of the tenant has this code."""

    type = "/problems/stock/code-taken"
    title = "A warehouse with this code exists already"


on_violation("warehouse_tenant_id_code_key", CodeTaken)


class WarehouseView(msgspec.Struct, frozen=True):
    """A place that stores goods; ``state`` is active or archived."""

    id: UUID
    code: str
    name: str
    state: str


_COLUMNS = (Warehouse.id, Warehouse.code, Warehouse.name, Warehouse.state)
_INSERT: Statement[Any] = statement(
    insert(Warehouse).values(tenant_id=TENANT, id=param("id"), code=param("code"), name=param("name"), state="active")
)
_BY_ID = statement(select(*_COLUMNS).where(Warehouse.tenant_id == TENANT, Warehouse.id == param("id")), WarehouseView)
_PAGE = statement(
    select(*_COLUMNS)
    .where(Warehouse.tenant_id == TENANT, Warehouse.code > param("after"))
    .order_by(Warehouse.code)
    .limit(param("count")),
    WarehouseView,
)


async def create_warehouse(tx: Transaction, *, id: UUID, code: str, name: str) -> WarehouseView:
    """Make a warehouse. The first one by code is where orders are served from unless they say otherwise."""
    await _INSERT.run(tx, id=id, code=code, name=name)
    return WarehouseView(id, code, name, "active")


async def read_warehouse(tx: Transaction, warehouse_id: UUID) -> WarehouseView:
    """Return a warehouse, or raise ``NotFound``."""
    return await _BY_ID.one(tx, id=warehouse_id)


async def list_warehouses(tx: Transaction, *, after: str = "", count: int) -> list[WarehouseView]:
    """Return up to ``count`` warehouses by code, those after the given code."""
    return await _PAGE.all(tx, after=after, count=count)
