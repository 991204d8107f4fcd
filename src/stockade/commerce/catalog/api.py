"""The catalogue through the API: products, what they cost, and VAT rates."""

from uuid import UUID

from stockade.access.fields import ExpectedVersion, Search
from stockade.access.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from stockade.access.permissions import permission
from stockade.access.routes import create, get, patch, post, put
from stockade.commerce.catalog.rules import ProductState
from stockade.commerce.catalog.service import products, substitutes, vat
from stockade.commerce.catalog.service.products import (
    BarcodeTaken,
    CostChange,
    NewProduct,
    ProductChange,
    ProductCost,
    ProductView,
    SkuTaken,
)
from stockade.commerce.catalog.service.substitutes import Substitutes, SubstitutesSetting
from stockade.commerce.catalog.service.vat import VatRateSetting, VatRateView
from stockade.kernel.problems import VersionConflict
from stockade.tenancy.transaction import Transaction

READ = permission("catalog:read", least="viewer")
CREATE = permission("catalog:create", least="member")
UPDATE = permission("catalog:update", least="member")
ARCHIVE = permission("catalog:archive", least="member")
COST = permission("catalog:cost", least="admin", changes=False)
SET_COST = permission("catalog:set_cost", least="admin")
SET_VAT_RATE = permission("catalog:set_vat_rate", least="admin")


@get("/products/{product_id:uuid}", permission=READ)
async def read_product(tx: Transaction, product_id: UUID) -> ProductView:
    """Read a product."""
    return await products.read_product(tx, product_id)


@get("/products", permission=READ)
async def list_products(
    tx: Transaction,
    state: ProductState | None = None,
    search: Search = None,
    after: Cursor | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[ProductView]:
    """List products in the order of their names.

    `search` finds part of a name or the beginning of a SKU, in upper or lower case, or a whole barcode.
    """
    place = products.BEFORE_ALL if after is None else decode_cursor(after, (str, UUID))
    found = await products.list_products(tx, state=state, search=search, after=(place[0], place[1]), limit=limit + 1)
    more = encode_cursor(found[limit - 1].name, found[limit - 1].id) if len(found) > limit else None
    return Page(found[:limit], more)


@create("/products", permission=CREATE, read=read_product, problems=[SkuTaken, BarcodeTaken])
async def create_product(tx: Transaction, id: UUID, data: NewProduct) -> ProductView:
    """Write a product down."""
    return await products.create_product(tx, id, data)


@patch("/products/{product_id:uuid}", permission=UPDATE, problems=[VersionConflict, BarcodeTaken])
async def change_product(tx: Transaction, product_id: UUID, data: ProductChange) -> ProductView:
    """Change some fields of a product."""
    return await products.change_product(tx, product_id, data)


@post("/products/{product_id:uuid}/archive", permission=ARCHIVE, problems=[VersionConflict])
async def archive_product(tx: Transaction, product_id: UUID, data: ExpectedVersion) -> ProductView:
    """Archive a product: it can no longer be ordered. Documents that name it stay as they are."""
    return await products.set_state(tx, product_id, "archived", data.expected_version)


@post("/products/{product_id:uuid}/restore", permission=ARCHIVE, problems=[VersionConflict])
async def restore_product(tx: Transaction, product_id: UUID, data: ExpectedVersion) -> ProductView:
    """Take a product back out of the archive."""
    return await products.set_state(tx, product_id, "active", data.expected_version)


@get("/products/{product_id:uuid}/cost", permission=COST)
async def read_product_cost(tx: Transaction, product_id: UUID) -> ProductCost:
    """Read what a product costs the distributor."""
    return await products.read_cost(tx, product_id)


@post("/products/{product_id:uuid}/cost", permission=SET_COST, problems=[VersionConflict])
async def set_product_cost(tx: Transaction, product_id: UUID, data: CostChange) -> ProductCost:
    """Set what a product costs the distributor."""
    return await products.set_cost(tx, product_id, data)


@get("/products/{product_id:uuid}/substitutes", permission=READ)
async def read_substitutes(tx: Transaction, product_id: UUID) -> Substitutes:
    """Read what can be offered instead of a product, best first."""
    return await substitutes.read_substitutes(tx, product_id)


@put("/products/{product_id:uuid}/substitutes", permission=UPDATE, problems=[VersionConflict])
async def set_substitutes(tx: Transaction, product_id: UUID, data: SubstitutesSetting) -> Substitutes:
    """Set what can be offered instead of a product, best first.

    The list replaces the one before. It holds in this direction alone.
    """
    return await substitutes.set_substitutes(tx, product_id, data)


@get("/vat-rates", permission=READ)
async def list_vat_rates(tx: Transaction) -> list[VatRateView]:
    """List the VAT rates, the newest of each category first."""
    return await vat.list_vat_rates(tx)


@post("/vat-rates", permission=SET_VAT_RATE)
async def set_vat_rate(tx: Transaction, data: VatRateSetting) -> VatRateView:
    """Set the VAT rate of a category from a day on; a second setting for the same day replaces the first."""
    return await vat.set_vat_rate(tx, data)


ROUTES = [
    read_product,
    list_products,
    create_product,
    change_product,
    archive_product,
    restore_product,
    read_product_cost,
    set_product_cost,
    read_substitutes,
    set_substitutes,
    list_vat_rates,
    set_vat_rate,
]
