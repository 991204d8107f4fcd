"""Order entry's page and what its script asks: bounds, permissions, the reader's language, the form without script."""

from typing import Any

from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.calls import inside
from tests.walls.inhabitants import session_of
from tests.walls.trading import Trader

from stockade.access.admission import SESSION_COOKIE
from stockade.kernel.ids import new_id

NUL = "%00"


async def asked(site: Site, token: str, method: str, path: str, **given: Any) -> Any:
    """Ask as a page's script does."""
    headers = {"Cookie": f"{SESSION_COOKIE}={token}", "X-CSRF-Token": inside(site).state.csrf.token(token)}
    return await site.client.request(method, path, headers=headers | given.pop("headers", {}), **given)


async def shop(site: Site, tenant: TenantFixture) -> Trader:
    """A distributor with a product and a customer."""
    trader = Trader(site, await site.key(tenant))
    await trader.open_shop()
    return trader


async def test_the_page_holds_the_persons_drafts_and_no_others(site: Site, tenant: TenantFixture) -> None:
    mine, other = await session_of(site, tenant, "member"), await session_of(site, tenant, "member")
    for token, note in ((mine, "ring back"), (other, "somebody else's")):
        body = {"expected_version": 0, "content": {"note": note}}
        saved = await asked(site, token, "PUT", f"/orders/drafts/{new_id()}", json=body)
        assert (saved.status_code, saved.json()["version"]) == (200, 1)
    page = await asked(site, mine, "GET", "/orders/new", headers={"Accept": "text/html"})
    assert "ring back" in page.text
    assert "somebody else" not in page.text


async def test_a_member_is_offered_no_price_and_a_viewer_no_page(site: Site, tenant: TenantFixture) -> None:
    await shop(site, tenant)
    shown = {}
    for role in ("admin", "member", "viewer"):
        token = await session_of(site, tenant, role)
        answer = await asked(site, token, "GET", "/orders/new", headers={"Accept": "text/html"})
        shown[role] = (answer.status_code, 'data-part="discount"' in answer.text)
    assert shown == {"admin": (200, True), "member": (200, False), "viewer": (403, False)}


async def test_a_lines_problem_is_said_in_the_readers_language_and_the_rest_is_priced(
    site: Site, tenant: TenantFixture
) -> None:
    trader = await shop(site, tenant)
    token = await session_of(site, tenant, "member")
    lines = [
        {"product_id": str(new_id()), "quantity": 1},
        {"product_id": str(trader.made["product_id"]), "quantity": 2},
    ]
    body = {"customer_id": str(trader.made["customer_id"]), "lines": lines}
    answer = (await asked(site, token, "POST", "/orders/entry/price", json=body)).json()
    assert answer["lines"][0]["problem"]
    assert (answer["net_minor"], answer["lines"][1]["available"], answer["digits"]) == (2500, 1000, 2)


async def test_what_is_looked_up_is_bounded(site: Site, tenant: TenantFixture) -> None:
    token = await session_of(site, tenant, "member")
    refused = [f"/orders/entry/products?q={NUL}", f"/orders/entry/customers?q={'a' * 81}"]
    assert [(await asked(site, token, "GET", path)).status_code for path in refused] == [422, 422]
    texts = {"texts": ["a"] * 51}
    assert (await asked(site, token, "POST", "/orders/entry/matches", json=texts)).status_code == 422


async def test_a_draft_is_changed_only_from_our_own_page(site: Site, tenant: TenantFixture) -> None:
    token = await session_of(site, tenant, "member")
    body = {"expected_version": 0, "content": {}}
    answer = await asked(site, token, "PUT", f"/orders/drafts/{new_id()}", json=body, headers={"X-CSRF-Token": "none"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/csrf")


async def test_without_script_a_form_makes_a_draft_order_once_and_says_which_line_is_not_clear(
    site: Site, tenant: TenantFixture
) -> None:
    trader = await shop(site, tenant)
    token = await session_of(site, tenant, "member")
    customer = (await trader.ask("GET", "/customers"))["items"][0]["number"]
    fields = {
        "csrf_token": inside(site).state.csrf.token(token), "idempotency_key": new_id().hex, "customer": customer,
        "lines": "AMPHORA-1 3\r\nno such thing 4", "customer_reference": "PO 7",
    }  # fmt: skip
    page = {"Accept": "text/html"}
    refused = await asked(site, token, "POST", "/orders/new", data=fields, headers=page)
    assert refused.status_code == 422
    assert "no such thing" in refused.text
    fields["lines"] = "AMPHORA-1 3\r\n\r\namphora-1; 2"
    answers = [await asked(site, token, "POST", "/orders/new", data=fields, headers=page) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    orders = (await trader.ask("GET", "/orders"))["items"]
    assert [(order["stage"], f"/orders/{order['id']}") for order in orders] == [
        ("draft", answers[1].headers["location"])
    ]
