"""Commands that bring history in."""

from pathlib import Path

import click

from stockade.apps.cli.frame import command, json_option, tenant_option


@click.group(name="import")
def import_group() -> None:
    """Bring in data from elsewhere."""


@import_group.command()
@click.argument("file", type=click.Path(path_type=Path))
@tenant_option
@click.option("--map", "mapping", required=True, help="A mapping by name (online-retail) or a TOML file.")
@click.option(
    "--rejects", type=click.Path(path_type=Path), help="Where to write rejected lines (default: beside the file)."
)
@json_option
@command
async def ledger(file: Path, tenant: str, mapping: str, rejects: Path | None, as_json: bool) -> None:
    """Import a wholesaler's ledger (Parquet or CSV), every line accounted for.

    It can be stopped at any moment and started again: it goes on where it was.
    """
    from stockade.apps.importing import import_ledger

    await import_ledger(file, tenant, mapping, rejects, as_json=as_json)
