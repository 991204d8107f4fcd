"""The frame around every page, in a real browser: the palette, the keys, forms that lose nothing, charts, both themes.

The components' own page (/ui) stands for all pages that are made of them.
"""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.journeys.looking import examined
from tests.journeys.serving import Serving
from tests.journeys.visiting import Visit, sign_in, visit

MOST_BYTES = 250_000
KEPT = "#field-name"
NO_MATTER = re.compile(r"status of 4(01|05)|ERR_INTERNET_DISCONNECTED")
"""What a browser writes down of an answer that a journey asks for on purpose."""

MOVED = """
    new Promise(done => {
        new PerformanceObserver(list => done(list.getEntries().reduce((sum, it) => sum + it.value, 0)))
            .observe({type: "layout-shift", buffered: true});
        setTimeout(() => done(0), 500);
    })
"""
"""How far things moved while the page came up (cumulative layout shift)."""


_SIGNED_IN: dict[str, Any] = {}
"""What a browser holds after signing in, by the origin: once is enough for all of these journeys."""


async def at_work(browser: Any, serving: Serving, path: str = "/orders", **options: Any) -> Visit:
    """Open a window of somebody who is signed in."""
    if serving.home.origin not in _SIGNED_IN:
        first = await visit(browser, serving)
        await sign_in(first, serving.link())
        _SIGNED_IN[serving.home.origin] = await first.context.storage_state()
        await first.leave()
    made = await visit(browser, serving, storage_state=_SIGNED_IN[serving.home.origin], **options)
    await made.see(path)
    return made


@pytest.fixture
async def person(browser: Any, serving: Serving) -> AsyncIterator[Visit]:
    """Somebody at work; nothing may have been complained of at the end."""
    made = await at_work(browser, serving)
    yield made
    await made.leave()
    assert [it for it in made.complaints if not NO_MATTER.search(it)] == []


def palette(person: Visit) -> Any:
    """The palette's field."""
    return person.page.get_by_role("combobox", name="Search or jump to")


async def marked(person: Visit) -> str:
    """What Enter would open, as a screen reader says it."""
    named = await palette(person).get_attribute("aria-activedescendant")
    return "" if named is None else str(await person.page.locator(f"#{named}").inner_text())


async def open_palette(page: Any) -> None:
    """Press its keys, and wait for its field."""
    await page.keyboard.press("Control+k")
    await page.locator("#palette input:focus").wait_for()


async def test_the_palette_opens_an_order_by_the_end_of_its_number_without_the_mouse(person: Visit) -> None:
    page = person.page
    number = await page.locator("a.row-link").nth(7).inner_text()
    await open_palette(page)
    await page.keyboard.type(number[-6:])
    await page.locator("#palette [role=option]", has_text=number).wait_for()
    await person.picture("palette")
    while number not in await marked(person):
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/orders/*-*")
    assert number in await page.locator("h1").inner_text()


async def test_the_palette_offers_what_was_opened_last_before_anything_else(person: Visit) -> None:
    page = person.page
    number = await page.locator("a.row-link").nth(3).inner_text()
    await open_palette(page)
    await page.keyboard.type(number)
    await page.locator("#palette [role=option]", has_text=number).wait_for()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/orders/*-*")
    await open_palette(page)
    assert number in await marked(person)
    await page.keyboard.press("Escape")
    await page.locator("#palette").wait_for(state="hidden")


async def test_a_page_is_found_by_a_part_of_its_name(person: Visit) -> None:
    await person.page.get_by_role("button", name="Search or jump to").click()
    await palette(person).fill("trus")
    await person.page.locator("#palette [role=option]", has_text="Trust").wait_for()
    assert "Trust" in await marked(person)
    await person.page.keyboard.press("Enter")
    await person.page.wait_for_url("**/trust")


