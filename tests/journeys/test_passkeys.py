"""A person's passkey in a real browser: enrolled on the page Security, and then the way in, without name and password.

The authenticator is Chromium's virtual one (WebAuthn, "WebDriver extension"): it makes real keys and real signatures.
"""

import re
from typing import Any

import pyotp
import pytest
from tests.journeys.keyboard import done
from tests.journeys.serving import Serving
from tests.journeys.visiting import Visit, sign_in, visit

AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip

NO_LIST = """
    if (location.search === "?by=button") PublicKeyCredential.isConditionalMediationAvailable = async () => false;
"""
WITHIN = re.compile(r"/(orders|dashboard|welcome)?$")


class Device:
    """A virtual authenticator in a window."""

    def __init__(self, session: Any, authenticator_id: str) -> None:
        self.session = session
        self.authenticator_id = authenticator_id

    @classmethod
    async def of(cls, person: Visit) -> "Device":
        """Plug one in."""
        session = await person.context.new_cdp_session(person.page)
        await session.send("WebAuthn.enable")
        made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        return cls(session, made["authenticatorId"])

    async def keys(self) -> list[dict[str, Any]]:
        """What it holds."""
        found = await self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator_id})
        return list(found["credentials"])

    async def verify(self, *, user: bool) -> None:
        """Let it recognise its user, or not."""
        given = {"authenticatorId": self.authenticator_id, "isUserVerified": user}
        await self.session.send("WebAuthn.setUserVerified", given)

    async def set_count(self, credential: dict[str, Any], count: int) -> None:
        """Put a key back as a copy of it would be: with the count of the day on which it was copied."""
        at = {"authenticatorId": self.authenticator_id}
        await self.session.send("WebAuthn.removeCredential", at | {"credentialId": credential["credentialId"]})
        await self.session.send("WebAuthn.addCredential", at | {"credential": credential | {"signCount": count}})


async def enrol(person: Visit, name: str) -> None:
    """Add a passkey from the keyboard."""
    await person.see("/security")
    await person.page.get_by_label("Name of the new passkey").fill(name)
    await person.page.keyboard.press("Enter")
    await done(person.page, "enrolled")


async def come_in(person: Visit) -> None:
    """Sign in with the passkey of this window's authenticator, by the button, in a browser that offers no list."""
    await person.page.add_init_script(NO_LIST)
    await person.context.clear_cookies()
    await person.see("/sign-in?by=button")
    await person.page.locator("[data-passkey-sign-in]").click()


async def leave_nothing(person: Visit) -> None:
    """Revoke what is left: whoever holds a passkey is asked for it after a sign-in link, too."""
    await person.see("/security")
    revoke = person.page.get_by_role("row").get_by_role("button", name="Revoke")
    while await revoke.count():
        await revoke.first.click()
        await person.page.get_by_role("button", name="Revoke the passkey").click()
        await done(person.page, "revoked")
        await person.see("/security")


@pytest.fixture
async def person(browser: Any, serving: Serving) -> Any:
    """Somebody who is signed in, by a link."""
    made = await visit(browser, serving)
    await sign_in(made, serving.link())
    yield made
    await leave_nothing(made)
    await made.leave()
    # What a refusal is asked for on purpose, the browser writes down as a failed request.
    assert [it for it in made.complaints if "status of 4" not in it] == []


async def test_a_passkey_is_enrolled_named_anew_and_revoked(person: Visit) -> None:
    device = await Device.of(person)
    await enrol(person, "Laptop")
    (held,) = await device.keys()
    assert held["isResidentCredential"]
    assert held["rpId"] == "localhost"
    row = person.page.get_by_role("row", name="Laptop")
    assert await row.count() == 1
    await row.get_by_role("button", name="Rename").press("Enter")
    await person.page.get_by_role("dialog").get_by_label("Name").fill("Work laptop")
    await person.page.keyboard.press("Enter")
    await done(person.page, "renamed")
    row = person.page.get_by_role("row", name="Work laptop")
    await row.get_by_role("button", name="Revoke").press("Enter")
    await person.page.get_by_role("button", name="Revoke the passkey").press("Enter")
    await done(person.page, "revoked")
    assert "Revoked" in await person.page.get_by_role("row", name="Work laptop").first.inner_text()


async def test_one_device_is_not_enrolled_twice_and_one_that_knows_nobody_not_at_all(person: Visit) -> None:
    device = await Device.of(person)
    await enrol(person, "Phone")
    await person.page.get_by_label("Name of the new passkey").fill("Phone again")
    await person.page.get_by_role("button", name="Add a passkey").click()
    told = person.page.locator("[data-passkey-told]")
    await told.get_by_text("holds a passkey for your account already").wait_for()
    await device.session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": device.authenticator_id})
    stranger = await Device.of(person)
    await stranger.verify(user=False)
    await person.page.get_by_role("button", name="Add a passkey").click()
    await told.get_by_text("Nothing was enrolled").wait_for()
    assert await stranger.keys() == []


async def test_an_authenticator_app_and_recovery_codes_are_set_up_from_the_keyboard(person: Visit) -> None:
    await person.see("/security")
    await person.page.get_by_role("button", name=re.compile("Set up an")).press("Enter")
    picture = person.page.get_by_alt_text("QR code with the key below")
    assert await picture.evaluate("image => image.complete && image.naturalWidth > 100")
    seed = await person.page.get_by_label("Key for typing").input_value()
    await person.page.get_by_label("Code").fill(pyotp.TOTP(seed).now())
    await person.page.keyboard.press("Enter")
    await done(person.page, "app")
    await person.page.get_by_role("button", name="Make new codes").press("Enter")
    await person.page.get_by_role("button", name="Make new recovery codes").press("Enter")
    codes = person.page.get_by_role("list", name="Recovery codes").locator("code")
    await codes.first.wait_for()
    assert await codes.count() == 10
    await person.page.get_by_role("link", name="Done").press("Enter")
    await person.page.get_by_text("10 codes are left.").wait_for()
    await person.page.get_by_role("button", name="Remove the app").press("Enter")
    await person.page.get_by_role("button", name="Remove the authenticator app").press("Enter")
    await done(person.page, "removed")


async def test_the_passkey_is_the_way_in_until_it_is_copied(person: Visit) -> None:
    device = await Device.of(person)
    await enrol(person, "Way in")
    await come_in(person)
    await person.page.wait_for_url(WITHIN)
    # The list below the field offers it, too: here the browser's choice is made by itself.
    await person.context.clear_cookies()
    await person.see("/sign-in")
    await person.page.wait_for_url(WITHIN)
    (held,) = await device.keys()
    assert held["signCount"] > 1
    await device.set_count(held, 0)
    await come_in(person)
    refused = person.page.locator("[data-passkey-told]")
    await refused.wait_for(state="visible")
    assert "/sign-in" in person.page.url
    # The copy has given itself away: the passkey is revoked, and the genuine one does not open any more, either.
    await device.set_count(held, held["signCount"] + 10)
    await come_in(person)
    await refused.wait_for(state="visible")
    assert "/sign-in" in person.page.url
