"""How many statements a page may cost: eight, whatever it shows, and no more for many rows than for one."""

from typing import Any

import pytest
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.calls import Call, calls_of, governed, ids_from, inside
from tests.walls.inhabitants import furnish, session_of
from tests.walls.trading import Trader

MOST = 8
BEGIN = 1


@pytest.fixture
def opened(site: Site) -> list[Any]:
    """The transactions that were opened since the list was cleared."""
    seen: list[Any] = []
    inside(site).state.observe_transaction = seen.append
    return seen


def pages_of(site: Site) -> list[Call]:
    """Every page that somebody who is signed in can look at."""
    return [call for call in governed(calls_of(site)) if call.method == "GET" and call.is_page]


async def costs(site: Site, opened: list[Any], made: dict[str, Any], token: str) -> dict[str, int]:
    """Return how many statements each page costs, BEGIN and COMMIT apart."""
    found = {}
    for call in pages_of(site):
        opened.clear()
        response = await call.make(site, ids_from(made), token, accept="text/html")
        assert response.status_code == 200, f"{call.name}: {response.status_code} {response.text[:300]}"
        found[call.path] = sum(tx.round_trips - BEGIN for tx in opened)
    return found


async def test_no_page_costs_more_than_eight_statements(site: Site, tenant: TenantFixture, opened: list[Any]) -> None:
    made = await furnish(site, tenant)
    token = await session_of(site, tenant, "owner")
    found = await costs(site, opened, made, token)
    assert len(found) > 2
    assert {path: count for path, count in found.items() if count > MOST} == {}


async def test_no_page_asks_once_more_for_each_row(site: Site, tenant: TenantFixture, opened: list[Any]) -> None:
    made = await furnish(site, tenant)
    trader = Trader(site, await site.key(tenant), dict(made))
    token = await session_of(site, tenant, "owner")
    before = await costs(site, opened, made, token)
    for number in range(2, 5):
        await trader.stock_product(f"AMPHORA-{number}", 50)
        await trader.invoiced()
    after = await costs(site, opened, made, token)
    assert after == before
