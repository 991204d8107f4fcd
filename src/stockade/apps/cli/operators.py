"""Commands about the platform's operators."""

import io

import click
import segno

from stockade.apps.cli.frame import command
from stockade.apps.installation import Installation
from stockade.database.roles import Role
from stockade.platform.operators import add_operator, deactivate_operator


@click.group(name="operator")
def operator_group() -> None:
    """Operators: who run the platform, on /platform/, with accounts of their own."""


@operator_group.command(name="add")
@click.argument("email")
@click.option("--name", required=True)
@command
async def add(email: str, name: str) -> None:
    """Make an operator; print a password for the first sign-in and the authenticator's address. Both this once."""
    installation = Installation()
    async with installation.connect(Role.PLATFORM, size=1) as platform:
        made = await add_operator(platform, installation.sealer, email=email, name=name)
    drawn = io.StringIO()
    segno.make(made.authenticator, error="m", micro=False).terminal(out=drawn, compact=True)
    click.echo(f"password for the first sign-in: {made.password}")
    click.echo(f"authenticator: {made.authenticator}")
    click.echo(drawn.getvalue())


@operator_group.command(name="deactivate")
@click.argument("email")
@command
async def deactivate(email: str) -> None:
    """Take an operator out: sessions and accesses end with their next request."""
    async with Installation().connect(Role.PLATFORM, size=1) as platform:
        await deactivate_operator(platform, email)
    click.echo("The operator is deactivated.")
