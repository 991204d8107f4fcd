"""A program that signs in for a person, as the tests of tokens see it."""

import base64
import json
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pyotp
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.calls import inside

from stockade.identity.factors import totp
from stockade.identity.passwords.hashing import hash_password
from stockade.identity.service.members import Place, add_member
from stockade.identity.tokens.access import AccessTokens
from stockade.kernel.ids import new_id
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal

PASSWORD = "correct horse battery staple"
READ = "/api/v1/orders"
TOKENS = "/api/v1/tokens"


class Program(msgspec.Struct):
    """A program of one person's, and the person."""

    site: Site
    tenant: TenantFixture
    account_id: UUID
    email: str

    @classmethod
    async def of(cls, site: Site, tenant: TenantFixture, superuser: Any, role: str = "owner") -> "Program":
        """Make a member with a password."""
        email = f"{new_id().hex}@example.com"
        async with site.database.transaction(tenant.principal) as tx:
            account_id = await add_member(tx, id=new_id(), email=email, name="Ada", place=Place(role=role))
        hashed = await hash_password(PASSWORD)
        await superuser.execute("update identity.account set password_hash = $1 where id = $2", hashed, account_id)
        return cls(site, tenant, account_id, email)

    @property
    def principal(self) -> Principal:
        """The person, signed in."""
        return Principal(tenant_id=self.tenant.id, actor_id=self.account_id, kind=ActorKind.USER, role="owner")

    @property
    def own(self) -> AccessTokens:
        """What issues and verifies here."""
        found: AccessTokens = inside(self.site).state.access_tokens
        return found

    async def post(self, path: str, **body: Any) -> httpx.Response:
        """Ask for tokens in some way."""
        return await self.site.client.post(f"{TOKENS}{path}", json=body)

    async def signs_in(self, client: str = "Scanner", **more: Any) -> dict[str, Any]:
        """Sign in by password."""
        answer = await self.post("", **({"email": self.email, "password": PASSWORD, "client": client} | more))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def refreshes(self, token: str) -> httpx.Response:
        """Bring a refresh token."""
        return await self.post("/refresh", refresh_token=token)

    async def status(self, token: str, path: str = READ, method: str = "GET", **given: Any) -> int:
        """Use an access token."""
        return (await self.site.call(token, method, path, **given)).status_code

    async def enrols_app(self) -> pyotp.TOTP:
        """Set up an authenticator app."""
        sealer = inside(self.site).state.sealer
        async with self.site.database.transaction(self.principal) as tx:
            begun = await totp.begin(tx, sealer)
            app = pyotp.parse_uri(begun.address)
            assert isinstance(app, pyotp.TOTP)
            await totp.confirm(tx, sealer, app.now())
        return app


def opened(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a token's header and claims."""
    header, claims, _ = token.split(".")
    return _decoded(header), _decoded(claims)


def part(content: dict[str, Any]) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _decoded(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found
