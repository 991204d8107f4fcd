"""The routes of catalogue and parties, called over HTTP with a signed-in owner."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from tests.conftest import MakeTenant, TenantFixture

import stockade.commerce.catalog.api
import stockade.commerce.parties.api
from stockade.kernel.problems import Problem
from stockade.tenancy.transaction import Database

Client = httpx.AsyncClient
PRODUCT = {"sku": "A", "name": "Hanging heart", "list_price": "2.50", "vat_category": "standard"}
CUSTOMER = {"name": "Northwind", "country": "DE", "currency": "EUR"}


def answer_problem(_request: Request[Any, Any, Any], problem: Problem) -> Response[dict[str, Any]]:
    return Response(problem.document(), status_code=problem.status)


def serving(database: Database, tenant: TenantFixture) -> Client:
    """The slices' routes alone, with the tenant's owner signed in."""

    async def sign_in(request: Request[Any, Any, Any]) -> None:
        request.scope["state"]["principal"] = tenant.principal

    app = Litestar(
        [*stockade.commerce.catalog.api.ROUTES, *stockade.commerce.parties.api.ROUTES],
        before_request=sign_in, exception_handlers={Problem: answer_problem},  # type: ignore[dict-item]
        state=State({"database": database, "observe_transaction": None}),
    )  # fmt: skip
    return Client(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.fixture
async def client(database: Database, tenant: TenantFixture) -> AsyncIterator[Client]:
    async with serving(database, tenant) as made:
        yield made


async def create(client: Client, path: str, body: dict[str, Any], key: str | None = None) -> Any:
    return await client.post(path, json=body, headers={"Idempotency-Key": key or str(uuid4())})


async def test_a_product_is_created_read_changed_and_archived(client: Client) -> None:
    created = await create(client, "/products", PRODUCT)
    assert created.status_code == 201
    path = created.headers["location"].removeprefix("/api/v1")
    assert (await client.get(path)).json() == created.json()
    changed = await client.patch(path, json={"expected_version": 1, "barcode": "4006381333931"})
    assert (changed.status_code, changed.json()["barcode"], changed.json()["name"]) == (
        200,
        "4006381333931",
        PRODUCT["name"],
    )
    archived = await client.post(f"{path}/archive", json={"expected_version": 2})
    assert archived.json()["state"] == "archived"
    lists = [
        [item["id"] for item in (await client.get(f"/products?state={state}")).json()["items"]]
        for state in ("archived", "active")
    ]
    assert lists == [[created.json()["id"]], []]
    late = await client.post(f"{path}/restore", json={"expected_version": 2})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/version-conflict")


async def test_a_repeated_create_makes_one_product(client: Client) -> None:
    first, second = [await create(client, "/products", PRODUCT, "the-same-key") for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    taken = await create(client, "/products", PRODUCT)
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/catalog/sku-taken")


async def test_a_cursor_leads_through_all_pages(client: Client) -> None:
    for place in range(5):
        await create(client, "/customers", CUSTOMER | {"name": f"Name {place}"})
    seen, after = [], ""
    while True:
        page = (await client.get(f"/customers?limit=2{after}")).json()
        seen += [item["name"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [f"Name {place}" for place in range(5)]


@pytest.mark.parametrize("search", ["%00", "a%00b", "", "a%0A", "x" * 81])
@pytest.mark.parametrize("path", ["/products", "/customers"])
async def test_a_search_that_the_database_would_refuse_is_refused_before(
    client: Client, path: str, search: str
) -> None:
    assert (await client.get(f"{path}?search={search}")).status_code == 400


async def test_a_foreign_cursor_is_refused(client: Client) -> None:
    for after in ("x", "!!!", "WzFd", "WyJhIiwiYiJd"):
        assert (await client.get(f"/products?after={after}")).status_code == 422


async def test_the_company_and_its_bank_account_are_kept_apart(client: Client) -> None:
    assert (await client.get("/company")).status_code == 404
    whole = {"legal_name": "L", "street": "S", "postcode": "P", "city": "C", "country": "GB", "currency": "GBP"}
    assert (await client.post("/company", json=whole)).status_code == 201
    assert (await client.post("/company", json=whole)).status_code == 409
    account = await client.post("/company/bank-account", json={"expected_version": 1, "iban": "GB82WEST12345698765432"})
    assert account.json() == {"iban": "GB82WEST12345698765432", "bic": None, "version": 2}
    assert "iban" not in (await client.get("/company")).json()


async def test_contacts_and_addresses_come_and_go(client: Client) -> None:
    owner = (await create(client, "/customers", CUSTOMER)).json()["id"]
    address = {"kind": "billing", "recipient": "R", "street": "S", "postcode": "P", "city": "C", "country": "DE"}
    for kind, body, change in (
        ("contacts", {"name": "Ada"}, {"name": "Eve"}),
        ("addresses", address, {"kind": "shipping"}),
    ):
        added = await create(client, f"/{kind}", body | {"customer_id": owner})
        path = f"/{kind}/{added.json()['id']}"
        changed = await client.patch(path, json=change | {"expected_version": 1})
        assert (await client.get(f"/customers/{owner}/{kind}")).json() == [changed.json()]
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404


async def test_vat_rates_are_set_and_listed(client: Client) -> None:
    answer = await client.post("/vat-rates", json={"category": "standard", "valid_from": "2011-01-04", "rate": "20"})
    assert answer.status_code == 200
    assert (await client.get("/vat-rates")).json() == [answer.json()]


async def test_another_tenants_ids_answer_as_ids_that_do_not_exist(database: Database, make_tenant: MakeTenant) -> None:
    async with serving(database, await make_tenant()) as theirs, serving(database, await make_tenant()) as mine:
        made = {
            "products": (await create(theirs, "/products", PRODUCT)).json()["id"],
            "customers": (await create(theirs, "/customers", CUSTOMER)).json()["id"],
        }
        for kind, id_ in made.items():
            answers = [
                [await mine.get(path), await mine.post(f"{path}/archive", json={"expected_version": 1})]
                for path in (f"/{kind}/{id_}", f"/{kind}/{uuid4()}")
            ]
            assert [(one.status_code, one.text) for one in answers[0]] == [
                (one.status_code, one.text) for one in answers[1]
            ]
            assert {one.status_code for one in answers[0]} == {404}
