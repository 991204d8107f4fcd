"""Limits that hold for all processes of one host together: requests per minute, and heavy operations at once.

``Limiter`` keeps one 64-bit number per key, as the generic cell rate algorithm does (GCRA; ITU-T I.371, annex A): the
theoretical arrival time, when the key will be rested again. All numbers lie in one memory-mapped file, in buckets of
four slots; a bucket is read and written under a lock on its own bytes (fcntl), which the kernel gives back when its
holder dies. Times are of the monotonic clock, which all processes of a host share and nobody can set back.

Keys are placed by a keyed hash, so that nobody can choose addresses that fall on another's slot. When all four slots of
a bucket are busy, a newcomer shares the one with the least debt: whoever would fill the table to be forgotten is
limited sooner instead, and at worst a stranger with him, until the bucket empties (within a minute or so).
"""

import fcntl
import mmap
import os
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import msgspec

from stockade.kernel.files import refusing_disk_errors
from stockade.kernel.words import said
from stockade.web.problems import TooManyAtOnce

MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
BUCKETS = 1 << 15
_SLOTS_AT_ONCE = 512
_SECRET_BYTES = 16
_HEADER_BYTES = 64
_BUCKET = struct.Struct("<8Q")
_SLOT = struct.Struct("<2Q")
_HOLDING = struct.Struct("<3Q")


class Verdict(msgspec.Struct, frozen=True):
    """What a limit says of one request. ``limit`` and ``remaining`` count requests; until ``reset_seconds`` have passed
    without any, the limit is not whole again; ``retry_after_seconds`` is 0 if the request is allowed."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    retry_after_seconds: int


def prepare_limits(path: Path, *, buckets: int = BUCKETS) -> None:
    """Make the file anew, with a new secret: once a start, before any process opens it. ``Refusal`` if it cannot be."""
    _make(path, _HEADER_BYTES + buckets * _BUCKET.size)


class Limiter:
    """The limits in a prepared file; every process opens its own."""

    def __init__(self, path: Path) -> None:
        self._descriptor, self._map = _open(path)
        self._secret = self._map[:_SECRET_BYTES]
        self._buckets = (len(self._map) - _HEADER_BYTES) // _BUCKET.size
        self._threads = threading.Lock()

    def hit(self, key: bytes, limit_per_minute: int, burst: int | None = None, now_ns: int | None = None) -> Verdict:
        """Count a request of a key: ``burst`` at once (else the minute's whole limit), then evenly through the minute.

        A refused request costs nothing, so that a client that keeps knocking gets in as soon as one that waits.
        """
        burst = burst or limit_per_minute
        interval = MINUTE_NS // limit_per_minute
        now = time.monotonic_ns() if now_ns is None else now_ns
        tag, place = _SLOT.unpack(blake2b(key, key=self._secret, digest_size=16).digest())
        offset = _HEADER_BYTES + place % self._buckets * _BUCKET.size
        # The lock between processes does not keep the threads of one apart.
        with self._threads:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, offset)
            try:
                at, tag, arrival = self._find(offset, tag, now)
                due = max(arrival, now) + interval
                allowed = due - now <= interval * burst
                if allowed:
                    _SLOT.pack_into(self._map, at, tag, due)
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, offset)
        if allowed:
            return Verdict(True, burst, burst + (now - due) // interval, -((now - due) // SECOND_NS), 0)
        wait_seconds = -((now - due + interval * burst) // SECOND_NS)
        return Verdict(False, burst, 0, -((now - arrival) // SECOND_NS), max(wait_seconds, 1))

    def _find(self, offset: int, tag: int, now: int) -> tuple[int, int, int]:
        """Return where a key's slot lies, the tag to leave there, and the arrival time that it holds."""
        slots = _BUCKET.unpack_from(self._map, offset)
        tags, arrivals = slots[::2], slots[1::2]
        if tag in tags:
            index = tags.index(tag)
            return offset + index * _SLOT.size, tag, arrivals[index]
        arrival = min(arrivals)
        index = arrivals.index(arrival)
        # A slot whose time has come says the same as none; a busy one is shared, under the tag of who came first.
        return offset + index * _SLOT.size, tag if arrival <= now else tags[index], arrival

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
        os.close(self._descriptor)


def prepare_concurrency(path: Path) -> None:
    """Make the file of the concurrency limits anew: once per start. ``Refusal`` if it cannot be."""
    _make(path, _HEADER_BYTES + _SLOTS_AT_ONCE * _HOLDING.size)


class Concurrency:
    """How many heavy operations of one key run at once, over all processes of the host.

    A slot names its owner by process id and start time, so that what a killed process held is free again, even when
    another process has got its number.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor, self._map = _open(path)
        self._secret = self._map[:_SECRET_BYTES]
        self._threads = threading.Lock()

    @contextmanager
    def hold(self, key: bytes, most: int) -> Iterator[None]:
        """Hold one of ``most`` places of a key inside the block; ``TooManyAtOnce`` if all are taken."""
        (tag,) = struct.unpack("<Q", blake2b(key, key=self._secret, digest_size=8).digest())
        offset = self._take(tag or 1, most)
        try:
            yield
        finally:
            with self._alone():
                _HOLDING.pack_into(self._map, offset, 0, 0, 0)

    def _take(self, tag: int, most: int) -> int:
        free = None
        held = 0
        with self._alone():
            for offset in range(_HEADER_BYTES, len(self._map), _HOLDING.size):
                holder, pid, started = _HOLDING.unpack_from(self._map, offset)
                if holder and _started(pid) != started:
                    _HOLDING.pack_into(self._map, offset, 0, 0, 0)
                    holder = 0
                if not holder:
                    free = offset if free is None else free
                held += holder == tag
            if free is None or held >= most:
                raise TooManyAtOnce(
                    said("At most {most} of these may run at once for one account.", most=most), retry_after=1
                )
            _HOLDING.pack_into(self._map, free, tag, os.getpid(), _started(os.getpid()))
        return free

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._threads:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, 0)
            try:
                yield
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, 0)

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
        os.close(self._descriptor)


def _started(pid: int) -> int:
    """Return when a process started, in clock ticks since boot (proc(5)); -1 if there is none.

    Where there is no /proc, 1 if it lives: the number alone then has to do.
    """
    try:
        # The name in parentheses may hold anything; the fields after it are numbers, the start time the 20th of them.
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        state, *fields = stat[stat.rindex(b")") + 2 :].split()
        return -1 if state == b"Z" else int(fields[18])
    except FileNotFoundError:
        return -1 if Path("/proc/self").exists() or not _lives(pid) else 1


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _make(path: Path, size: int) -> None:
    with refusing_disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            # Written out, not sparse: a disk that fills up later would else end the process by a signal (SIGBUS).
            os.write(descriptor, os.urandom(_SECRET_BYTES) + bytes(size - _SECRET_BYTES))
            os.replace(name, path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)


def _open(path: Path) -> tuple[int, mmap.mmap]:
    with refusing_disk_errors(path.parent):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        return descriptor, mmap.mmap(descriptor, 0)
