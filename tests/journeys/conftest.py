"""One running installation with the demo for all journeys, and a browser that trusts its certificate and no other."""

import asyncio
import contextlib
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.journeys.serving import Home, Serving

CLOSE_SECONDS = 15
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run"]


@pytest.fixture(scope="session")
def serving() -> Iterator[Serving]:
    """The demo, served."""
    home = Home.make(demo=True)
    try:
        running = Serving(home)
        yield running
        running.stop(signal.SIGTERM)
    finally:
        home.remove()


@pytest.fixture
def link(serving: Serving) -> str:
    """A fresh one-time link of the demo's owner."""
    return serving.link()


@pytest.fixture
def bare() -> Iterator[Home]:
    """A fresh data folder, for a test that starts and ends it itself."""
    home = Home.make()
    yield home
    home.end()
    home.remove()


@pytest.fixture(scope="session")
async def browser(serving: Serving) -> AsyncIterator[Any]:
    """Debian's Chromium, launched once; each visit has a profile of its own."""
    async with chromium_for(serving) as launched:
        yield launched


@asynccontextmanager
async def chromium_for(serving: Serving) -> AsyncIterator[Any]:
    """Launch a browser that trusts an installation's certificate and no other."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"There is no browser at {CHROMIUM}.")
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        pin = f"--ignore-certificate-errors-spki-list={serving.key_pin()}"
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, pin])
        yield launched
        with contextlib.suppress(TimeoutError):  # A browser that hangs ends with its driver.
            async with asyncio.timeout(CLOSE_SECONDS):
                await launched.close()
