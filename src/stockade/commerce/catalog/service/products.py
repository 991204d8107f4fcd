"""Products: written down, found, changed, archived; never deleted, because documents refer to them for ever."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import BigInteger, Text, Uuid, func, insert, or_, select, tuple_, update

from stockade.access.fields import Text80, Text200, Text2000, UnitPrice, Version, checked_price, merged
from stockade.commerce.catalog.model import Product
from stockade.commerce.catalog.rules import (
    Barcode,
    CasePack,
    ProductState,
    ReorderPoint,
    Sku,
    VatCategory,
    barcode_in,
    checked_barcode,
)
from stockade.database.statements import TENANT, Guard, param, statement
from stockade.kernel.problems import Conflict, VersionConflict
from stockade.tenancy.pin import NOBODY
from stockade.tenancy.transaction import Transaction, on_violation


class SkuTaken(Conflict):
    """Another product of this tenant, perhaps an archived one, has the SKU."""

    type = "/problems/catalog/sku-taken"
    title = "Another product has this SKU"


class BarcodeTaken(Conflict):
    """Another product of this tenant, perhaps an archived one, has the barcode."""

    type = "/problems/catalog/barcode-taken"
    title = "Another product has this barcode"


on_violation("product_tenant_id_sku_key", SkuTaken)
on_violation("product_barcode_uidx", BarcodeTaken)


class ProductView(msgspec.Struct, frozen=True):
    """A product as everybody in the tenant may see it: what it costs us is ``ProductCost``, behind ``catalog:cost``.

    ``list_price`` is per ``unit`` in major units of the company's currency, before VAT.
    """

    id: UUID
    sku: str
    name: str
    description: str
    unit: str
    case_pack: int
    vat_category: VatCategory
    barcode: str | None
    list_price: Decimal
    reorder_point: int | None
    stocked: bool
    state: ProductState
    version: int
    created_at: datetime
    updated_at: datetime


class ProductCost(msgspec.Struct, frozen=True):
    """What one unit costs the distributor, in major units of the company's currency; null if nobody has said."""

    id: UUID
    cost: Annotated[Decimal | None, Guard("catalog:cost")]
    version: int


class NewProduct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product to be written down. The SKU stays as it is for ever."""

    sku: Sku
    name: Text200
    list_price: UnitPrice
    vat_category: VatCategory
    description: Text2000 = ""
    unit: Text80 = "piece"
    case_pack: CasePack = 1
    barcode: Barcode | None = None
    reorder_point: ReorderPoint | None = None
    stocked: bool = True

    def __post_init__(self) -> None:
        checked_price(self.list_price)


class ProductChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different about a product; what is left out stays as it is."""

    expected_version: Version
    name: Text200 | UnsetType = UNSET
    list_price: UnitPrice | UnsetType = UNSET
    vat_category: VatCategory | UnsetType = UNSET
    description: Text2000 | UnsetType = UNSET
    unit: Text80 | UnsetType = UNSET
    case_pack: CasePack | UnsetType = UNSET
    barcode: Barcode | UnsetType | None = UNSET
    reorder_point: ReorderPoint | UnsetType | None = UNSET
    stocked: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.list_price is not UNSET:
            checked_price(self.list_price)


class CostChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one unit costs from now on, in major units; null for unknown."""

    expected_version: Version
    cost: UnitPrice | None

    def __post_init__(self) -> None:
        if self.cost is not None:
            checked_price(self.cost)


_FIELDS = [getattr(Product, name) for name in ProductView.__struct_fields__]
_CHANGEABLE = (
    *("name", "description", "unit", "case_pack", "vat_category", "barcode", "list_price", "reorder_point", "stocked"),
    "state",
)
_THIS = (Product.tenant_id == TENANT, Product.id == param("id"))
_AS_SEEN = (*_THIS, Product.version == param("expected"))
_NEWER = {"version": Product.version + 1, "updated_at": func.now()}

_INSERT = statement(
    insert(Product)
    .values({name: param(name) for name in NewProduct.__struct_fields__})
    .values(tenant_id=TENANT, id=param("id"), state="active")
    .returning(*_FIELDS),
    ProductView,
)
_BY_ID = statement(select(*_FIELDS).where(*_THIS), ProductView)
_UPDATE = statement(
    update(Product)
    .where(*_AS_SEEN)
    .values({name: param(f"new_{name}") for name in _CHANGEABLE} | _NEWER)
    .returning(*_FIELDS),
    ProductView,
)
_COST = statement(select(Product.id, Product.cost, Product.version).where(*_THIS), ProductCost)
_SET_COST = statement(
    update(Product)
    .where(*_AS_SEEN)
    .values({"cost": param("new_cost")} | _NEWER)
    .returning(Product.id, Product.cost, Product.version),
    ProductCost,
)


_PLACE = tuple_(Product.name, Product.id) > tuple_(param("after_name", Text), param("after_id", Uuid))
_IN_STATE = or_(param("state", Text).is_(None), Product.state == param("state", Text))
_LIST = (
    select(*_FIELDS)
    .where(Product.tenant_id == TENANT, _PLACE, _IN_STATE)
    .order_by(Product.name, Product.id)
    .limit(param("limit", BigInteger))
)
_PAGE = statement(_LIST, ProductView)
_WANTED = func.lower(param("search", Text))
_SEARCH = statement(
    _LIST.where(
        or_(
            func.strpos(func.lower(Product.name), _WANTED) > 0,
            func.starts_with(func.lower(Product.sku), _WANTED),
            Product.barcode == param("barcode", Text),
        )
    ),
    ProductView,
)
BEFORE_ALL = ("", NOBODY)


async def create_product(tx: Transaction, id: UUID, new: NewProduct) -> ProductView:
    """Write a product down; ``SkuTaken`` or ``BarcodeTaken`` at the end of the transaction's block."""
    given = msgspec.structs.asdict(new)
    given["barcode"] = None if new.barcode is None else checked_barcode(new.barcode)
    return await _INSERT.one(tx, id=id, **given)


async def read_product(tx: Transaction, product_id: UUID) -> ProductView:
    """Return a product, archived or not; ``NotFound`` if there is none."""
    return await _BY_ID.one(tx, id=product_id)


async def list_products(
    tx: Transaction,
    *,
    state: ProductState | None = None,
    search: str | None = None,
    after: tuple[str, UUID] = BEFORE_ALL,
    limit: int = 50,
) -> list[ProductView]:
    """Return up to ``limit`` products in the order of name and id, from ``after`` (a name and an id) on.

    ``search`` finds part of a name, the beginning of a SKU, both in any case, or a barcode. It reads the tenant's
    products in order until the page is full: ``lower`` is not leakproof, so behind a row policy no index can serve it
    (25 ms for a catalogue of 50,000 without a hit).
    """
    place = {"after_name": after[0], "after_id": after[1], "state": state, "limit": limit}
    if search is None:
        return await _PAGE.all(tx, **place)
    return await _SEARCH.all(tx, search=search, barcode=barcode_in(search), **place)


async def change_product(tx: Transaction, product_id: UUID, change: ProductChange) -> ProductView:
    """Change some fields of a product; ``VersionConflict`` unless it still is as the caller has read it."""
    before = await _BY_ID.one(tx, id=product_id)
    after = merged(before, change)
    if isinstance(change.barcode, str):
        after = msgspec.structs.replace(after, barcode=checked_barcode(change.barcode))
    return await _save(tx, before, after, change.expected_version)


async def set_state(tx: Transaction, product_id: UUID, state: ProductState, expected_version: int) -> ProductView:
    """Archive or restore a product. Archived, it can no longer be ordered, and keeps its SKU and barcode."""
    before = await _BY_ID.one(tx, id=product_id)
    return await _save(tx, before, msgspec.structs.replace(before, state=state), expected_version)


async def read_cost(tx: Transaction, product_id: UUID) -> ProductCost:
    """Return what a product costs. For those with ``catalog:cost`` only."""
    return await _COST.one(tx, id=product_id)


async def set_cost(tx: Transaction, product_id: UUID, change: CostChange) -> ProductCost:
    """Set what a product costs; ``VersionConflict`` unless it still is as the caller has read it."""
    changed = await _SET_COST.first(tx, id=product_id, new_cost=change.cost, expected=change.expected_version)
    if changed is None:
        await _COST.one(tx, id=product_id)
        raise VersionConflict
    return changed


async def _save(tx: Transaction, before: ProductView, after: ProductView, expected_version: int) -> ProductView:
    """Write the difference, if there is one. The statement repeats the version: somebody may have been quicker."""
    if before.version != expected_version:
        raise VersionConflict
    if after == before:
        return before
    values = {f"new_{name}": getattr(after, name) for name in _CHANGEABLE}
    saved = await _UPDATE.first(tx, id=before.id, expected=expected_version, **values)
    if saved is None:
        raise VersionConflict
    return saved
