"""Every kind of credential on every surface, however it is carried, good and ended: each opens its own door alone."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from tests.conftest import MakeTenant, TenantFixture
from tests.identity.tokens.programs import Program
from tests.platform.conftest import MakeOperator, make_operator, platform
from tests.platform.test_break_glass import Case
from tests.running import Site
from tests.walls.calls import inside
from tests.walls.inhabitants import expired_key, revoked_key, session_of, suspend

from stockade.access.admission import ACCESS_COOKIE, SESSION_COOKIE
from stockade.identity.scim.tokens import issue_token, revoke_token
from stockade.identity.service.sign_in import issue_link, sign_out
from stockade.identity.sso.issuers import NewIssuer, set_issuer_state, trust_issuer
from stockade.identity.sso.own_provider import ISSUER, OwnProvider
from stockade.kernel.ids import new_id
from stockade.platform.accesses import end_as_customer
from stockade.platform.admission import OPERATOR_COOKIE

__all__ = ["make_operator", "platform"]
CARRIERS = ("bearer", SESSION_COOKIE, OPERATOR_COOKIE, ACCESS_COOKIE)
SURFACES = {
    "api": "/api/v1/orders", "page": "/orders", "directory": "/scim/v2/Users", "operators": "/platform/api/tenants",
    "console": "/platform/tenants",
}  # fmt: skip
PROGRAM = {("bearer", "api"), ("bearer", "page")}
OPENS: dict[str, set[tuple[str, str]]] = {
    "API key": PROGRAM,
    "session": PROGRAM | {(SESSION_COOKIE, "api"), (SESSION_COOKIE, "page")},
    "access token": PROGRAM,
    "outside token": PROGRAM,
    "directory's token": {("bearer", "directory")},
    "operator": {("bearer", "operators"), (OPERATOR_COOKIE, "console")},
    "break-glass": PROGRAM | {(ACCESS_COOKIE, "page")},
    "refresh token": set(),
    "one-time link": set(),
}
"""Where each is good, and how it is carried there; a credential that is not in here has no way in."""


@dataclass
class World:
    """A tenant with a credential of each kind, and how each of them ends."""

    site: Site
    good: dict[str, str]
    ends: dict[str, Callable[[], Awaitable[Any]]]

    async def opened(self, credential: str) -> set[tuple[str, str]]:
        """Return where a credential is let in, by carrier and surface."""
        found = set()
        for carrier in CARRIERS:
            for surface, path in SURFACES.items():
                headers = {"Accept": "text/html" if surface in ("page", "console") else "application/json"}
                if carrier == "bearer":
                    headers["Authorization"] = f"Bearer {credential}"
                else:
                    headers["Cookie"] = f"{carrier}={credential}"
                if (await self.site.client.get(path, headers=headers)).status_code == 200:
                    found.add((carrier, surface))
        return found


@pytest.fixture
async def world(site: Site, tenant: TenantFixture, make_operator: MakeOperator, superuser: Any) -> World:
    case = Case(site, tenant, await make_operator(), await make_operator())
    access, bearer = await case.open()
    program = await Program.of(site, tenant, superuser)
    pair = await program.signs_in()
    session = await session_of(site, tenant, "owner")
    credentials = site.installation.credentials
    provider, issuer_id, token_id = OwnProvider(), new_id(), new_id()
    inside(site).state.provider_keys.reach = provider
    async with site.database.transaction(tenant.principal) as tx:
        directory = await issue_token(tx, credentials, id=token_id, name="Directory")
        link = await issue_link(tx, program.account_id, vouched_by="operator")
        audience = new_id().hex
        new = NewIssuer(name="Outside", issuer=ISSUER, audience=audience, algorithms=["ES256"], role="viewer")
        await trust_issuer(tx, issuer_id, new)
    key = await site.key(tenant)

    async def inside_tenant(verb: Any, *given: Any) -> None:
        async with site.database.transaction(tenant.principal) as tx:
            await verb(tx, *given)

    return World(
        site,
        {
            "API key": key, "session": session, "access token": pair["access_token"],
            "refresh token": pair["refresh_token"], "directory's token": directory, "operator": case.other.token,
            "break-glass": bearer, "one-time link": link,
            "outside token": provider.token({"sub": "one", "aud": audience}),
        },
        {
            "session": lambda: inside_tenant(sign_out, credentials, session),
            "access token": lambda: program.post("/revoke", refresh_token=pair["refresh_token"]),
            "outside token": lambda: inside_tenant(set_issuer_state, issuer_id, "off"),
            "directory's token": lambda: inside_tenant(revoke_token, token_id),
            "operator": lambda: case.other.ask("POST", "/sign-out"),
            "break-glass": lambda: inside_tenant(end_as_customer, UUID(access)),
        },
    )  # fmt: skip


async def test_each_credential_opens_what_it_is_for_and_nothing_else(world: World) -> None:
    assert {kind: await world.opened(text) for kind, text in world.good.items()} == OPENS


async def test_an_ended_credential_opens_nothing_from_the_next_request_on(world: World) -> None:
    for kind, end in world.ends.items():
        assert await world.opened(world.good[kind]) == OPENS[kind]
        await end()
        assert await world.opened(world.good[kind]) == set(), kind
    assert await world.opened(world.good["API key"]) == OPENS["API key"], "the others are not touched"


async def test_a_revoked_an_expired_and_an_altered_credential_open_nothing(
    world: World, tenant: TenantFixture, make_tenant: MakeTenant
) -> None:
    other = await make_tenant()
    bad = {"revoked": await revoked_key(world.site, tenant), "expired": await expired_key(world.site, tenant)}
    for kind, text in world.good.items():
        bad[f"{kind}, cut"] = text[:-1]
        bad[f"{kind}, longer"] = text + "A"
        if tenant.id.hex in text:
            bad[f"{kind}, another tenant's"] = text.replace(tenant.id.hex, other.id.hex)
    assert {name: await world.opened(text) for name, text in bad.items()} == {key: set() for key in bad}


async def test_a_suspended_tenant_is_closed_to_every_credential_of_its_own(
    world: World, tenant: TenantFixture, superuser: Any
) -> None:
    await suspend(superuser, tenant)
    closed = {kind: await world.opened(text) for kind, text in world.good.items() if kind != "operator"}
    assert closed == {key: set() for key in closed}
