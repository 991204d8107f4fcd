"""The ledger import as a person sees it: a bar while it runs, an account at its end."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stockade.apps.cli.frame import show
from stockade.apps.installation import Installation
from stockade.commerce.ledger import load_mapping, open_ledger, write_rejects
from stockade.commerce.ledger.loading import load
from stockade.database.roles import Role
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import find_tenant

CONNECTIONS = 2


async def import_ledger(file: Path, slug: str, mapping_name: str, rejects: Path | None, *, as_json: bool) -> None:
    """Import a ledger into a tenant, or go on with an import that was stopped; print the account."""
    installation = Installation()
    mapping = load_mapping(mapping_name)
    async with installation.connect(Role.PLATFORM, size=1) as platform:
        tenant = await find_tenant(platform, slug)
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Reading", total=None)
        with open_ledger(file, mapping, lambda done, total: bar.update(task, completed=done, total=total)) as ledger:
            bar.update(task, description="Importing", completed=0)
            async with installation.connect(size=CONNECTIONS + 1) as database:
                loaded = await load(
                    database, Principal.system(tenant.id), ledger, connections=CONNECTIONS,
                    progress=lambda done, total: bar.update(task, completed=done, total=total),
                )  # fmt: skip
            target = rejects or file.with_suffix(".rejects.csv")
            written = write_rejects(target, file, mapping, ledger.account.rejects())
    if as_json:
        show(loaded.account.document(), as_json=True)
        return
    Console().print(loaded.account.table())
    click.echo(f"{written} rejected lines are in {target}." if written else "No line was rejected.")
