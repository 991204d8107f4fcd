"""Start-up: how long ``stockade serve`` takes until ``/readyz`` answers, the first and the second time, with the demo
and without."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.machine import ALL_CORES, pinned
from bench.results import Measure
from bench.world import free_port, wait_until_ready
from stockade.kernel.processes import end, spawn

BAR_SECONDS = 5.0
PATIENCE_SECONDS = 180.0


def start_up() -> list[Measure]:
    """Start twice with each kind of first day."""
    made = []
    for demo in (False, True):
        told = "with the demo" if demo else "without the demo"
        with tempfile.TemporaryDirectory(prefix="stockade bench ") as folder:
            home = Path(folder) / "home"
            for name, bar in (("first", None), ("second", BAR_SECONDS)):
                try:
                    seconds = _start(home, demo=demo)
                except RuntimeError as error:
                    made.append(Measure(f"{name} start {told}", None, "s", note=f"not measured: {error}"))
                    break
                rule = None if bar is None else "at most"
                made.append(Measure(f"{name} start {told}", round(seconds, 2), "s", bar, rule))  # type: ignore[arg-type]
            shutil.rmtree(home, ignore_errors=True)
    return made


def _start(home: Path, *, demo: bool) -> float:
    port = free_port()
    environment = os.environ | {
        "STOCKADE_HOME": str(home), "STOCKADE_PORT": str(port), "STOCKADE_REDIRECT_PORT": str(free_port()),
        "STOCKADE_DEMO": str(demo).lower(),
    }  # fmt: skip
    argv = [sys.executable, "-c", "from stockade.apps.cli import main; main()", "serve", "--quiet"]
    with pinned(ALL_CORES):
        process = spawn(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return wait_until_ready(port, process, patience_seconds=PATIENCE_SECONDS)
    finally:
        end(process, signal=signal.SIGINT, grace_seconds=30)
