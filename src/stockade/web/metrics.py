"""Measurements for Prometheus, of all processes together (claim I1).

Each process counts in files of its own under one folder (prometheus-client's multiprocess mode), and whichever is asked
adds them up. Labels are route templates, never paths: a path would make a series of its own for every id.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stockade.kernel.files import refusing_disk_errors
from stockade.kernel.problems import Problem
from stockade.kernel.settings import Settings
from stockade.web.addresses import listed
from stockade.web.problems import METHODS

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
LATENCY_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
POOL_EVERY_SECONDS = 1.0
_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_OTHER = "OTHER"


class ScraperRefused(Problem):
    """Only the listed scrapers may read the measurements."""

    type = "/problems/scraper-refused"
    title = "The measurements are not for this address"
    status = 403


def prepare_metrics(folder: Path) -> None:
    """Make the folder, and empty it of what an earlier start counted: once per start, before any process counts."""
    with refusing_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in folder.glob("*.db"):
            old.unlink(missing_ok=True)


class Metrics:
    """What one process counts, in a prepared folder."""

    def __init__(self, folder: Path) -> None:
        # The client decides once, when it is imported, where values live, and keeps its files open. Asked again, it
        # decides anew: so this holds whoever imported it before us, and each folder has files of its own.
        os.environ[_FOLDER_VARIABLE] = str(folder)
        import prometheus_client as client
        from prometheus_client import values

        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]  # the client's, untyped
        self._folder = folder
        self._none = client.CollectorRegistry()
        self._requests = client.Counter(
            "stockade_requests", "Requests answered.", ["method", "route", "status"], registry=self._none
        )
        self._seconds = client.Histogram(
            "stockade_request_seconds", "From a request's head to its answer's end.", ["route"],
            buckets=LATENCY_BUCKETS_SECONDS, registry=self._none,
        )  # fmt: skip
        limited = client.Counter("stockade_limited", "Requests refused by a limit.", ["limit"], registry=self._none)
        self._limited = {kind: limited.labels(kind) for kind in ("address", "credential")}
        self._pool = client.Gauge(
            "stockade_pool", "Database connections by pool and state.", ["pool", "state"], registry=self._none,
            multiprocess_mode="livesum",
        )  # fmt: skip
        in_flight = client.Gauge(
            "stockade_requests_in_flight", "Requests being answered.", registry=self._none, multiprocess_mode="livesum"
        )
        self.began = in_flight.inc
        self._left = in_flight.dec
        self._series: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}
        self._pools: dict[str, Callable[[], dict[str, int]]] = {}
        self._pools_due = 0.0

    def ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was begun; ``route`` is the template that it matched, or a word for none."""
        key = (method, route, status // 100)
        try:
            count, observe = self._series[key]
        except KeyError:
            # A method is the caller's text: unknown ones are one, or each would be a series of its own.
            known = method if method in METHODS else _OTHER
            labels = (known, route, f"{status // 100}xx")
            count, observe = self._requests.labels(*labels).inc, self._seconds.labels(route).observe
            if known is not _OTHER:
                self._series[key] = count, observe
        count()
        observe(seconds)
        self._left()
        if self._pools:
            self._read_pools()

    def limited(self, kind: str) -> None:
        """Count a request that the limit of its ``address`` or ``credential`` refused."""
        self._limited[kind].inc()

    def watch_pool(self, name: str, read: Callable[[], dict[str, int]]) -> None:
        """Measure a pool from now on, once a second while requests come: ``read`` returns connections by state."""
        self._pools[name] = read

    def _read_pools(self) -> None:
        now = time.monotonic()
        if now < self._pools_due:
            return
        self._pools_due = now + POOL_EVERY_SECONDS
        for name, read in self._pools.items():
            for state, connections in read().items():
                self._pool.labels(name, state).set(connections)

    def render(self) -> bytes:
        """Return the sum of all processes in Prometheus' text format. What ended processes were doing is not in it."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        self._forget_the_dead()
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]  # likewise
        return generate_latest(registry)

    def _forget_the_dead(self) -> None:
        for file in self._folder.glob("gauge_live*_*.db"):
            pid = file.stem.rpartition("_")[2]
            if pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
                file.unlink(missing_ok=True)


class MetricsPage:
    """``/metrics``: an ASGI application for the listed scrapers only; others get ``ScraperRefused``.

    It stands behind the edge, which has found out the address that the request really comes from.
    """

    def __init__(self, metrics: Metrics, settings: Settings) -> None:
        self._metrics = metrics
        self._scrapers = listed(settings.metrics_scrapers)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer with the measurements."""
        scope["state"]["route"] = "/metrics"
        if not self._scrapers(scope["state"]["address"]):
            raise ScraperRefused
        body = await asyncio.to_thread(self._metrics.render)
        headers = [(b"content-type", CONTENT_TYPE), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
