"""A person at a browser's window: opening it, signing in, leaving."""

import asyncio
import contextlib
import os
import re
from pathlib import Path
from typing import Any

from tests.journeys.serving import Serving

CLOSE_SECONDS = 15
ARTEFACTS = Path(__file__).parents[2] / "artefacts"
PICTURES = bool(os.environ.get("STOCKADE_PICTURES"))
"""Whether screenshots are kept, for people to look at."""
DESKTOP = {"width": 1360, "height": 860}
PHONE = {"width": 390, "height": 844}


class Visit:
    """A person at a browser's window; ``complaints`` is what the browser was unhappy with."""

    def __init__(self, context: Any, page: Any, origin: str) -> None:
        self.context = context
        self.page = page
        self.origin = origin
        self.complaints: list[str] = []
        self.watch(page)

    def watch(self, page: Any) -> None:
        """Listen to a window."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning") and "status of 401" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    async def see(self, path: str) -> None:
        """Open a page."""
        await self.page.goto(self.origin + path)

    async def leave(self) -> None:
        """Close the window. One that hangs goes with its browser."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.context.close()

    async def picture(self, name: str) -> None:
        """Keep a screenshot, where pictures are wanted."""
        if not PICTURES:
            return
        ARTEFACTS.mkdir(exist_ok=True)
        await self.page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


async def visit(browser: Any, serving: Serving, **options: Any) -> Visit:
    """Open a window; another width or colour scheme by option."""
    context = await browser.new_context(**({"viewport": DESKTOP} | options))
    return Visit(context, await context.new_page(), serving.home.origin)


async def sign_in(person: Visit, link: str) -> None:
    """Sign in by a one-time link."""
    await person.page.goto(link)
    await person.page.get_by_role("button", name="Sign in").click()
    await person.page.wait_for_url(re.compile(r"/(orders|dashboard|welcome)?$"))
    await person.page.wait_for_load_state()
