"""Opening stock from a file: how much of each product is on which shelf on the day that the books begin."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from stockade.access.fields import Quantity, Text80
from stockade.access.permissions import Permission
from stockade.commerce.catalog.rules import Sku
from stockade.commerce.imports.fields import Field, Mapped, Reason, Source, Values
from stockade.commerce.imports.targets.declaration import Rejected, Taken, missing
from stockade.commerce.stock.permissions import ADJUST
from stockade.commerce.stock.rules import Change
from stockade.commerce.stock.service import make_moves
from stockade.database.statements import raw
from stockade.kernel.ids import new_id
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

_FIELDS = (
    Field(
        name="sku", label=N_("SKU"), required=True,
        synonyms=("stock code", "article number", "article", "item number", "item no", "item", "product code", "code",
                  "symbol", "indeks", "kod", "kod towaru", "kod produktu", "numer artykułu", "index"),
    ),
    Field(
        name="quantity", label=N_("Quantity"), kind="integer", required=True,
        synonyms=("qty", "on hand", "stock", "stock level", "in stock", "ilość", "stan", "stan magazynowy", "sztuk"),
        note=N_("How many units are on the shelf."),
    ),
    Field(
        name="warehouse", label=N_("Warehouse"), required=True,
        synonyms=("warehouse code", "location", "magazyn", "kod magazynu"), note=N_("The warehouse's code."),
    ),
)  # fmt: skip
_PRODUCTS = raw(
    "select p.sku, p.id, p.stocked from catalog.product p where p.tenant_id = $1 and p.sku = any($2::text[])",
    "this_tenant skus",
)
_WAREHOUSES = raw(
    "select w.code, w.id from stock.warehouse w where w.tenant_id = $1 and w.state = 'active' order by w.code",
    "this_tenant",
)
_OPENED = raw(
    "select distinct m.warehouse_id, m.product_id from stock.move m "
    "where m.tenant_id = $1 and m.product_id = any($2::uuid[]) and m.reason = 'opening'",
    "this_tenant products",
)


class OpeningStock:
    """What a file of opening stock can say, and what its lines do."""

    permissions: Sequence[Permission] = (ADJUST,)
    fields: Sequence[Field] = _FIELDS
    types: Mapping[str, Any] = {"sku": Sku, "quantity": Quantity, "warehouse": Text80}

    async def defaults(self, tx: Transaction) -> Mapped:
        """Return the only warehouse, if there is one only."""
        codes = [code for code, _ in await _WAREHOUSES.all(tx)]
        return {"warehouse": Source(value=codes[0])} if len(codes) == 1 else {}

    async def spellings(self, tx: Transaction) -> Mapping[str, Mapping[str, str]]:
        """Nothing is spelled otherwise."""
        return {}

    def key(self, values: Values) -> str:
        """A line is about a product in a warehouse."""
        return f"{values['sku']} {values.get('warehouse', '')}" if "sku" in values else ""

    async def batch(self, tx: Transaction, run_id: UUID, lines: Sequence[Values]) -> "_Batch":
        """Look up the products, the warehouses, and what has its opening stock already."""
        skus = [values["sku"] for values in lines if "sku" in values]
        products = {sku: (known, stocked) for sku, known, stocked in await _PRODUCTS.all(tx, skus=skus)}
        opened = await _OPENED.all(tx, products=[known for known, _ in products.values()])
        return _Batch(run_id, products, dict(await _WAREHOUSES.all(tx)), set(opened))


class _Batch(msgspec.Struct):
    run_id: UUID
    products: dict[str, tuple[UUID, bool]]
    warehouses: dict[str, UUID]
    opened: set[tuple[UUID, UUID]]

    async def take(self, tx: Transaction, values: Values) -> Taken:
        """Book the opening stock in; once for a product in a warehouse, however often a file is imported."""
        if lacking := missing(_FIELDS, values):
            raise Rejected(*lacking)
        product_id, stocked = self.products.get(values["sku"], (None, False))
        warehouse_id = self.warehouses.get(values["warehouse"])
        if product_id is None:
            raise Rejected(Reason("sku", N_("There is no product with this SKU.")))
        if not stocked:
            raise Rejected(Reason("sku", N_("This product is not kept in stock.")))
        if warehouse_id is None:
            raise Rejected(Reason("warehouse", N_("There is no active warehouse with this code.")))
        if (warehouse_id, product_id) in self.opened:
            raise Rejected(Reason("sku", N_("This product has its opening stock there already.")))
        change = Change(new_id(), warehouse_id, product_id, values["quantity"], "opening", self.run_id)
        await make_moves(tx, [change])
        return Taken("created", change.id)
