"""The beginning of a run: its row, and the master data that its documents refer to, in one transaction.

The run's row is made together with products, customers, warehouse, opening stock and levels: either the run has all of
them, or there is no run.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, Text, func, select

from stockade.commerce.catalog.model import Product
from stockade.commerce.invoicing.model import Invoice
from stockade.commerce.invoicing.rules import Seller
from stockade.commerce.ledger.loading.shape import Client, Item, Names, derived_id, split
from stockade.commerce.ledger.loading.write import SETTINGS, Target
from stockade.commerce.ledger.mapping import LineKind
from stockade.commerce.ledger.model import ImportRun
from stockade.commerce.ledger.opening import Ledger
from stockade.commerce.orders.model import Order
from stockade.commerce.parties.model import Company, Customer
from stockade.commerce.stock.model import Warehouse
from stockade.database.statements import TENANT, Statement, param, raw, statement
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Refusal
from stockade.tenancy.transaction import Transaction

CASH = "CASH"
SERIES = "IMPORT"
UNKNOWN_COUNTRY = "ZZ"
"""ISO 3166-1 leaves ZZ to its users; CLDR calls it the unknown region."""


class AlreadyImported(Refusal):
    """The tenant has a document of the ledger from elsewhere: most likely another file or mapping of the same."""


class Run(msgspec.Struct, frozen=True):
    """A run as it stands in the database."""

    id: UUID
    state: str
    batches_done: int


class Place(msgspec.Struct, frozen=True):
    """An id by the key that people know."""

    key: str
    id: UUID
    name: str


_NEW_RUN: Statement[Any] = raw(
    "insert into ledger.import_run (tenant_id, id, file_name, file_hash, mapping, state) "
    "values ($1, $2, $3, $4, $5, 'running') on conflict (tenant_id, file_hash, mapping) do nothing",
    "this_tenant id file_name file_hash mapping",
)
_RUN = statement(
    select(ImportRun.id, ImportRun.state, ImportRun.batches_done)
    .where(
        ImportRun.tenant_id == TENANT, ImportRun.file_hash == param("file_hash"), ImportRun.mapping == param("mapping")
    )
    # A killed importer may have a COMMIT under way: its lock makes us wait for it, and see the batch that it counts.
    .with_for_update(),
    Run,
)  # fmt: skip
_RANK = statement(
    select(func.count()).select_from(ImportRun).where(ImportRun.tenant_id == TENANT, ImportRun.id <= param("id")), int
)
_NUMBERS = func.any(param("numbers", ARRAY(Text)))
_PLACED = statement(select(Order.number).where(Order.tenant_id == TENANT, Order.number == _NUMBERS).limit(1), str)
_BILLED = statement(select(Invoice.number).where(Invoice.tenant_id == TENANT, Invoice.number == _NUMBERS).limit(1), str)
_SELLER_COLUMNS = {
    "name": Company.legal_name, "street": Company.street, "postcode": Company.postcode, "city": Company.city,
    "country": Company.country, "vat_id": Company.vat_id, "email": Company.email, "phone": Company.phone,
    "iban": Company.iban, "bic": Company.bic, "locale": Company.locale,
}  # fmt: skip
_SELLER: Statement[Any] = statement(select(*_SELLER_COLUMNS.values()).where(Company.tenant_id == TENANT))
_MAIN_FIRST = (Warehouse.code != "MAIN", Warehouse.code)
_WAREHOUSE = statement(select(Warehouse.id).where(Warehouse.tenant_id == TENANT).order_by(*_MAIN_FIRST).limit(1), UUID)
_NEW_WAREHOUSE: Statement[Any] = raw(
    "insert into stock.warehouse (tenant_id, id, code, name, state) "
    "values ($1, $2, 'MAIN', 'Main warehouse', 'active') on conflict do nothing",
    "this_tenant id",
)
_NEW_PRODUCTS: Statement[Any] = raw(
    "insert into catalog.product (tenant_id, id, sku, name, vat_category, list_price, stocked, state) "
    "select $1, id, sku, name, 'outside', list_price_micro * 0.000001, stocked, 'active' "
    "from unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::boolean[]) "
    "as p (id, sku, name, list_price_micro, stocked) on conflict (tenant_id, sku) do nothing",
    "this_tenant ids skus names prices stocked",
)
_PRODUCTS = statement(
    select(Product.sku.label("key"), Product.id, Product.name).where(
        Product.tenant_id == TENANT, Product.sku == func.any(param("skus", ARRAY(Text)))
    ),
    Place,
)
_NEW_CUSTOMERS: Statement[Any] = raw(
    "insert into parties.customer (tenant_id, id, number, name, country, currency, terms_days, state) "
    "select $1, id, number, name, country, currency, $2, 'active' "
    "from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[]) "
    "as c (id, number, name, country, currency) on conflict (tenant_id, number) do nothing",
    "this_tenant terms_days ids numbers names countries currencies",
)
_CUSTOMERS = statement(
    select(Customer.number.label("key"), Customer.id, Customer.name).where(
        Customer.tenant_id == TENANT, Customer.number == func.any(param("numbers", ARRAY(Text)))
    ),
    Place,
)
_OPENING: Statement[Any] = raw(
    "insert into stock.move (tenant_id, id, warehouse_id, product_id, quantity, reason, source_id, moved_at) "
    "select $1, id, $2, product_id, quantity, 'opening', $3, $4 "
    "from unnest($5::uuid[], $6::uuid[], $7::integer[]) as m (id, product_id, quantity)",
    "this_tenant warehouse_id run_id moved_at ids product_ids quantities",
)
_LEVELS: Statement[Any] = raw(
    "insert into stock.level (tenant_id, warehouse_id, product_id, on_hand) "
    "select $1, $2, product_id, on_hand from unnest($3::uuid[], $4::bigint[]) as l (product_id, on_hand) "
    "order by product_id on conflict (tenant_id, warehouse_id, product_id) "
    "do update set on_hand = level.on_hand + excluded.on_hand",
    "this_tenant warehouse_id product_ids on_hand",
)


async def begin(tx: Transaction, ledger: Ledger) -> Run:
    """Return the run of this ledger: the one that there is, or a new one with all its master data."""
    await tx.execute(SETTINGS)
    key = {"file_hash": bytes.fromhex(ledger.fingerprint), "mapping": ledger.mapping.name}
    is_new = await _NEW_RUN.run(tx, id=new_id(), file_name=ledger.file_name, **key)
    run = await _RUN.one(tx, **key)
    if is_new:
        await _refuse_known_numbers(tx, ledger)
        if await _WAREHOUSE.first(tx) is None:
            await _NEW_WAREHOUSE.run(tx, id=new_id())
        await _write_products(tx, run.id, ledger)
        await _write_customers(tx, run.id, ledger)
        await _write_opening(tx, run.id, ledger)
    return run


async def names_of(tx: Transaction, ledger: Ledger) -> Names:
    """Return what the ledger's products, fees and customers are in the database."""
    master = ledger.master
    skus, charges = [product.code for product in master.products], _charges(ledger)
    found = {row.key: row for row in await _PRODUCTS.all(tx, skus=[*skus, *charges.values()])}
    numbers = [customer.key for customer in master.customers]
    buyers = {row.key: Client(row.id, row.key, row.name) for row in await _CUSTOMERS.all(tx, numbers=[*numbers, CASH])}
    items = [
        Item(place, product.code, product.description, not product.voucher)
        for place, product in enumerate(master.products, start=1)
    ]
    fees = {
        charge: Item(place, sku, found[sku].name, False)
        for place, (charge, sku) in enumerate(charges.items(), start=len(items) + 1)
    }
    return Names(items, fees, [buyers[number] for number in numbers], buyers[CASH])


