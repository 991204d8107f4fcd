"""Commands about controls and their evidence."""

import click
import msgspec

from stockade.apps.cli.frame import command, json_option, show
from stockade.apps.installation import Installation


@click.group(name="trust")
def trust_group() -> None:
    """Controls: what this installation promises, checked."""


class Line(msgspec.Struct):
    """One control's result."""

    control: str
    claims: str
    outcome: str
    found: str


@trust_group.command(name="run")
@click.argument("ids", nargs=-1, metavar="[CONTROL]...")
@json_option
@command
async def run(ids: tuple[str, ...], as_json: bool) -> None:
    """Run every control (or those named) against this installation now; exit code 1 if one fails."""
    from stockade.apps.live import checked
    from stockade.trust.runner import run_controls

    installation = Installation()
    async with checked(installation) as live:
        results = await run_controls(live, list(ids) or None)
    lines = [Line(item.control, " ".join(item.claims), item.outcome, item.summary) for item in results]
    show(lines, as_json=as_json)
    raise SystemExit(0 if all(line.outcome == "holds" for line in lines) else 1)
