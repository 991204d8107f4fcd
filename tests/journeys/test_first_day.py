"""The first day of a new tenant, from the sign-in to the first order, by keyboard alone.

What a page writes to the console, a violation of its policy, and what axe finds fail the journey.
"""

import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.journeys.conftest import chromium_for
from tests.journeys.keyboard import done
from tests.journeys.looking import seen
from tests.journeys.serving import Home, Serving
from tests.journeys.visiting import Visit, visit

MOST_TABS = 80
OWNER = "ada@example.com"
PAGES = (
    "/welcome", "/settings/company", "/settings/numbering", "/settings/vat", "/settings/branding", "/settings/mail",
    "/members", "/members/new", "/keys", "/keys/new",
)  # fmt: skip


@pytest.fixture(scope="module")
def newcomer() -> Iterator[Serving]:
    """An installation without a demo, with one tenant that nobody has signed in to yet."""
    home = Home.make()
    try:
        running = Serving(home)
        made = home.command(
            "tenant", "create", "harbour", "--name", "Harbour & Finch Ltd", "--owner", OWNER, "--country", "GB",
            "--currency", "GBP",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        yield running
        running.stop(signal.SIGTERM)
    finally:
        home.end()
        home.remove()


@pytest.fixture(scope="module")
async def chromium(newcomer: Serving) -> AsyncIterator[Any]:
    """A browser that trusts this installation."""
    async with chromium_for(newcomer) as launched:
        yield launched


async def enter(person: Visit, serving: Serving) -> None:
    """Sign in by a fresh link, by keyboard."""
    link = serving.link("harbour", OWNER)
    await person.page.goto(link)
    await press(person, "button", "Sign in")
    await person.page.wait_for_url(lambda address: "sign-in" not in address)


async def reach(person: Visit, role: Any, name: str) -> None:
    """Go on with Tab until something has the focus; fails for what a keyboard cannot reach."""
    wanted = person.page.get_by_role(role, name=name, exact=True).first
    await wanted.wait_for()
    for _ in range(MOST_TABS):
        if await wanted.evaluate("element => element === document.activeElement"):
            return
        await person.page.keyboard.press("Tab")
    raise AssertionError(f"The {role} {name!r} cannot be reached by keyboard on {person.page.url}.")


async def press(person: Visit, role: Any, name: str) -> None:
    """Reach something and press Enter."""
    await reach(person, role, name)
    await person.page.keyboard.press("Enter")


async def fill(person: Visit, label: str, text: str) -> None:
    """Reach a field and type into it, in place of what it holds."""
    await reach(person, "textbox", label)
    await person.page.keyboard.press("Control+A")
    await person.page.keyboard.type(text)


async def choose(person: Visit, label: str, start: str) -> None:
    """Reach a list and choose an entry by its first letters."""
    await reach(person, "combobox", label)
    await person.page.keyboard.type(start)


async def at(person: Visit, path: str) -> None:
    await person.page.wait_for_url(f"**{path}")


async def test_a_new_tenant_gets_from_its_sign_in_to_its_first_order(chromium: Any, newcomer: Serving) -> None:
    person = await visit(chromium, newcomer)
    page = person.page
    await enter(person, newcomer)
    await at(person, "/welcome")
    await press(person, "link", "Enter company data")
    await fill(person, "Street", "14 Quayside Court")
    await fill(person, "Postcode", "BS1 6XH")
    await fill(person, "City", "Bristol")
    await page.keyboard.press("Enter")
    await done(person.page, "company")
    await press(person, "link", "Add one by hand")
    await fill(person, "SKU", "85123A")
    await fill(person, "Name", "White hanging heart T-light holder")
    await fill(person, "List price", "2.55")
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda address: "/products/" in address and "/new" not in address)
    await person.see("/welcome")
    await press(person, "link", "Add a customer")
    await fill(person, "Name", "The Copper Kettle Company")
    await choose(person, "Country", "United K")
    await choose(person, "Currency", "GBP")
    await fill(person, "Payment term", "30")
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda address: "/customers/" in address and "/new" not in address)
    await person.see("/welcome")
    await press(person, "link", "Invite somebody")
    await fill(person, "Name", "Eve Carter")
    await fill(person, "E-mail address", "eve@example.com")
    await page.keyboard.press("Enter")
    assert "sign-in/once?token=" in await page.get_by_label("Sign-in link").input_value()
    await person.see("/welcome")
    assert await page.locator(".first-step-done").count() == 5
    assert await page.locator(".first-step-next h2").inner_text() == "Take your first order"
    await person.picture("first-day-almost-done")
    await press(person, "link", "Take an order")
    await at(person, "/orders/new")
    await first_order(person)
    await person.see("/welcome")
    assert await page.locator("h1").inner_text() == "You are set up"
    assert await page.locator(".first-step-done").count() == 6
    await person.see("/")
    assert "/welcome" not in page.url
    await person.leave()
    assert person.complaints == []


