"""An access review from the keyboard in a real browser: opened, kept together, a removal with its reason, closed."""

import re
from typing import Any

from tests.journeys.keyboard import done
from tests.journeys.looking import seen
from tests.journeys.serving import Serving
from tests.journeys.test_frame import at_work
from tests.journeys.visiting import Visit


def hire(serving: Serving) -> None:
    """Give the demo's company people to review."""
    tenant, _ = serving.owner
    for name, role in (("Ada Lovelace", "admin"), ("Max Leaver", "member"), ("Vera Viewer", "viewer")):
        email = f"{name.split()[0].lower()}@reviewed.example"
        added = serving.home.command("user", "add", "--tenant", tenant, "--role", role, "--name", name, email)
        assert added.returncode == 0, added.stderr


async def barriers(browser: Any, serving: Serving, paths: list[str]) -> list[str]:
    """Return what axe and the ruler find on some pages."""
    person = await at_work(browser, serving, "/reviews", bypass_csp=True)
    found = [it for path in paths for it in await seen(person, path)]
    await person.leave()
    return found


async def chosen_row(person: Visit, name: str) -> None:
    """Go down the rows by j to somebody's."""
    for _ in range(20):
        await person.page.keyboard.press("j")
        if name in await person.page.evaluate("document.activeElement.innerText"):
            return
    raise AssertionError(f"j never reaches {name}")


async def test_a_review_is_opened_decided_and_left_as_evidence_from_the_keyboard(
    browser: Any, serving: Serving
) -> None:
    hire(serving)
    person = await at_work(browser, serving, "/reviews")
    await person.page.get_by_role("heading", name="No review is open").wait_for()
    found = await barriers(browser, serving, ["/reviews", "/reviews/policy"])
    await person.page.keyboard.press("n")
    await done(person.page, "opened")

    await chosen_row(person, "Max Leaver")
    await person.page.keyboard.press("Enter")
    await person.page.get_by_role("heading", name="Max Leaver").wait_for()
    item = person.page.url.removeprefix(person.origin)
    review = item.partition("/items/")[0]
    found += await barriers(browser, serving, ["/reviews", item, f"{review}?show=all", f"{review}?show=owners"])
    await person.page.keyboard.type("Left in autumn")
    await person.page.get_by_role("button", name="Remove access").focus()
    await person.page.keyboard.press("Enter")
    await done(person.page, "removed")

    await chosen_row(person, "Ada Lovelace")
    await person.page.keyboard.press("x")
    await chosen_row(person, "Vera Viewer")
    await person.page.keyboard.press("x")
    reason = person.page.get_by_role("textbox", name="Reason")
    await reason.focus()
    await person.page.keyboard.type("Both work here")
    await person.page.keyboard.press("Enter")
    await done(person.page, "kept")

    await person.see(f"{review}?show=all")
    told = await person.page.inner_text("main")
    assert "Left in autumn" in told
    assert told.count("Both work here") == 2
    async with person.page.expect_download() as waiting:
        await person.page.get_by_role("link", name="Download CSV").click()
    assert re.fullmatch(r"access-review-\d{4}-Q[1-4]\.csv", (await waiting.value).suggested_filename)
    found += await barriers(browser, serving, [f"{review}?show=all", item])
    await prints_without_controls(person, review)
    await person.leave()
    assert found == []
    assert person.complaints == []


async def prints_without_controls(person: Visit, review: str) -> None:
    """See the page of a review as a printer does."""
    await person.see(review)
    await person.page.emulate_media(media="print")
    for hidden in (".review-filters", ".actions", "th.choose"):
        for one in await person.page.locator(hidden).all():
            assert not await one.is_visible(), hidden
    assert await person.page.get_by_role("table").first.is_visible()
