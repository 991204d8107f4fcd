"""Two operators and a customer: access asked for, approved, used in the customer's panel, and ended by the customer.

Everything from the keyboard; every page of the console, and a page of the panel under an access, in every look.
"""

import re
import time
from typing import Any

import pyotp
import pytest
from tests.journeys.keyboard import done, fill, focused, press, tab_to
from tests.journeys.looking import seen
from tests.journeys.serving import Serving
from tests.journeys.visiting import Visit, sign_in, visit

CONSOLE = ("/platform/tenants", "/platform/accesses", "/platform/accesses/new", "/platform/operators",
           "/platform/security", "/platform/password")  # fmt: skip
PASSWORD = "quiet lantern harbour nine"


async def operator(browser: Any, serving: Serving, name: str) -> Visit:
    """Made on the command line; signs in with what that printed, and chooses a password."""
    email = f"{name.split()[0].lower()}@platform.example"
    printed = serving.home.command("operator", "add", email, "--name", name).stdout
    first = re.search(r"first sign-in: (\S+)", printed)
    address = re.search(r"authenticator: (\S+)", printed)
    assert first is not None
    assert address is not None
    totp = pyotp.parse_uri(address[1])
    assert isinstance(totp, pyotp.TOTP)
    person = await visit(browser, serving)
    await person.see("/platform/tenants")
    await person.page.wait_for_url("**/platform/sign-in")
    await focused(person.page)
    await person.page.keyboard.type(email)
    await fill(person.page, "Password", first[1])
    await fill(person.page, "Code", totp.at(int(time.time())))
    await person.page.keyboard.press("Enter")
    await person.page.wait_for_url("**/platform/password")
    await focused(person.page)
    await person.page.keyboard.type(PASSWORD)
    await person.page.keyboard.press("Enter")
    await done(person.page, "password")
    return person


async def ask(person: Visit, tenant: str) -> str:
    """Ask for access to the orders of a tenant; return the access's page."""
    page = person.page
    await person.see("/platform/accesses")
    await press(page, "Ask for access")
    await page.wait_for_url("**/platform/accesses/new")
    await tab_to(page, "Tenant")
    await page.keyboard.type(tenant)
    await fill(page, "Reason", "An order shows a wrong total since yesterday")
    await fill(page, "Ticket", "T-4711")
    await tab_to(page, "orders")
    await page.keyboard.press("Space")
    await fill(page, "Minutes", "20")
    await page.keyboard.press("Enter")
    await done(page, "asked")
    return str(page.url).partition("?")[0].removeprefix(person.origin)


@pytest.mark.usefixtures("serving")
async def test_an_access_from_the_request_to_the_customers_end_of_it(browser: Any, serving: Serving) -> None:
    slug, email = serving.owner
    asker = await operator(browser, serving, "Ada Asker")
    approver = await operator(browser, serving, "Ben Approver")
    tenants = serving.home.command("tenant", "list").stdout
    assert slug in tenants
    await asker.see("/platform/tenants")
    name = await asker.page.get_by_role("row").filter(has_text=slug).locator("a").inner_text()
    tenant = await asker.page.get_by_role("row").filter(has_text=slug).locator("a").get_attribute("href")
    address = await ask(asker, name)
    assert await asker.page.get_by_role("button", name="Approve").count() == 0
    await approver.see(address)
    await press(approver.page, "Approve")
    await done(approver.page, "approved")

    await asker.see(address)
    await press(asker.page, "Look into the panel")
    await asker.page.wait_for_url("**/orders")
    banner = asker.page.get_by_role("region", name="Operator access")
    told = await banner.inner_text()
    assert "Operator Ada Asker by access T-4711" in told
    assert "reads only" in told
    assert re.search(r"1\d:\d\d", told)
    assert await asker.page.locator("tr[data-row]").count() > 10
    assert await asker.page.get_by_role("link", name="New order").count() == 0
    mark = await asker.page.locator(".watermark span").first.get_attribute("data-mark")
    assert str(mark).startswith("Operator Ada Asker by access T-4711, ")
    await asker.picture("panel-under-an-access")
    assert await looked_at(browser, serving, asker, (str(tenant), address)) == []

    customer = await visit(browser, serving)
    link = serving.link(slug, email)
    await sign_in(customer, link)
    await customer.see("/operator-access")
    await customer.page.locator("a.row-link").first.focus()
    await customer.page.keyboard.press("Enter")
    await customer.page.wait_for_url(re.compile("/operator-access/.+"))
    shown = await customer.page.inner_text("main")
    assert "Ada Asker" in shown
    assert "GET /orders" in shown
    await press(customer.page, "End it now")
    await done(customer.page, "ended")
    await customer.see("/trail")
    assert "Operator Ada Asker by access T-4711" in await customer.page.inner_text("main")

    await asker.page.locator("a.row-link").first.focus()
    await asker.page.keyboard.press("Enter")
    await asker.page.get_by_role("heading", name="The access has ended").wait_for()
    await asker.picture("access-over")
    await press(asker.page, "To the console")
    await asker.page.wait_for_url("**/platform/accesses")
    await press(asker.page, "Sign out")
    await asker.page.wait_for_url("**/platform/sign-in")
    for person in (asker, approver, customer):
        await person.leave()
        assert person.complaints == []


async def looked_at(browser: Any, serving: Serving, asker: Visit, records: tuple[str, ...]) -> list[str]:
    """What is wrong with the console's pages, and with a page of the panel under the access."""
    held = await asker.context.storage_state()
    person = await visit(browser, serving, bypass_csp=True, storage_state=held)
    found = [it for path in (*CONSOLE, *records, "/orders") for it in await seen(person, path)]
    await person.context.clear_cookies()
    found += await seen(person, "/platform/sign-in")
    await person.leave()
    return found + person.complaints