async def target_of(tx: Transaction, run: Run, ledger: Ledger, names: Names) -> Target:
    """Return where the run's rows go."""
    skus = [item.sku for item in [*names.products, *names.charges.values()]]
    found = {row.key: row.id for row in await _PRODUCTS.all(tx, skus=skus)}
    warehouse_id = await _WAREHOUSE.one(tx)
    rank = await _RANK.one(tx, id=run.id)
    return Target(
        run_id=run.id, warehouse_id=warehouse_id, cash_id=names.cash.id, product_ids=[found[sku] for sku in skus],
        series=SERIES if rank == 1 else f"{SERIES}-{rank}",
        seller=msgspec.to_builtins(await _seller(tx)),
    )  # fmt: skip


async def _seller(tx: Transaction) -> Seller:
    """Return the distributor as it is today: the ledger does not say what it was."""
    found = await _SELLER.first(tx)
    return Seller(name="") if found is None else Seller(**dict(zip(_SELLER_COLUMNS, found, strict=True)))


async def _refuse_known_numbers(tx: Transaction, ledger: Ledger) -> None:
    numbers = ledger.document_numbers
    if known := await _PLACED.first(tx, numbers=numbers) or await _BILLED.first(tx, numbers=numbers):
        raise AlreadyImported(
            f"Document {known} of {ledger.file_name} exists already, from another file or mapping or made by hand: "
            "import into a new tenant, or take the documents that exist out of the file."
        )


