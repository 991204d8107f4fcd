"""Heavy operations: a few at once for each person, and the place comes back whatever happens."""

from contextlib import ExitStack
from uuid import UUID

import httpx
import pytest
from tests.conftest import TenantFixture
from tests.running import Site

from stockade.access.routes import HEAVY_AT_ONCE


async def actor_of(site: Site, key: str) -> UUID:
    listed = (await site.call(key, "GET", "/api/v1/api-keys")).json()
    return next(UUID(item["id"]) for item in listed if key.startswith(item["prefix"]))


async def export(site: Site, key: str) -> httpx.Response:
    return await site.call(key, "GET", "/orders.csv")


async def test_one_more_than_allowed_is_refused_and_the_next_after_one_ends_is_not(
    site: Site, tenant: TenantFixture
) -> None:
    key = await site.key(tenant)
    actor = await actor_of(site, key)
    with ExitStack() as held:
        for _ in range(HEAVY_AT_ONCE):
            held.enter_context(site.concurrency.hold(actor.bytes, HEAVY_AT_ONCE))
        refused = await export(site, key)
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-at-once")
    assert refused.headers["retry-after"] == "1"
    assert (await export(site, key)).status_code == 200


async def test_another_person_is_not_held_up(site: Site, tenant: TenantFixture) -> None:
    busy, other = await site.key(tenant), await site.key(tenant)
    actor = await actor_of(site, busy)
    with ExitStack() as held:
        for _ in range(HEAVY_AT_ONCE):
            held.enter_context(site.concurrency.hold(actor.bytes, HEAVY_AT_ONCE))
        assert (await export(site, other)).status_code == 200


@pytest.mark.parametrize("path", ["/orders.csv?stage=nonsense"])
async def test_a_failure_gives_the_place_back(site: Site, tenant: TenantFixture, path: str) -> None:
    key = await site.key(tenant)
    for _ in range(HEAVY_AT_ONCE + 1):
        assert (await site.call(key, "GET", path)).status_code == 422
