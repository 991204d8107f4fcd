"""A route that declares no permission stops the start; and if it did not, it would still be closed."""

from pathlib import Path
from typing import Any

import litestar
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.conftest import Server
from tests.running import running_site

from stockade.apps import site as site_module
from stockade.kernel.problems import Refusal
from stockade.tenancy.transaction import Database

PATH = "/forgotten"


def forgotten() -> Any:
    """A route as somebody writes it who has not read the house's rules."""

    @litestar.get(PATH)
    async def forgotten() -> str:
        return "everybody's orders"

    return forgotten


@pytest.fixture
def with_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_module, "PAGES", (*site_module.PAGES, forgotten()))


@pytest.mark.usefixtures("with_forgotten")
async def test_a_route_without_a_permission_stops_the_start(
    server: Server, database: Database, database_name: str, tmp_path: Path
) -> None:
    with pytest.raises(Refusal, match=r"/forgotten.*declares no permission"):
        async with running_site(server.cluster.home, tmp_path, server.admin_dsn(database_name), database):
            pass


@pytest.mark.usefixtures("with_forgotten")
async def test_if_the_start_did_not_refuse_it_admission_would(
    server: Server, database: Database, database_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_module, "refuse_ungoverned", lambda app: None)
    async with running_site(server.cluster.home, tmp_path, server.admin_dsn(database_name), database) as site:
        answer = await site.client.get(PATH)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/ungoverned")


async def test_without_both_the_route_would_be_open_to_everybody() -> None:
    """The twin: Litestar itself serves such a route."""
    async with AsyncTestClient(Litestar([forgotten()])) as client:
        answer = await client.get(PATH)
    assert (answer.status_code, answer.text) == (200, "everybody's orders")
