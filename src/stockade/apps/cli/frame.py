"""What every command shares: the installation, answers as text or JSON, and mistakes told in one sentence."""

import asyncio
import functools
import sys
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

import click
import msgspec
from rich.console import Console
from rich.table import Table

from stockade.apps.installation import Installation
from stockade.kernel.problems import Problem, Refusal
from stockade.tenancy.transaction import Busy

Given = ParamSpec("Given")
MISTAKE = 2
"""The exit code of everything that the caller can put right."""
json_option = click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")
tenant_option = click.option("--tenant", required=True, metavar="SLUG", help="The tenant, by its slug.")


def command(function: Callable[Given, Coroutine[Any, Any, None]]) -> Callable[Given, None]:
    """Run an asynchronous command with the database up; a refusal or problem is one sentence and exit code 2."""

    @functools.wraps(function)
    def run(*args: Given.args, **given: Given.kwargs) -> None:
        with telling_mistakes(), Installation().database_running():
            asyncio.run(function(*args, **given))

    return run


class telling_mistakes:  # noqa: N801  # reads as what it does
    """Turns what the caller can put right into a sentence on standard error and exit code 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (Refusal, Problem)) and not isinstance(error, Busy):
            click.echo(f"stockade: {error}", err=True)
            sys.exit(MISTAKE)
        if isinstance(error, KeyboardInterrupt):
            click.echo("stockade: stopped.", err=True)
            sys.exit(130)


def show(rows: Any, *, as_json: bool, title: str = "") -> None:
    """Print structs: as a table for people, as JSON for programs."""
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return
    listed = rows if isinstance(rows, list) else [rows]
    if not listed:
        click.echo("Nothing yet.")
        return
    if len(listed) == 1:
        for name, value in zip(listed[0].__struct_fields__, msgspec.structs.astuple(listed[0]), strict=True):
            click.echo(f"{name.replace('_', ' ')}: {value}")
        return
    table = Table(title=title or None, box=None, pad_edge=False, header_style="bold")
    for name in listed[0].__struct_fields__:
        table.add_column(name.replace("_", " "))
    for row in listed:
        table.add_row(*(str(value) for value in msgspec.structs.astuple(row)))
    Console().print(table)
