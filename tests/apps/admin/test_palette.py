"""What the palette, the pickers and the frame ask: records by a few letters, the navigation's pages, the session."""

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from tests.apps.admin.browsing import Person, signed_in, told
from tests.conftest import MakeTenant, TenantFixture
from tests.running import Site
from tests.walls.calls import calls_of, inside
from tests.walls.inhabitants import ended_session
from tests.walls.trading import Trader

from stockade.access.permissions import PERMISSIONS, PUBLIC
from stockade.apps.admin.navigation import ACTIONS, NAVIGATION

ENTRIES = [*(entry for group in NAVIGATION for entry in group.entries), *ACTIONS]


@pytest.fixture
async def shop(site: Site, tenant: TenantFixture) -> Trader:
    """A tenant with an invoiced order."""
    trader = Trader(site, await site.key(tenant))
    await trader.open_shop()
    await trader.invoiced()
    return trader


@pytest.fixture
async def person(site: Site, tenant: TenantFixture, shop: Trader) -> Person:
    """Somebody who works there."""
    return await signed_in(site, tenant, "member")


async def found(person: Person, kind: str, text: str = "") -> list[dict[str, Any]]:
    """What a look-up answers."""
    response = await person.ask("GET", f"/look-up/{kind}", params={"q": text} if text else {})
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = msgspec.json.decode(response.content)["items"]
    return items


def labels(items: list[dict[str, Any]]) -> list[str]:
    return [item["label"] for item in items]


@pytest.mark.parametrize("text", ["mus", "USEUM", "ltd", "museum ltd"])
async def test_a_customer_is_found_by_any_part_of_its_name(person: Person, text: str) -> None:
    (item,) = await found(person, "customers", text)
    assert item["label"] == "Museum Ltd"
    assert item["href"] == f"/customers/{item['id']}"


async def test_names_that_begin_as_typed_come_before_names_that_only_hold_it(person: Person, shop: Trader) -> None:
    for name in ("Ambridge Ltd", "Old Bridge Ltd", "Bridge Ltd"):
        await shop.make("/customers", {"name": name, "country": "DE", "currency": "EUR"}, "customer_id")
    assert labels(await found(person, "customers", "bridge")) == ["Bridge Ltd", "Old Bridge Ltd", "Ambridge Ltd"]


async def test_the_number_as_typed_comes_first(person: Person, shop: Trader) -> None:
    await shop.stock_product("AMPHORA-12", 1)
    assert [item["detail"] for item in await found(person, "products", "amphora-1")] == ["AMPHORA-1", "AMPHORA-12"]


async def test_what_is_archived_is_not_found(person: Person, shop: Trader) -> None:
    (item,) = await found(person, "products", "amphora")
    product = await shop.ask("GET", f"/products/{item['id']}")
    await shop.ask("POST", f"/products/{item['id']}/archive", {"expected_version": product["version"]})
    assert await found(person, "products", "amphora") == []


async def test_an_order_and_an_invoice_are_found_by_the_end_of_their_number(person: Person, shop: Trader) -> None:
    order = await shop.ask("GET", f"/orders/{shop.made['order_id']}")
    assert labels(await found(person, "orders", order["number"][-4:])) == [order["number"]]
    assert labels(await found(person, "orders", order["number"].lower())) == [order["number"]]
    everything = await found(person, "everything", order["number"][-4:])
    assert {item["kind"] for item in everything} >= {"orders", "invoices"}
    assert all(item["detail"] == "Museum Ltd" for item in everything if item["kind"] in ("orders", "invoices"))


@pytest.mark.parametrize("text", ["%", "_", "\\", "%useum", "M_seum"])
async def test_a_sign_of_the_pattern_language_is_a_letter_like_any_other(person: Person, text: str) -> None:
    assert await found(person, "everything", text) == []


async def test_without_a_text_a_picker_offers_what_comes_first_and_the_palette_nothing(person: Person) -> None:
    assert labels(await found(person, "customers")) == ["Museum Ltd"]
    assert len(await found(person, "orders")) == 1
    assert await found(person, "everything") == []


