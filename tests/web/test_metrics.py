"""The measurements add up over processes, keep to templates, and are for listed scrapers only."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.web.asgi import ask, make_edge

from stockade.kernel.settings import Settings
from stockade.web.metrics import Metrics, MetricsPage, prepare_metrics

COUNT = """
import sys
from pathlib import Path
from stockade.web.metrics import Metrics
metrics = Metrics(Path(sys.argv[1]))
for _ in range(10):
    metrics.began()
    metrics.ended("GET", "/orders/{order_id}", 200, 0.003)
metrics.began()
metrics.limited("address")
"""


@pytest.fixture
def metrics(tmp_path: Path) -> Metrics:
    prepare_metrics(tmp_path / "metrics")
    return Metrics(tmp_path / "metrics")


def values(text: bytes) -> dict[str, float]:
    """Return the samples by name and labels."""
    lines = [line for line in text.decode().splitlines() if line and not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_the_counts_of_all_processes_are_added_up(metrics: Metrics, tmp_path: Path) -> None:
    for _ in range(3):
        subprocess.run([sys.executable, "-c", COUNT, str(tmp_path / "metrics")], check=True)
    metrics.began()
    metrics.ended("GET", "/orders/{order_id}", 200, 0.003)
    found = values(metrics.render())
    assert found['stockade_requests_total{method="GET",route="/orders/{order_id}",status="2xx"}'] == 31
    assert found['stockade_request_seconds_bucket{le="0.005",route="/orders/{order_id}"}'] == 31
    assert found['stockade_request_seconds_bucket{le="0.0025",route="/orders/{order_id}"}'] == 0
    assert found['stockade_limited_total{limit="address"}'] == 3


def test_what_a_dead_process_was_doing_is_not_in_flight(metrics: Metrics, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", COUNT, str(tmp_path / "metrics")], check=True)
    metrics.began()
    assert values(metrics.render())["stockade_requests_in_flight"] == 1


def test_a_method_of_the_callers_invention_makes_no_series_of_its_own(metrics: Metrics) -> None:
    for number in range(5):
        metrics.began()
        metrics.ended(f"X{number}", "unmatched", 404, 0.001)
    found = [name for name in values(metrics.render()) if name.startswith("stockade_requests_total")]
    assert found == ['stockade_requests_total{method="OTHER",route="unmatched",status="4xx"}']


def test_a_watched_pool_is_measured_when_requests_come(metrics: Metrics) -> None:
    metrics.watch_pool("main", lambda: {"idle": 3, "busy": 1})
    metrics.began()
    metrics.ended("GET", "/", 200, 0.001)
    assert values(metrics.render())['stockade_pool{pool="main",state="idle"}'] == 3


def test_a_new_start_begins_at_nothing(metrics: Metrics, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", COUNT, str(tmp_path / "metrics")], check=True)
    prepare_metrics(tmp_path / "metrics")
    assert values(metrics.render()) == {}


@pytest.mark.parametrize(
    ("client", "status"),
    [
        ("127.0.0.1", 200),
        ("10.1.2.3", 200),
        ("::ffff:10.1.2.3", 200),
        ("198.51.100.7", 403),
        ("11.0.0.1", 403),
        (None, 403),
    ],
)
async def test_only_a_listed_scraper_reads_the_measurements(client: str | None, status: int, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, metrics_scrapers=("127.0.0.1", "10.0.0.0/8"))
    prepare_metrics(tmp_path / "metrics")
    edge, _ = make_edge(MetricsPage(Metrics(tmp_path / "metrics"), settings), tmp_path)
    await ask(edge, "/metrics", client="127.0.0.1")
    answered = await ask(edge, "/metrics", client=client)
    assert answered.status == status
    assert (b'route="/metrics"' in answered.body) is (status == 200)
