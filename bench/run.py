"""``make bench``: measure everything in one run, print a table; a whole run writes ``bench/results/latest.json``.

python -m bench.run [--quick] [--only NAME …]
"""

import argparse
import dataclasses
import datetime
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

import stockade.apps.schema  # noqa: F401  # every table, declared
from bench import access
from bench.compare import Pace, compare
from bench.growth import grow, scale
from bench.machine import describe
from bench.pages import pages
from bench.results import Measure, show, write
from bench.start_up import start_up
from bench.world import World, world

PARTS = ("compare", "access", "scale", "growth", "pages", "import", "start")
TENANTS = 100
FULL = Pace(turns=5, seconds=4.0, warm_up_seconds=1.0)
QUICK = Pace(turns=1, seconds=2.0, warm_up_seconds=1.0)
QUICK_LARGE_TENANTS = 100
LEDGER = Path(__file__).parents[1].parent / "shared/data/online_retail_2009_2011.parquet"


def main() -> int:
    """Measure what was asked for; the exit code is 0 however the bars come out, since they are read, not enforced."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few minutes: one short turn, and a tenth of the growth")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure only this part (may be repeated)")
    chosen = parser.parse_args()
    parts, pace = chosen.only or PARTS, QUICK if chosen.quick else FULL
    measures: list[Measure] = []
    if {"compare", "access", "scale", "growth", "pages"} & set(parts):
        with world() as running:
            measures += _on_a_world(running, parts, pace, quick=chosen.quick)
    if "import" in parts:
        measures += _told("import", import_ledger)
    if "start" in parts:
        measures += _told("start-up", start_up)
    about = {
        "machine": describe(),
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "quick": chosen.quick,
    }
    show(measures)
    if not chosen.quick and not chosen.only:  # a part must not stand where the whole is looked for
        write(measures, about)
    return 0


def _on_a_world(running: World, parts: tuple[str, ...] | list[str], pace: Pace, *, quick: bool) -> list[Measure]:
    measures: list[Measure] = []
    if {"compare", "access", "scale"} & set(parts):
        site = running.site("bench_main", TENANTS)
        if "compare" in parts:
            measures += _told("controls on, controls off, pgbench", lambda: compare(running, site, pace))
        if "access" in parts:
            measures += _told("authentication", lambda: access.cost(site, pace) + access.flood(running, site, pace))
        if "scale" in parts:
            measures += _told("workers", lambda: scale(site, pace))
    if "growth" in parts:
        large = {"large_tenants": QUICK_LARGE_TENANTS} if quick else {}
        fewer = dataclasses.replace(pace, turns=min(pace.turns, 3))
        measures += _told("growth", lambda: grow(running, fewer, **large))
    if "pages" in parts and LEDGER.exists():
        measures += _told("pages", lambda: pages(running, LEDGER))
    return measures


def _told(name: str, measure: Callable[[], list[Measure]]) -> list[Measure]:
    sys.stderr.write(f"Measuring: {name} …\n")
    return measure()


def import_ledger() -> list[Measure]:
    """Run the import's own bench in a process of its own, whose memory is then its own."""
    if not LEDGER.exists():
        return [Measure("import: lines", None, "lines/s", note="not measured: the ledger is not there")]
    done = subprocess.run(
        [sys.executable, "-m", "bench.import_ledger", LEDGER], capture_output=True, check=False, env=os.environ
    )
    if done.returncode:
        return [Measure("import: lines", None, "lines/s", note=f"failed: {done.stderr.decode()[-200:]}")]
    told: dict[str, Any] = msgspec.json.decode(done.stdout)
    return [
        Measure(
            "import: lines", told["lines_per_second"], "lines/s", told["lines_per_second_bar"], "at least",
            note=f"{told['lines']:,} lines in {told['seconds']} s",
        ),
        Measure("import: memory", told["peak_rss_megabytes"], "MB", told["peak_rss_megabytes_bar"], "at most"),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
