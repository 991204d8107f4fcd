"""Results: one measure with its bar a row, as a table for people and as JSON for programs."""

from pathlib import Path
from typing import Any, Literal

import msgspec
from rich.console import Console
from rich.table import Table

LATEST = Path(__file__).parent / "results" / "latest.json"


class Measure(msgspec.Struct, frozen=True):
    """A figure. ``bar`` is what it must reach (``at least``) or stay within (``at most``); without one it only informs.

    ``value`` is None if it could not be measured; ``note`` then says why. ``low`` and ``high`` are the extremes over
    the turns of the run, ``value`` is their median.
    """

    measure: str
    value: float | None
    unit: str
    bar: float | None = None
    rule: Literal["at least", "at most"] | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the bar is met; None if there is none."""
        if self.bar is None or self.value is None:
            return None
        return self.value >= self.bar if self.rule == "at least" else self.value <= self.bar


def write(measures: list[Measure], about: dict[str, Any], path: Path = LATEST) -> None:
    """Write the figures, each with the machine it was measured on."""
    rows = [msgspec.structs.asdict(item) | {"holds": item.holds} | about for item in measures]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")


def show(measures: list[Measure]) -> None:
    """Print the table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("measure", "value", "low", "high", "unit", "bar", "", "note"):
        table.add_column(name, justify="right" if name in ("value", "low", "high", "bar") else "left", overflow="fold")
    for item in measures:
        bar = "" if item.bar is None else f"{'≥' if item.rule == 'at least' else '≤'} {_short(item.bar)}"
        verdict = {None: "", True: "[green]holds[/]", False: "[red]missed[/]"}[item.holds]
        figures = [_short(item.value), _short(item.low), _short(item.high)]
        table.add_row(item.measure, *figures, item.unit, bar, verdict, item.note)
    Console(width=None if Console().is_terminal else 150).print(table)


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