async def test_g_and_a_letter_go_to_a_page_but_not_while_one_types(person: Visit) -> None:
    page = person.page
    await person.see("/ui")
    await page.locator(KEPT).focus()
    await page.keyboard.type("go")
    assert page.url.endswith("/ui")
    await page.locator(KEPT).fill("")
    await page.locator(KEPT).evaluate("field => { delete field.form.dataset.dirty; field.blur(); }")
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await page.wait_for_url("**/orders")


async def test_a_question_mark_lists_the_keys_of_the_page_in_the_words_of_their_buttons(person: Visit) -> None:
    await person.see("/ui")
    await person.page.keyboard.press("?")
    listed = await person.page.locator("#shortcuts").inner_text()
    for words in ("New customer", "Orders", "Search or jump to anything"):
        assert words in listed
    await person.picture("shortcuts")
    await person.page.keyboard.press("Escape")
    await person.page.locator("#shortcuts").wait_for(state="hidden")


async def test_single_keys_can_be_switched_off_and_stay_off(person: Visit) -> None:
    page = person.page
    await page.keyboard.press("?")
    await page.get_by_role("group", name="Single keys").get_by_role("button", name="Off").click()
    await page.keyboard.press("Escape")
    await page.reload()
    await page.keyboard.press("j")
    assert await page.evaluate("document.activeElement.matches('a.row-link')") is False
    await page.keyboard.press("?")
    await page.get_by_role("group", name="Single keys").get_by_role("button", name="On").click()
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    assert await page.evaluate("document.activeElement.matches('a.row-link')") is True


async def kept_in_storage(person: Visit) -> int:
    """How many forms this browser keeps."""
    count = "Object.keys(localStorage).filter(key => key.includes(' form ')).length"
    return int(await person.page.evaluate(count))


async def type_name(person: Visit, name: str) -> None:
    """Type into the form that is kept, and wait until it is."""
    await person.page.locator(KEPT).fill(name)
    await person.page.wait_for_timeout(400)
    assert await kept_in_storage(person) == 1


async def test_what_was_typed_is_back_after_a_reload_until_one_starts_afresh(person: Visit) -> None:
    page = person.page
    page.on("dialog", lambda dialog: dialog.accept())
    await person.see("/ui")
    await type_name(person, "Hartley & Sons")
    await page.get_by_label("Ships whole orders only").check()
    await page.wait_for_timeout(350)
    await page.reload()
    assert await page.locator(KEPT).input_value() == "Hartley & Sons"
    assert await page.get_by_label("Ships whole orders only").is_checked()
    await page.get_by_role("button", name="Start afresh").click()
    await page.wait_for_load_state("load")
    assert await page.locator(KEPT).input_value() == ""
    assert await kept_in_storage(person) == 0


async def test_a_page_with_something_typed_is_not_left_unasked(person: Visit) -> None:
    page = person.page
    asked = []

    async def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await person.see("/ui")
    await page.locator(KEPT).click()
    await page.keyboard.type("Hartley")
    await page.get_by_role("link", name="Orders", exact=True).click(no_wait_after=True)
    await page.wait_for_timeout(500)
    assert asked == ["beforeunload"]
    assert page.url.endswith("/ui")


async def test_a_session_that_ended_loses_nothing_of_what_was_typed(person: Visit, serving: Serving) -> None:
    page = person.page
    await person.see("/ui")
    await type_name(person, "Hartley & Sons")
    await person.context.clear_cookies()
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("alertdialog", name="Your session has ended").wait_for()
    await person.picture("session-ended")
    async with person.context.expect_page() as opened:
        await page.get_by_role("link", name="Sign in", exact=True).click()
    other = await opened.value
    person.watch(other)
    await sign_in(Visit(person.context, other, person.origin), serving.link())
    await page.get_by_role("alertdialog").wait_for(state="hidden")
    assert await page.locator(KEPT).input_value() == "Hartley & Sons"
    # The page's token was the ended session's. The renewed one is taken: what is refused then is the address.
    async with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        await page.get_by_role("button", name="Save").click()
    assert (await answered.value).status == 405


