"""What axe finds on a page that is open, and what a ruler does: in the light, in the dark, and on a phone."""

from pathlib import Path
from typing import Any

from tests.journeys.visiting import DESKTOP, PHONE, Visit

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
_ALL: dict[str, Any] = {"resultTypes": ["violations"]}
_COLOURS = _ALL | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
"""In the dark only the colours differ; on a phone everything else does."""
_SHAPES = _ALL | {"rules": {"color-contrast": {"enabled": False}}}
LOOKS: tuple[tuple[str, str, dict[str, int], dict[str, Any]], ...] = (
    ("phone", "light", PHONE, _SHAPES), ("light", "light", DESKTOP, _ALL), ("dark", "dark", DESKTOP, _COLOURS),
)  # fmt: skip
_SETTLED = "Promise.all(document.getAnimations().map(it => it.finished.catch(() => null)))"
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def examined(person: Visit, name: str) -> list[str]:
    """Look at the open page in each look, keep pictures, and return what is wrong. It is left in the light, and wide.

    The window has the policy off (``bypass_csp``), so that axe may run.
    """
    page, found = person.page, []
    await page.add_script_tag(path=AXE)
    for look, scheme, viewport, options in LOOKS:
        await page.set_viewport_size(viewport)
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.evaluate(_SETTLED)
        await person.picture(f"{name}-{look}")
        report = await page.evaluate("options => axe.run(document, options)", options)
        wide = await page.evaluate(_WIDER)
        found += [f"{name} ({look}): {it['id']} ({it['help']}) {_first(it)}" for it in report["violations"]]
        found += [f"{name} ({look}): {wide} pixels wider than the window"] if wide > 0 else []
    await page.emulate_media(color_scheme="light")
    return found


async def seen(person: Visit, path: str) -> list[str]:
    """Open a page and look at it: answered well, nothing on its way, no barrier in any look."""
    answer = await person.page.goto(person.origin + path)
    if answer.status != 200:
        return [f"{path}: answered with {answer.status}"]
    await person.page.wait_for_function("!document.querySelector('.htmx-request')")
    parts = [part for part in path.partition("?")[0].strip("/").split("/") if len(part) < 30]
    return await examined(person, "-".join(parts) or "start")


def _first(violation: dict[str, Any]) -> str:
    return str(violation["nodes"][0]["html"])[:200]
