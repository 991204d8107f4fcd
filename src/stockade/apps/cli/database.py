"""Commands about the database, its keys and the installation's secrets."""

import click
import msgspec

from stockade.apps.cli.frame import command, json_option, show, telling_mistakes
from stockade.apps.installation import Installation
from stockade.database.migrate import current, head
from stockade.database.roles import Role
from stockade.kernel.problems import Refusal
from stockade.kernel.secrets import Keyring
from stockade.tenancy.rotation import rotate_pin_key


class Revision(msgspec.Struct):
    """Where the schema stands."""

    database: str
    newest: str


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; only say where the schema stands.")
@json_option
@command
async def migrate(check: bool, as_json: bool) -> None:
    """Bring roles, rights and schema of the database to the newest revision."""
    installation = Installation()
    if not check:
        await installation.prepare_database()
    show(Revision(await current(installation.dsn(Role.MIGRATION)) or "none", head()), as_json=as_json)


@click.group(name="database")
def database_group() -> None:
    """Addresses of the database, for psql and other tools."""


@database_group.command()
@click.option("--role", type=click.Choice([role.value for role in Role]), default="application", show_default=True)
@click.option("--yes", is_flag=True, help="Print it in the production profile, too.")
def url(role: str, yes: bool) -> None:
    """Print a connection string, password included."""
    with telling_mistakes():
        installation = Installation()
        if installation.settings.production and not yes:
            raise Refusal("This prints a password of the production database: add --yes if that is what you want.")
        click.echo(installation.dsn(Role(role)))


@click.group(name="keys")
def keys_group() -> None:
    """Keys that the installation signs with."""


@keys_group.command(name="rotate-pin")
@click.option(
    "--overlap", type=click.IntRange(60), default=3600, show_default=True, help="Seconds the old key stays valid."
)
@command
async def rotate_pin(overlap: int) -> None:
    """Sign tenant pins with a new key; running processes take it up by themselves within the overlap."""
    installation = Installation()
    old, new = await rotate_pin_key(installation.dsn(Role.MIGRATION), installation.keyring, overlap_seconds=overlap)
    click.echo(f"Pins are signed with key {new} from now on; key {old} is refused after {overlap} s.")


@click.group(name="secrets")
def secrets_group() -> None:
    """The installation's secrets."""


@secrets_group.command()
@click.option("--force", is_flag=True, help="Replace development secrets.")
def generate(force: bool) -> None:
    """Make the secrets that are missing, fit for production."""
    with telling_mistakes():
        installation = Installation()
        made = Keyring(installation.settings.home, production=False).generate(force=force)
        click.echo(f"Made: {', '.join(made)}." if made else "Every secret is there.")
