"""How many SQL round trips a request may cost: three to read, three to list, six to make something, BEGIN and COMMIT
included; one more where the credential has to be looked up first."""

import asyncio
import re
from typing import Any

import pytest
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.calls import calls_of, ids_from, inside
from tests.walls.inhabitants import furnish, session_of
from tests.walls.trading import ADDRESS, Trader

from stockade.kernel.ids import new_id

READ = 3
MAKE = 6
MOVE = 10
"""What confirming, picking and shipping may cost: they lock order, stock and credit one by one."""
COMMIT = 1
SEVERAL = 5
OF_SEVERAL = re.compile(r"/bank-|/imports/|/number-series$|\.pdf$|/stock/counts/|/uses$|/items$")
"""What is put together of several answers: a file's lines after the file, a document after its company, requests after
their access."""
BEYOND = {
    "/api/v1/customers/{customer_id:uuid}/statement": "opening balance, movements, seller",
    "/api/v1/customers/{customer_id:uuid}/statement/pdf": "the same, printed",
}
"""Reports, which put several answers together."""


@pytest.fixture
def opened(site: Site) -> list[Any]:
    """The transactions that were opened since the list was cleared."""
    seen: list[Any] = []
    inside(site).state.observe_transaction = seen.append
    return seen


def spent(opened: list[Any]) -> int:
    return sum(tx.round_trips + COMMIT for tx in opened)


async def test_every_get_of_one_and_every_list_costs_three_round_trips_at_most(
    site: Site, tenant: TenantFixture, opened: list[Any]
) -> None:
    made = await furnish(site, tenant)
    key, session = await site.key(tenant), await session_of(site, tenant, "owner")
    for credential in (key, session):
        await calls_of(site)[0].make(site, ids_from(made), credential)  # known from here on
    reads = [call for call in calls_of(site) if call.method == "GET" and call.is_api and call.path not in BEYOND]
    over = []
    for call in reads:
        opened.clear()
        response = await call.make(site, ids_from(made), session if call.of_people else key)
        assert response.status_code in (200, 404), call.name
        if spent(opened) > (SEVERAL if OF_SEVERAL.search(call.path) else READ):
            over.append(f"{call.name}: {spent(opened)}")
    assert len(reads) > 25
    assert not over


async def test_what_the_trader_makes_costs_six_round_trips_at_most(
    site: Site, tenant: TenantFixture, opened: list[Any]
) -> None:
    trader = Trader(site, await site.key(tenant))
    await trader.open_shop()
    customer, product = str(trader.made["customer_id"]), str(trader.made["product_id"])
    lines = [{"product_id": product, "quantity": number} for number in range(1, 6)]
    bodies: dict[str, Any] = {
        "/orders": {"customer_id": customer, "lines": lines},
        "/customers": {"name": "Second Ltd", "country": "DE", "currency": "EUR"},
        "/products": {"sku": "B", "name": "B", "list_price": "1", "vat_category": "standard"},
        "/contacts": {"customer_id": customer, "name": "Ada"},
        "/addresses": {"customer_id": customer, "kind": "shipping"} | ADDRESS,
        "/warehouses": {"code": "SECOND", "name": "Second"},
        "/api-keys": {"name": "till", "role": "viewer"},
        "/members": {"email": f"{new_id().hex}@example.com", "name": "Eve", "role": "viewer"},
    }
    cost = {}
    for path, body in bodies.items():
        opened.clear()
        await trader.ask("POST", path, body, status=201)
        cost[path] = spent(opened)
    assert {path: trips for path, trips in cost.items() if trips > MAKE} == {}


async def test_the_stages_of_an_order_cost_ten_round_trips_at_most_and_its_documents_six(
    site: Site, tenant: TenantFixture, opened: list[Any]
) -> None:
    trader = Trader(site, await site.key(tenant))
    await trader.open_shop()
    cost = {}
    order = await trader.order()
    for action in ("confirm", "pick"):
        opened.clear()
        order = await trader.act(order, action)
        cost[action] = spent(opened)
    opened.clear()
    await trader.make("/shipments", {"order_id": order["id"], "expected_version": order["version"]}, "shipment_id")
    cost["ship"] = spent(opened)
    opened.clear()
    invoice = await trader.make("/invoices", {"order_id": order["id"]}, "invoice_id")
    cost["invoice"] = spent(opened)
    opened.clear()
    payment = {
        "customer_id": str(trader.made["customer_id"]), "method": "cash", "received_on": "2026-01-05",
        "amount": {"amount_minor": 100, "currency": "EUR"},
        "allocations": [{"invoice_id": invoice["id"], "amount_minor": 100}],
    }  # fmt: skip
    await trader.make("/payments", payment, "payment_id")
    cost["payment"] = spent(opened)
    bars = dict.fromkeys(("confirm", "pick", "ship"), MOVE) | {"invoice": MAKE, "payment": MAKE}
    assert {action: trips for action, trips in cost.items() if trips > bars[action]} == {}


async def test_a_credential_that_is_new_to_a_process_costs_one_round_trip_more(
    site: Site, tenant: TenantFixture, opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await site.key(tenant)
    looked_up: list[Any] = []
    transaction = type(site.database).transaction

    def counted(self: Any, principal: Any, **given: Any) -> Any:
        if str(getattr(asyncio.current_task().get_coro(), "__name__", "")) != "_write_use":  # beside the request
            looked_up.append(principal)
        return transaction(self, principal, **given)

    monkeypatch.setattr(type(site.database), "transaction", counted)
    await site.call(key, "GET", "/api/v1/orders")
    cold = len(looked_up)
    looked_up.clear()
    opened.clear()
    await site.call(key, "GET", "/api/v1/orders")
    assert (cold, len(looked_up), spent(opened)) == (2, 1, READ)
