"""The comparison: the product, the same with its controls off, and pgbench, in turns within one run.

Application and PostgreSQL share one core, what asks them has the other. The sides take turns, so that whatever else the
machine does meets all of them; a ratio is formed within a turn, and the median over the turns counts.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bench import off, peer
from bench.load import OPERATIONS, Tally, Task
from bench.machine import LOAD_CORE, cpu_seconds, pinned
from bench.recording import Recorded, record
from bench.results import Measure
from bench.world import Served, Site, World, product_environment, serving
from stockade.database.roles import Role

BARS_OF_PEER = {"get": 0.30, "list": 0.30, "create": 0.55}
BAR_OF_OFF = 0.75
ROUND_TRIPS = {"get": 3, "list": 3, "create": 6}
RECORDED = peer.CLIENTS
"""Tenants whose statements pgbench repeats: one for each of its clients, so that none waits for another's counter."""


@dataclass(frozen=True)
class Pace:
    """How long everything is measured."""

    turns: int
    seconds: float
    warm_up_seconds: float


@dataclass(frozen=True)
class Turn:
    """One measurement: requests a second, and microseconds of CPU that each took."""

    rate: float
    app_us: float = 0.0
    database_us: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    load_share: float = 0.0


def admissions(site: Site, *, believed: bool = False) -> list[tuple[int, str]]:
    """Return each tenant's number with the header that lets a request in."""
    if believed:
        return [(tenant.number, f"x-tenant: {tenant.id}") for tenant in site.tenants]
    return [(tenant.number, f"authorization: Bearer {tenant.key}") for tenant in site.tenants]


def ask(served: Served, database_pid: int, task: Task, cores: frozenset[int] = LOAD_CORE) -> Turn:
    """Put the load on a server and return what it answered, with the CPU that it took."""
    with pinned(cores):
        load = subprocess.Popen([sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    before = cpu_seconds(served.pid), cpu_seconds(database_pid)
    told, _ = load.communicate(msgspec.json.encode(task))
    after = cpu_seconds(served.pid), cpu_seconds(database_pid)
    if load.returncode:
        raise RuntimeError(f"The load for {task.operation!r} failed; its message is above.")
    tally = msgspec.json.decode(told, type=Tally)
    answered = tally.requests_in_all
    app_us, database_us = ((now - then) / answered * 1e6 for now, then in zip(after, before, strict=True))
    return Turn(tally.requests_per_second, app_us, database_us, tally.p50_ms, tally.p99_ms, tally.own_cpu_share)


def compare(world: World, site: Site, pace: Pace) -> list[Measure]:
    """Measure the three sides and return every figure."""
    recorded = record(site, site.tenants[:RECORDED])
    scripts = {
        operation: peer.write_script(
            site.home, [one for one in recorded if one.operation == operation], site.installation.signer
        )
        for operation in OPERATIONS
    }
    asyncio.run(world.clone(site.name, "bench_off"))
    asyncio.run(off.strip(world.dsn("bench_off")))
    home = world.folder / "off"
    home.mkdir(mode=0o700)
    bare = world.server.cluster.dsn(user=off.LOGIN, password=off.PASSWORD, database="bench_off")
    turns: dict[tuple[str, str], list[Turn]] = defaultdict(list)
    with (
        serving(site.home, environment=product_environment(site)) as on_server,
        serving(home, "bench.off", environment={"BENCH_DSN": bare}) as off_server,
    ):
        for turn in range(pace.turns):
            for operation in OPERATIONS:
                for side, server, who in (
                    ("on", on_server, admissions(site)), ("off", off_server, admissions(site, believed=True)),
                ):  # fmt: skip
                    task = Task(
                        operation,
                        server.port,
                        who,
                        warm_up_seconds=pace.warm_up_seconds if turn else 3.0,
                        seconds=pace.seconds,
                    )
                    turns[operation, side].append(ask(server, world.server.pid, task))
                turns[operation, "peer"].append(_ask_peer(world, site, scripts[operation], pace))
    return [*_round_trips(recorded), *_figures(turns)]


def _ask_peer(world: World, site: Site, script: peer.Script, pace: Pace) -> Turn:
    dsn = site.installation.dsn(Role.APPLICATION)
    before = cpu_seconds(world.server.pid)
    rate, processed = peer.run(script, dsn, pace.seconds)
    time.sleep(0.3)  # Its backends end on their own; their time counts once they have.
    return Turn(rate, database_us=(cpu_seconds(world.server.pid) - before) / processed * 1e6)


def _round_trips(recorded: Sequence[Recorded]) -> list[Measure]:
    most = {
        operation: max(one.round_trips for one in recorded if one.operation == operation) for operation in OPERATIONS
    }
    return [
        Measure(
            f"{operation}: round trips to the database", most[operation], "a request", ROUND_TRIPS[operation], "at most"
        )
        for operation in OPERATIONS
    ]


def _figures(turns: dict[tuple[str, str], list[Turn]]) -> list[Measure]:
    made = []
    for operation in OPERATIONS:
        on, without, alone = (turns[operation, side] for side in ("on", "off", "peer"))
        made += [
            _ratio(f"{operation}: share of pgbench", on, alone, BARS_OF_PEER[operation]),
            _ratio(f"{operation}: share of controls off", on, without, BAR_OF_OFF),
            spread(f"{operation}: every control on", [turn.rate for turn in on], "requests/s", note=_costs(on)),
            spread(f"{operation}: controls off", [turn.rate for turn in without], "requests/s", note=_costs(without)),
            spread(f"{operation}: pgbench", [turn.rate for turn in alone], "transactions/s", note=_costs(alone)),
        ]
    return made


def _ratio(name: str, upper: list[Turn], lower: list[Turn], bar: float) -> Measure:
    ratios = [one.rate / other.rate for one, other in zip(upper, lower, strict=True)]
    return spread(name, ratios, "ratio", bar=bar)


def spread(name: str, values: Sequence[float], unit: str, **more: Any) -> Measure:
    """Return the median of the turns with their extremes; a bar given here is a least one."""
    if "bar" in more and "rule" not in more:
        more["rule"] = "at least"
    low, value, high = (round(figure, 3) for figure in (min(values), statistics.median(values), max(values)))
    return Measure(name, value, unit, low=low, high=high, **more)


def _costs(turns: Sequence[Turn]) -> str:
    """Return a side's CPU a request and its latencies, as medians."""

    def middle(name: str) -> float:
        return float(statistics.median(getattr(turn, name) for turn in turns))

    if not middle("app_us"):
        return f"CPU {middle('database_us'):.0f} µs in PostgreSQL"
    return (
        f"CPU {middle('app_us'):.0f} µs in Python, {middle('database_us'):.0f} µs in PostgreSQL; "
        f"latency {middle('p50_ms'):.1f} ms, "
        f"p99 {middle('p99_ms'):.1f} ms; load generator {middle('load_share'):.0%} of its core"
    )
