"""A bank's lines: there once ever, booked as payments that settle invoices, taken back without a trace being lost."""

from typing import Any

import pytest
from tests.commerce.invoicing.world import Item, make_world
from tests.commerce.receivables.test_api import Api
from tests.conftest import TenantFixture
from tests.running import Site

from stockade.kernel.clock import today


@pytest.fixture
async def api(site: Site, tenant: TenantFixture) -> Api:
    return Api(site, await make_world(site.database, tenant), await site.key(tenant, "admin"))


def line(amount_minor: int, purpose: str = "", **more: Any) -> dict[str, Any]:
    given = {"booked_on": str(today()), "amount_minor": amount_minor, "currency": "EUR", "purpose": purpose}
    return given | {"payer": "Ada Lovelace", "account": "DE89370400440532013000"} | more


async def brought(api: Api, *lines: dict[str, Any]) -> list[Any]:
    statement = await api.post("/bank-statements", name="May", lines=list(lines))
    found: list[Any] = (await api.get(f"/bank-statements/{statement['id']}/lines"))["items"]
    return found


async def booked(api: Api, one: Any, *parts: tuple[str, int], expected: int = 200, **more: Any) -> Any:
    body = {
        "expected_version": one["version"], "customer_id": str(api.world.customer_id),
        "parts": [{"invoice_id": invoice, "amount_minor": amount} for invoice, amount in parts],
    }  # fmt: skip
    return await api.post(f"/bank-lines/{one['id']}/book", expected, **(body | more))


async def test_a_file_that_comes_again_adds_nothing(api: Api) -> None:
    lines = [line(500, "a"), line(500, "a"), line(-300, "b")]
    first = await api.post("/bank-statements", name="May", lines=lines)
    second = await api.post("/bank-statements", name="May again", lines=[*lines, line(900, "new")])
    assert (first["lines"], first["repeated"], first["open"]) == (3, 0, 2)
    assert (second["lines"], second["repeated"]) == (1, 3)


async def test_a_line_that_names_its_invoice_is_proposed_and_booked(api: Api) -> None:
    invoice = await api.invoiced(Item(2, "10.00"))
    (one,) = await brought(api, line(2400, f"Rechnung {invoice['number'].replace('-', ' ')}"))
    proposal = await api.get(f"/bank-lines/{one['id']}")
    (choice,) = proposal["choices"]
    assert (choice["certainty"], choice["reasons"]) == ("certain", ["number", "amount"])
    after = await booked(api, one, (invoice["id"], 2400))
    payment = await api.get(f"/payments/{after['payment_id']}")
    assert (after["state"], payment["amount"]["amount_minor"]) == ("booked", 2400)
    assert (await api.get(f"/invoices/{invoice['id']}"))["open"]["amount_minor"] == 0


async def test_what_came_in_too_much_stays_as_credit(api: Api) -> None:
    invoice = await api.invoiced(Item(1, "10.00"))
    (one,) = await brought(api, line(2000, "x"))
    payment = await api.get(f"/payments/{(await booked(api, one, (invoice['id'], 1200)))['payment_id']}")
    assert payment["unallocated"]["amount_minor"] == 800


async def test_who_paid_from_an_account_once_is_proposed_the_next_time(api: Api) -> None:
    first, second = await api.invoiced(Item(1)), await api.invoiced(Item(3))
    (one,) = await brought(api, line(1200, "what for?"))
    await booked(api, one, (first["id"], 1200))
    (other,) = await brought(api, line(3600, "something else"))
    (choice,) = (await api.get(f"/bank-lines/{other['id']}"))["choices"]
    assert choice["parts"] == [[second["id"], 3600]]
    assert (choice["certainty"], choice["reasons"]) == ("certain", ["account", "payer", "amount"])


async def test_a_booking_that_is_taken_back_frees_the_invoice_and_keeps_the_payment(api: Api) -> None:
    invoice = await api.invoiced(Item(1))
    (one,) = await brought(api, line(1200))
    after = await booked(api, one, (invoice["id"], 1200))
    back = await api.post(f"/bank-lines/{one['id']}/take-back", 200, expected_version=after["version"])
    assert (back["state"], back["payment_id"]) == ("open", after["payment_id"])
    assert (await api.get(f"/invoices/{invoice['id']}"))["open"]["amount_minor"] == 1200
    assert (await api.get(f"/payments/{after['payment_id']}"))["unallocated"]["amount_minor"] == 1200
    again = await booked(api, back, (invoice["id"], 1200))
    assert again["payment_id"] == after["payment_id"]
    assert len((await api.get("/payments"))["items"]) == 1


async def test_money_does_not_change_hands_when_a_booking_was_taken_back(api: Api) -> None:
    other = await api.post("/customers", name="Eve Ltd", country="DE", currency="EUR")
    (one,) = await brought(api, line(1200))
    after = await booked(api, one)
    back = await api.post(f"/bank-lines/{one['id']}/take-back", 200, expected_version=after["version"])
    refused = await booked(api, back, expected=409, customer_id=other["id"])
    assert refused["type"] == "/problems/receivables/line-paid-by-another"


async def test_a_line_is_booked_once(api: Api) -> None:
    (one,) = await brought(api, line(1200))
    await booked(api, one)
    refused = await booked(api, one, expected=409)
    assert refused["type"] == "/problems/receivables/line-not-open"
    assert len((await api.get("/payments"))["items"]) == 1


async def test_a_line_that_somebody_else_changed_is_a_conflict(api: Api) -> None:
    (one,) = await brought(api, line(1200))
    aside = await api.post(f"/bank-lines/{one['id']}/set-aside", 200, expected_version=one["version"])
    await api.post(f"/bank-lines/{one['id']}/reopen", 200, expected_version=aside["version"])
    assert (await booked(api, one, expected=409))["type"] == "/problems/version-conflict"


async def test_money_that_went_out_pays_no_invoice(api: Api) -> None:
    (one,) = await brought(api, line(-1200))
    assert one["state"] == "outgoing"
    assert (await booked(api, one, expected=409))["type"] == "/problems/receivables/line-not-open"


async def test_no_more_is_settled_than_came_in(api: Api) -> None:
    invoice = await api.invoiced(Item(5))
    (one,) = await brought(api, line(1000))
    await booked(api, one, (invoice["id"], 1001), expected=422)
    assert (await api.get("/payments"))["items"] == []


async def test_another_tenants_line_and_invoice_are_not_there(api: Api, site: Site, make_tenant: Any) -> None:
    stranger = await make_tenant()
    theirs = Api(site, await make_world(site.database, stranger), await site.key(stranger, "admin"))
    invoice = await theirs.invoiced(Item(1))
    (one,) = await brought(api, line(1200, invoice["number"]))
    assert (await api.get(f"/bank-lines/{one['id']}"))["choices"] == []
    await theirs.get(f"/bank-lines/{one['id']}", 404)
    await booked(api, one, (invoice["id"], 1200), expected=404)


async def test_two_tenants_may_have_the_same_line(api: Api, site: Site, make_tenant: Any) -> None:
    stranger = await make_tenant()
    theirs = Api(site, await make_world(site.database, stranger), await site.key(stranger, "admin"))
    await brought(api, line(1200, "same"))
    assert len(await brought(theirs, line(1200, "same"))) == 1
