"""Money by keyboard alone: a credit note, a letter that is kept, a bank file matched to invoices that are then paid.

Whatever a page writes to the console, and every violation of its policy, fails the journey.
"""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.keyboard import done, fill, focused, press, tab_to
from tests.journeys.looking import seen
from tests.journeys.serving import Serving
from tests.journeys.visiting import Visit, sign_in, visit

TODAY = datetime.now(UTC).date()


@pytest.fixture
async def person(browser: Any, serving: Serving, link: str) -> AsyncIterator[Visit]:
    """Somebody at a desk, signed in; nothing may have been complained of at the end."""
    made = await visit(browser, serving, bypass_csp=False)
    await sign_in(made, link)
    yield made
    await made.leave()
    assert made.complaints == []


async def open_invoices(person: Visit, count: int) -> list[dict[str, str]]:
    """Invoices that are open and wholly unpaid, as the list's download has them."""
    answer = await person.context.request.get(person.origin + "/invoices.csv?state=open", ignore_https_errors=True)
    rows = list(csv.DictReader(io.StringIO((await answer.body()).decode("utf-8-sig"))))
    return [row for row in rows if row["Total"] == row["Open"] and float(row["Open"]) > 20][:count]


async def state_of(person: Visit, number: str) -> str:
    """What the list says about an invoice."""
    await person.see(f"/invoices?q={number}")
    return str(await person.page.locator("tr[data-row] .badge").first.inner_text())


async def test_a_credit_note_is_issued_with_its_amounts_seen_before(person: Visit) -> None:
    page = person.page
    await person.see("/invoices?state=open")
    await page.keyboard.press("j")
    number = str(await page.evaluate("document.activeElement.innerText"))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/invoices/*-*")
    await page.locator(".paper img").wait_for()
    await person.picture("invoice")
    await page.keyboard.press("c")
    await page.wait_for_url("**/credit")
    await focused(page)
    await page.keyboard.type("1")
    await page.locator("#credit-preview dd").first.wait_for()
    total = str(await page.locator("#credit-preview strong").inner_text())
    await fill(page, "Reason", "One was broken")
    await person.picture("credit-note-form")
    await press(page, "Issue the credit note")
    await done(page, "credited")
    heading = await page.locator("h1").inner_text()
    assert heading.startswith("Credit note CN-")
    assert total in await page.locator("main").inner_text()
    assert number in await page.locator("main").inner_text()
    await person.picture("credit-note")


async def test_more_than_is_left_is_refused_while_it_is_typed(person: Visit) -> None:
    page = person.page
    await person.see("/invoices?state=open")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/invoices/*-*")
    await page.keyboard.press("c")
    await page.wait_for_url("**/credit")
    await focused(page)
    await page.keyboard.type("999999")
    await page.locator("#credit-preview .bad").wait_for()


async def test_without_a_relay_a_letter_is_kept_and_says_so(person: Visit) -> None:
    page = person.page
    await person.see("/invoices?state=open")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/invoices/*-*")
    await page.keyboard.press("s")
    await page.wait_for_url("**/send")
    await focused(page)
    await page.keyboard.press("Control+a")
    await page.keyboard.type("accounts@example.com")
    await press(page, "Send")
    await done(page, "kept")
    assert "accounts@example.com" in await page.locator(".letters").inner_text()


def bank_file(folder: Path, rows: list[dict[str, str]]) -> Path:
    """A British bank's file that pays invoices: one named, two named together, one too much, and rent that goes out."""
    one, two, three, four = rows
    both = f"{float(two['Open']) + float(three['Open']):.2f}"
    lines = [
        ["Date", "Type", "Description", "Paid out", "Paid in", "Balance"],
        [f"{TODAY:%d/%m/%Y}", "FPI", f"{one['Customer']} {one['Number'].replace('-', '')}", "", one["Open"], "1"],
        [f"{TODAY:%d/%m/%Y}", "FPI", f"{two['Number']} and {three['Number'].lower()}", "", both, "1"],
        [f"{TODAY:%d/%m/%Y}", "DD", "RENT", "500.00", "", "1"],
        [f"{TODAY:%d/%m/%Y}", "FPI", four["Number"], "", f"{float(four['Open']) + 7:.2f}", "1"],
        [f"{TODAY:%d/%m/%Y}", "FPI", "NOBODY KNOWS", "", "3.33", "1"],
    ]
    path = folder / "statement.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return path


