"""From the telephone call to the paid invoice, by keyboard alone."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.journeys.keyboard import done, press
from tests.journeys.serving import Serving
from tests.journeys.test_order_entry import choose_customer, enter, place, some_products, type_line
from tests.journeys.visiting import Visit, visit

NEXT_STEPS = ("pick", "ship", "invoice")


@pytest.fixture
async def person(browser: Any, serving: Serving) -> AsyncIterator[Visit]:
    """Somebody at the telephone; nothing may have been complained of at the end."""
    made = await visit(browser, serving)
    await enter(made, serving)
    yield made
    await made.leave()
    assert made.complaints == []


async def in_stock(person: Visit) -> dict[str, Any]:
    """A product of which enough is free."""
    return next(product for product in await some_products(person, 40) if product["available"] > 5)


async def test_an_order_goes_from_the_call_to_a_paid_invoice(person: Visit) -> None:
    page = person.page
    product = await in_stock(person)
    await choose_customer(person)
    await type_line(person, product["sku"], 1)
    assert "is confirmed" in await place(person)
    await press(page, "Open the order")
    await page.wait_for_url("**/orders/*-*")
    while await page.locator("form[action$='/release']").count():
        await press(page, "Release")
        await page.get_by_text("The hold is released.").wait_for()
    for step in NEXT_STEPS:
        await page.keyboard.press("c")
        await done(page, step)
    await person.picture("order-invoiced")
    await press(page, "INV")
    await page.wait_for_url("**/invoices/*-*")
    invoice = page.url
    await page.keyboard.press("p")
    await page.wait_for_url("**/payments/new*")
    await press(page, "Record the payment")
    await page.wait_for_url(re.compile(r"/payments/[0-9a-f-]{36}"))
    await person.picture("payment-recorded")
    await page.goto(invoice)
    assert "Paid" in await page.locator(".page-head").inner_text()
    await person.picture("invoice-paid")
