"""The machine: which core does what, and which processes used how much of it (Linux)."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
ALL_CORES = frozenset(os.sched_getaffinity(0))
WORK_CORE = frozenset({min(ALL_CORES)})
"""Application and PostgreSQL."""
LOAD_CORE = frozenset({max(ALL_CORES)})
"""Whatever asks them."""


@contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Run the block on these cores; every process that is started inside inherits them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(root: int) -> float:
    """Return the CPU time of a process, of those below it, and of those below it that have ended."""
    parents, ticks = _processes()
    wanted = {root}
    while True:
        found = {pid for pid, parent in parents.items() if parent in wanted} | wanted
        if found == wanted:
            return sum(ticks.get(pid, 0) for pid in wanted) / _TICKS_PER_SECOND
        wanted = found


def _processes() -> tuple[dict[int, int], dict[int, int]]:
    parents, ticks = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            text = (entry / "stat").read_text()
        except OSError:  # It has just ended.
            continue
        fields = text[text.rindex(")") + 2 :].split()
        parents[int(entry.name)] = int(fields[1])
        ticks[int(entry.name)] = sum(map(int, fields[11:15]))  # user, system, and both of children that have ended
    return parents, ticks


def describe() -> str:
    """Return the machine in one line."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory_gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{len(ALL_CORES)} cores of {model}, {memory_gigabytes:.0f} GB, Python {platform.python_version()}"
