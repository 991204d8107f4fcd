"""A real ``stockade serve`` in a folder of its own, as a newcomer starts it."""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from stockade.apps.cli.people import link_of
from stockade.apps.installation import Installation
from stockade.kernel.processes import spawn
from stockade.kernel.settings import Settings

SOURCE = Path(__file__).parents[2] / "src"
COMMAND = [sys.executable, "-c", "from stockade.apps.cli import main; main()"]
WELCOME = "Ctrl-C ends it."
START_SECONDS = 180.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Home:
    """A data folder and the ports that its installation uses."""

    path: Path
    port: int
    redirect_port: int
    demo: bool = False

    @classmethod
    def make(cls, *, demo: bool = False) -> "Home":
        """A folder that the database's user can pass through, with a space in its name."""
        path = Path(tempfile.mkdtemp(prefix="stockade journey "))
        path.chmod(0o711)
        return cls(path, free_port(), free_port(), demo)

    def environment(self, **more: str) -> dict[str, str]:
        """What the commands are started with."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STOCKADE_")}
        kept.pop("DATABASE_URL", None)
        own = {
            "PYTHONPATH": str(SOURCE), "STOCKADE_HOME": str(self.path), "STOCKADE_PORT": str(self.port),
            "STOCKADE_REDIRECT_PORT": str(self.redirect_port), "STOCKADE_DEMO": "true" if self.demo else "false",
            "PYTHONUNBUFFERED": "1", "STOCKADE_SIGN_IN_ATTEMPTS_PER_MINUTE": "120",  # journeys come from one address
        }  # fmt: skip
        return kept | own | more

    @property
    def origin(self) -> str:
        """Where it answers."""
        return f"https://localhost:{self.port}"

    def command(self, *arguments: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the installation."""
        return subprocess.run(
            [*COMMAND, *arguments], env=self.environment(**environment), input=stdin, capture_output=True, text=True,
            timeout=START_SECONDS, check=False,
        )  # fmt: skip

    def processes(self) -> list[int]:
        """The processes that belong to this folder: those with its name in their arguments or environment."""
        mark, found = str(self.path).encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                    state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                except OSError:
                    continue
                if mark in told and state != "Z":
                    found.append(int(entry.name))
        return found

    def is_left(self, seconds: float = 20.0) -> bool:
        """Whether all of them are gone before the time is up."""
        deadline = time.monotonic() + seconds
        while self.processes():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def end(self) -> None:
        """End what a failed test has left running."""
        for number in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.path, ignore_errors=True)


class Serving:
    """A running ``stockade serve``."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.log = home.path / "journey.log"
        begun = time.monotonic()
        with self.log.open("wb") as out:
            # Tied to this process: a test run that is killed leaves no server behind.
            self.process = spawn([*COMMAND, "serve"], env=home.environment(), stdout=out, stderr=subprocess.STDOUT)
        while WELCOME not in self.said():
            if self.process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                self.stop(signal.SIGKILL)
                raise AssertionError(f"stockade serve did not start:\n{self.said()[-4000:]}")
            time.sleep(0.05)

    def said(self) -> str:
        """What it has printed."""
        return self.log.read_text(errors="replace")

    @cached_property
    def owner(self) -> tuple[str, str]:
        """The slug of a demo tenant and its owner's address, as the command line tells them."""
        tenants = json.loads(self.home.command("tenant", "list", "--json").stdout)
        slug = next(tenant["slug"] for tenant in tenants if not tenant["is_probe"])
        members = json.loads(self.home.command("user", "list", "--tenant", slug, "--json").stdout)
        return slug, next(member["email"] for member in members if member["role"] == "owner")

    def link(self, tenant: str = "", email: str = "") -> str:
        """A fresh one-time link, of the demo's owner unless it is said whose: what the command does, without the
        seconds that a process takes to start."""
        if not email:
            tenant, email = self.owner
        installation = Installation(Settings(home=self.home.path, port=self.home.port))
        with ThreadPoolExecutor(1) as thread:  # a journey's loop runs in this one
            return thread.submit(asyncio.run, link_of(installation, tenant, email)).result()

    def links(self) -> list[str]:
        """The one-time links in its welcome."""
        return re.findall(r"https://\S+/sign-in/once\?token=\S+", self.said())

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and wait for the end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    def key_pin(self) -> str:
        """The hash of the certificate's public key, as Chromium wants it to trust this one and no other."""
        context = ssl.create_default_context(cafile=self.home.path / "certificates" / "authority.crt")
        with (
            socket.create_connection(("127.0.0.1", self.home.port)) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            der = tls.getpeercert(binary_form=True)
        assert der is not None
        certificate = load_pem_x509_certificate(ssl.DER_cert_to_PEM_cert(der).encode())
        spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(spki).digest()).decode()
