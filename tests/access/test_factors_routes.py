"""One's own factors over HTTP: as a person's browser manages them, and as others would like to."""

import re
from typing import Any

import httpx
import msgspec
import pyotp
import pytest
from tests.conftest import TenantFixture
from tests.running import ORIGIN, Site
from tests.walls.calls import inside
from tests.walls.inhabitants import session_of

from stockade.identity.factors.authenticator import Authenticator


class Browser:
    """A person's browser: it asks with the session's cookie and its CSRF token."""

    def __init__(self, site: Site, token: str) -> None:
        self.site = site
        self.token = token

    @property
    def csrf(self) -> str:
        found: str = inside(self.site).state.csrf.token(self.token)
        return found

    async def api(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Cookie": f"__Host-session={self.token}", "X-CSRF-Token": self.csrf}
        return await self.site.call(None, method, f"/api/v1{path}", json=body, headers=headers)

    async def page(self, path: str, **fields: str) -> httpx.Response:
        headers = {"Cookie": f"__Host-session={self.token}", "Accept": "text/html"}
        if not fields:
            return await self.site.client.get(path, headers=headers)
        return await self.site.client.post(path, headers=headers, data=fields | {"csrf_token": self.csrf})

    async def enrol(self, device: Authenticator, name: str = "Laptop") -> httpx.Response:
        asked = await self.api("POST", "/me/passkeys/options", {})
        assert asked.status_code == 200, asked.text
        options = msgspec.json.encode(asked.json()["publicKey"]).decode()
        return await self.api("POST", "/me/passkeys", {"name": name, "answer": device.create(options)})


@pytest.fixture
async def browser(site: Site, tenant: TenantFixture) -> Browser:
    """A viewer's browser: the least role manages its own factors."""
    return Browser(site, await session_of(site, tenant, "viewer"))


def device() -> Authenticator:
    return Authenticator(ORIGIN, "localhost")


async def test_a_viewer_enrols_names_and_revokes_a_passkey(browser: Browser) -> None:
    made = await browser.enrol(device())
    assert made.status_code == 201, made.text
    passkey_id = made.json()["id"]
    assert "public_key" not in made.text
    assert [row["name"] for row in (await browser.api("GET", "/me/passkeys")).json()] == ["Laptop"]
    named = await browser.api("PATCH", f"/me/passkeys/{passkey_id}", {"name": "Phone"})
    assert named.json()["name"] == "Phone"
    assert (await browser.api("GET", "/me/factors")).json() == {"passkeys": 1, "totp": False, "recovery_left": 0}
    revoked = await browser.api("POST", f"/me/passkeys/{passkey_id}/revoke")
    assert revoked.json()["revoked_at"] is not None
    assert (await browser.api("POST", f"/me/passkeys/{passkey_id}/revoke")).status_code == 404
    assert (await browser.api("GET", "/me/factors")).json()["passkeys"] == 0


async def test_another_sessions_options(browser: Browser, site: Site, tenant: TenantFixture) -> None:
    """A challenge is the browser's that asked for it: one that leaks is worth nothing in another session."""
    other = Browser(site, await session_of(site, tenant, "owner"))
    asked = await other.api("POST", "/me/passkeys/options", {})
    answer = device().create(msgspec.json.encode(asked.json()["publicKey"]).decode())
    refused = await browser.api("POST", "/me/passkeys", {"name": "No", "answer": answer})
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/identity/passkey-not-enrolled")


async def test_a_colleagues_passkey_by_its_id(browser: Browser, site: Site, tenant: TenantFixture) -> None:
    owner = Browser(site, await session_of(site, tenant, "owner"))
    passkey_id = (await browser.enrol(device())).json()["id"]
    for method, path, body in (
        ("PATCH", f"/me/passkeys/{passkey_id}", {"name": "Mine"}),
        ("POST", f"/me/passkeys/{passkey_id}/revoke", None),
    ):  # fmt: skip
        assert (await owner.api(method, path, body)).status_code == 404
    assert (await owner.page(f"/security/passkeys/{passkey_id}/revoke", a="b")).status_code == 404
    assert (await browser.api("GET", "/me/factors")).json()["passkeys"] == 1


async def test_without_the_csrf_token_nothing_is_enrolled(browser: Browser, site: Site) -> None:
    headers = {"Cookie": f"__Host-session={browser.token}"}
    for path in ("/me/passkeys/options", "/me/recovery-codes", "/me/totp"):
        refused = await site.call(None, "POST", f"/api/v1{path}", headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/csrf")


async def test_keys_have_no_factors(site: Site, tenant: TenantFixture) -> None:
    key = await site.key(tenant)
    for method, path in (
        ("GET", "/me/factors"), ("GET", "/me/passkeys"), ("POST", "/me/passkeys/options"), ("POST", "/me/totp"),
        ("POST", "/me/totp/remove"), ("POST", "/me/recovery-codes"),
    ):  # fmt: skip
        refused = await site.call(key, method, f"/api/v1{path}")
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/people-only")


async def test_an_app_and_recovery_codes_over_the_api(browser: Browser) -> None:
    begun = (await browser.api("POST", "/me/totp")).json()
    wrong = await browser.api("POST", "/me/totp/confirm", {"code": "12 34"})
    assert wrong.status_code == 422
    right = await browser.api("POST", "/me/totp/confirm", {"code": pyotp.TOTP(begun["seed"]).now()})
    assert right.json()["totp"] is True
    assert (await browser.api("POST", "/me/totp/confirm", {"code": "123456"})).status_code == 404
    codes = (await browser.api("POST", "/me/recovery-codes")).json()["codes"]
    assert len(codes) == 10
    assert (await browser.api("GET", "/me/factors")).json()["recovery_left"] == 10
    assert (await browser.api("POST", "/me/totp/remove")).json()["totp"] is False
    assert (await browser.api("POST", "/me/totp/remove")).status_code == 404


async def test_the_page_shows_and_manages_them(browser: Browser) -> None:
    assert "Not set up" in (await browser.page("/security")).text
    passkey_id = (await browser.enrol(device(), "<b>Laptop</b>")).json()["id"]
    page = (await browser.page("/security?done=enrolled")).text
    assert "&lt;b&gt;Laptop&lt;/b&gt;" in page
    assert "<b>Laptop" not in page
    renamed = await browser.page(f"/security/passkeys/{passkey_id}", name="Phone")
    assert renamed.headers["location"] == "/security?done=renamed"
    assert (await browser.page(f"/security/passkeys/{passkey_id}", name="")).status_code == 422
    revoked = await browser.page(f"/security/passkeys/{passkey_id}/revoke", a="b")
    assert revoked.headers["location"] == "/security?done=revoked"
    begun = (await browser.page("/security/totp", a="b")).text
    assert 'src="data:image/svg+xml;base64,' in begun
    seed = re.search(r'value="([A-Z2-7]{32})"', begun)
    assert seed is not None
    again = await browser.page("/security/totp/confirm", code="000000")
    assert again.status_code == 422
    assert seed[1] in again.text
    confirmed = await browser.page("/security/totp/confirm", code=pyotp.TOTP(seed[1]).now())
    assert confirmed.headers["location"] == "/security?done=app"
    shown = (await browser.page("/security/recovery-codes", a="b")).text
    assert len(re.findall(r"<code>[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}</code>", shown)) == 10
    page = (await browser.page("/security")).text
    assert "10 codes are left." in page
    assert seed[1] not in page
    assert (await browser.page("/security/totp/remove", a="b")).headers["location"] == "/security?done=removed"


async def test_the_organisations_policy(site: Site, tenant: TenantFixture, browser: Browser) -> None:
    key = await site.key(tenant, "admin")
    policy = (await site.call(key, "GET", "/api/v1/sign-in-policy")).json()
    assert policy["version"] == 0
    saved = await site.call(key, "PUT", "/api/v1/sign-in-policy", json=policy | {"second_factor_required": True})
    assert (saved.status_code, saved.json()["version"]) == (200, 1)
    stale = await site.call(key, "PUT", "/api/v1/sign-in-policy", json=policy)
    assert stale.status_code == 409
    assert (await browser.api("GET", "/sign-in-policy")).status_code == 403
