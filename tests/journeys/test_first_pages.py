"""The first pages as a person sees them: in Chromium, from the sign-in to a paid-for order's PDF.

Whatever a page writes to the console, and every violation of its content security policy, fails the journey.
"""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.journeys.keyboard import done
from tests.journeys.looking import examined
from tests.journeys.serving import Serving
from tests.journeys.visiting import Visit, sign_in, visit

PASSWORD = "correct horse battery"
STEPS = ("confirm", "pick", "ship", "invoice")


@pytest.fixture
async def person(browser: Any, serving: Serving) -> AsyncIterator[Visit]:
    """Somebody at a desk; nothing may have been complained of at the end."""
    made = await visit(browser, serving)
    yield made
    await made.leave()
    assert made.complaints == []


async def test_the_printed_link_signs_in_once_and_shows_the_orders(person: Visit, serving: Serving) -> None:
    await sign_in(person, serving.links()[0])
    assert await person.page.locator("h1").inner_text() == "Orders"
    assert await person.page.locator("tr[data-row]").count() == 50
    await person.page.goto(serving.links()[0])
    await person.page.get_by_role("button", name="Sign in").click()
    assert "does not work any more" in await person.page.locator("h1").inner_text()


async def test_a_password_signs_in_after_a_wrong_one_was_refused(person: Visit, serving: Serving) -> None:
    _, email = serving.owner
    assert serving.home.command("user", "password", email, stdin=PASSWORD + "\n").returncode == 0
    await person.see("/sign-in")
    for password in ("wrong horse battery", PASSWORD):
        await person.page.get_by_label("E-mail address").fill(email)
        await person.page.get_by_label("Password").fill(password)
        await person.page.keyboard.press("Enter")
        if password != PASSWORD:
            await person.page.get_by_text("do not go together").wait_for()
            assert await person.page.get_by_label("Password").get_attribute("aria-invalid") == "true"
    await person.page.wait_for_url(re.compile(r"/(orders|dashboard|welcome)?$"))


async def test_the_list_is_searched_filtered_and_paged_by_keyboard_alone(person: Visit, link: str) -> None:
    await sign_in(person, link)
    page = person.page
    first = await page.locator("a.row-link").first.inner_text()
    await page.keyboard.press("/")
    await page.keyboard.type(first)
    await page.wait_for_url(f"**q={first}*")
    await page.locator("tr[data-row]").nth(1).wait_for(state="detached")
    assert await page.locator("a.row-link").all_inner_texts() == [first]
    await page.keyboard.press("Escape")
    await person.see("/orders")
    await page.get_by_role("link", name=re.compile("^Draft")).focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**stage=draft*")
    assert set(await page.locator("tr[data-row] td[data-label=Stage]").all_inner_texts()) == {"Draft"}
    await person.see("/orders")
    await page.get_by_role("link", name="Next").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**after=*")
    assert await page.locator("a.row-link").first.inner_text() != first
    await page.get_by_role("link", name="Previous").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**before=*")
    assert await page.locator("a.row-link").first.inner_text() == first


async def draft_ready_to_go(person: Visit) -> None:
    """Open a draft whose lines are all in stock and can be confirmed."""
    await person.see("/orders?stage=draft")
    addresses = await person.page.locator("a.row-link").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    assert addresses
    for address in addresses:
        await person.see(address)
        short = await person.page.locator(".sku.warn").count()
        if not short and await person.page.locator("form[action$='/confirm']").count():
            return
    pytest.fail("No draft of the demo is in stock.")


async def test_an_order_goes_from_draft_to_an_invoice_that_opens_as_pdf(person: Visit, link: str) -> None:
    await sign_in(person, link)
    await draft_ready_to_go(person)
    page = person.page
    for step in STEPS:
        if step == "pick":
            while await page.locator("form[action$='/release']").count():
                await page.locator("form[action$='/release'] button").first.click()
                await page.get_by_text("The hold is released.").wait_for()
        await page.locator(f"form[action$='/{step}'] button").click()
        await done(page, step)
    assert "Invoiced" in await page.locator(".stages [aria-current=step]").inner_text()
    await person.picture("order-invoiced")
    invoice = await page.locator("a[href^='/invoices/']").first.get_attribute("href")
    answer = await person.context.request.get(f"{person.origin}/api/v1{invoice}/pdf", ignore_https_errors=True)
    assert answer.headers["content-type"] == "application/pdf"
    assert (await answer.body()).startswith(b"%PDF-")


async def test_a_refused_action_says_why_on_the_page(person: Visit, link: str) -> None:
    await sign_in(person, link)
    await draft_ready_to_go(person)
    page = person.page
    await page.locator("form[action$='/confirm'] input[name=expected_version]").evaluate("field => field.value = '999'")
    await page.locator("form[action$='/confirm'] button").click()
    await page.get_by_role("alert").wait_for()
    assert "someone else" in await page.get_by_role("alert").inner_text()
    person.complaints = [text for text in person.complaints if "status of 409" not in text]


async def test_no_page_has_a_barrier_and_none_is_wider_than_its_window(
    browser: Any, serving: Serving, link: str
) -> None:
    person = await visit(browser, serving, bypass_csp=True)
    await person.see("/sign-in")
    found = await examined(person, "sign-in")
    await sign_in(person, link)
    await person.see("/orders")
    await person.page.locator("a.row-link").first.click()
    await person.page.wait_for_url("**/orders/*-*")
    found += await examined(person, "order")
    for path, name in (("/trust", "trust"), ("/api/docs", "api-docs"), ("/orders?q=zzzz", "none"), ("/none", "lost")):
        await person.see(path)
        found += await examined(person, name)
    await person.leave()
    assert found == []


async def test_the_trust_page_is_open_to_everybody_and_lists_every_claim(person: Visit) -> None:
    await person.see("/trust")
    claims = await (
        await person.context.request.get(f"{person.origin}/trust/claims.json", ignore_https_errors=True)
    ).json()
    listed = claims.get("claims") or claims["document"]["claims"]
    shown = await person.page.inner_text("main")
    assert len(listed) > 50
    assert [claim["id"] for claim in listed if claim["id"] not in shown] == []
