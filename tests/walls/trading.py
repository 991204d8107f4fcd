"""A distributor that works through the API: what the walls' and the application's tests stand on."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.running import Site

from stockade.kernel.ids import new_id

COMPANY = {
    "legal_name": "Nordlicht Handel GmbH", "street": "Kai 1", "postcode": "20457", "city": "Hamburg", "country": "DE",
    "currency": "EUR",
}  # fmt: skip
LOGO = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAD0lEQVR4nGNkaGBgYGAAAAKOAILeuII9AAAAAElFTkSuQmCC"
"""A green picture of two pixels."""
ADDRESS = {"recipient": "Ada", "street": "Ring 2", "postcode": "10115", "city": "Berlin", "country": "DE"}


@dataclass
class Trader:
    """Someone with a key. ``made`` is what it made last, by the name of the thing."""

    site: Site
    key: str
    made: dict[str, UUID] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """Call the API, expect the status, return the document."""
        given = {} if body is None else {"json": body}
        response = await self.site.call(self.key, method, f"/api/v1{path}", **given)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if "json" in response.headers.get("content-type", "") else response.content

    async def make(self, path: str, body: Any, name: str) -> Any:
        """Make something."""
        made = await self.ask("POST", path, body, status=201)
        self.made[name] = UUID(made.get("key", made)["id"])
        return made

    async def open_shop(self) -> None:
        """Make what an order needs: company, rates, a product on the shelf, a customer."""
        await self.ask("POST", "/company", COMPANY, status=201)
        await self.ask("POST", "/vat-rates", {"category": "standard", "valid_from": "2020-01-01", "rate": "19"})
        await self.make("/warehouses", {"code": "MAIN", "name": "Main"}, "warehouse_id")
        await self.stock_product("AMPHORA-1", 1000)
        await self.make("/customers", {"name": "Museum Ltd", "country": "DE", "currency": "EUR"}, "customer_id")

    async def stock_product(self, sku: str, quantity: int) -> UUID:
        """Make a product and receive some of it."""
        product = {"sku": sku, "name": f"Amphora {sku}", "list_price": "12.50", "vat_category": "standard"}
        await self.make("/products", product, "product_id")
        line = {"product_id": str(self.made["product_id"]), "quantity": quantity}
        await self.make(
            "/stock/receipts", {"warehouse_id": str(self.made["warehouse_id"]), "lines": [line]}, "receipt_id"
        )
        return self.made["product_id"]

    def order_body(self, quantity: int = 5) -> dict[str, Any]:
        """The body of an order of the last product by the last customer."""
        line = {"product_id": str(self.made["product_id"]), "quantity": quantity}
        return {"customer_id": str(self.made["customer_id"]), "lines": [line]}

    async def order(self, quantity: int = 5) -> Any:
        """Place an order."""
        return await self.make("/orders", self.order_body(quantity), "order_id")

    async def act(self, order: Any, action: str, **more: Any) -> Any:
        """Do something to an order as it was read."""
        body = {"expected_version": order["version"]} | more
        return await self.ask("POST", f"/orders/{order['id']}/{action}", body)

    async def shipped(self, quantity: int = 5) -> Any:
        """Place, confirm, pick and ship an order; return it as it then is."""
        order = await self.act(await self.act(await self.order(quantity), "confirm"), "pick")
        body = {"order_id": order["id"], "expected_version": order["version"]}
        await self.make("/shipments", body, "shipment_id")
        return await self.ask("GET", f"/orders/{order['id']}")

    async def invoiced(self, quantity: int = 5) -> Any:
        """Bring an order to its invoice; return the invoice."""
        order = await self.shipped(quantity)
        return await self.make("/invoices", {"order_id": order["id"]}, "invoice_id")

    async def furnish(self) -> dict[str, UUID]:
        """Make one of everything that has an id; return the ids by the names that parameters give them."""
        await self.open_shop()
        await self.ask("POST", "/number-series", {"series": "shipment", "prefix": "LS", "next": 7})
        customer = str(self.made["customer_id"])
        await self.make("/contacts", {"customer_id": customer, "name": "Ada"}, "contact_id")
        for kind in ("shipping", "billing"):
            await self.make("/addresses", {"customer_id": customer, "kind": kind} | ADDRESS, "address_id")
        invoice = await self.invoiced()
        note = {"invoice_id": invoice["id"], "reason": "Broken", "lines": [{"position": 1, "quantity": 1}]}
        await self.make("/credit-notes", note, "credit_note_id")
        await self.make(
            "/write-offs", {"invoice_id": invoice["id"], "reason": "Lost", "amount_minor": 1}, "write_off_id"
        )
        await self._pay(customer, invoice["id"])
        await self._bank()
        letter = {"invoice_id": invoice["id"], "to": "ada@example.com", "subject": "Invoice", "body": "Dear Ada"}
        await self.make("/letters", letter, "letter_id")
        upload = {"target": "products", "file_name": "a.csv", "content": "c2t1LG5hbWUKQS0xLEFtcGhvcmEK"}
        await self.make("/imports", upload, "import_id")
        moves = await self.ask("GET", f"/stock/moves?product_id={self.made['product_id']}")
        self.made["move_id"] = UUID(moves["items"][0]["id"])
        self.made["from_id"] = self.made["warehouse_id"]
        second = await self.ask("POST", "/warehouses", {"code": "SECOND", "name": "Second"}, status=201)
        self.made["to_id"] = UUID(second["id"])
        count = {"warehouse_id": str(self.made["warehouse_id"])}
        opened = await self.make("/stock/counts", count, "count_id")
        await self.ask(
            "POST", f"/stock/counts/{opened['id']}/entries", {"code": "AMPHORA-1", "quantity": 2}, status=201
        )
        await self.make("/api-keys", {"name": "other", "role": "viewer"}, "key_id")
        await self.make(
            "/members", {"email": f"{new_id().hex}@example.com", "name": "Eve", "role": "viewer"}, "member_id"
        )
        await self.ask("POST", "/branding", {"expected_version": 0, "logo": LOGO})
        await self._enter(customer)
        held = await self.act(await self.act(await self.order(), "confirm"), "holds", reason="Wait")
        self.made["hold_id"] = UUID(held["holds"][0]["id"])
        return self.made

    async def _enter(self, customer: str) -> None:
        """An order under way, and what can be offered instead of a product; the product stays the one made last."""
        product, self.made["draft_id"] = self.made["product_id"], new_id()
        self.made["substitute_ids"] = await self.stock_product(f"AMPHORA-{new_id().hex}", 5)
        self.made["product_id"] = product
        substitutes = {"expected_version": 1, "substitute_ids": [str(self.made["substitute_ids"])]}
        await self.ask("PUT", f"/products/{product}/substitutes", substitutes)
        body = {"expected_version": 0, "content": {"customer_id": customer, "note": "Ring back", "lines": []}}
        await self.site.call(self.key, "PUT", f"/orders/drafts/{self.made['draft_id']}", json=body)

    async def _pay(self, customer: str, invoice: str) -> None:
        payment = {
            "customer_id": customer, "method": "cash", "received_on": "2026-01-05",
            "amount": {"amount_minor": 1000, "currency": "EUR"},
            "allocations": [{"invoice_id": invoice, "amount_minor": 100}],
        }  # fmt: skip
        made = await self.make("/payments", payment, "payment_id")
        self.made["allocation_id"] = UUID(made["allocations"][0]["id"])

    async def _bank(self) -> None:
        line = {
            "booked_on": "2026-01-06",
            "amount_minor": 700,
            "currency": "EUR",
            "payer": "Museum Ltd",
            "account": "DE00",
        }
        made = await self.make("/bank-statements", {"name": "January", "lines": [line]}, "statement_id")
        lines = await self.ask("GET", f"/bank-statements/{made['id']}/lines")
        self.made["line_id"] = UUID(lines["items"][0]["id"])
