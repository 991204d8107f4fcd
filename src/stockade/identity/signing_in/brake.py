"""The brake on guessing: it counts failures in the database, so that it holds for all processes together.

Three counters a sign-in: the account (guessing from many addresses), the address (one guesser, many accounts), and the
pair of both. Each is braked by itself: after its free failures one waits twice as long each time, fifteen minutes at
most. An account that was guessed at twenty times is locked for an hour, and its owner told.

Nobody can lock somebody else out for good: the lock is about passwords from browsers that the person never signed in
with. A browser that they did has a counter of its own, and passkeys and sign-in links are not braked by the account.
"""

import hashlib
import hmac
from typing import Any, Literal

import msgspec

from stockade.identity.credentials import Credentials
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Problem
from stockade.kernel.words import said
from stockade.tenancy.transaction import Database

Kind = Literal["account", "address", "pair", "device", "factor", "letters", "letters_address", "letters_pair"]
FREE: dict[Kind, int] = {
    "account": 5, "address": 30, "pair": 3, "device": 5, "factor": 3, "letters": 5, "letters_address": 30,
    "letters_pair": 3,
}  # fmt: skip
"""How many failures, or letters that are asked for, cost nothing."""
LOCKED_AFTER: dict[Kind, int] = {"account": 20}
LONGEST_WAIT_SECONDS = 900
LETTERS_WAIT_SECONDS = 3600
"""The longest wait for a letter: nobody's letter box gets more than some thirty of them a day."""
LOCK_SECONDS = 3600
FORGOTTEN_AFTER_SECONDS = 86_400
"""A counter that was left alone for a day begins anew."""
_STATE = "select coalesce(max(wait_seconds), 0), coalesce(bool_or(locked), false) from identity.throttled($1)"
_FAIL = "select failures, newly_locked from identity.throttle_failure($1, $2, $3, $4, $5, $6, $7, $8)"
_CLEAR = "select identity.throttle_clear($1)"


class TooManyAttempts(Problem):
    """Too many wrong attempts, at this account or from this address. It says nothing about whether there is one."""

    type = "/problems/identity/too-many-attempts"
    title = "Too many wrong attempts"
    status = 429


class Subject(msgspec.Struct, frozen=True):
    """What is counted: the HMAC of an account's address, a network address, their pair, or a device."""

    kind: Kind
    hash: bytes


def subject(credentials: Credentials, kind: Kind, *parts: str) -> Subject:
    """Return the subject of some parts."""
    text = "\0".join((kind, *parts)).encode()
    return Subject(kind, hmac.digest(credentials.hash("throttle"), text, hashlib.sha256))


async def check(database: Database, subjects: list[Subject]) -> None:
    """Raise ``TooManyAttempts`` while any of the subjects waits; before any work is done for the attempt."""
    async with database.gate().acquire() as connection:
        row = await connection.fetchrow(_STATE, [item.hash for item in subjects])
    wait, locked = row or (0, False)
    if wait > 0:
        lasting = said(
            "Password sign-ins are locked for {minutes} minutes. A passkey or a sign-in link still works.",
            minutes=-(-wait // 60),
        )
        waiting = said("Try again in {seconds} seconds.", seconds=wait)
        raise TooManyAttempts(lasting if locked else waiting, retry_after=wait)


async def failed(database: Database, subjects: list[Subject]) -> bool:
    """Count a failure of each subject; return whether that has just locked the account."""
    newly_locked = False
    async with database.gate().acquire() as connection:
        for item in subjects:  # three at most
            row: Any = await connection.fetchrow(
                _FAIL, new_id(), item.hash, item.kind, FREE[item.kind], _longest_wait(item.kind),
                LOCKED_AFTER.get(item.kind), LOCK_SECONDS, FORGOTTEN_AFTER_SECONDS,
            )  # fmt: skip
            newly_locked = newly_locked or row["newly_locked"]
    return newly_locked


def _longest_wait(kind: Kind) -> int:
    return LETTERS_WAIT_SECONDS if kind.startswith("letters") else LONGEST_WAIT_SECONDS


async def succeeded(database: Database, subjects: list[Subject]) -> None:
    """Forget the failures of some subjects. An address's are never forgotten by one success of its own."""
    async with database.gate().acquire() as connection:
        await connection.execute(_CLEAR, [item.hash for item in subjects if item.kind != "address"])
