"""Takes the README's screenshots from a fresh installation with demo data, in Debian's chromium: docs/images/*.png."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run"]
_LINK = re.compile(r"https://\S+/sign-in/once\?token=\S+")


@contextmanager
def served() -> Iterator[str]:
    """Run an installation of its own and yield a one-time link into it."""
    with tempfile.TemporaryDirectory(prefix="stockade-pictures-") as home:
        Path(home).chmod(0o711)
        environment = os.environ | {"STOCKADE_HOME": home, "STOCKADE_PORT": str(_free_port())}
        environment["STOCKADE_REDIRECT_PORT"] = str(_free_port())
        command = [sys.executable, "-c", "from stockade.apps.cli import main; main()", "serve"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            yield next(found[0] for line in process.stdout if (found := _LINK.search(line)))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def take(page: Page, link: str) -> None:
    """Sign in and look at the pages."""
    page.goto(link)
    page.click("main button[type=submit]")
    origin = link.partition("/sign-in")[0]
    shots = {"dashboard": "/", "orders": "/orders"}
    page.goto(f"{origin}/orders?stage=picking")
    shots["order"] = page.locator("a.row-link").first.get_attribute("href") or "/orders"
    for name, path in shots.items():
        page.goto(origin + path)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / f"{name}.png")


def main() -> None:
    """Take all of them."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with served() as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 1360, "height": 850})
        take(context.new_page(), link)
        browser.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
