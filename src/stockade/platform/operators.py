"""Operators: made on the command line, signed in by password and authenticator together, never by one of them.

Every refusal is the same, after the same work. Failures block for a while that doubles; the block is in the database.
"""

import base64
import re
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
from stockade.identity.sealing import NotOpened, Sealer
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict, Invalid, NotFound, Problem
from stockade.platform.permissions import GRANTABLE, Acting
from stockade.tenancy.transaction import Database

LIFETIME = timedelta(hours=8)
IDLE = timedelta(minutes=30)
FREE_FAILURES = 4
LONGEST_ADDRESS = 254
LONGEST_NAME = 200
_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")
OFFER_VALID = timedelta(minutes=15)
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


class PasswordRefused(Problem):
    """The present password was not the operator's."""

    type = "/problems/platform/password-refused"
    title = "This is not your present password"
    status = 403


class CodeRefused(Problem):
    """The code is not what the new authenticator shows, or the page that offered it is too old."""

    type = "/problems/platform/code-refused"
    title = "This code does not belong to the new authenticator"
    status = 403


class OneselfRefused(Conflict):
    """An operator does not take themselves out: somebody has to remain who can let others in."""

    type = "/problems/platform/not-oneself"
    title = "Another operator takes you out, not you"


class OperatorRow(msgspec.Struct, frozen=True):
    """An operator as the others see them."""

    id: UUID
    email: str
    name: str
    state: str
    created_at: datetime
    seen_at: datetime | None


class Authenticator(msgspec.Struct, frozen=True):
    """A new authenticator on offer: its address, and the same sealed for one operator, to come back with its code."""

    address: str
    sealed: str


class Enrolment(msgspec.Struct, frozen=True):
    """A new operator's way in, shown once: a password for the first sign-in, and the authenticator's address."""

    id: UUID
    password: str
    authenticator: str


async def add_operator(platform: Database, sealer: Sealer, *, email: str, name: str) -> Enrolment:
    """Make an operator; ``OperatorExists`` for an address that one has."""
    operator_id, seed, password = new_id(), secrets.token_bytes(20), secrets.token_urlsafe(18)
    address, called = email.strip().lower(), name.strip()
    if not _ADDRESS.fullmatch(address) or len(address) > LONGEST_ADDRESS:
        raise Invalid("Write the operator's e-mail address like olga@example.com.", field="email")
    if not 0 < len(called) <= LONGEST_NAME or not called.isprintable():
        raise Invalid(f"An operator has a name, of up to {LONGEST_NAME} letters.", field="name")
    async with platform.main().acquire() as connection:
        made = await connection.fetchval(
            "insert into platform.operator (id, email, name, password_hash, totp_sealed, permissions, state) "
            "values ($1, $2, $3, $4, $5, $6, 'active') on conflict (email) do nothing returning id",
            operator_id, address, called, await hash_password(password), sealer.seal(seed, *_place(operator_id)),
            [item.name for item in GRANTABLE],
        )  # fmt: skip
    if made is None:
        raise OperatorExists
    return Enrolment(operator_id, password, _address(seed, address))


async def renew_operator(platform: Database, sealer: Sealer, email: str) -> Enrolment:
    """Give an operator who lost password or phone both anew, and let in again whoever was out; ``NotFound``.

    What they had ends: sessions, password, authenticator.
    """
    seed, password, address = secrets.token_bytes(20), secrets.token_urlsafe(18), email.strip().lower()
    hashed = await hash_password(password)
    async with platform.main().acquire() as connection, connection.transaction():
        operator_id = await connection.fetchval("select id from platform.operator where email = $1", address)
        if operator_id is None:
            raise NotFound("There is no operator with this address.")
        await connection.execute(
            "update platform.operator set password_hash = $2, password_is_once = true, totp_sealed = $3, "
            "totp_step = 0, failures = 0, blocked_until = null, state = 'active' where id = $1",
            operator_id, hashed, sealer.seal(seed, *_place(operator_id)),
        )  # fmt: skip
        await connection.execute(
            "update platform.operator_session set ended_at = now() where operator_id = $1 and ended_at is null",
            operator_id,
        )
    return Enrolment(operator_id, password, _address(seed, address))


async def deactivate_operator(platform: Database, email: str) -> None:
    """Take an operator out: every session and every access of theirs ends with the next request."""
    async with platform.main().acquire() as connection:
        tag = await connection.execute(
            "update platform.operator set state = 'deactivated' where email = $1", email.strip().lower()
        )
    if tag == "UPDATE 0":
        raise NotFound("There is no operator with this address.")


async def list_operators(platform: Database) -> list[OperatorRow]:
    """Return every operator by name, and when each was last here; those of the controls are nobody's colleagues."""
    async with platform.main().acquire() as connection:
        found = await connection.fetch(
            "select o.id, o.email, o.name, o.state, o.created_at, "
            "(select max(s.used_at) from platform.operator_session s where s.operator_id = o.id) "
            "from platform.operator o where o.email not like '%@stockade.invalid' "
            "order by o.state, o.name, o.id limit 500"
        )
    return [OperatorRow(*row) for row in found]


