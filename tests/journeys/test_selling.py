"""A day by keyboard alone: partial shipment, credit hold, two people on one order, many at once, a count."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.journeys.keyboard import done, fill, focused, press, tab_to
from tests.journeys.serving import Serving
from tests.journeys.visiting import Visit, sign_in, visit

EXPECTED = re.compile(r"status of (409|422)")
"""What the browser notes of a refusal that the journey asks for."""


@pytest.fixture
async def people(browser: Any, serving: Serving) -> AsyncIterator[Any]:
    """Make somebody of a role, signed in; nobody's browser may have complained at the end."""
    made: list[Visit] = []
    slug, _ = serving.owner
    members = json.loads(serving.home.command("user", "list", "--tenant", slug, "--json").stdout)

    async def person(role: str) -> Visit:
        email = next(member["email"] for member in members if member["role"] == role)
        link = serving.link(slug, email)
        made.append(await visit(browser, serving))
        await sign_in(made[-1], link)
        return made[-1]

    yield person
    complaints = [text for one in made for text in one.complaints if not EXPECTED.search(text)]
    for one in made:
        await one.leave()
    assert complaints == []


async def first_of(person: Visit, query: str, *, which: int = 0) -> str:
    """Open an order of a list by keyboard; return its address."""
    await person.see(f"/orders?{query}")
    for _ in range(which + 1):
        await person.page.keyboard.press("j")
    await person.page.keyboard.press("Enter")
    await person.page.wait_for_url("**/orders/*-*")
    return str(person.page.url)


async def release_holds(person: Visit) -> None:
    """Release whatever holds the order up."""
    while await person.page.locator("form[action$='/release']").count():
        await press(person.page, "Release")
        await person.page.get_by_text("The hold is released.").wait_for()


async def test_a_part_is_shipped_and_the_rest_stays_to_come(people: Any) -> None:
    person = await people("owner")
    page = person.page
    await person.see("/orders?stage=picking")
    addresses = await page.locator("a.row-link").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    for address in addresses:
        await person.see(address)
        await release_holds(person)
        if await page.locator("#ship").count() and await page.locator("#ship input[inputmode=numeric]").count():
            break
    else:
        pytest.fail("No order of the demo is being picked.")
    await press(page, "Ship a part")
    field = page.locator("#ship input[inputmode=numeric]").first
    ready = int(await field.input_value())
    await tab_to(page, "Leaves:")
    await page.keyboard.press("Control+a")
    await page.keyboard.type(str(max(ready - 1, 0)))
    await fill(page, "Carrier", "Own van")
    await person.picture("ship-a-part")
    await page.keyboard.press("Enter")
    if ready > 1 or await page.locator("#ship input[inputmode=numeric]").count() > 1:
        await done(page, "ship")
        assert "Own van" in await page.locator("#shipments-title").locator("xpath=ancestor::section").inner_text()
        await person.picture("order-part-shipped")


async def test_a_member_sees_who_can_release_a_credit_hold_and_the_admin_releases_it(people: Any) -> None:
    member, admin = await people("member"), await people("admin")
    address = await first_of(member, "held=1")
    told = await member.page.locator("main").inner_text()
    assert "Who can release it" in told
    assert await member.page.locator("form[action$='/release']").count() == 0
    await member.picture("hold-seen-by-member")
    await admin.page.goto(address)
    await release_holds(admin)
    await admin.picture("hold-released")
    await member.page.goto(address)
    assert "Who can release it" not in await member.page.locator("main").inner_text()


async def test_the_second_of_two_people_sees_the_conflict_and_loses_nothing(people: Any) -> None:
    first, second = await people("owner"), await people("admin")
    address = await first_of(first, "stage=draft")
    await second.page.goto(address)
    for person, reference in ((first, "PO first"), (second, "PO second")):
        await person.page.keyboard.press("e")
        await fill(person.page, "Their reference", reference)
        await person.page.keyboard.press("Enter")
        await person.page.wait_for_load_state()
    await first.page.get_by_text("The draft is saved.").wait_for()
    dialog = second.page.locator("#edit")
    await dialog.get_by_text("Somebody else changed this").wait_for()
    assert await dialog.locator("[name=customer_reference]").input_value() == "PO second"
    assert "PO first" in await dialog.inner_text()
    assert "Changed by" in await dialog.inner_text()
    await second.picture("conflict")
    await press(second.page, "Take theirs")
    await press(second.page, "Save")
    await second.page.get_by_text("The draft is saved.").wait_for()
    await first.page.goto(address)
    assert "PO first" in await first.page.locator("main").inner_text()


async def test_a_button_of_a_page_that_is_out_of_date_says_who_was_faster(people: Any) -> None:
    first, second = await people("owner"), await people("admin")
    address = await first_of(first, "stage=draft", which=2)
    await second.page.goto(address)
    await first.page.keyboard.press("e")
    await fill(first.page, "Their reference", "PO 77")
    await first.page.keyboard.press("Enter")
    await first.page.get_by_text("The draft is saved.").wait_for()
    await press(second.page, "Confirm")
    alert = second.page.get_by_role("alert")
    await alert.wait_for()
    assert "Changed by" in await alert.inner_text()
    assert "PO 77" in await second.page.locator("main").inner_text()


async def test_many_orders_are_confirmed_at_once_and_each_is_told(people: Any) -> None:
    person = await people("owner")
    page = person.page
    await person.see("/orders?stage=draft")
    for _ in range(2):
        await page.keyboard.press("j")
        await page.keyboard.press("x")
    assert "2" in await page.locator("[data-bulk-count]").inner_text()
    await person.picture("orders-chosen")
    await press(page, "Confirm")
    await page.wait_for_url("**/orders/bulk/*")
    await page.locator("#bulk-progress", has_text="Waiting").wait_for(state="detached", timeout=20_000)
    outcomes = await page.locator("#bulk-progress tbody .badge").all_inner_texts()
    assert len(outcomes) == 2
    assert set(outcomes) <= {"Done", "Refused"}
    await person.picture("bulk-done")


async def test_a_count_goes_from_opening_to_approval_with_a_difference(people: Any) -> None:
    person = await people("owner")
    page = person.page
    await person.see("/stock?none=")
    sku = await page.locator("tbody tr td .code").first.inner_text()
    await person.see("/stock/counts")
    await page.keyboard.press("n")
    await page.wait_for_url("**/stock/counts/new")
    await press(page, "Open the count")
    await page.get_by_text("The count is open.").wait_for()
    await focused(page)
    await page.keyboard.type(sku)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("100000")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**entered=*")
    await focused(page)
    await page.keyboard.type("no such thing")
    await page.keyboard.press("Enter")
    await page.get_by_text("No stocked product has the SKU or barcode no such thing.").first.wait_for()
    await press(page, "Different")
    await page.wait_for_url("**which=different")
    assert sku in await page.locator("tbody").inner_text()
    await person.picture("count-differences")
    await press(page, "Approve")
    await press(page, "Book the differences")
    await page.get_by_text("The differences are booked.").wait_for()
    await person.picture("count-approved")
