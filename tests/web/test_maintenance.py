"""While the platform is closed, everybody is told when to come back; whoever watches over it still gets an answer."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.running import Site

from stockade.kernel.clock import now
from stockade.web import maintenance
from stockade.web.maintenance import Maintenance, Notice, UnderMaintenance, close, reopen


@pytest.fixture
def closed(site: Site) -> Any:
    """The file of the running site, put there for this test."""
    path: Path = site.app.app.maintenance.path
    close(path, Notice("We move the warehouse.", now() + timedelta(minutes=10)))
    yield path
    reopen(path)


async def test_a_browser_gets_a_page_and_a_program_a_problem_with_the_time_to_come_back(
    site: Site, closed: Path
) -> None:
    page = await site.client.get("/sign-in", headers={"accept": "text/html"})
    assert page.status_code == 503
    assert "We move the warehouse." in page.text
    answer = await site.client.get("/api/v1/orders")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/maintenance")
    assert 540 < int(answer.headers["retry-after"]) <= 600


async def test_health_and_what_the_notice_is_drawn_with_stay_open(site: Site, closed: Path) -> None:
    for path in ("/healthz", "/readyz", "/static/css/tokens.css"):
        assert (await site.client.get(path)).status_code == 200


def test_it_is_open_again_within_a_second_of_the_files_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run" / "maintenance.json"
    close(path, Notice())
    gate = Maintenance(path)
    with pytest.raises(UnderMaintenance):
        gate.check("/orders")
    assert reopen(path)
    monkeypatch.setattr(maintenance, "LOOK_EVERY_SECONDS", 0.0)
    gate.check("/orders")
    assert not reopen(path)


def test_a_notice_that_cannot_be_read_closes_too(tmp_path: Path) -> None:
    path = tmp_path / "maintenance.json"
    path.write_text("{half")
    with pytest.raises(UnderMaintenance):
        Maintenance(path).check("/orders")
