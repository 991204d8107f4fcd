"""Operators who have signed in, on the running application."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pyotp
import pytest
from tests.conftest import Server
from tests.running import Site

from stockade.database.roles import Role
from stockade.kernel.ids import new_id
from stockade.platform.operators import Enrolment, add_operator
from stockade.tenancy.transaction import Database, open_pool


@pytest.fixture
async def platform(server: Server, database_name: str) -> AsyncIterator[Database]:
    """The platform's role."""
    opened = Database({"main": await open_pool(server.dsn(Role.PLATFORM, database_name), server.signer, size=2)})
    yield opened
    await opened.close()


@dataclass
class Person:
    """An operator: how to sign in, and a session."""

    site: Site
    email: str
    password: str
    totp: pyotp.TOTP
    enrolment: Enrolment
    token: str = ""
    ahead: int = -1

    def code(self) -> str:
        """A code that was not used yet."""
        self.ahead += 1
        return self.totp.at(int(time.time()) + 30 * self.ahead)

    async def sign_in(self, **other: str) -> httpx.Response:
        given = {"email": self.email, "password": self.password} | other
        given.setdefault("code", "" if "code" in other else self.code())
        return await self.site.client.post("/platform/api/sign-in", json=given)

    async def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        return await self.site.call(self.token, method, f"/platform/api{path}", **given)


MakeOperator = Callable[[], Awaitable[Person]]


@pytest.fixture
def make_operator(site: Site, platform: Database) -> MakeOperator:
    """Make an operator who has chosen a password and is signed in."""

    async def make() -> Person:
        email = f"{new_id().hex}@platform.example"
        made = await add_operator(platform, site.installation.sealer, email=email, name="Olga Operator")
        totp = pyotp.parse_uri(made.authenticator)
        assert isinstance(totp, pyotp.TOTP)
        person = Person(site, email, made.password, totp, made)
        person.token = (await person.sign_in()).json()["token"]
        assert (await person.ask("POST", "/password", json={"password": "a longer pass phrase"})).status_code == 200
        person.password = "a longer pass phrase"
        return person

    return make
