"""A small distributor to test with: a customer, a warehouse, products, VAT rates; and short words for its days."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from stockade.commerce.orders import service as orders
from stockade.commerce.orders.commands import Cancellation, Confirmation, LineToShip, NewLine, NewOrder, NewShipment
from stockade.commerce.orders.views import OrderView
from stockade.commerce.stock import service as stock
from stockade.kernel.ids import new_id
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Transaction

RATES = {"standard": "20", "reduced": "5", "zero": "0"}


@dataclass(frozen=True)
class Shop:
    """A tenant with what an order needs."""

    database: Database
    principal: Principal
    customer_id: UUID
    warehouse_id: UUID

    def open(self) -> Any:
        """Open a transaction."""
        return self.database.transaction(self.principal)

    async def product(
        self, sku: str, *, price: str = "10", vat: str = "standard", stocked: bool = True, on_hand: int = 0,
        reorder_point: int | None = None,
    ) -> UUID:  # fmt: skip
        """Make a product and put some on the shelf."""
        product_id = new_id()
        async with self.open() as tx:
            await tx.execute(
                "insert into catalog.product (tenant_id, id, sku, name, vat_category, list_price, stocked, state, "
                "reorder_point) values ($1, $2, $3, $3, $4, $5, $6, 'active', $7)",
                self.principal.tenant_id, product_id, sku, vat, Decimal(price), stocked, reorder_point,
            )  # fmt: skip
            if on_hand:
                await stock.receive(tx, id=new_id(), warehouse_id=self.warehouse_id, quantities=[(product_id, on_hand)])
        return product_id

    async def place(self, *lines: tuple[UUID, int], **more: Any) -> OrderView:
        """Place an order of (product, quantity)."""
        asked = [NewLine(product_id=product, quantity=quantity) for product, quantity in lines]
        async with self.open() as tx:
            command = NewOrder(**({"customer_id": self.customer_id, "lines": asked} | more))
            return await orders.place_order(tx, new_id(), command)

    async def customers(self, count: int) -> list[UUID]:
        """Make more customers: confirming locks the customer, so one alone would queue everybody up."""
        made = [new_id() for _ in range(count)]
        async with self.open() as tx:
            for customer_id in made:
                await insert_customer(tx, customer_id)
        return made

    async def confirm(self, order: OrderView, **how: Any) -> OrderView:
        """Confirm an order."""
        async with self.open() as tx:
            return await orders.confirm(tx, order.id, Confirmation(expected_version=order.version, **how))

    async def ordered(self, *lines: tuple[UUID, int], **how: Any) -> OrderView:
        """Place and confirm."""
        return await self.confirm(await self.place(*lines), **how)

    async def pick(self, order: OrderView) -> OrderView:
        """Start picking."""
        async with self.open() as tx:
            return await orders.start_picking(tx, order.id, order.version)

    async def ship(self, order: OrderView, lines: dict[int, int] | None = None) -> OrderView:
        """Ship some lines or all that is reserved."""
        named = None if lines is None else [LineToShip(position=p, quantity=q) for p, q in lines.items()]
        async with self.open() as tx:
            await orders.ship(tx, new_id(), NewShipment(order_id=order.id, expected_version=order.version, lines=named))
            return await orders.read_order(tx, order.id)

    async def cancel(self, order: OrderView, positions: list[int] | None = None) -> OrderView:
        """Cancel."""
        async with self.open() as tx:
            return await orders.cancel(tx, order.id, Cancellation(expected_version=order.version, positions=positions))

    async def read(self, order: OrderView) -> OrderView:
        """Read it again."""
        async with self.open() as tx:
            return await orders.read_order(tx, order.id)

    async def receive(self, product_id: UUID, quantity: int) -> None:
        """Book goods in."""
        async with self.open() as tx:
            await stock.receive(tx, id=new_id(), warehouse_id=self.warehouse_id, quantities=[(product_id, quantity)])

    async def level(self, product_id: UUID) -> tuple[int, int]:
        """Return on hand and reserved."""
        async with self.open() as tx:
            rows = await stock.list_levels(tx, product_id=product_id, count=2)
        return (rows[0].on_hand, rows[0].reserved) if rows else (0, 0)


async def open_shop(
    database: Database, principal: Principal, *, limit: int | None = None, treatment: str = "domestic",
    currency: str = "EUR",
) -> Shop:  # fmt: skip
    """Make a shop for a tenant that has none."""
    tenant_id, customer_id, warehouse_id = principal.tenant_id, new_id(), new_id()
    async with database.transaction(principal) as tx:
        await stock.create_warehouse(tx, id=warehouse_id, code="MAIN", name="Main")
        await insert_customer(tx, customer_id, limit=limit, treatment=treatment, currency=currency)
        for category, rate in RATES.items():
            await tx.execute(
                "insert into catalog.vat_rate (tenant_id, id, category, valid_from, rate) "
                "values ($1, $2, $3, '2020-01-01', $4)",
                tenant_id, new_id(), category, Decimal(rate),
            )  # fmt: skip
    return Shop(database, principal, customer_id, warehouse_id)


async def insert_customer(
    tx: Transaction, id: UUID, *, limit: int | None = None, treatment: str = "domestic", currency: str = "EUR"
) -> None:  # fmt: skip
    """Make a customer."""
    await tx.execute(
        "insert into parties.customer (tenant_id, id, number, name, country, currency, credit_limit_minor, "
        "vat_treatment, state) values ($1, $2, $3, 'Corner Shop', 'DE', $4, $5, $6, 'active')",
        tx.tenant_id, id, f"C-{id.hex[-12:]}", currency, limit, treatment,
    )  # fmt: skip


async def reconcile(shop: Shop) -> None:
    """Every level is the sum of its moves and of its reservations, and every line reserves what it says."""
    async with shop.open() as tx:
        assert await tx.fetch(UNBALANCED_LEVELS) == []
        assert await tx.fetch(UNBALANCED_LINES) == []


UNBALANCED_LEVELS = """
select l.warehouse_id, l.product_id, l.on_hand, m.moved, l.reserved, r.held
from stock.level as l
left join (select warehouse_id, product_id, sum(quantity) as moved from stock.move group by 1, 2) as m
    using (warehouse_id, product_id)
left join (select warehouse_id, product_id, sum(quantity) as held from stock.reservation group by 1, 2) as r
    using (warehouse_id, product_id)
where l.on_hand <> coalesce(m.moved, 0) or l.reserved <> coalesce(r.held, 0)
"""
UNBALANCED_LINES = """
select l.order_id, l.position, l.reserved, r.held
from orders.line as l
full join (select order_id, position, sum(quantity) as held from stock.reservation group by 1, 2) as r
    using (order_id, position)
where coalesce(l.reserved, 0) <> coalesce(r.held, 0)
"""
