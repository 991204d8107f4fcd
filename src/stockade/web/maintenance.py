"""Maintenance: while a file stands in the installation's folder, everybody is told when to come back.

A file, because it has to work while nothing else does, reaches every web process of the host, and outlives a restart.
"""

import os
import time
from datetime import datetime
from pathlib import Path

import msgspec

from stockade.kernel.clock import now
from stockade.kernel.problems import Problem

LOOK_EVERY_SECONDS = 1.0
RETRY_SECONDS = 60
OPEN_PATHS = ("/healthz", "/readyz", "/metrics", "/static/")
"""What answers all the same: what watches over the installation, and what the notice itself is drawn with."""


class UnderMaintenance(Problem):
    """The platform's operator has closed it for a while."""

    type = "/problems/maintenance"
    title = "We are working on the platform"
    status = 503


class Notice(msgspec.Struct, frozen=True):
    """What people are told: a sentence, and when it will be over (None if that is not known)."""

    text: str = ""
    until: datetime | None = None


class Maintenance:
    """Whether the installation is closed, by its file; looked up at most once a second."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._looked_at = -LOOK_EVERY_SECONDS
        self._notice: Notice | None = None

    def check(self, path: str) -> None:
        """Raise ``UnderMaintenance`` if the installation is closed and the path is not one that stays open."""
        moment = time.monotonic()
        if moment - self._looked_at >= LOOK_EVERY_SECONDS:
            self._looked_at, self._notice = moment, read_notice(self.path)
        if self._notice is not None and not path.startswith(OPEN_PATHS):
            seconds = (self._notice.until - now()).total_seconds() if self._notice.until else RETRY_SECONDS
            raise UnderMaintenance(
                self._notice.text or "Nothing is lost; come back in a little while.",
                retry_after=max(int(seconds), RETRY_SECONDS),
            )


def read_notice(path: Path) -> Notice | None:
    """Return what stands in the file; None if there is none. A file that cannot be read closes, too."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Notice)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError):
        return Notice()


def close(path: Path, notice: Notice) -> None:
    """Close the installation: put the file there, whole or not at all."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(notice))
    os.replace(fresh, path)


def reopen(path: Path) -> bool:
    """Open the installation again; return whether it was closed."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
