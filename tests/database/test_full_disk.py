"""A full disk under the embedded server: named in one sentence, and survived."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockade.database import embedded
from stockade.database.configuration import MEGABYTE
from stockade.database.embedded import HomeLock
from stockade.kernel.problems import Refusal


@pytest.fixture
def tiny_disk() -> Iterator[Path]:
    """A file system of 60 MB: enough for the data folder of a new cluster, not for more."""
    disk = Path(tempfile.mkdtemp(prefix="disk-"))
    command = ["mount", "-t", "tmpfs", "-o", "size=60m,mode=0711", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        disk.rmdir()
        pytest.skip("a file system of its own can be mounted by root only")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)  # a process that ends may still look at it
    disk.rmdir()


@pytest.mark.parametrize("free_bytes", [0, 10 * MEGABYTE])
def test_a_full_disk_is_named_when_the_cluster_is_made_and_nothing_is_left(tiny_disk: Path, free_bytes: int) -> None:
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(bytes(60 * MEGABYTE - free_bytes - 4096 * 8))
    with pytest.raises(Refusal, match="is full: free some space"):
        embedded.prepare(tiny_disk / "home", durable=False)
    ballast.unlink()
    with embedded.running(tiny_disk / "home", durable=False) as server:
        assert server.is_running()


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_full_disk_is_named_when_the_server_starts(tiny_disk: Path) -> None:
    with HomeLock(tiny_disk / "home"):
        cluster = embedded.prepare(tiny_disk / "home", durable=False)
        with pytest.raises(OSError, match="No space left"):
            _fill(tiny_disk / "ballast")
        with pytest.raises(Refusal, match="is full: free some space"):
            embedded.start(cluster)
        (tiny_disk / "ballast").unlink()
        server = embedded.start(cluster)
        assert server.is_running()
        server.stop()
