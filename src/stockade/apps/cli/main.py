"""The root of the command line, and the commands that run the installation."""

import asyncio

import click

from stockade import __version__
from stockade.apps.cli.database import database_group, keys_group, migrate, secrets_group
from stockade.apps.cli.frame import telling_mistakes
from stockade.apps.cli.ledger import import_group
from stockade.apps.cli.maintenance import maintenance_group
from stockade.apps.cli.operators import operator_group
from stockade.apps.cli.people import apikey_group, user_group
from stockade.apps.cli.tenants import demo_command, tenant_group
from stockade.apps.cli.tokens import tokens_group
from stockade.apps.cli.trust import trust_group
from stockade.apps.doctor import doctor
from stockade.apps.installation import Installation
from stockade.kernel.logging import configure_logging


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="stockade")
def main() -> None:
    """Stockade: a multi-tenant B2B distribution platform whose security page is executable.

    The data folder is $STOCKADE_HOME; settings come from the environment and from stockade.toml in it.
    """


@main.command()
@click.option("--workers", type=click.IntRange(1, 64), help="Web processes (default: the setting, else 1).")
@click.option("--quiet", is_flag=True, help="Print no welcome.")
def serve(workers: int | None, quiet: bool) -> None:
    """Run everything: database, jobs and the web server, until Ctrl-C."""
    from stockade.apps.serve import serve as run

    with telling_mistakes():
        run(Installation(), workers=workers, quiet=quiet)


@main.command()
def worker() -> None:
    """Run jobs and schedules only (`serve` includes one)."""
    from stockade.apps.worker import run_worker

    configure_logging()
    with telling_mistakes():
        installation = Installation()
        with installation.database_running():
            asyncio.run(run_worker(installation))


@main.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")
def doctor_command(as_json: bool) -> None:
    """Say what is insecure or missing for production; exit code 1 if anything is."""
    with telling_mistakes():
        installation = Installation()
        with installation.database_running():
            raise SystemExit(doctor(installation, as_json=as_json))


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(main, {}, "stockade", "_STOCKADE_COMPLETE").source())


main.add_command(migrate)
main.add_command(maintenance_group)
main.add_command(database_group)
main.add_command(keys_group)
main.add_command(secrets_group)
main.add_command(tenant_group)
main.add_command(demo_command)
main.add_command(user_group)
main.add_command(apikey_group)
main.add_command(operator_group)
main.add_command(import_group)
main.add_command(tokens_group)
main.add_command(trust_group)
