"""Hashing in a bounded pool: Argon2id with a salt of its own for each password (RFC 9106, second recommended option).

Each hash takes 64 MiB while it is made. So few are made at a time, few wait, and whoever comes beyond that is asked to
come back: a flood of sign-ins takes neither the server's memory nor its other requests' time.
"""

import asyncio
import os
import secrets
import sys
import threading
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from stockade.identity.passwords.foreign import is_foreign, verify_foreign
from stockade.kernel.problems import Problem

Result = TypeVar("Result")
MEMORY_KIB, PASSES, LANES = 65_536, 3, 4
LONGEST = 1024
"""Characters of a password; what is longer is nobody's."""
THREADS = 2
WAITING = 16
"""How many wait for a thread: the last of them for a few seconds, which a person still does."""
RETRY_AFTER_SECONDS = 2
_HASHER = PasswordHash((Argon2Hasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES),))
NICENESS = 19
"""How far a thread that hashes stands back: on a machine that is busy, whoever is signed in already comes first."""


def _stand_back() -> None:
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_POOL = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords", initializer=_stand_back)
_ROOM = BoundedSemaphore(THREADS + WAITING)


def _drawn(octets: int) -> str:
    return b64encode(secrets.token_bytes(octets)).decode().rstrip("=")


_NOBODYS_HASH = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${_drawn(16)}${_drawn(32)}"
"""What a password is checked against when there is no account: the same work, so that time tells little. It is drawn,
not made of any password, so none is right and no start waits for it."""


class TooManyAtTheDoor(Problem):
    """More passwords come at the same moment than are looked at; come back in ``retry_after`` seconds."""

    type = "/problems/identity/too-many-at-the-door"
    title = "Too many people are signing in at this moment"
    status = 503


def require_room() -> None:
    """Raise ``TooManyAtTheDoor`` if a password could not be looked at now: before any other work is done for it."""
    if not _ROOM.acquire(blocking=False):
        raise TooManyAtTheDoor(retry_after=RETRY_AFTER_SECONDS)
    _ROOM.release()


async def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password; ``TooManyAtTheDoor``."""
    return await in_pool(lambda: _HASHER.hash(password))


async def verify_hash(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Check a password against a hash of a known form, None for nobody's; ``TooManyAtTheDoor``.

    A better hash comes back when the password is right and the stored one is foreign or of another cost.
    """
    return await in_pool(lambda: _verify(password, stored))


async def in_pool(work: Callable[[], Result]) -> Result:
    """Do costly work in the pool; ``TooManyAtTheDoor`` when too much of it waits already.

    The place is given back when the work is over, not when its asker has gone: somebody who hangs up at once and comes
    again does not get a second one.
    """
    if not _ROOM.acquire(blocking=False):
        raise TooManyAtTheDoor(retry_after=RETRY_AFTER_SECONDS)
    try:
        future = _POOL.submit(work)
    except BaseException:
        _ROOM.release()
        raise
    future.add_done_callback(_leave)
    return await asyncio.wrap_future(future)


def _leave(_future: Future[Result]) -> None:
    _ROOM.release()


def _verify(password: str, stored: str | None) -> tuple[bool, str | None]:
    if stored is None or len(password) > LONGEST:
        _HASHER.verify(password[:LONGEST], _NOBODYS_HASH)
        return False, None
    if is_foreign(stored):
        right = verify_foreign(password, stored)
        return right, _HASHER.hash(password) if right else None
    try:
        return _HASHER.verify_and_update(password, stored)
    except UnknownHashError:
        return False, None
