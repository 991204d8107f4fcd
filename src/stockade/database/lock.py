"""One owner for a folder: a lock that the kernel lets go of when its holder dies, so that none is ever stale."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from stockade.database.location import make_folder
from stockade.kernel.files import refusing_disk_errors
from stockade.kernel.problems import Refusal

LOCK_FILE = "lock"
_RETRY_SECONDS = 0.02


class HomeLock:
    """Holds a data folder for this process (``flock``); use it as a context manager, or ``acquire`` and ``release``.

    Taking one that somebody holds is a ``Refusal`` that names the process. The folder is made if it is missing.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Take the lock at once or refuse; it does not wait for a holder to let go."""
        with refusing_disk_errors(self.home):
            if not self.home.exists():
                make_folder(self.home, None, shared=True)
            # The descriptor is not inherited across exec, so a child cannot hold the folder after us.
            descriptor = os.open(self.home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _take_soon(descriptor):
                raise Refusal(_in_use(self.home))
            with refusing_disk_errors(self.home):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Let go; the file stays, since removing it would let two processes lock two files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_locked(home: Path) -> bool:
    """Return whether some process (this one included) holds the folder now."""
    try:
        descriptor = os.open(home / LOCK_FILE, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _take(descriptor)
    finally:
        os.close(descriptor)


def holder(home: Path) -> int | None:
    """Return the id of the process that holds the folder, or None when nobody does or it cannot be told."""
    if not is_locked(home):
        return None
    try:
        return int((home / LOCK_FILE).read_text())
    except ValueError:  # Its holder is just about to write it.
        return None


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take_soon(descriptor: int) -> bool:
    """Try thrice: somebody's ``is_locked`` holds it for an instant, an owner still holds it at the last try."""
    for _ in range(2):
        if _take(descriptor):
            return True
        time.sleep(_RETRY_SECONDS)
    return _take(descriptor)


def _in_use(home: Path) -> str:
    pid = holder(home)
    by = f"process {pid}" if pid is not None else "another process"
    return f"The data folder {home} is in use by {by}: end that one first, or set STOCKADE_HOME to another folder."
