"""``stockade doctor``: what is insecure or missing before this installation may carry real data."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import click
import msgspec

from stockade.apps.cli.frame import show
from stockade.apps.installation import Installation
from stockade.database.migrate import current, head
from stockade.database.provision import connect
from stockade.database.roles import Role
from stockade.kernel.clock import now
from stockade.kernel.problems import Refusal
from stockade.kernel.secrets import DEVELOPMENT_MARK, NAMES
from stockade.web.certificates import describe

FREE_BYTES = 2 * 1024**3
CERTIFICATE_LEFT = timedelta(days=14)


class Complaint(msgspec.Struct):
    """One thing to put right, and how."""

    where: str
    what: str


def doctor(installation: Installation, *, as_json: bool) -> int:
    """Print what is wrong; return 1 if anything is, else 0."""
    complaints = [*_settings(installation), *_secrets(installation), *_certificate(installation), *_disk(installation)]
    complaints += asyncio.run(_database(installation))
    if complaints or as_json:
        show(complaints, as_json=as_json)
    else:
        click.echo("Nothing to complain of: this installation is fit for production.")
    return 1 if complaints else 0


def _settings(installation: Installation) -> Iterator[Complaint]:
    settings = installation.settings
    if not settings.production:
        yield Complaint("profile", "The development profile is on: set STOCKADE_PROFILE=production.")
    if settings.tls_minimum != "1.3":
        yield Complaint("tls", "TLS 1.2 is allowed: remove STOCKADE_TLS_MINIMUM unless an old client needs it.")
    if settings.names[0] == "localhost":
        yield Complaint("names", "The canonical name is localhost: set STOCKADE_NAMES to the names that users type.")
    if os.geteuid() == 0:
        yield Complaint("user", "This runs as root: run it as a user of its own.")
    if installation.is_embedded:
        yield Complaint(
            "database", "The embedded database serves one machine and has no TLS: set DATABASE_URL to a PostgreSQL 18."
        )


def _secrets(installation: Installation) -> Iterator[Complaint]:
    for name in NAMES:
        path = installation.keyring.folder / name
        if path.is_file() and path.read_text().startswith(DEVELOPMENT_MARK):
            yield Complaint(f"secret {name}", "It was made for development: run 'stockade secrets generate --force'.")
        if path.is_file() and path.stat().st_mode & 0o077:
            yield Complaint(f"secret {name}", f"Others may read {path}: chmod 600 it.")


def _certificate(installation: Installation) -> Iterator[Complaint]:
    if installation.settings.certificate is None:
        yield Complaint(
            "certificate", "A certificate of the local authority is used: set STOCKADE_CERTIFICATE and its key."
        )
        return
    until, names = describe(installation.settings.certificate)
    if until - now() < CERTIFICATE_LEFT:
        yield Complaint("certificate", f"It ends on {until:%Y-%m-%d}: renew it.")
    for name in installation.settings.names:
        if name not in names:
            yield Complaint("certificate", f"It does not hold for {name}.")


def _disk(installation: Installation) -> Iterator[Complaint]:
    free = shutil.disk_usage(installation.settings.home).free
    if free < FREE_BYTES:
        yield Complaint("disk", f"Only {free / 1024**3:.1f} GiB are free under {installation.settings.home}.")


async def _database(installation: Installation) -> list[Complaint]:
    try:
        complaints = [await check(installation) for check in _DATABASE_CHECKS]
    except Refusal as refusal:
        return [Complaint("database", str(refusal))]
    return [complaint for complaint in complaints if complaint is not None]


async def _schema_is_current(installation: Installation) -> Complaint | None:
    found = await current(installation.dsn(Role.MIGRATION))
    return (
        None
        if found == head()
        else Complaint("database", f"The schema is at {found}, not at {head()}: run 'stockade migrate'.")
    )


async def _statements_are_not_shown(installation: Installation) -> Complaint | None:
    """Sessions of one role read each other's statements.

    Ours hold no secret that works elsewhere, but need not be read.
    """
    connection = await connect(installation.dsn(Role.APPLICATION))
    try:
        if await connection.fetchval("show track_activities") == "off":
            return None
    finally:
        await connection.close()
    return Complaint("database", "Run 'alter role stockade_application set track_activities = off' as a superuser.")


async def _large_objects_are_closed(installation: Installation) -> Complaint | None:
    connection = await connect(installation.dsn(Role.APPLICATION))
    try:
        if not await connection.fetchval("select has_function_privilege('lo_create(oid)', 'execute')"):
            return None
    finally:
        await connection.close()
    return Complaint(
        "database", "Large objects have no policies: revoke EXECUTE on the lo_ functions from PUBLIC as a superuser."
    )


_DATABASE_CHECKS: tuple[Callable[[Installation], Awaitable[Complaint | None]], ...] = (
    _schema_is_current,
    _statements_are_not_shown,
    _large_objects_are_closed,
)
