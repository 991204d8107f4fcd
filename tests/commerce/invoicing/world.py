"""A small distributor for the tests of invoices and receivables: a company, customers, products, shipped orders."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from tests.conftest import TenantFixture

from stockade.commerce.invoicing.rules import Invoice
from stockade.commerce.invoicing.service.issuing import issue_invoice
from stockade.commerce.pricing.rules import line_net
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Database, Transaction


@dataclass(frozen=True)
class Item:
    """A line of an order that a test wants."""

    quantity: int
    unit_price: str = "10.00"
    vat_rate: str = "20"
    shipped: int | None = None
    discount: str = "0"
    stocked: bool = True
    category: str = "standard"


@dataclass(frozen=True)
class World:
    """A tenant with a customer, a warehouse and two products."""

    database: Database
    tenant: TenantFixture
    customer_id: UUID
    warehouse_id: UUID
    goods_id: UUID
    postage_id: UUID
    currency: str

    async def order(self, *items: Item, stage: str = "shipped", customer_id: UUID | None = None) -> UUID:
        """Make an order whose lines have come as far as the items say."""
        order_id = new_id()
        async with self.database.transaction(self.tenant.principal) as tx:
            await tx.execute(
                "insert into orders.sales_order (tenant_id, id, number, customer_id, warehouse_id, stage, currency,"
                " customer_reference, net_minor, vat_minor, gross_minor)"
                " values ($1, $2, $3, $4, $5, $6, $7, 'PO 77', 0, 0, 0)",
                self.tenant.id, order_id, f"SO-{order_id.hex[-8:]}", customer_id or self.customer_id, self.warehouse_id,
                stage, self.currency,
            )  # fmt: skip
            await tx.executemany(
                "insert into orders.line (tenant_id, order_id, position, product_id, sku, description, quantity,"
                " unit_price, discount_percent, vat_category, vat_rate, net_minor, stocked, shipped)"
                " values ($1, $2, $3, $4, $5, 'Thing', $6, $7, $8, $9, $10, $11, $12, $13)",
                [self._line(order_id, at, item) for at, item in enumerate(items, start=1)],
            )
        return order_id

    def _line(self, order_id: UUID, at: int, item: Item) -> tuple[object, ...]:
        price, discount = Decimal(item.unit_price), Decimal(item.discount)
        product = self.goods_id if item.stocked else self.postage_id
        net = line_net(price, item.quantity, discount, self.currency)
        shipped = item.quantity if item.shipped is None else item.shipped
        return (self.tenant.id, order_id, at, product, f"SKU-{at}", item.quantity, price, discount, item.category,
            Decimal(item.vat_rate), net, item.stocked, shipped)  # fmt: skip

    async def ship(self, order_id: UUID, position: int, quantity: int, stage: str = "picking") -> None:
        """Let more of a line leave."""
        async with self.database.transaction(self.tenant.principal) as tx:
            await tx.execute(
                "update orders.line set shipped = shipped + $3 where order_id = $1 and position = $2",
                order_id, position, quantity,
            )  # fmt: skip
            await tx.execute("update orders.sales_order set stage = $2 where id = $1", order_id, stage)

    async def invoice(self, *items: Item, on: date | None = None, customer_id: UUID | None = None) -> Invoice:
        """Issue an invoice for goods that have shipped."""
        order_id = await self.order(*(items or (Item(10),)), customer_id=customer_id)
        async with self.database.transaction(self.tenant.principal) as tx:
            return await issue_invoice(tx, new_id(), order_id, issued_on=on)

    async def customer(self, number: str, *, terms_days: int = 30) -> UUID:
        """Make another customer."""
        customer_id = new_id()
        async with self.database.transaction(self.tenant.principal) as tx:
            await _customer(tx, customer_id, number, self.currency, terms_days)
        return customer_id

    async def unbalanced(self) -> list[object]:
        """Return the journals that do not sum to zero."""
        async with self.database.transaction(self.tenant.principal) as tx:
            return list(
                await tx.fetch(
                    "select journal_id from receivables.posting group by journal_id, currency"
                    " having sum(amount_minor) <> 0"
                )
            )

    async def value(self, sql: str, *values: object) -> object:
        """Return one value, read as the application."""
        async with self.database.transaction(self.tenant.principal) as tx:
            return (await tx.fetchrow(sql, *values))[0]


async def make_world(
    database: Database, tenant: TenantFixture, currency: str = "EUR", *, company: bool = True
) -> World:
    """Make the distributor."""
    world = World(database, tenant, new_id(), new_id(), new_id(), new_id(), currency)
    async with database.transaction(tenant.principal) as tx:
        if company:
            await tx.execute(
                "insert into parties.company (tenant_id, id, legal_name, street, postcode, city, country, vat_id,"
                " currency, iban, bic)"
                " values ($1, $1, 'Harbour Wholesale Ltd', '14 Quayside', 'BS1 6XH', 'Bristol', 'GB',"
                " 'GB287445109', $2, 'GB33BUKB20201555555555', 'BUKBGB22')",
                tenant.id, currency,
            )  # fmt: skip
        await _customer(tx, world.customer_id, "C-1", currency, 30)
        await tx.execute(
            "insert into parties.address (tenant_id, id, customer_id, kind, recipient, street, postcode, city, country)"
            " values ($1, $2, $3, 'billing', 'Accounts', '7 Old Lane', 'LS9 8AG', 'Leeds', 'GB')",
            tenant.id, new_id(), world.customer_id,
        )  # fmt: skip
        await tx.execute(
            "insert into stock.warehouse (tenant_id, id, code, name, state) values ($1, $2, 'W', 'Main', 'active')",
            tenant.id, world.warehouse_id,
        )  # fmt: skip
        for product_id, sku, stocked in ((world.goods_id, "GOODS", True), (world.postage_id, "POST", False)):
            await tx.execute(
                "insert into catalog.product (tenant_id, id, sku, name, vat_category, list_price, stocked, state)"
                " values ($1, $2, $3, $3, 'standard', 10, $4, 'active')",
                tenant.id, product_id, sku, stocked,
            )  # fmt: skip
    return world


async def _customer(tx: Transaction, customer_id: UUID, number: str, currency: str, terms_days: int) -> None:
    await tx.execute(
        "insert into parties.customer (tenant_id, id, number, name, country, currency, terms_days, state)"
        " values ($1, $2, $3, 'The Copper Kettle', 'GB', $4, $5, 'active')",
        tx.tenant_id, customer_id, number, currency, terms_days,
    )  # fmt: skip
