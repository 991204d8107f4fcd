"""Operators: made on the command line, signed in by password and authenticator together, never by one of them.

Every refusal is the same, after the same work. Failures block for a while that doubles; the block is in the database.
"""

import base64
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pyotp

from stockade.identity.credentials import Credentials
from stockade.identity.factors.totp import step_of
from stockade.identity.passwords.hashing import hash_password, verify_hash
from stockade.identity.passwords.strength import require_strong
from stockade.identity.sealing import Sealer
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict, Invalid, NotFound, Problem
from stockade.platform.permissions import GRANTABLE, Acting
from stockade.tenancy.transaction import Database

LIFETIME = timedelta(hours=8)
IDLE = timedelta(minutes=30)
FREE_FAILURES = 4
LONGEST_BLOCK = timedelta(hours=1)


class OperatorRefused(Problem):
    """The one answer to everything that can be wrong with an operator's sign-in."""

    type = "/problems/platform/sign-in-refused"
    title = "This address, password and code do not go together"
    status = 401


class OperatorExists(Conflict):
    """There is an operator with this address."""

    type = "/problems/platform/operator-exists"
    title = "There is an operator with this address already"


class Enrolment(msgspec.Struct, frozen=True):
    """A new operator's way in, shown once: a password for the first sign-in, and the authenticator's address."""

    id: UUID
    password: str
    authenticator: str


async def add_operator(platform: Database, sealer: Sealer, *, email: str, name: str) -> Enrolment:
    """Make an operator; ``OperatorExists`` for an address that one has."""
    operator_id, seed, password = new_id(), secrets.token_bytes(20), secrets.token_urlsafe(18)
    address = email.strip().lower()
    if "@" not in address or not name.strip():
        raise Invalid("An operator has an e-mail address and a name.", field="email")
    async with platform.main().acquire() as connection:
        made = await connection.fetchval(
            "insert into platform.operator (id, email, name, password_hash, totp_sealed, permissions, state) "
            "values ($1, $2, $3, $4, $5, $6, 'active') on conflict (email) do nothing returning id",
            operator_id, address, name.strip(), await hash_password(password), sealer.seal(seed, *_place(operator_id)),
            [item.name for item in GRANTABLE],
        )  # fmt: skip
    if made is None:
        raise OperatorExists
    uri = pyotp.TOTP(_base32(seed)).provisioning_uri(name=address, issuer_name="Stockade platform")
    return Enrolment(operator_id, password, uri)


async def deactivate_operator(platform: Database, email: str) -> None:
    """Take an operator out: every session and every access of theirs ends with the next request."""
    async with platform.main().acquire() as connection:
        tag = await connection.execute(
            "update platform.operator set state = 'deactivated' where email = $1", email.strip().lower()
        )
    if tag == "UPDATE 0":
        raise NotFound("There is no operator with this address.")


async def sign_in_operator(
    platform: Database, credentials: Credentials, sealer: Sealer, *, email: str, password: str, code: str, address: str
) -> str:
    """Return the token of a new session; ``OperatorRefused`` unless password and code are both right."""
    async with platform.main().acquire() as connection:
        found = await connection.fetchrow(
            "select id, password_hash, totp_sealed, totp_step, state, failures, blocked_until "
            "from platform.operator where email = $1", email.strip().lower()[:254],
        )  # fmt: skip
        right, _ = await verify_hash(password, found["password_hash"] if found else None)
        if found is None:
            raise OperatorRefused
        blocked = found["blocked_until"] is not None and found["blocked_until"] > now()
        step = step_of(sealer.open(found["totp_sealed"], *_place(found["id"])), code)
        if not right or step is None or blocked or found["state"] != "active":
            await _note_failure(connection, found)
            raise OperatorRefused
        # Of two that come with one code at the same time, one gets the row.
        used = await connection.fetchval(
            "update platform.operator set totp_step = $2, failures = 0, blocked_until = null "
            "where id = $1 and totp_step < $2 returning true", found["id"], step,
        )  # fmt: skip
        if not used:
            await _note_failure(connection, found)
            raise OperatorRefused
        token = f"op_{secrets.token_urlsafe(32)}"
        await connection.execute(
            "insert into platform.operator_session (id, operator_id, token_hash, address, expires_at) "
            "values ($1, $2, $3, $4, $5)", new_id(), found["id"], credentials.hash(token), address, now() + LIFETIME,
        )  # fmt: skip
    return token


async def find_acting(platform: Database, credentials: Credentials, token: str) -> Acting | None:
    """Return who holds a token, and count this as use of it; None if it admits nobody (any more)."""
    if not token.startswith("op_"):
        return None
    async with platform.main().acquire() as connection:
        found = await connection.fetchrow(
            "update platform.operator_session s set used_at = now() from platform.operator o "
            "where s.token_hash = $1 and o.id = s.operator_id and o.state = 'active' and s.ended_at is null "
            "and s.expires_at > now() and s.used_at > now() - $2::interval "
            "returning o.id, s.id, o.name, o.permissions, o.password_is_once",
            credentials.hash(token), IDLE,
        )  # fmt: skip
    if found is None:
        return None
    operator, session, name, permissions, once = found
    return Acting(str(operator), str(session), name, frozenset(permissions), once)


async def choose_password(platform: Database, acting: Acting, password: str, *, breached: Path | None = None) -> None:
    """Replace the operator's own password, and end every other session of theirs; ``Invalid`` for one easy to guess."""
    await require_strong(password, (acting.name,), breached=breached)
    hashed = await hash_password(password)
    async with platform.main().acquire() as connection, connection.transaction():
        await connection.execute(
            "update platform.operator set password_hash = $2, password_is_once = false where id = $1",
            UUID(acting.operator_id), hashed,
        )  # fmt: skip
        await connection.execute(
            "update platform.operator_session set ended_at = now() where operator_id = $1 and id <> $2 "
            "and ended_at is null", UUID(acting.operator_id), UUID(acting.session_id),
        )  # fmt: skip


async def sign_out_operator(platform: Database, acting: Acting) -> None:
    """End the session."""
    async with platform.main().acquire() as connection:
        await connection.execute(
            "update platform.operator_session set ended_at = now() where id = $1", UUID(acting.session_id)
        )


async def _note_failure(connection: Any, found: Any) -> None:
    failures = found["failures"] + 1
    until: datetime | None = None
    if failures > FREE_FAILURES:
        until = now() + min(timedelta(seconds=2 ** min(failures - FREE_FAILURES, 12)), LONGEST_BLOCK)
    await connection.execute(
        "update platform.operator set failures = failures + 1, blocked_until = coalesce($2, blocked_until) "
        "where id = $1", found["id"], until,
    )  # fmt: skip


def _place(operator_id: UUID) -> tuple[str, str, UUID]:
    return "platform.operator", "totp_sealed", operator_id


def _base32(seed: bytes) -> str:
    return base64.b32encode(seed).decode()