async def deactivate_another(platform: Database, acting: Acting, operator_id: UUID) -> None:
    """Take another operator out; ``OneselfRefused`` for oneself, ``NotFound`` if there is none."""
    if str(operator_id) == acting.operator_id:
        raise OneselfRefused
    async with platform.main().acquire() as connection:
        email = await connection.fetchval("select email from platform.operator where id = $1", operator_id)
    await deactivate_operator(platform, email or "")


async def sign_in_operator(
    platform: Database, credentials: Credentials, sealer: Sealer, *, email: str, password: str, code: str, address: str
) -> str:
    """Return the token of a new session; ``OperatorRefused`` unless password and code are both right."""
    async with platform.main().acquire() as connection:
        found = await connection.fetchrow(
            "select id, password_hash, totp_sealed, totp_step, state, failures, blocked_until "
            "from platform.operator where email = $1", email.strip().lower()[:LONGEST_ADDRESS],
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


async def choose_password(
    platform: Database, acting: Acting, password: str, present: str = "", *, breached: Path | None = None
) -> None:  # fmt: skip
    """Replace the operator's own password, and end every other session of theirs; ``Invalid`` for one easy to guess.

    ``present`` proves that it is the operator, and not somebody at an open screen; the password for the first sign-in
    was typed a moment ago and need not be repeated.
    """
    await require_strong(password, (acting.name,), breached=breached)
    if not acting.password_is_once:
        await _prove(platform, acting, present)
    hashed = await hash_password(password)
    async with platform.main().acquire() as connection, connection.transaction():
        await connection.execute(
            "update platform.operator set password_hash = $2, password_is_once = false where id = $1",
            UUID(acting.operator_id), hashed,
        )  # fmt: skip
        await _end_others(connection, acting)


async def offer_authenticator(platform: Database, sealer: Sealer, acting: Acting) -> Authenticator:
    """Return a new authenticator. Nothing has changed until its code comes back."""
    seed, operator_id = secrets.token_bytes(20), UUID(acting.operator_id)
    async with platform.main().acquire() as connection:
        email = await connection.fetchval("select email from platform.operator where id = $1", operator_id)
    offered = msgspec.msgpack.encode((seed, int(now().timestamp())))
    sealed = base64.urlsafe_b64encode(sealer.seal(offered, *_offer_place(operator_id))).decode()
    return Authenticator(_address(seed, email), sealed)


async def take_authenticator(
    platform: Database, sealer: Sealer, acting: Acting, *, sealed: str, password: str, code: str
) -> None:
    """Put the offered authenticator in the place of the present one, and end every other session.

    It takes the present password and the new authenticator's code; ``PasswordRefused`` and ``CodeRefused`` else.
    """
    operator_id = UUID(acting.operator_id)
    await _prove(platform, acting, password)
    try:
        offered = sealer.open(base64.urlsafe_b64decode(sealed), *_offer_place(operator_id))
    except (ValueError, NotOpened):
        raise CodeRefused from None
    seed, at = msgspec.msgpack.decode(offered, type=tuple[bytes, int])
    step = step_of(seed, code)
    if step is None or now().timestamp() - at > OFFER_VALID.total_seconds():
        raise CodeRefused
    async with platform.main().acquire() as connection, connection.transaction():
        await connection.execute(
            "update platform.operator set totp_sealed = $2, totp_step = $3 where id = $1",
            operator_id, sealer.seal(seed, *_place(operator_id)), step,
        )  # fmt: skip
        await _end_others(connection, acting)


async def sign_out_operator(platform: Database, acting: Acting) -> None:
    """End the session."""
    async with platform.main().acquire() as connection:
        await connection.execute(
            "update platform.operator_session set ended_at = now() where id = $1", UUID(acting.session_id)
        )


async def _prove(platform: Database, acting: Acting, password: str) -> None:
    """Raise ``PasswordRefused`` unless it is the operator's present password; failures count like those at the door."""
    async with platform.main().acquire() as connection:
        found = await connection.fetchrow(
            "select id, password_hash, failures, blocked_until from platform.operator where id = $1",
            UUID(acting.operator_id),
        )  # fmt: skip
        assert found is not None, "operators are never deleted"
        right, _ = await verify_hash(password, found["password_hash"])
        if not right or (found["blocked_until"] is not None and found["blocked_until"] > now()):
            await _note_failure(connection, found)
            raise PasswordRefused


async def _end_others(connection: Any, acting: Acting) -> None:
    await connection.execute(
        "update platform.operator_session set ended_at = now() where operator_id = $1 and id <> $2 "
        "and ended_at is null", UUID(acting.operator_id), UUID(acting.session_id),
    )  # fmt: skip


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


def _offer_place(operator_id: UUID) -> tuple[str, str, UUID]:
    return "platform.operator", "totp_offered", operator_id


def _address(seed: bytes, email: str) -> str:
    return pyotp.TOTP(_base32(seed)).provisioning_uri(name=email, issuer_name="Stockade platform")


def _base32(seed: bytes) -> str:
    return base64.b32encode(seed).decode()
