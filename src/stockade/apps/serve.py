"""``stockade serve``: database, web server, worker and the redirect from plain HTTP, under one supervisor.

The supervisor starts them in order and ends them in the reverse one. Each dies with it, even by ``kill -9``; what ends
by itself is started again, unless it keeps ending.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import click

from stockade.apps.demo import make_demo, trades
from stockade.apps.first_day import sign_in_link
from stockade.apps.installation import Installation
from stockade.database import embedded
from stockade.database.lock import HomeLock
from stockade.database.roles import Role
from stockade.identity.service.members import list_members
from stockade.kernel.problems import Refusal
from stockade.kernel.processes import end, spawn
from stockade.mail.relay import relay_of
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import list_tenants
from stockade.tenancy.transaction import Database
from stockade.web.redirect import serve_redirects

RESTARTS = 5
RESTART_WINDOW_SECONDS = 60.0
STOP_GRACE_SECONDS = 10.0
READY_SECONDS = 30.0


@dataclass
class Child:
    """A process of ours: how it is started, and when it was started lately."""

    name: str
    module: str
    environment: dict[str, str]
    log: BinaryIO | None
    process: "subprocess.Popen[bytes] | None" = None
    starts: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it; ``Refusal`` when it has ended too often in a short time."""
        now = time.monotonic()
        self.starts = [at for at in self.starts if now - at < RESTART_WINDOW_SECONDS] + [now]
        if len(self.starts) > RESTARTS:
            raise Refusal(f"The {self.name} ended {RESTARTS} times within a minute; {_where(self.log)}.")
        self.process = spawn(
            [sys.executable, "-m", self.module], env=self.environment, stdout=self.log, stderr=self.log
        )

    def has_ended(self) -> bool:
        """Return whether it is not running."""
        return self.process is None or self.process.poll() is not None

    def stop(self) -> None:
        """Ask it to end, and make it end."""
        if self.process is not None:
            end(self.process, signal=signal.SIGTERM, grace_seconds=STOP_GRACE_SECONDS)


def serve(installation: Installation, *, workers: int | None, quiet: bool) -> None:
    """Run the installation until SIGINT or SIGTERM; a ``Refusal`` says what stands in the way of starting."""
    settings = installation.settings
    relay_of(settings)  # a relay that cannot be used stops the start, not the first letter
    for port in (settings.port, settings.http_port):
        _check_port(settings.host, port)
    with _database(installation):
        asyncio.run(_prepare(installation, quiet=quiet))
        certificate = installation.certificate()
        environment = os.environ | {
            "STOCKADE_HOME": str(settings.home),
            "STOCKADE_WORKERS": str(workers or settings.workers),
        }
        log = None if settings.production else _open_log(settings.home)
        children = [
            Child("web server", "stockade.apps.web_process", environment, log),
            Child("worker", "stockade.apps.worker", environment, log),
        ]
        try:
            asyncio.run(_supervise(installation, children, certificate.authority, quiet=quiet))
        finally:
            for child in reversed(children):
                child.stop()


def _open_log(home: Path) -> BinaryIO:
    """Open the log of a development installation, and keep the one before: a terminal is for people to read.

    In production the lines go to standard error, where whatever runs the service collects them.
    """
    path = home / "log" / "stockade.jsonl"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists():
        path.replace(path.with_suffix(".jsonl.1"))
    return path.open("ab", buffering=0)


def _where(log: BinaryIO | None) -> str:
    return "its messages are above" if log is None else f"its messages are in {log.name}"


@contextlib.contextmanager
def _database(installation: Installation) -> Iterator[None]:
    """The embedded server for the length of the block; the home's lock refuses a second supervisor."""
    with HomeLock(installation.settings.home):
        if not installation.is_embedded:
            yield
            return
        server = embedded.start(embedded.prepare(installation.settings.home))
        try:
            yield
        finally:
            server.stop()


async def _prepare(installation: Installation, *, quiet: bool) -> None:
    """Schema, probe tenants and, at the first start of a development installation, the demo."""
    from stockade.apps.live import ensure_probes

    await installation.prepare_database()
    settings = installation.settings
    async with installation.connect(Role.PLATFORM, size=1) as platform, installation.connect(size=4) as database:
        await ensure_probes(database, platform)
        if settings.demo and not settings.production:
            await _look_after_demo(platform, database, quiet=quiet)


async def _look_after_demo(platform: Database, database: Database, *, quiet: bool) -> None:
    """Make the demo tenants, or complete what a start that was cut off has left, unless others live here."""
    demo = {trade.slug for trade in trades()}
    present = {row.slug for row in await list_tenants(platform) if not row.is_probe}
    if present - demo:
        return
    if not quiet and demo - present:
        click.echo("First start: making two demo distributors …")
    await make_demo(platform, database)


async def _supervise(installation: Installation, children: list[Child], authority: Path, *, quiet: bool) -> None:
    """Keep the children running until a signal comes."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    web, *others = children
    web.start()
    settings = installation.settings
    async with await serve_redirects(settings):
        await _wait_until_ready(settings.host, settings.port, web)
        for child in others:  # only now, since the controls ask the web server
            child.start()
        if not quiet:
            await _welcome(installation, authority, web.log)
        while not stopped.is_set():
            for child in children:
                if child.has_ended():
                    click.echo(f"stockade: the {child.name} ended and is started again.", err=True)
                    child.start()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), 0.5)


async def _wait_until_ready(host: str, port: int, web: Child) -> None:
    """Wait until the web server takes connections."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if web.has_ended():
            web.start()
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise Refusal(f"The web server did not answer on port {port} within {READY_SECONDS:.0f} s; {_where(web.log)}.")


async def _welcome(installation: Installation, authority: Path, log: BinaryIO | None) -> None:
    """Print where it is, and a way in for each tenant's owner while nobody has a password yet."""
    origin = installation.settings.origin
    click.echo(f"\nStockade runs at {origin}   (trust page: {origin}/trust, API: {origin}/api/docs)")
    click.echo(f"Its certificate is signed by a local authority: {authority}")
    if log is not None:
        click.echo(f"Its log is {log.name}")
    if installation.settings.smtp_url is None:
        click.echo("It sends no mail: STOCKADE_SMTP_URL and STOCKADE_MAIL_FROM name no relay.")
    if installation.settings.production:
        return
    async with installation.connect(Role.PLATFORM, size=1) as platform, installation.connect(size=1) as database:
        for tenant in [row for row in await list_tenants(platform) if not row.is_probe and row.state == "active"][:2]:
            async with database.transaction(Principal.system(tenant.id)) as tx:
                owner = next(
                    (row for row in await list_members(tx) if row.role == "owner" and row.state == "active"), None
                )
            if owner is not None:
                link = await sign_in_link(database, tenant.id, owner.account_id, origin)
                click.echo(f"\nSign in to {tenant.name} (one-time link, an hour):\n  {link}")
    click.echo("\nCtrl-C ends it.")


def _check_port(host: str, port: int) -> None:
    """Refuse early, and in one sentence, when a port is taken or reserved."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise Refusal(f"Port {port} may not be used by this user: set STOCKADE_PORT to one above 1023.") from None
        except OSError as error:
            raise Refusal(
                f"Port {port} on {host} is taken ({error.strerror}): set STOCKADE_PORT to another one."
            ) from None
