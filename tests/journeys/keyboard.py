"""A person without a mouse: every button and field is reached by Tab, and pressed or filled by keys."""

import asyncio
import re
from typing import Any

MOST_TABS = 250
PATIENCE_SECONDS = 30
_NAME = """() => {
    const it = document.activeElement;
    if (!it || it === document.body) return "";
    const label = it.labels?.[0]?.innerText ?? "";
    const named = it.getAttribute("aria-label") ?? "";
    return [named, label, it.innerText ?? "", it.getAttribute("name") ?? ""].join(" | ");
}"""

_SAYS = """wanted => {
    const asked = performance.getEntriesByType("navigation")[0].name;
    if (document.wasHeard || !new RegExp(wanted).test(asked)) return false;
    return document.wasHeard = true;
}"""


async def tab_to(page: Any, words: str, *, back: bool = False) -> None:
    """Press Tab until something is focused that these words name; fail if nothing ever is."""
    seen = []
    for _ in range(MOST_TABS):
        await page.keyboard.press("Shift+Tab" if back else "Tab")
        name = str(await page.evaluate(_NAME))
        if any(_says(part, words) for part in name.split(" | ")):
            return
        seen.append(name.strip(" |").replace("\n", " ")[:40])
    raise AssertionError(f"Tab never reaches {words!r}; it passed {seen[:60]}")


def _says(part: str, words: str) -> bool:
    """Return whether a name is these words, or begins with them: "Confirm" is not "Confirmed"."""
    plain, wanted = " ".join(part.lower().split()), words.lower()
    return plain == wanted or (plain.startswith(wanted) and not plain[len(wanted)].isalnum())


async def focused(page: Any) -> None:
    """Wait until the page has put the focus where typing begins."""
    await page.wait_for_function("() => document.readyState === 'complete' && document.activeElement !== document.body")


async def press(page: Any, words: str) -> None:
    """Reach a button or link by Tab, and press it."""
    await tab_to(page, words)
    await page.keyboard.press("Enter")


async def fill(page: Any, words: str, text: str) -> None:
    """Reach a field by Tab, and type over what stands in it."""
    await tab_to(page, words)
    await page.keyboard.press("Control+a")
    await page.keyboard.type(text)


async def done(page: Any, what: str) -> None:
    """Wait for a page that says that something is done, once for each such page.

    It takes the word out of its address at once, so that it is not said again after a reload; the address that was
    asked for still has it.
    """
    wanted = rf"[?&]done={re.escape(what)}(&|$)"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await _says_for_the_first_time(page, wanted):
            await page.wait_for_timeout(50)
    await page.wait_for_load_state()


async def _says_for_the_first_time(page: Any, wanted: str) -> bool:
    from playwright.async_api import Error

    try:
        return bool(await page.evaluate(_SAYS, wanted))
    except Error:
        return False  # between two pages