async def test_another_tenants_records_are_not_found(site: Site, person: Person, make_tenant: MakeTenant) -> None:
    stranger = await signed_in(site, await make_tenant(), "owner")
    for text in ("museum", "amphora", "0001"):
        assert await found(stranger, "everything", text) == []
    assert await found(person, "everything", "museum") != []


async def test_a_text_that_cannot_be_meant_is_refused(person: Person) -> None:
    for text in ("x" * 81, "a\0b", "\u202eabc"):
        assert (await person.ask("GET", "/look-up/customers", params={"q": text})).status_code == 422


async def test_a_look_up_is_one_statement(site: Site, person: Person) -> None:
    opened: list[Any] = []
    inside(site).state.observe_transaction = opened.append
    for kind in ("everything", "customers", "products", "orders", "invoices"):
        opened.clear()
        await found(person, kind, "1")
        assert [tx.round_trips for tx in opened] == [2], kind  # BEGIN with the pin, and the statement
    inside(site).state.observe_transaction = None


def test_every_entry_of_the_navigation_names_a_permission_that_is_declared_and_no_two_share_a_key() -> None:
    assert {entry.permission for entry in ENTRIES if entry.permission} <= set(PERMISSIONS)
    keys = [entry.key for entry in ENTRIES if entry.key]
    assert len(keys) == len(set(keys))


def test_every_entry_of_the_navigation_asks_for_what_its_page_asks_for(site: Site) -> None:
    pages = {call.path: call.permission for call in calls_of(site) if call.method == "GET"}
    for entry in ENTRIES:
        asked = pages[entry.address]
        assert asked is PUBLIC or asked.name == entry.permission, entry.address


async def test_components_are_shown_in_development_and_nowhere_else(site: Site, person: Person) -> None:
    assert "Components" in told(await person.see("/ui"))
    installation = inside(site).state.installation
    chosen = installation.settings
    try:
        installation.settings = msgspec.structs.replace(chosen, profile="production")
        await person.see("/ui", status=404)
    finally:
        installation.settings = chosen


async def session(person: Person) -> dict[str, Any]:
    """What a page that was open for long is told."""
    answer: dict[str, Any] = (await person.ask("GET", "/session")).json()
    return answer


async def test_an_open_page_is_told_who_is_signed_in_and_given_a_token_that_is_taken(
    person: Person, tenant: TenantFixture
) -> None:
    answer = await session(person)
    assert UUID(answer["owner"].split()[0]) == tenant.id
    assert f'data-owner="{answer["owner"]}"' in await person.see("/orders")
    sent = await person.ask("POST", "/language", data={"locale": "en", "csrf_token": answer["csrf_token"]})
    assert sent.status_code == 303


async def test_an_open_page_is_told_that_its_session_has_ended(site: Site, tenant: TenantFixture) -> None:
    ended = Person(site, await ended_session(site, tenant))
    assert (await session(ended))["owner"] == ""


async def test_another_origin_may_not_read_the_session(person: Person) -> None:
    response = await person.ask("GET", "/session")
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["cache-control"] == "no-store"


async def test_an_error_stands_in_the_frame_of_whoever_is_signed_in(person: Person) -> None:
    await person.see("/orders")
    for path in ("/no-such-page", f"/orders/{UUID(int=1)}"):
        page = await person.see(path, status=404)
        assert 'action="/sign-out"' in page
        assert 'href="/customers"' in page


async def test_an_error_offers_the_way_back_only_within_the_house(site: Site, person: Person) -> None:
    for referrer, shown in (("https://localhost:8443/customers", True), ("https://evil.example/customers", False),
                            ("https://localhost:8443//evil.example", False), ("https://[broken", False)):  # fmt: skip
        headers = {"Accept": "text/html", "Cookie": f"__Host-session={person.token}", "Referer": referrer}
        response: httpx.Response = await site.client.get("/no-such-page", headers=headers)
        assert response.status_code == 404
        assert ("Go back" in response.text) is shown, referrer
