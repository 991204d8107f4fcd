"""Customers as pages: what is typed is written down once, and nothing that was typed is lost."""

import pytest
from tests.apps.admin.browsing import Person, signed_in, told
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.trading import COMPANY, Trader

from stockade.kernel.ids import new_id

NEW = {"name": "Museum Ltd", "country": "DE", "currency": "EUR", "terms_days": "30", "credit_limit_minor": "1,250.50"}


@pytest.fixture
async def trader(site: Site, tenant: TenantFixture) -> Trader:
    """A company that may sell."""
    made = Trader(site, await site.key(tenant))
    await made.ask("POST", "/company", COMPANY, status=201)
    return made


async def created(person: Person, **more: str) -> str:
    """Write a customer down by the form; return its address."""
    going_to = await person.done("/customers/new", **(NEW | more))
    return going_to.partition("?")[0]


async def test_a_form_that_is_sent_twice_makes_one_customer(site: Site, tenant: TenantFixture, trader: Trader) -> None:
    person = await signed_in(site, tenant)
    key = new_id().hex
    assert await created(person, idempotency_key=key) == await created(person, idempotency_key=key)
    assert len((await trader.ask("GET", "/customers"))["items"]) == 1


async def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_stays(
    site: Site, tenant: TenantFixture, trader: Trader
) -> None:
    person = await signed_in(site, tenant)
    answer = await person.send("/customers/new", **(NEW | {"terms_days": "soon", "email": "x"}))
    page = told(answer.text)
    assert answer.status_code == 422
    assert "2 fields need another look" in page
    assert "Write a whole number." in page
    assert 'value="soon"' in answer.text
    assert 'value="Museum Ltd"' in answer.text
    assert (await trader.ask("GET", "/customers"))["items"] == []


async def test_a_rule_of_the_slice_is_told_at_its_field(site: Site, tenant: TenantFixture, trader: Trader) -> None:
    person = await signed_in(site, tenant)
    answer = await person.send("/customers/new", **NEW, vat_id="DE1")
    assert answer.status_code == 422
    assert 'id="error-vat_id"' in answer.text


async def test_amounts_are_typed_and_shown_in_major_units(site: Site, tenant: TenantFixture, trader: Trader) -> None:
    person = await signed_in(site, tenant)
    address = await created(person)
    assert "1,250.50" in told(await person.see(address))
    assert 'value="1250.5"' in await person.see(address + "/edit")


async def test_whoever_comes_late_sees_both_versions_and_keeps_what_was_typed(
    site: Site, tenant: TenantFixture, trader: Trader
) -> None:
    first, second = await signed_in(site, tenant), await signed_in(site, tenant, "admin")
    address = await created(first)
    seen = {"expected_version": "1", "name": "Museum Ltd", "country": "DE", "terms_days": "30"}
    await first.done(address + "/edit", **(seen | {"name": "Museum of Berlin"}))
    late = await second.send(address + "/edit", **(seen | {"name": "City Museum"}))
    page = told(late.text)
    assert late.status_code == 409
    assert 'value="City Museum"' in late.text
    assert "Now : Museum of Berlin" in page or "Now: Museum of Berlin" in page
    assert "Changed by The owner" in page
    # The form now holds the newer version: sending it again is a decision.
    await second.done(address + "/edit", **(seen | {"name": "City Museum", "expected_version": "2"}))
    assert "City Museum" in await first.see(address)


async def test_a_viewer_is_offered_nothing_that_would_be_refused(
    site: Site, tenant: TenantFixture, trader: Trader
) -> None:
    address = await created(await signed_in(site, tenant))
    viewer = await signed_in(site, tenant, "viewer")
    for page in ("/customers", address):
        text = await viewer.see(page)
        assert "/customers/new" not in text
        assert "/edit" not in text
        assert "/archive" not in text
        assert "/orders/new" not in text


async def test_archiving_can_be_undone_where_it_was_done(site: Site, tenant: TenantFixture, trader: Trader) -> None:
    person = await signed_in(site, tenant)
    address = await created(person)
    assert await person.done(address + "/archive", expected_version="1") == address + "?done=archived"
    assert "Undo" in told(await person.see(address + "?done=archived"))
    await person.done(address + "/restore", expected_version="2")
    assert "Archived" not in told(await person.see(address))


async def test_contacts_and_addresses_are_added_changed_and_removed(
    site: Site, tenant: TenantFixture, trader: Trader
) -> None:
    person = await signed_in(site, tenant)
    address = await created(person)
    customer = address.rsplit("/", 1)[1]
    await person.done(address + "/contacts/new", name="Ada", phone="+49 30 1234")
    place = {
        "kind": "shipping",
        "recipient": "Museum",
        "street": "Ring 2",
        "postcode": "10115",
        "city": "Berlin",
        "country": "DE",
    }
    await person.done(address + "/addresses/new", **place)
    page = told(await person.see(address))
    assert "Ada" in page
    assert "Ring 2" in page
    (contact,) = await trader.ask("GET", f"/customers/{customer}/contacts")
    (found,) = await trader.ask("GET", f"/customers/{customer}/addresses")
    await person.done(f"/contacts/{contact['id']}/edit", expected_version="1", name="Ada Byron", phone="")
    await person.done(f"/addresses/{found['id']}/remove")
    page = told(await person.see(address))
    assert "Ada Byron" in page
    assert "Ring 2" not in page
    assert "Contact" in told(await person.see(address + "/activity")) or "changed" in told(
        await person.see(address + "/activity")
    )


async def test_credit_and_debts_are_shown_to_whoever_may_see_receivables(
    site: Site, tenant: TenantFixture, trader: Trader
) -> None:
    await trader.ask("POST", "/vat-rates", {"category": "standard", "valid_from": "2020-01-01", "rate": "19"})
    await trader.make("/warehouses", {"code": "MAIN", "name": "Main"}, "warehouse_id")
    await trader.stock_product("A-1", 100)
    await trader.make("/customers", {"name": "Gallery", "country": "DE", "currency": "EUR"}, "customer_id")
    invoice = await trader.invoiced(10)
    person = await signed_in(site, tenant)
    page = told(await person.see(f"/customers/{trader.made['customer_id']}"))
    assert invoice["number"] in page
    assert "148.75" in page
    statement = told(await person.see(f"/customers/{trader.made['customer_id']}/statement"))
    assert invoice["number"] in statement
    assert "Gallery" in told(await person.see("/customers?q=gal"))
    assert "Gallery" not in told(await person.see("/customers?overdue=1"))
