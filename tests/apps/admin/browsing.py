"""A person at a browser, without the browser: signed in, asking for pages, sending their forms."""

import html
import re
from dataclasses import dataclass
from typing import Any

import httpx
from tests.conftest import TenantFixture
from tests.running import ORIGIN, Site
from tests.walls.calls import inside
from tests.walls.inhabitants import session_of

from stockade.access.admission import SESSION_COOKIE
from stockade.kernel.ids import new_id


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    site: Site
    token: str

    async def see(self, path: str, *, status: int = 200) -> str:
        """Open a page and return its HTML."""
        response = await self.ask("GET", path)
        assert response.status_code == status, f"{path}: {response.status_code} {response.text[:500]}"
        return response.text

    async def send(self, path: str, *, files: Any = None, **fields: str) -> httpx.Response:
        """Send a form with the token that its page would hold, and a key of its own."""
        fields.setdefault("idempotency_key", new_id().hex)
        fields["csrf_token"] = inside(self.site).state.csrf.token(self.token)
        return await self.ask("POST", path, data=fields, files=files)

    async def done(self, path: str, **fields: Any) -> str:
        """Send a form that succeeds, and return where it leads."""
        response = await self.send(path, **fields)
        assert response.status_code == 303, f"{path}: {response.status_code} {told(response.text)}"
        return response.headers["location"]

    async def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Ask as this person's browser."""
        headers = {"Cookie": f"{SESSION_COOKIE}={self.token}", "Accept": "text/html", "Origin": ORIGIN}
        return await self.site.client.request(method, path, headers=headers, **given)


async def signed_in(site: Site, tenant: TenantFixture, role: str = "owner") -> Person:
    """Return a fresh member of a role, signed in."""
    return Person(site, await session_of(site, tenant, role))


def told(page: str) -> str:
    """Return what a page says, without its markup."""
    main = page[page.find("<main") :] if "<main" in page else page
    plain = re.sub(r"<(script|style|svg).*?</\1>|<[^>]+>", " ", main, flags=re.DOTALL)
    return " ".join(html.unescape(plain).split())
