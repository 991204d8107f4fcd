"""Orders on paper: what each document holds at each stage, in one file for many orders, and never another tenant's."""

from typing import Any

import pytest
from tests.conftest import MakeTenant, TenantFixture
from tests.documents.reading import pages, text
from tests.running import Site
from tests.walls.trading import ADDRESS, Trader

from stockade.documents import Branding, Document, render
from stockade.kernel.ids import new_id


@pytest.fixture
async def trader(site: Site, tenant: TenantFixture) -> Trader:
    """A shop with one product and one customer."""
    made = Trader(site, await site.key(tenant))
    await made.open_shop()
    return made


async def pdf(trader: Trader, path: str) -> bytes:
    found: bytes = await trader.ask("GET", path)
    assert found.startswith(b"%PDF")
    return found


async def picking(trader: Trader, quantity: int = 5) -> Any:
    return await trader.act(await trader.act(await trader.order(quantity), "confirm"), "pick")


async def test_a_confirmation_names_customer_lines_and_the_total(trader: Trader) -> None:
    order = await trader.act(await trader.order(5), "confirm")
    printed = text(await pdf(trader, f"/orders/{order['id']}/confirmation.pdf"))
    for expected in (
        order["number"],
        "Museum Ltd",
        "AMPHORA-1",
        "62.50",
        "EUR 74.38",
        "Nordlicht Handel GmbH",
        "Germany",
    ):
        assert expected in printed


async def test_a_draft_has_no_confirmation_and_nothing_to_fetch(trader: Trader) -> None:
    order = await trader.order()
    for kind in ("confirmation", "pick-list"):
        refused = await trader.ask("GET", f"/orders/{order['id']}/{kind}.pdf", status=409)
        assert refused["type"] == "/problems/orders/nothing-to-print"


async def test_a_pick_list_holds_what_is_reserved_by_sku_and_where_it_goes(trader: Trader) -> None:
    customer = str(trader.made["customer_id"])
    await trader.make("/addresses", {"customer_id": customer, "kind": "shipping"} | ADDRESS, "address_id")
    first = trader.made["product_id"]
    second = await trader.stock_product("AARDVARK-1", 3)
    lines = [{"product_id": str(first), "quantity": 4}, {"product_id": str(second), "quantity": 10}]
    order = await trader.make("/orders", {"customer_id": customer, "lines": lines}, "order_id")
    await trader.act(order, "confirm")
    printed = text(await pdf(trader, f"/orders/{order['id']}/pick-list.pdf"))
    assert printed.index("AARDVARK-1") < printed.index("AMPHORA-1")
    assert "Berlin" in printed
    assert "7" in printed  # 4 and the 3 that are there
    assert "EUR" not in printed


async def test_a_delivery_note_counts_what_is_to_follow_as_it_was_when_the_goods_left(trader: Trader) -> None:
    order = await picking(trader, 10)
    first = {"order_id": order["id"], "expected_version": order["version"], "lines": [{"position": 1, "quantity": 4}]}
    one = await trader.make("/shipments", first, "shipment_id")
    before = await pdf(trader, f"/shipments/{one['id']}/delivery-note.pdf")
    order = await trader.ask("GET", f"/orders/{order['id']}")
    rest = {"order_id": order["id"], "expected_version": order["version"], "carrier": "DPD", "tracking": "123"}
    two = await trader.make("/shipments", rest, "shipment_id")
    assert "6 piece" in text(before)
    assert await pdf(trader, f"/shipments/{one['id']}/delivery-note.pdf") == before
    printed = text(await pdf(trader, f"/shipments/{two['id']}/delivery-note.pdf"))
    assert "To follow" not in printed
    assert "DPD" in printed
    both = pages(await pdf(trader, f"/orders/documents.pdf?kind=delivery-note&order_id={order['id']}"))
    assert [one["number"] in both[0], two["number"] in both[1]] == [True, True]


async def test_many_orders_are_one_file_in_the_order_asked_for_without_those_that_have_nothing(trader: Trader) -> None:
    orders = [await picking(trader) for _ in range(3)] + [await trader.order()]
    ids = "&".join(f"order_id={order['id']}" for order in reversed(orders))
    printed = pages(await pdf(trader, f"/orders/documents.pdf?kind=pick-list&{ids}"))
    assert len(printed) == 3
    assert [order["number"] in page for order, page in zip(reversed(orders[:3]), printed, strict=True)] == [True] * 3


async def test_an_order_that_is_not_there_stops_the_whole_file(trader: Trader, make_tenant: MakeTenant) -> None:
    own = await picking(trader)
    other = Trader(trader.site, await trader.site.key(await make_tenant()))
    await other.open_shop()
    foreign = await picking(other)
    for stranger in (foreign["id"], new_id()):
        path = f"/orders/documents.pdf?kind=pick-list&order_id={own['id']}&order_id={stranger}"
        assert (await trader.ask("GET", path, status=404))["type"] == "/problems/not-found"
    assert (await trader.ask("GET", f"/orders/{foreign['id']}/pick-list.pdf", status=404))["status"] == 404


async def test_more_than_a_hundred_orders_at_once_are_refused(trader: Trader) -> None:
    ids = "&".join(f"order_id={new_id()}" for _ in range(101))
    await trader.ask("GET", f"/orders/documents.pdf?kind=pick-list&{ids}", status=422)


async def test_no_connection_is_held_while_they_are_typeset(trader: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    order, held = await picking(trader), []

    def watched(documents: tuple[Document, ...], branding: Branding) -> bytes:
        pool = trader.site.database.main()
        held.append(pool.get_size() - pool.get_idle_size())
        return render(documents, branding)

    monkeypatch.setattr("stockade.commerce.parties.printing.render", watched)
    await pdf(trader, f"/orders/{order['id']}/pick-list.pdf")
    assert held == [0]
