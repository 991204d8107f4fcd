"""From a forgotten password, through the letter that a real SMTP server takes, to the new one and inside.

And an invitation by mail. What a page writes to the console, a violation of its policy, and what axe finds fail the
journey."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.journeys.conftest import chromium_for
from tests.journeys.keyboard import focused
from tests.journeys.looking import examined
from tests.journeys.serving import Home, Serving
from tests.journeys.visiting import Visit, visit
from tests.mail.posting import Post, post_office

OWNER, INVITED, PASSWORD = "ada@example.com", "grace@example.org", "one word after another"
WITHIN = re.compile(r"/(orders|dashboard|welcome)?$")
LETTER_SECONDS = 30


@dataclass
class Mailing(Home):
    """An installation with a relay on this machine."""

    relay_port: int = 0

    def environment(self, **more: str) -> dict[str, str]:
        """What the commands are started with."""
        relay = {"STOCKADE_SMTP_URL": f"smtp://127.0.0.1:{self.relay_port}", "STOCKADE_MAIL_FROM": "post@example.net"}
        return super().environment(**(relay | more))


@dataclass
class Town:
    """The installation and the letter boxes around it."""

    serving: Serving
    post: Post

    async def letter(self, address: str, subject: str, after: int = 0) -> EmailMessage:
        """Wait for a letter."""
        async with asyncio.timeout(LETTER_SECONDS):
            while True:
                for letter in self.post.letters[after:]:
                    if letter["To"] == address and letter["Subject"] == subject:
                        return letter
                await asyncio.sleep(0.1)

    async def link(self, address: str, subject: str, after: int = 0) -> str:
        """Wait for a letter and return where its button leads."""
        body = (await self.letter(address, subject, after)).get_body(("html",))
        assert body is not None
        found = re.search(r'class="action" href="([^"]+)"', body.get_content())
        assert found
        return found[1]


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """An installation that sends mail, with one company."""
    post = Post()
    with post_office(post) as office:
        home = Mailing.make()
        assert isinstance(home, Mailing)
        home.relay_port = office.port
        try:
            running = Serving(home)
            made = home.command(
                "tenant", "create", "harbour", "--name", "Harbour & Finch Ltd", "--owner", OWNER, "--country", "GB",
                "--currency", "GBP",
            )  # fmt: skip
            assert made.returncode == 0, made.stderr
            yield Town(running, post)
            running.stop(signal.SIGTERM)
        finally:
            home.end()
            home.remove()


@pytest.fixture(scope="module")
async def chromium(town: Town) -> AsyncIterator[Any]:
    """A browser that trusts this installation."""
    async with chromium_for(town.serving) as launched:
        yield launched


async def ask(person: Visit, email: str) -> None:
    """Ask for a letter by keyboard, from the sign-in on."""
    await person.see("/sign-in")
    await person.page.get_by_role("link", name="Forgot your password").focus()
    await person.page.keyboard.press("Enter")
    await person.page.wait_for_url(re.compile("/sign-in/forgot$"))
    await focused(person.page)
    await person.page.keyboard.type(email)
    await person.page.keyboard.press("Enter")
    await person.page.wait_for_url(re.compile("/sign-in/forgot/sent$"))


async def test_from_a_forgotten_password_through_the_letter_to_the_new_one(town: Town, chromium: Any) -> None:
    person, other = await visit(chromium, town.serving), await visit(chromium, town.serving)
    await ask(person, OWNER)
    link = await town.link(OWNER, "Set a new password")
    await other.page.goto(link)
    assert "in the browser in which you asked" in await other.page.inner_text("h1")
    await person.page.goto(link)
    await person.page.get_by_label("New password").fill("short")
    await person.page.keyboard.press("Enter")
    await person.page.get_by_text("A password has 12 to").wait_for()
    await person.page.get_by_label("New password").fill(PASSWORD)
    await person.page.keyboard.press("Enter")
    await person.page.wait_for_url(WITHIN)
    await other.see("/sign-in")
    await other.page.get_by_label("E-mail address").fill(OWNER)
    await other.page.get_by_label("Password").fill(PASSWORD)
    await other.page.keyboard.press("Enter")
    await other.page.wait_for_url(WITHIN)
    await town.letter(OWNER, "A new password was set for your account")
    await invite(town, chromium, person)
    complaints = [it for it in person.complaints + other.complaints if "status of 422" not in it]
    for window in (person, other):
        await window.leave()
    assert complaints == []


async def invite(town: Town, chromium: Any, person: Visit) -> None:
    """Invite somebody, and come in as them by the letter."""
    await person.see("/members/new")
    await person.page.locator("#field-name").fill("Grace")
    await person.page.locator("#field-email").fill(INVITED)
    await person.page.keyboard.press("Enter")
    await person.page.get_by_text(f"A letter is on its way to {INVITED}").wait_for()
    await person.picture("invitation")
    shown = await person.page.locator("code, input[readonly]").first.evaluate("it => it.value || it.textContent")
    guest = await visit(chromium, town.serving)
    await guest.page.goto(str(shown).strip())
    await guest.page.get_by_role("button", name="Sign in").click()
    await guest.page.wait_for_url(re.compile("/sign-in/verify$"))
    await guest.picture("verify")
    await guest.page.goto(await town.link(INVITED, "Your invitation"))
    await guest.page.get_by_role("button", name="Sign in").click()
    await guest.page.wait_for_url(WITHIN)
    await guest.leave()
    assert guest.complaints == []


async def test_none_of_the_pages_has_a_barrier(town: Town, chromium: Any) -> None:
    asker = await visit(chromium, town.serving)
    seen = len(town.post.letters)
    await ask(asker, OWNER)
    link = await town.link(OWNER, "Set a new password", seen)
    found = await looked_at(town, chromium, asker, link)
    await asker.leave()
    assert found == []


async def looked_at(town: Town, chromium: Any, asker: Visit, link: str) -> list[str]:
    """Look through the pages as the one who asked for a letter, and at the letter's page elsewhere."""
    held = await asker.context.storage_state()
    person = await visit(chromium, town.serving, bypass_csp=True, storage_state=held)
    found: list[str] = []
    for path in ("/sign-in", "/sign-in/forgot", "/sign-in/forgot/sent", "/sign-in/verify", link):
        await person.see(path.removeprefix(town.serving.home.origin))
        found += await examined(person, f"mailed{path_name(path)}")
    await person.context.clear_cookies()
    await person.page.goto(link)
    found += await examined(person, "mailed-elsewhere")
    for path in ("/sign-in/reset?token=none", "/sign-in/undo?token=none"):
        await person.see(path)
        found += await examined(person, f"mailed{path_name(path)}-none")
    await person.leave()
    return found


def path_name(address: str) -> str:
    """What a screenshot of a page is called."""
    return urlsplit(address).path.replace("/", "-")