async def brought(person: Visit, path: Path) -> None:
    """Bring a bank's file, without the mouse."""
    page = person.page
    page.on("filechooser", lambda _: None)  # from now on, so that the key below does not come before it
    await person.see("/payments/bank")
    await tab_to(page, "Transactions as CSV")
    async with page.expect_file_chooser() as choosing:
        await page.keyboard.press("Space")
    await (await choosing.value).set_files(path)
    await press(page, "Read the file")
    await page.get_by_role("button", name="Read the file like this").wait_for()
    await page.keyboard.press("Enter")
    await done(page, "read")


async def test_a_bank_file_is_matched_to_invoices_that_are_then_paid(person: Visit, tmp_path: Path) -> None:
    page = person.page
    rows = await open_invoices(person, 400)
    same = [row for row in rows if row["Customer"] == _frequent(rows)]
    others = [row for row in rows if row["Customer"] != _frequent(rows)]
    chosen = [others[0], same[0], same[1], others[1]]
    path = bank_file(tmp_path, chosen)
    await brought(person, path)
    await person.picture("bank-lines")
    assert await page.locator("tr[data-row]").count() == 4
    for expected in ("Certain", "Certain"):
        assert expected in await page.locator("tr[aria-current=true]").inner_text()
        await page.get_by_role("button", name="Book it").wait_for()
        await page.locator("#spread dl").wait_for()
        await page.keyboard.press("Enter")
        await done(page, "booked")
    await page.keyboard.press("u")
    await done(page, "taken-back")
    assert chosen[1]["Number"] in await page.locator("#booking").inner_text()
    await page.keyboard.press("Enter")
    await done(page, "booked")
    assert "Likely" in await page.locator("tr[aria-current=true]").inner_text()
    assert "7.00" in await page.locator("#spread").inner_text()
    await page.keyboard.press("Enter")
    await done(page, "booked")
    await page.get_by_text("NOBODY KNOWS").first.wait_for()
    await person.page.locator("main").focus()
    await page.keyboard.press("s")
    await done(page, "aside")
    await page.get_by_text("Every line is done").wait_for()
    for row in chosen:
        assert await state_of(person, row["Number"]) == "Paid"
    await brought(person, path)
    assert "5 lines were there before" in await page.locator(".page-head").inner_text()


async def test_arrows_and_letters_choose_lines_and_customers(person: Visit, tmp_path: Path) -> None:
    page = person.page
    rows = await open_invoices(person, 6)
    path = tmp_path / "two.csv"
    path.write_text(
        "Date,Description,Paid out,Paid in\n"
        + f"{TODAY:%d/%m/%Y},{rows[0]['Number']} or {rows[5]['Number']} ARROWS,,11.11\n"
        + f"{TODAY:%d/%m/%Y},SECOND ARROWS,,12.12\n"
    )
    await brought(person, path)
    first = await page.locator("#line-title + .bank-amount").inner_text()
    await page.keyboard.press("ArrowDown")
    await page.wait_for_url("**line=*")
    assert await page.locator("#line-title + .bank-amount").inner_text() != first
    await page.locator("main").focus()
    await page.keyboard.press("ArrowUp")
    await page.get_by_text(first).first.wait_for()
    if await page.locator("[data-shortcut=b]").count():
        await page.locator("main").focus()
        await page.keyboard.press("b")
        await page.wait_for_url("**customer=*")
    await page.locator("main").focus()
    await page.keyboard.press("c")
    assert await page.evaluate("document.activeElement.id") == "field-customer_id"


async def test_the_forms_of_money_have_no_barrier(browser: Any, serving: Serving, link: str) -> None:
    person = await visit(browser, serving, bypass_csp=True)
    await sign_in(person, link)
    await person.see("/invoices?state=open")
    invoice = str(await person.page.locator("a.row-link").first.get_attribute("href"))
    await person.see("/payments?unallocated=1")
    payment = str(await person.page.locator("a.row-link").first.get_attribute("href"))
    await person.see(invoice)
    pay = str(await person.page.locator("a[href^='/payments/new?']").get_attribute("href"))
    await person.see("/payments/bank")
    paths = [invoice + "/credit", invoice + "/send", invoice + "/write-off", payment, pay]
    paths += [str(await it.get_attribute("href")) for it in await person.page.locator("a.row-link").all()][:1]
    found = [problem for path in paths for problem in await seen(person, path)]
    await person.leave()
    assert found == []


def _frequent(rows: list[dict[str, str]]) -> str:
    """The customer with the most invoices."""
    names = [row["Customer"] for row in rows]
    return max(set(names), key=names.count)
