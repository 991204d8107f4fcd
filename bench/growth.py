"""Growth: a hundred times as many tenants and orders, and the time that an operation takes; more workers on more cores.

Both sizes are served at once, and take turns; the ratio of the small one's rate to the large one's is formed in a turn.
"""

import os
import shutil
from pathlib import Path

from bench.compare import Pace, admissions, ask, spread
from bench.fill import ORDERS_EACH
from bench.load import OPERATIONS, Task
from bench.machine import ALL_CORES
from bench.results import Measure
from bench.world import Served, Site, World, product_environment, serving

BAR = 1.3
SMALL_TENANTS = 10
LARGE_TENANTS = 1_000


def grow(world: World, pace: Pace, large_tenants: int = LARGE_TENANTS) -> list[Measure]:
    """Make both sizes, and measure each operation on both."""
    small, large = world.site("bench_small", SMALL_TENANTS), world.site("bench_large", large_tenants)
    slower: dict[str, list[float]] = {operation: [] for operation in OPERATIONS}
    with (
        serving(small.home, environment=product_environment(small)) as few,
        serving(large.home, environment=product_environment(large)) as many,
    ):
        for turn in range(pace.turns):
            for operation in OPERATIONS:
                rates = [
                    _rate(world, site, port, operation, pace, first=not turn)
                    for site, port in ((small, few), (large, many))
                ]
                slower[operation].append(rates[0] / rates[1])
    told = (
        f"{SMALL_TENANTS} tenants with {SMALL_TENANTS * ORDERS_EACH:,} orders against {large_tenants:,} with "
        f"{large_tenants * ORDERS_EACH:,}"
    )
    return [
        spread(f"{operation}: slowdown with growth", slower[operation], "ratio", bar=BAR, rule="at most", note=told)
        for operation in OPERATIONS
    ]


def _rate(world: World, site: Site, served: Served, operation: str, pace: Pace, *, first: bool) -> float:
    warm_up_seconds = 4.0 if first else pace.warm_up_seconds  # the large one has a thousand credentials to look up
    task = Task(operation, served.port, admissions(site), warm_up_seconds=warm_up_seconds, seconds=pace.seconds)
    return ask(served, world.server.pid, task).rate


def scale(site: Site, pace: Pace) -> list[Measure]:
    """Measure two workers against one, nothing pinned: the load generator and PostgreSQL take part in the cores."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    with (
        serving(site.home, environment=product_environment(site), cores=ALL_CORES) as one,
        serving(_second_home(site), environment=product_environment(site, workers=2), cores=ALL_CORES) as two,
    ):
        for turn in range(pace.turns):
            for workers, served in ((1, one), (2, two)):
                task = Task(
                    "get", served.port, admissions(site), warm_up_seconds=pace.warm_up_seconds if turn else 3.0,
                    seconds=pace.seconds,
                )  # fmt: skip
                rates[workers].append(ask(served, os.getpid(), task, ALL_CORES).rate)
    gains = [two_workers / single for single, two_workers in zip(rates[1], rates[2], strict=True)]
    note = f"{len(ALL_CORES)} cores, shared with PostgreSQL and the load generator"
    return [spread("get: two workers against one", gains, "ratio", note=note)]


def _second_home(site: Site) -> Path:
    """Return a folder with the same secrets, so that two servers of one database do not share their counters."""
    home = site.home.with_name(f"{site.name}_two")
    if not home.exists():
        home.mkdir(mode=0o711)
        shutil.copytree(site.home / "secrets", home / "secrets")
    return home
