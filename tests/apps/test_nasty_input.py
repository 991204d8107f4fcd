"""What strangers send: nothing of it is a failure of ours, and each refusal is a problem with a type."""

import json
from typing import Any

import pytest
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.calls import calls_of, governed, no_ids
from tests.walls.trading import Trader

from stockade.kernel.ids import new_id

PRODUCT: dict[str, Any] = {"sku": "A", "name": "A", "list_price": "1", "vat_category": "standard"}
DEEP = "[" * 100_000
NAMES = {
    "a NUL": "a\0b", "a lone surrogate": "\ud800", "an escape sequence": "\x1b[31m",
    "a right-to-left override": "a\u202eb",
    "a line break": "a\nb", "a carriage return and a header": "a\r\nSet-Cookie: x=1", "nothing": "", "a space": " ",
    "too much": "a" * 201, "a list": ["a"], "a number": 1, "null": None, "an object": {"$ne": 1},
}  # fmt: skip
PRICES = {
    "NaN": "NaN", "infinity": "Infinity", "a negative": "-1", "endless digits": "1" * 10_000,
    "a huge exponent": "1E+999999",
    "a tiny exponent": "1E-999999", "zero with an exponent": "0E+999999", "words": "one", "a signalling NaN": "sNaN",
    "an empty text": "", "a boolean": True,
}  # fmt: skip
BODIES = {
    "nothing": b"", "an open bracket": b"{", "a deep nesting": DEEP.encode(), "a list": b"[]", "a text": b'"x"',
    "null": b"null",
    "no UTF-8": b'{"sku": "\xff\xfe"}', "a NaN": b'{"list_price": NaN}', "something behind it": b"{} {}",
    "an unknown field": json.dumps(PRODUCT | {"tenant_id": str(new_id())}).encode(),
    "a byte order mark": b"\xef\xbb\xbf{}",
}  # fmt: skip
QUERIES = {
    "limit": ["0", "-1", "201", "99999999999999999999", "1e3", "NaN", "", "1;drop table", "٣", "0x10"],
    "after": ["", "x", "====", "bnVsbA", "W10", "WzFd", "WyJhIiwiYiJd", "%00", "a" * 401, "WyJcdTAwMDAiLCJhIl0"],
    "customer_id": ["x", "", "0", "{}", "00000000-0000-0000-0000-00000000000g", "' or 1=1 --"],
    "stage": ["x", "", "DRAFT", "draft\0", "draft'"],
    "number": ["\0", "%", "_", "\\", "a" * 81, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")],
}


@pytest.fixture
async def trader(site: Site, tenant: TenantFixture) -> Trader:
    """A shop with something in it."""
    trader = Trader(site, await site.key(tenant))
    await trader.open_shop()
    return trader


async def post(trader: Trader, body: bytes, path: str = "/api/v1/products", **headers: str) -> Any:
    sent = {"Content-Type": "application/json"} | headers
    return await trader.site.call(trader.key, "POST", path, content=body, headers=sent)


def is_refusal(response: Any, *statuses: int) -> bool:
    return (
        response.status_code in statuses
        and response.headers["content-type"] == "application/problem+json"
        and response.json()["type"].startswith("/problems/")
    )


async def test_no_name_that_could_deceive_or_break_anything_reaches_the_catalogue(trader: Trader) -> None:
    for what, name in NAMES.items():
        body = json.dumps(PRODUCT | {"name": name}).encode()
        assert is_refusal(await post(trader, body), 422), what


async def test_no_price_that_is_none_reaches_the_catalogue(trader: Trader) -> None:
    for what, price in PRICES.items():
        body = json.dumps(PRODUCT | {"list_price": price}).encode()
        assert is_refusal(await post(trader, body), 422), what


async def test_a_body_that_is_no_product_is_refused(trader: Trader) -> None:
    for what, body in BODIES.items():
        assert is_refusal(await post(trader, body), 400, 415, 422), what


async def test_no_quantity_that_a_shelf_cannot_hold_is_ordered(trader: Trader) -> None:
    for quantity in (0, -1, 2**31, 2**63, 10**30, 1.5, True, None, 1e400, "x"):
        body = trader.order_body()
        body["lines"][0]["quantity"] = quantity
        assert is_refusal(await post(trader, json.dumps(body).encode(), "/api/v1/orders"), 422), quantity


async def test_no_version_that_a_row_cannot_have_is_expected(trader: Trader) -> None:
    order = await trader.order()
    for version in (0, -1, 2**31, 10**30, 1.5, None, "x"):
        body = json.dumps({"expected_version": version}).encode()
        assert is_refusal(await post(trader, body, f"/api/v1/orders/{order['id']}/confirm"), 422), version


async def test_of_a_key_given_twice_no_half_is_taken_for_the_other(trader: Trader) -> None:
    """The last one counts, in what is checked and in what is stored alike (RFC 8259 leaves it open)."""
    body = b'{"sku": "A", "name": "first", "name": "second", "list_price": "1", "vat_category": "standard"}'
    answer = await post(trader, body)
    assert answer.json()["name"] == "second"
    body = b'{"sku": "B", "name": "first", "name": "\\u0000", "list_price": "1", "vat_category": "standard"}'
    assert is_refusal(await post(trader, body), 422)


async def test_the_api_takes_json_only_where_it_is_called_json(trader: Trader) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", ""):
        assert is_refusal(await post(trader, json.dumps(PRODUCT).encode(), **{"Content-Type": kind}), 415), kind


async def test_a_body_of_megabytes_is_refused(trader: Trader) -> None:
    for size in (2_000_001, 5_000_000):
        assert is_refusal(await post(trader, b'"' + b"a" * size + b'"'), 413), size


async def test_a_body_of_megabytes_without_a_length_is_refused_as_well(trader: Trader) -> None:
    async def endless() -> Any:
        for _ in range(50):
            yield b" " * 100_000

    headers = {"Content-Type": "application/json"}
    answer = await trader.site.call(trader.key, "POST", "/api/v1/products", content=endless(), headers=headers)
    assert is_refusal(answer, 413)


async def test_nothing_is_made_without_a_proper_idempotency_key(trader: Trader) -> None:
    for key in (None, "", "short", "a" * 201, "white space", "\u00e4" * 10, "a\tb-12345"):
        headers = {"Authorization": f"Bearer {trader.key}"} | ({} if key is None else {"Idempotency-Key": key})
        encoded = {name: value.encode("utf-8") for name, value in headers.items()}
        answer = await trader.site.client.post("/api/v1/products", json=PRODUCT, headers=encoded)
        assert is_refusal(answer, 400, 422), key


async def test_no_query_makes_a_list_fail(trader: Trader) -> None:
    for name, value in ((name, value) for name, values in QUERIES.items() for value in values):
        for path in ("/api/v1/orders", "/orders"):
            answer = await trader.site.call(trader.key, "GET", path, params={name: value})
            assert answer.status_code == 200 or is_refusal(answer, 422), f"{path}?{name}={value}: {answer.text}"


async def test_a_bad_cursor_makes_no_list_fail(trader: Trader) -> None:
    lists = [call for call in governed(calls_of(trader.site)) if call.method == "GET" and not call.path_ids]
    asked = 0
    for call in lists:
        for cursor in ("x", "bnVsbA", "WyJhIiwiYiJd", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwiYSJd", "W251bGwsbnVsbF0"):
            path, query, _ = call.content(no_ids())
            answer = await trader.site.call(trader.key, "GET", path, params=query | {"after": cursor})
            assert answer.status_code < 500, f"{call.name}: {answer.text}"
            asked += 1
    assert asked > 50


async def test_what_is_no_id_is_not_found(trader: Trader) -> None:
    for name in ("x", "0", "%00", "%2e%2e%2f", "' or 1=1", "00000000000000000000000000000000g", "%F0%9F"):
        for path in (f"/api/v1/orders/{name}", f"/orders/{name}", f"/api/v1/invoices/{name}/pdf"):
            answer = await trader.site.call(trader.key, "GET", path)
            assert is_refusal(answer, 400, 404, 422), f"{path}: {answer.status_code}"


async def test_nothing_of_a_path_becomes_a_header(trader: Trader) -> None:
    lines = "%0d%0aSet-Cookie:%20x=1"
    for path in (f"/orders/{lines}", f"/{lines}", f"/sign-in?next={lines}", f"/sign-in/once?token={lines}"):
        answer = await trader.site.client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code < 500
        assert "x" not in answer.cookies
        assert all("\r" not in value and "\n" not in value for value in answer.headers.values())
        assert answer.headers.get("location", "/").startswith("/")


async def test_a_name_cannot_break_out_of_a_download_header(trader: Trader) -> None:
    number = 'a";x="'
    customer = {"name": "Q", "number": number, "country": "DE", "currency": "EUR"}
    answer = await post(trader, json.dumps(customer).encode(), "/api/v1/customers")
    if answer.status_code == 201:
        answer = await trader.site.call(trader.key, "GET", f"/api/v1/customers/{answer.json()['id']}/statement/pdf")
        assert answer.headers["content-disposition"].count('"') == 2
    else:
        assert is_refusal(answer, 422)


async def test_no_method_makes_a_route_fail(trader: Trader) -> None:
    for method in ("PUT", "TRACE", "CONNECT", "PROPFIND", "HEAD", "OPTIONS", "get"):
        for path in ("/api/v1/orders", "/orders", "/sign-in", "/healthz", "/metrics", "/static/none.css"):
            answer = await trader.site.call(trader.key, method, path)
            assert answer.status_code < 500, f"{method} {path}"
