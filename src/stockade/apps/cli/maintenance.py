"""Commands that close the installation for a while, and open it again."""

from datetime import timedelta

import click

from stockade.apps.cli.frame import telling_mistakes
from stockade.apps.installation import Installation
from stockade.kernel.clock import now
from stockade.web.maintenance import Notice, close, reopen


@click.group(name="maintenance")
def maintenance_group() -> None:
    """Tell everybody that the platform is being worked on."""


@maintenance_group.command(name="on")
@click.option("--minutes", type=click.IntRange(1, 10_000), help="When it will be over; browsers and clients are told.")
@click.option("--note", default="", help="A sentence for people, in place of the usual one.")
def maintenance_on(minutes: int | None, note: str) -> None:
    """Answer everything but health checks with 503 from now on."""
    with telling_mistakes():
        until = now() + timedelta(minutes=minutes) if minutes else None
        close(Installation().maintenance_file, Notice(note[:500], until))
        click.echo("Closed. `stockade maintenance off` opens it again.")


@maintenance_group.command(name="off")
def maintenance_off() -> None:
    """Open the platform again."""
    with telling_mistakes():
        click.echo("Open." if reopen(Installation().maintenance_file) else "It was not closed.")