async def _write_products(tx: Transaction, run_id: UUID, ledger: Ledger) -> None:
    rows: list[tuple[UUID, str, str, int, bool]] = [
        (derived_id(run_id, product.first_at, "product", product.code), product.code, product.description,
         product.list_price_micro or 0, not product.voucher)
        for product in ledger.master.products
    ]  # fmt: skip
    first_at = ledger.master.first_at
    for charge, sku in _charges(ledger).items():
        rows.append((derived_id(run_id, first_at, "fee", charge), sku, charge.replace("-", " ").capitalize(), 0, False))
    ids, skus, names, prices, stocked = _columns(rows, 5)
    await _NEW_PRODUCTS.run(tx, ids=ids, skus=skus, names=names, prices=prices, stocked=stocked)


async def _write_customers(tx: Transaction, run_id: UUID, ledger: Ledger) -> None:
    rows: list[tuple[UUID, str, str, str, str]] = [
        (derived_id(run_id, customer.first_at, "customer", customer.key), customer.key, f"Customer {customer.key}",
         customer.country or UNKNOWN_COUNTRY, customer.currency)
        for customer in ledger.master.customers
    ]  # fmt: skip
    cash_id = derived_id(run_id, ledger.master.first_at, "customer", f"\0{CASH}")
    rows.append((cash_id, CASH, "Cash sales", UNKNOWN_COUNTRY, ledger.mapping.currency))
    ids, numbers, names, countries, currencies = _columns(rows, 5)
    await _NEW_CUSTOMERS.run(
        tx, terms_days=ledger.mapping.settlement.terms_days, ids=ids, numbers=numbers, names=names, countries=countries,
        currencies=currencies,
    )  # fmt: skip


async def _write_opening(tx: Transaction, run_id: UUID, ledger: Ledger) -> None:
    """Bring in, before the first document, everything that the ledger takes out: so no order of batches runs dry."""
    products = ledger.master.products
    if not products:
        return
    warehouse_id = await _WAREHOUSE.one(tx)
    found = {row.key: row.id for row in await _PRODUCTS.all(tx, skus=[product.code for product in products])}
    moved_at: datetime = ledger.master.first_at - timedelta(days=1)
    rows: list[tuple[UUID, UUID, int]] = [
        (derived_id(run_id, moved_at, f"opening {part}", product.code), found[product.code], pieces)
        for product in products
        for part, pieces in enumerate(split(product.outgoing))
    ]
    ids, product_ids, quantities = _columns(rows, 3)
    await _OPENING.run(
        tx, warehouse_id=warehouse_id, run_id=run_id, moved_at=moved_at, ids=ids, product_ids=product_ids,
        quantities=quantities,
    )  # fmt: skip
    await _LEVELS.run(
        tx, warehouse_id=warehouse_id, product_ids=[found[product.code] for product in products],
        on_hand=[product.outgoing for product in products],
    )  # fmt: skip


def _charges(ledger: Ledger) -> dict[str, str]:
    """Return the SKU of each fee by its name; discounts are one of them."""
    charges = [*ledger.master.charges, *([LineKind.DISCOUNT] if ledger.master.has_discounts else [])]
    return {str(charge): f"FEE-{charge.upper()}" for charge in charges}


def _columns(rows: list[Any], count: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(count)]
