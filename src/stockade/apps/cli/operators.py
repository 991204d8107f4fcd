"""Commands about the platform's operators."""

import io

import click
import segno

from stockade.apps.cli.frame import command, json_option, show
from stockade.apps.installation import Installation
from stockade.database.roles import Role
from stockade.platform.operators import (
    Enrolment,
    add_operator,
    deactivate_operator,
    list_operators,
    renew_operator,
)


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
        _tell(await add_operator(platform, installation.sealer, email=email, name=name), installation)


@operator_group.command(name="renew")
@click.argument("email")
@command
async def renew(email: str) -> None:
    """Give an operator who lost them a new password and authenticator; one who was out is in again."""
    installation = Installation()
    async with installation.connect(Role.PLATFORM, size=1) as platform:
        _tell(await renew_operator(platform, installation.sealer, email), installation)


@operator_group.command(name="list")
@json_option
@command
async def list_all(as_json: bool) -> None:
    """List the operators, and when each was last here."""
    async with Installation().connect(Role.PLATFORM, size=1) as platform:
        show(await list_operators(platform), as_json=as_json, title="Operators")


@operator_group.command(name="deactivate")
@click.argument("email")
@command
async def deactivate(email: str) -> None:
    """Take an operator out: sessions and accesses end with their next request."""
    async with Installation().connect(Role.PLATFORM, size=1) as platform:
        await deactivate_operator(platform, email)
    click.echo("The operator is deactivated.")


def _tell(made: Enrolment, installation: Installation) -> None:
    drawn = io.StringIO()
    segno.make(made.authenticator, error="m", micro=False).terminal(out=drawn, compact=True)
    click.echo(f"password for the first sign-in: {made.password}")
    click.echo(f"authenticator: {made.authenticator}")
    click.echo(drawn.getvalue())
    click.echo(f"Sign in at {installation.settings.origin}/platform and choose a password of your own.")