async def test_a_lost_connection_is_told_and_what_was_typed_waits_for_it(person: Visit) -> None:
    page = person.page
    await person.see("/ui")
    await type_name(person, "Hartley & Sons")
    await person.context.set_offline(True)
    await page.get_by_text("No connection.").wait_for()
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_timeout(300)
    assert page.url.endswith("/ui")
    assert await page.locator(KEPT).input_value() == "Hartley & Sons"
    await person.context.set_offline(False)
    await page.get_by_text("The connection is back.").wait_for()
    assert await page.get_by_text("No connection.").is_hidden()


async def test_a_form_is_sent_once_however_often_its_button_is_pressed(person: Visit) -> None:
    page = person.page
    sent = []
    await person.see("/ui")
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    await page.locator(KEPT).fill("Hartley")
    await page.get_by_role("button", name="Save").dblclick(no_wait_after=True)
    await page.get_by_text("405").first.wait_for()
    assert len(sent) == 1


async def test_a_customer_is_picked_by_a_few_letters_and_enter(person: Visit) -> None:
    page = person.page
    await person.see("/ui")
    field = page.get_by_role("combobox", name="Belongs to")
    await field.focus()
    await page.keyboard.type("ca")
    await page.locator(".picker-option").first.wait_for()
    await page.keyboard.press("ArrowDown")
    chosen = await page.locator(".picker-option[aria-selected=true]").inner_text()
    await page.keyboard.press("Enter")
    assert await field.input_value() == chosen.split("\n")[0]
    assert re.fullmatch(r"[0-9a-f-]{36}", await page.locator("input[name=customer_id]").input_value())
    await page.keyboard.type("x")
    assert await page.locator("input[name=customer_id]").input_value() == ""


async def test_a_chart_is_read_and_followed_by_keyboard(person: Visit) -> None:
    page = person.page
    await person.see("/ui")
    chart = page.locator("#chart-revenue [data-chart-plot]")
    await chart.focus()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    told = await page.locator("#chart-revenue [data-chart-told]").text_content()
    assert told.startswith("2 Nov: This period 4,410.00")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/orders?placed_from=2026-11-02")


async def test_the_theme_and_the_density_are_remembered_by_the_browser(person: Visit) -> None:
    page = person.page
    for group, button in (("Theme", "Dark"), ("Tables", "Compact")):
        await page.get_by_role("button", name=re.compile("^Account of")).click()
        await page.get_by_role("group", name=group).get_by_role("button", name=button).click()
        await page.keyboard.press("Escape")
    await page.reload()
    assert await page.locator("html").get_attribute("data-theme") == "dark"
    assert await page.locator("html").get_attribute("data-density") == "compact"


async def test_a_first_visit_transfers_less_than_250_kilobytes_and_nothing_moves(
    browser: Any, serving: Serving
) -> None:
    await (await at_work(browser, serving)).leave()
    for path in ("/orders", "/ui"):
        fresh = await visit(browser, serving, storage_state=_SIGNED_IN[serving.home.origin])
        client = await fresh.context.new_cdp_session(fresh.page)
        received: list[int] = []
        client.on("Network.loadingFinished", lambda event, into=received: into.append(event["encodedDataLength"]))
        await client.send("Network.enable")
        await fresh.see(path)
        await fresh.page.wait_for_load_state("networkidle")
        moved = await fresh.page.evaluate(MOVED)
        assert 10_000 < sum(received) < MOST_BYTES, path
        assert moved < 0.01, path
        await fresh.leave()


async def test_every_component_passes_axe_in_every_look(browser: Any, serving: Serving) -> None:
    person = await at_work(browser, serving, "/ui", bypass_csp=True)
    found = await examined(person, "components")
    for opened in ("ui-dialog", "ui-drawer", "palette", "shortcuts"):
        await person.page.evaluate(f"document.getElementById('{opened}').showModal()")
        await person.page.wait_for_timeout(300)
        found += await examined(person, opened)
        await person.page.keyboard.press("Escape")
    await person.see("/none")
    found += await examined(person, "lost-signed-in")
    await person.leave()
    assert found == []
