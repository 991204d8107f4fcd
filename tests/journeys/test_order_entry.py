"""Order entry as somebody with a telephone in her other hand uses it: by keyboard alone, fast, over bad connections.

Whatever a page writes to the console, and every violation of its content security policy, fails the journey.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.journeys.looking import examined
from tests.journeys.serving import Serving
from tests.journeys.visiting import Visit, visit

A_KEY_MS = 100
"""Ten characters a second: a practised typist."""
LINES = 30
MOST_SECONDS = 120
UNSENT = ("net::ERR", "status of 409", "status of 403")
"""What a browser says by itself about a connection that we cut, a conflict that we made, and the first request after
signing in again: its token is the old session's, and is renewed."""
FORGET = """async () => {
    const token = document.querySelector("#entry [name=csrf_token]").value;
    for (const { id } of await (await fetch("/orders/drafts")).json())
        await fetch(`/orders/drafts/${id}`, { method: "DELETE", headers: { "x-csrf-token": token } });
    localStorage.clear();
}"""
PASTE = """text => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""  # noqa: E501  # one call
LOSE_AN_ANSWER = """() => {
    const [real, sent] = [window.fetch, (window.sent = [])];
    window.fetch = async (address, options) => {
        const answer = await real(address, options);
        if (!String(address).endsWith("/place")) return answer;
        sent.push((await answer.clone().json()).number);
        if (sent.length === 1) throw new TypeError("The connection broke.");
        return answer;
    };
}"""
TYPED = """() => [...document.querySelectorAll("[data-lines] tbody")].map(line =>
    [line.querySelector("[data-part=product]").value, line.querySelector("[data-part=quantity]").value])"""
STATE = "() => document.querySelector('.entry-state > :not([hidden])').dataset.state"


async def enter(person: Visit, serving: Serving, *, fresh: bool = True) -> None:
    """Sign in and open the page, with nothing left over."""
    await person.page.goto(serving.link())
    await person.page.get_by_role("button", name="Sign in").click()
    await person.page.wait_for_url(lambda address: "sign-in" not in address)
    await person.see("/orders/new")
    if fresh:
        await person.page.evaluate(FORGET)
        await person.see("/orders/new")
    await person.page.locator("[data-lines] tbody").first.wait_for()


@pytest.fixture
async def person(browser: Any, serving: Serving) -> AsyncIterator[Visit]:
    """Somebody at the telephone; nothing may have been complained of at the end."""
    made = await visit(browser, serving)
    await enter(made, serving)
    yield made
    await made.leave()
    assert [text for text in made.complaints if not any(part in text for part in UNSENT)] == []


async def found(person: Visit, typed: str) -> list[dict[str, Any]]:
    """What the look-up of products finds."""
    found: list[dict[str, Any]] = await person.page.evaluate(
        "q => fetch(`/orders/entry/products?q=${encodeURIComponent(q)}`).then(answer => answer.json())", typed
    )
    return found


async def some_products(person: Visit, count: int) -> list[dict[str, Any]]:
    """So many stocked products of the catalogue."""
    known: dict[str, dict[str, Any]] = {}
    for letter in "abcdefghijklmnopqrstuvwxyz0123456789":
        for product in await found(person, letter):
            if product["available"] is not None:
                known[product["sku"]] = product
        if len(known) >= count:
            break
    assert len(known) >= count
    return list(known.values())[:count]


async def choose_customer(person: Visit) -> None:
    """By a few letters; the list is seen, Enter takes its first."""
    await person.page.keyboard.type("m", delay=A_KEY_MS)
    await person.page.locator("#entry-found [role=option]").first.wait_for()
    await person.page.keyboard.press("Enter")


async def type_line(person: Visit, product: str, quantity: int) -> None:
    """One line, as fast as somebody types."""
    await person.page.keyboard.type(product, delay=A_KEY_MS)
    await person.page.keyboard.press("Enter", delay=A_KEY_MS)
    await person.page.keyboard.type(str(quantity), delay=A_KEY_MS)
    await person.page.keyboard.press("Enter", delay=A_KEY_MS)


async def settled(person: Visit, state: str = "saved") -> None:
    """Wait until the page says how the draft is kept."""
    await person.page.wait_for_function(f"() => ({STATE})() === {state!r}", timeout=15_000)


async def lines_of(person: Visit) -> list[list[str]]:
    """Product and quantity of each line but the empty one at the end."""
    lines: list[list[str]] = await person.page.evaluate(TYPED)
    assert lines[-1] == ["", ""]
    return lines[:-1]


async def place(person: Visit) -> str:
    """Place and confirm; return what the page says about it."""
    await person.page.keyboard.press("Control+Enter")
    await person.page.locator("#entry-placed[open]").wait_for()
    return await person.page.locator("#entry-placed h2").inner_text()


async def test_thirty_lines_are_placed_in_under_two_minutes_by_keyboard_alone(person: Visit) -> None:
    wanted = [(product["sku"], number + 1) for number, product in enumerate(await some_products(person, LINES))]
    began = time.monotonic()
    await choose_customer(person)
    for sku, quantity in wanted:
        await type_line(person, sku, quantity)
    title = await place(person)
    took = time.monotonic() - began
    assert "is confirmed" in title
    assert took < MOST_SECONDS
    await person.picture("order-entry-placed")
    address = await person.page.get_by_role("link", name="Open the order").get_attribute("href")
    order = await person.page.evaluate("path => fetch(`/api/v1${path}`).then(answer => answer.json())", address)
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == wanted


async def test_no_keystroke_is_lost_and_none_overtakes_another_when_answers_are_slow(person: Visit) -> None:
    wanted = [(product["sku"], number + 2) for number, product in enumerate(await some_products(person, 8))]
    waits = [0.9, 0.05, 0.6, 0.3]

    async def slowly(route: Any) -> None:
        waits.append(waits.pop(0))
        await asyncio.sleep(waits[-1])
        await route.continue_()

    await person.page.route("**/orders/entry/**", slowly)
    await choose_customer(person)
    for sku, quantity in wanted:
        await type_line(person, sku, quantity)
    assert await lines_of(person) == [[sku, str(quantity)] for sku, quantity in wanted]
    await person.page.wait_for_function(
        "count => document.querySelectorAll('.entry-label:not(:empty)').length === count", arg=len(wanted)
    )
    assert await lines_of(person) == [[sku, str(quantity)] for sku, quantity in wanted]
    await person.page.unroute_all(behavior="wait")


async def test_pasted_lines_are_all_there_and_those_that_are_not_clear_are_shown_to_be_mended(person: Visit) -> None:
    first, second, third = await some_products(person, 3)
    sheet = f"Article\tPrice\tPieces\n{first['sku']}\t1.20\t12\nno such thing\t9\t3\n{second['name']}\t2\t4\n\t\t7\n"
    await choose_customer(person)
    await person.page.evaluate(PASTE, sheet)
    await person.page.locator(".toast").wait_for()
    told = await person.page.locator(".toast").inner_text()
    assert "4 lines pasted" in told
    assert "1 more column is not used" in told
    assert "2 lines need a product" in told
    assert await lines_of(person) == [[first["sku"], "12"], ["no such thing", "3"], [second["sku"], "4"], ["", "7"]]
    await person.page.keyboard.press("F9")
    assert await person.page.evaluate("document.activeElement.value") == "no such thing"
    await person.page.keyboard.press("Control+a")
    await person.page.keyboard.type(third["sku"], delay=A_KEY_MS)
    await person.page.keyboard.press("Enter")
    assert (await lines_of(person))[1] == [third["sku"], "3"]
    await person.page.keyboard.press("Control+Enter")
    await person.page.wait_for_function("() => document.activeElement.dataset.part === 'product'")
    assert await person.page.locator("#entry-placed[open]").count() == 0


async def test_a_reload_restores_everything_and_two_calls_stand_side_by_side(person: Visit) -> None:
    product, other = await some_products(person, 2)
    await choose_customer(person)
    await type_line(person, product["sku"], 3)
    await person.page.keyboard.type("half a wo", delay=A_KEY_MS)
    await person.page.reload()
    await person.page.locator("[data-lines] tbody").nth(2).wait_for()
    assert await lines_of(person) == [[product["sku"], "3"], ["half a wo", ""]]
    await person.page.keyboard.press("F8")
    await choose_customer(person)
    await type_line(person, other["sku"], 5)
    assert await lines_of(person) == [[other["sku"], "5"]]
    await person.page.keyboard.press("F4")
    assert (await lines_of(person))[0] == [product["sku"], "3"]
    await person.page.keyboard.press("Alt+Shift+Delete")
    assert await lines_of(person) == [[other["sku"], "5"]]
    await person.page.keyboard.press("Alt+z")
    assert await lines_of(person) == [[product["sku"], "3"], ["half a wo", ""]]


async def test_a_cut_connection_loses_nothing_and_what_was_typed_is_looked_up_when_it_is_back(person: Visit) -> None:
    product, other = await some_products(person, 2)
    await choose_customer(person)
    await type_line(person, product["sku"], 3)
    await settled(person)
    await person.context.set_offline(True)
    await type_line(person, other["sku"], 4)
    await settled(person, "offline")
    assert await lines_of(person) == [[product["sku"], "3"], [other["sku"], "4"]]
    await person.page.keyboard.press("Control+Enter")
    await person.page.wait_for_timeout(500)
    await person.context.set_offline(False)
    await settled(person)
    await person.page.locator(".entry-label:not(:empty)").nth(1).wait_for()
    kept = await person.page.evaluate("fetch('/orders/drafts').then(answer => answer.json())")
    assert [line["typed"] for line in kept[0]["content"]["lines"]] == [product["sku"], other["sku"]]


async def test_an_ended_session_loses_nothing_and_signing_in_again_goes_on(person: Visit, serving: Serving) -> None:
    product, other = await some_products(person, 2)
    await choose_customer(person)
    await type_line(person, product["sku"], 3)
    await settled(person)
    elsewhere = await person.context.new_page()
    await elsewhere.goto(f"{person.origin}/orders")
    await elsewhere.evaluate("document.querySelector(\"form[action='/sign-out']\").submit()")
    await elsewhere.wait_for_url("**/sign-in**")
    await person.page.bring_to_front()
    await person.page.keyboard.type(other["sku"], delay=A_KEY_MS)
    await person.page.keyboard.press("Enter")
    await settled(person, "ended")
    await elsewhere.goto(serving.link())
    await elsewhere.get_by_role("button", name="Sign in").click()
    await elsewhere.wait_for_url(lambda address: "sign-in" not in address)
    await person.page.bring_to_front()
    await settled(person)
    assert (await lines_of(person))[1][0] == other["sku"]
    await person.page.locator(".entry-label:not(:empty)").nth(1).wait_for()


async def test_a_short_line_becomes_its_substitute_by_one_key(person: Visit) -> None:
    short = next(product for product in await some_products(person, 60) if 0 < product["available"] < 500)
    await choose_customer(person)
    await type_line(person, short["sku"], short["available"] + 7)
    await person.page.locator(".entry-note-warn").first.wait_for()
    await person.page.keyboard.press("F9")
    await person.page.keyboard.press("s")
    lines = await lines_of(person)
    assert lines[0] == [short["sku"], str(short["available"])]
    assert lines[1][0] != short["sku"]
    assert lines[1][1] == "7"
    await person.page.keyboard.press("Alt+Delete")
    assert await lines_of(person) == lines[1:]


async def test_a_case_is_completed_by_plus_and_a_short_line_is_reduced_by_r(person: Visit) -> None:
    product = next(it for it in await some_products(person, 60) if it["case_pack"] > 2 and it["available"] > 0)
    await choose_customer(person)
    await person.page.keyboard.type(product["sku"], delay=A_KEY_MS)
    await person.page.keyboard.press("Enter")
    await person.page.keyboard.type("1")
    await person.page.get_by_text(f"A case holds {product['case_pack']}.").wait_for()
    await person.page.keyboard.press("+")
    assert (await lines_of(person))[0][1] == str(product["case_pack"])
    await person.page.keyboard.press("Control+a")
    await person.page.keyboard.type("99999")
    await person.page.locator(".entry-note-warn").first.wait_for()
    await person.page.keyboard.press("r")
    assert (await lines_of(person))[0][1] == str(product["available"])


async def test_two_enters_and_a_lost_answer_make_one_order(person: Visit) -> None:
    product = (await some_products(person, 1))[0]
    await choose_customer(person)
    await type_line(person, product["sku"], 1)
    await settled(person)
    await person.page.evaluate(LOSE_AN_ANSWER)
    await person.page.keyboard.press("Control+Enter")
    await person.page.keyboard.press("Control+Enter")
    await person.page.locator(".toast").wait_for()
    title = await place(person)
    sent = await person.page.evaluate("window.sent")
    assert len(sent) == 2
    assert len(set(sent)) == 1
    assert sent[0] in title
    assert await person.page.locator("[data-placed=repeated]").is_visible()
    await person.page.keyboard.press("Enter")
    assert await lines_of(person) == []
    assert await person.page.evaluate("fetch('/orders/drafts').then(answer => answer.json())") == []


async def test_two_windows_on_one_draft_do_not_overwrite_each_other(person: Visit) -> None:
    first, second, third = await some_products(person, 3)
    await choose_customer(person)
    await type_line(person, first["sku"], 1)
    await settled(person)
    other = Visit(person.context, await person.context.new_page(), person.origin)
    await other.see("/orders/new")
    await other.page.locator("[data-lines] tbody").nth(1).wait_for()
    await type_line(other, second["sku"], 2)
    await settled(other)
    await person.page.bring_to_front()
    await type_line(person, third["sku"], 3)
    await settled(person, "changed")
    assert await lines_of(person) == [[first["sku"], "1"], [third["sku"], "3"]]
    await person.page.get_by_role("button", name="Keep both").click()
    await settled(person)
    assert await lines_of(person) == [[first["sku"], "1"], [third["sku"], "3"]]
    kept = await person.page.evaluate("fetch('/orders/drafts').then(answer => answer.json())")
    assert sorted(line["typed"] for draft in kept for line in draft["content"]["lines"]) == sorted(
        [first["sku"], second["sku"], first["sku"], third["sku"]]
    )


async def test_the_page_has_no_barrier_and_is_no_wider_than_its_window(browser: Any, serving: Serving) -> None:
    person = await visit(browser, serving, bypass_csp=True)
    await enter(person, serving)
    barriers = await examined(person, "order-entry-empty")
    products = await some_products(person, 40)
    short = next(product for product in products if 0 < product["available"] < 500)
    await choose_customer(person)
    for product, quantity in ((products[0], 12), (short, 600), (products[1], 5)):
        await type_line(person, product["sku"], quantity)
    await person.page.keyboard.type("nothing", delay=A_KEY_MS)
    await person.page.keyboard.press("Enter")
    await person.page.locator(".entry-note-warn").first.wait_for()
    await person.page.locator(".entry-note-bad").first.wait_for()
    barriers += await examined(person, "order-entry")
    await person.page.keyboard.press("F9")
    await person.page.locator("[data-part=product]").last.focus()
    await person.page.keyboard.type("o", delay=A_KEY_MS)
    await person.page.locator("#entry-found [role=option]").first.wait_for()
    barriers += await examined(person, "order-entry-found")
    await person.leave()
    assert barriers == []
