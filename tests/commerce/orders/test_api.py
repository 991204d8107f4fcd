"""The routes of orders and stock, called over HTTP with a signed-in owner."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from tests.commerce.orders.shop import Shop, open_shop
from tests.conftest import MakeTenant

import stockade.commerce.orders.api
import stockade.commerce.stock.api
from stockade.kernel.problems import Problem
from stockade.tenancy.transaction import Database

Client = httpx.AsyncClient


def answer_problem(_request: Request[Any, Any, Any], problem: Problem) -> Response[dict[str, Any]]:
    return Response(problem.document(), status_code=problem.status)


def serving(shop: Shop) -> Client:
    """The slices' routes alone, with the tenant's owner signed in."""

    async def sign_in(request: Request[Any, Any, Any]) -> None:
        request.scope["state"]["principal"] = shop.principal

    app = Litestar(
        [*stockade.commerce.orders.api.ROUTES, *stockade.commerce.stock.api.ROUTES],
        before_request=sign_in, exception_handlers={Problem: answer_problem},  # type: ignore[dict-item]
        state=State({"database": shop.database, "observe_transaction": None}),
    )  # fmt: skip
    return Client(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[Client]:
    async with serving(shop) as made:
        yield made


async def create(client: Client, path: str, body: dict[str, Any], key: str | None = None) -> httpx.Response:
    return await client.post(path, json=body, headers={"Idempotency-Key": key or str(uuid4())})


def wanted(shop: Shop, product: UUID, **more: Any) -> dict[str, Any]:
    return {"customer_id": str(shop.customer_id), "lines": [{"product_id": str(product), "quantity": 2, **more}]}


async def test_an_order_goes_from_draft_to_shipped(shop: Shop, client: Client) -> None:
    product = await shop.product("A", price="2.5", on_hand=9)
    placed = await create(client, "/orders", wanted(shop, product))
    assert placed.status_code == 201
    path = placed.headers["location"].removeprefix("/api/v1")
    read = (await client.get(path)).json()
    assert read == placed.json()
    assert (read["gross"], read["lines"][0]["unit_price"]) == ({"amount_minor": 600, "currency": "EUR"}, "2.5")
    changed = (await client.patch(path, json={"expected_version": 1, "note": "Mind the dog"})).json()
    assert (changed["note"], changed["version"]) == ("Mind the dog", 2)
    assert (await client.post(f"{path}/confirm", json={"expected_version": 2})).json()["stage"] == "confirmed"
    held = (await client.post(f"{path}/holds", json={"expected_version": 3, "reason": "Wait"})).json()
    release = f"{path}/holds/{held['holds'][0]['id']}/release"
    assert (await client.post(release, json={"expected_version": 4})).status_code == 200
    assert (await client.post(f"{path}/pick", json={"expected_version": 5})).json()["stage"] == "picking"
    shipment = await create(client, "/shipments", {"order_id": read["id"], "expected_version": 6, "carrier": "Bike"})
    assert shipment.status_code == 201
    assert (await client.get(shipment.headers["location"].removeprefix("/api/v1"))).json() == shipment.json()
    assert (await client.get(path)).json()["stage"] == "shipped"
    late = await client.post(f"{path}/cancel", json={"expected_version": 7})
    assert (late.status_code, late.json()["type"], late.json()["stage"]) == (
        409, "/problems/orders/not-in-this-stage", "shipped",
    )  # fmt: skip
    stale = await client.post(f"{path}/close", json={"expected_version": 6})
    assert (stale.status_code, stale.json()["current_version"]) == (409, 7)


async def test_a_repeated_create_makes_one_order_and_one_shipment(shop: Shop, client: Client) -> None:
    product = await shop.product("A", on_hand=9)
    first, second = [await create(client, "/orders", wanted(shop, product), "the-same-key") for _ in range(2)]
    assert first.json() == second.json()
    path = f"/orders/{first.json()['id']}"
    await client.post(f"{path}/confirm", json={"expected_version": 1})
    await client.post(f"{path}/pick", json={"expected_version": 2})
    body = {"order_id": first.json()["id"], "expected_version": 3, "lines": [{"position": 1, "quantity": 1}]}
    shipments = [await create(client, "/shipments", body, "another-key") for _ in range(2)]
    assert shipments[0].json() == shipments[1].json()
    assert await shop.level(product) == (8, 1)


@pytest.mark.parametrize(("given", "read"), [("8.50", "8.5"), ("1000", "1000"), ("0", "0"), ("1E+2", "100")])
async def test_a_price_reads_the_same_when_it_is_given_and_when_it_comes_back(
    shop: Shop, client: Client, given: str, read: str
) -> None:
    body = wanted(shop, await shop.product("A"), unit_price=given, discount_percent="10.0")
    placed = (await create(client, "/orders", body)).json()
    assert placed["lines"][0]["unit_price"] == read
    assert (await client.get(f"/orders/{placed['id']}")).json() == placed


async def test_pages_of_orders_follow_their_cursor(shop: Shop, client: Client) -> None:
    product = await shop.product("A")
    made = [(await create(client, "/orders", wanted(shop, product))).json()["number"] for _ in range(3)]
    first = (await client.get("/orders?limit=2")).json()
    rest = (await client.get("/orders", params={"limit": 2, "after": first["next"]})).json()
    assert [row["number"] for row in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None


@pytest.mark.parametrize("cursor", ["x", "WyIyMDMwLTAxLTAxVDAwOjAwOjAwIiwgIjAxIl0", "W10", "bnVsbA"])
@pytest.mark.parametrize(
    "path", ["/orders", "/stock/levels", "/stock/moves?product_id=01890000-0000-7000-8000-000000000000"]
)
async def test_a_cursor_that_is_not_ours_is_invalid(client: Client, path: str, cursor: str) -> None:
    joint = "&" if "?" in path else "?"
    assert (await client.get(f"{path}{joint}after={cursor}")).status_code == 422


@pytest.mark.parametrize(
    "line",
    [
        {"quantity": 0}, {"quantity": 10**9}, {"quantity": "two"}, {"unit_price": "-1"}, {"unit_price": "NaN"},
        {"unit_price": "1e30"}, {"discount_percent": "101"}, {"unit_price": "0.0000001"}, {"colour": "red"},
        {"unit_price": "1000000000000", "quantity": 1_000_000},
    ],
)  # fmt: skip
async def test_a_line_out_of_bounds_never_reaches_the_database(
    shop: Shop, client: Client, line: dict[str, Any]
) -> None:
    refused = await create(client, "/orders", wanted(shop, await shop.product("A"), **line))
    assert refused.status_code in (400, 422)


async def test_an_order_without_lines_or_with_too_many_is_refused(shop: Shop, client: Client) -> None:
    body = wanted(shop, await shop.product("A"))
    for lines in ([], body["lines"] * 501):
        assert (await create(client, "/orders", body | {"lines": lines})).status_code in (400, 422)


async def test_another_tenants_order_and_shipment_answer_like_ones_that_do_not_exist(
    shop: Shop, client: Client, database: Database, make_tenant: MakeTenant
) -> None:
    theirs = await open_shop(database, (await make_tenant()).principal)
    order = await theirs.ship(await theirs.pick(await theirs.ordered((await theirs.product("A", on_hand=5), 1))))
    for path, theirs_id in (("/orders", order.id), ("/shipments", order.shipments[0].id)):
        foreign, unknown = await client.get(f"{path}/{theirs_id}"), await client.get(f"{path}/{uuid4()}")
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
    for action in ("confirm", "allocate", "pick", "cancel", "close"):
        assert (await client.post(f"/orders/{order.id}/{action}", json={"expected_version": 1})).status_code == 404
    shipment = await create(client, "/shipments", {"order_id": str(order.id), "expected_version": 1})
    assert shipment.status_code == 404


async def test_stock_is_received_corrected_reversed_and_listed(shop: Shop, client: Client) -> None:
    product = str(await shop.product("A", reorder_point=9))
    warehouse = await create(client, "/warehouses", {"code": "EAST", "name": "East"})
    assert (await client.get(warehouse.headers["location"].removeprefix("/api/v1"))).json() == warehouse.json()
    there = warehouse.json()["id"]
    receipt = await create(
        client, "/stock/receipts", {"warehouse_id": there, "lines": [{"product_id": product, "quantity": 9}]}
    )
    assert (await client.get(receipt.headers["location"].removeprefix("/api/v1"))).json() == receipt.json()
    correction = {"warehouse_id": there, "product_id": product, "quantity": -2, "reason": "damage"}
    move = await create(client, "/stock/moves", correction)
    assert (await client.get(move.headers["location"].removeprefix("/api/v1"))).json() == move.json()
    undone = await client.post(f"/stock/moves/{move.json()['id']}/reverse", json={"note": "Was fine"})
    assert (undone.status_code, undone.json()["quantity"]) == (200, 2)
    again = await client.post(f"/stock/moves/{move.json()['id']}/reverse", json={})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/stock/not-reversible")
    too_much = await create(client, "/stock/moves", correction | {"quantity": -10})
    assert (too_much.status_code, too_much.json()["type"]) == (409, "/problems/stock/not-enough")
    assert [item["available"] for item in (await client.get("/stock/levels")).json()["items"]] == [9]
    assert [item["sku"] for item in (await client.get("/stock/low")).json()["items"]] == ["A"]
    assert len((await client.get(f"/stock/moves?product_id={product}")).json()["items"]) == 3
    assert [row["code"] for row in (await client.get("/warehouses")).json()["items"]] == ["EAST", "MAIN"]
    taken = await create(client, "/warehouses", {"code": "EAST", "name": "East"})
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/stock/code-taken")