async def first_order(person: Visit) -> None:
    """Take an order for twelve of the first product, as on the telephone, and keep it as a draft."""
    page, keyboard = person.page, person.page.keyboard
    await keyboard.press("F2")
    await keyboard.type("Copper")
    await page.get_by_role("option", name="The Copper Kettle Company").wait_for()
    await keyboard.press("Enter")
    await keyboard.type("85123A")
    await page.get_by_role("option", name="White hanging heart").wait_for()
    await keyboard.press("Enter")
    await keyboard.type("12")
    await keyboard.press("Enter")
    await page.locator("[data-show='gross']", has_text="36.72").wait_for()  # twelve times 2.55, and 20% VAT
    await keyboard.press("Control+s")
    await page.get_by_role("link", name="Open the order").wait_for()
    await person.picture("first-day-first-order")


async def test_a_key_is_issued_copied_and_revoked_by_keyboard(chromium: Any, newcomer: Serving) -> None:
    person = await visit(chromium, newcomer, permissions=["clipboard-read", "clipboard-write"])
    page = person.page
    await enter(person, newcomer)
    await person.see("/keys")
    await page.keyboard.press("n")
    await at(person, "/keys/new")
    await fill(person, "Name", "Web shop")
    await page.keyboard.press("Enter")
    secret = await page.get_by_label("API key", exact=True).input_value()
    assert secret.startswith("sk_")
    assert secret not in page.url
    await press(person, "button", "Copy")
    await page.get_by_text("Copied").first.wait_for()
    assert await page.evaluate("navigator.clipboard.readText()") == secret
    await press(person, "link", "Done")
    await press(person, "link", "Web shop")
    await press(person, "button", "Revoke")
    await press(person, "button", "Revoke the key")
    await done(person.page, "revoked")
    await person.leave()
    assert person.complaints == []


async def test_numbering_begins_where_the_former_system_ended(chromium: Any, newcomer: Serving) -> None:
    person = await visit(chromium, newcomer)
    await enter(person, newcomer)
    await person.see("/settings/numbering")
    invoices = person.page.get_by_role("row", name="Invoices").get_by_role("button")
    await invoices.focus()
    await person.page.keyboard.press("Enter")
    dialog = person.page.get_by_role("dialog", name="Invoices")
    await dialog.wait_for()
    await person.page.keyboard.press("Control+A")
    await person.page.keyboard.type("FV")
    await person.page.keyboard.press("Tab")
    await person.page.keyboard.press("Control+A")
    await person.page.keyboard.type("118")
    await person.page.keyboard.press("Enter")
    await done(person.page, "saved")
    assert "-000118" in await person.page.get_by_role("row", name="Invoices").inner_text()
    await person.leave()
    assert person.complaints == []


async def test_no_page_of_the_first_day_has_a_barrier_in_any_look(chromium: Any, newcomer: Serving) -> None:
    person = await visit(chromium, newcomer, bypass_csp=True)
    await enter(person, newcomer)
    found = [it for path in PAGES for it in await seen(person, path)]
    await person.leave()
    assert found == []
