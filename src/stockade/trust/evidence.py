"""Evidence: what a run of a control found, signed and chained, so that nobody can change or drop it unseen afterwards.

A result becomes a statement in canonical JSON (keys sorted, no spaces, UTF-8; RFC 8785 for the texts and integers that
it holds). SHA-256 of those bytes is its hash; an Ed25519 signature (RFC 8032) over the same bytes is its seal; each
statement names the hash of the one before. ``type`` tells statements and documents apart, so that the signature of one
never passes for that of the other.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import asyncpg
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Database
from stockade.trust.build import commit, version

ALGORITHM = "Ed25519"
STATEMENT_TYPE = "stockade/evidence/1"
FIRST_PREVIOUS = bytes(32)
"""What the first statement names as the hash before it."""
LONGEST_SUMMARY = 500
LONGEST_DETAIL = 300
MOST_DETAILS = 20
_APPEND_ATTEMPTS = 50
_BACK_OFF_SECONDS = 0.005

Outcome = Literal["holds", "fails"]


class EvidenceSigner:
    """Signs statements and documents with one Ed25519 key."""

    __slots__ = ("_key", "fingerprint", "public_key")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.fingerprint = hashlib.sha256(self.public_key).hexdigest()

    @classmethod
    def of(cls, seed: bytes) -> "EvidenceSigner":
        """Return the signer of a 32-byte seed (the secret ``evidence``)."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature."""
        return self._key.sign(message)


class Result(msgspec.Struct, frozen=True):
    """What one run of a control found. ``sequence`` and ``evidence_hash`` are given when it is recorded."""

    control: str
    claims: tuple[str, ...]
    promise: str
    outcome: Outcome
    summary: str
    details: tuple[str, ...]
    started_at: datetime
    checked_at: datetime
    duration_ms: int
    max_age_seconds: int
    sequence: int = 0
    evidence_hash: str = ""


class Recorded(msgspec.Struct, frozen=True):
    """Evidence as it is stored: the statement, its hash and its signature."""

    control: str
    statement: dict[str, Any]
    evidence_hash: bytes
    signature: bytes

    def is_genuine(self, public_key: bytes) -> bool:
        """Return whether the key signed exactly this statement, about this control, and the hash is its own."""
        message = canonical(self.statement)
        return (
            self.statement.get("type") == STATEMENT_TYPE
            and self.statement.get("control") == self.control
            and hashlib.sha256(message).digest() == self.evidence_hash
            and verifies(public_key, self.signature, message)
        )


_LAST = "select sequence, evidence_hash from trust.evidence order by sequence desc limit 1"
_INSERT = (
    "insert into trust.evidence "
    "(id, control, outcome, checked_at, sequence, statement, previous_hash, evidence_hash, signature) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
)
# A look-up by index for each control: "distinct on" would read through every result that there ever was.
_LATEST = (
    "select last.control, last.statement, last.evidence_hash, last.signature "
    "from unnest($1::text[]) as wanted (control) cross join lateral "
    "(select * from trust.evidence as item where item.control = wanted.control "
    "order by item.checked_at desc, item.sequence desc limit 1) as last"
)
_NEWEST = "select control, statement, evidence_hash, signature from trust.evidence order by sequence desc limit $1"


async def record(database: Database, signer: EvidenceSigner, result: Result) -> Result:
    """Append a result to the chain and return it with its place; ``database`` connects as the worker's role.

    Runners may append at once: the sequence is unique, so whoever comes second is refused and appends after the first.
    """
    async with database.main().acquire() as connection:
        for attempt in range(_APPEND_ATTEMPTS):
            last = await connection.fetchrow(_LAST)
            sequence, previous = (last["sequence"] + 1, last["evidence_hash"]) if last else (1, FIRST_PREVIOUS)
            statement = statement_of(result, signer, sequence, previous)
            message = canonical(statement)
            hashed = hashlib.sha256(message).digest()
            values = (result.control, result.outcome, result.checked_at, sequence, statement, previous, hashed)
            try:
                await connection.execute(_INSERT, new_id(), *values, signer.sign(message))
            except asyncpg.UniqueViolationError:
                await asyncio.sleep(_BACK_OFF_SECONDS * attempt)
                continue
            return msgspec.structs.replace(result, sequence=sequence, evidence_hash=hashed.hex())
    raise TimeoutError("Other runners kept appending evidence.")


def statement_of(result: Result, signer: EvidenceSigner, sequence: int, previous_hash: bytes) -> dict[str, Any]:
    """Return what is signed: texts, integers and lists of texts only, so that its canonical form is beyond doubt."""
    return {
        "type": STATEMENT_TYPE,
        "control": result.control,
        "claims": list(result.claims),
        "promise": _plain(result.promise, LONGEST_SUMMARY),
        "outcome": result.outcome,
        "summary": _plain(result.summary, LONGEST_SUMMARY),
        "details": [_plain(detail, LONGEST_DETAIL) for detail in result.details[:MOST_DETAILS]],
        "started_at": moment_text(result.started_at),
        "checked_at": moment_text(result.checked_at),
        "duration_ms": result.duration_ms,
        "max_age_seconds": result.max_age_seconds,
        "version": version(),
        "commit": commit(),
        "installation": signer.fingerprint,
        "sequence": sequence,
        "previous_hash": previous_hash.hex(),
    }


async def latest(database: Database, controls: Sequence[str]) -> dict[str, Recorded]:
    """Return the last evidence of each control that has any, in one statement."""
    async with database.main().acquire() as connection:
        return {row["control"]: Recorded(*row) for row in await connection.fetch(_LATEST, list(controls))}


async def newest(database: Database, most: int) -> list[Recorded]:
    """Return the newest evidence of all controls, newest first."""
    async with database.main().acquire() as connection:
        return [Recorded(*row) for row in await connection.fetch(_NEWEST, most)]


def canonical(value: Any) -> bytes:
    """Return a value as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def verifies(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether the signature is the key's over the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def moment_text(moment: datetime) -> str:
    """Return an aware UTC moment as RFC 3339 to the microsecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _plain(text: str, longest: int) -> str:
    """Return one line that jsonb and a terminal can hold: no NUL, no control character, no half of a surrogate pair."""
    whole = text.encode("utf-8", "replace").decode()
    line = "".join(character if character.isprintable() else " " for character in whole)
    return line if len(line) <= longest else line[: longest - 1] + "…"
