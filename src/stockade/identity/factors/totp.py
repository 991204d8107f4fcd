"""One-time codes of an authenticator app (RFC 6238): six digits, 30 seconds, SHA-1, one step of skew either way.

A code is worth its time step, and a step is used up in the database: no code is accepted twice, and none that is older
than one accepted before.
"""

import base64
import hmac
import io
import secrets
import time
from datetime import datetime
from uuid import UUID

import msgspec
import pyotp
import segno

from stockade.database.statements import raw
from stockade.identity.factors.telling import tell
from stockade.identity.sealing import Sealer
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound
from stockade.kernel.words import said
from stockade.tenancy.transaction import Database, Transaction

STEP_SECONDS = 30
SKEW_STEPS = 1
SEED_BYTES = 20
ISSUER = "Stockade"
_PLACE = ("identity.totp", "seed_sealed")


class Begun(msgspec.Struct, frozen=True):
    """An app that is being set up: its seed for typing, as an address, and that address as a QR code (SVG)."""

    id: UUID
    seed: str
    address: str
    svg: str


class _Found(msgspec.Struct, frozen=True):
    id: UUID
    seed_sealed: bytes
    created_at: datetime
    confirmed_at: datetime | None


_BEGIN = raw("select identity.begin_own_totp($1, $2)", "id sealed")
_OWN = raw("select id, seed_sealed, created_at, confirmed_at from identity.own_totp()", "", _Found)
_CONFIRM = raw("select identity.confirm_own_totp($1, $2)", "id step", bool)
_REMOVE = raw("select identity.remove_own_totp()", "", int)
_EMAIL = raw("select email from identity.people() where account_id = $1", "account_id", str)
_FIND = "select id, seed_sealed, last_step from identity.find_totp($1)"
_USE = "select identity.use_totp_step($1, $2)"


async def begin(tx: Transaction, sealer: Sealer) -> Begun:
    """Begin to set up an app for the signed-in person. The one before stays good until the new one is confirmed."""
    account_id, totp_id, seed = tx.principal.actor_id, new_id(), secrets.token_bytes(SEED_BYTES)
    await _BEGIN.run(tx, id=totp_id, sealed=sealer.seal(seed, *_PLACE, totp_id, account_id))
    return _begun(totp_id, seed, await _EMAIL.one(tx, account_id=account_id))


async def read_begun(tx: Transaction, sealer: Sealer) -> Begun | None:
    """Return the app that the signed-in person is setting up, if any."""
    account_id = tx.principal.actor_id
    for found in await _OWN.all(tx):
        if found.confirmed_at is None:
            seed = sealer.open(found.seed_sealed, *_PLACE, found.id, account_id)
            return _begun(found.id, seed, await _EMAIL.one(tx, account_id=account_id))
    return None


async def confirm(tx: Transaction, sealer: Sealer, code: str) -> None:
    """Confirm the app that is being set up with a code of its; ``Invalid`` for a wrong code, ``NotFound``."""
    account_id = tx.principal.actor_id
    begun = next((found for found in await _OWN.all(tx) if found.confirmed_at is None), None)
    if begun is None:
        raise NotFound
    step = step_of(sealer.open(begun.seed_sealed, *_PLACE, begun.id, account_id), code)
    if step is None:
        raise Invalid(
            said("This code is not right. Check the clock of the phone, and type the newest one."), field="code"
        )
    if not await _CONFIRM.first(tx, id=begun.id, step=step):
        raise NotFound
    await tell(tx, account_id, "totp_added")


async def remove(tx: Transaction) -> None:
    """Remove the signed-in person's app; its seed is gone. ``NotFound`` if there is none."""
    if not await _REMOVE.first(tx):
        raise NotFound
    await tell(tx, tx.principal.actor_id, "totp_removed")


async def check(database: Database, sealer: Sealer, account_id: UUID, code: str) -> bool:
    """Check a code, and use its time step up. Without an app, or for a code that was accepted before: false."""
    async with database.gate().acquire() as connection:
        found = await connection.fetchrow(_FIND, account_id)
        if found is None:
            return False
        seed = sealer.open(found["seed_sealed"], *_PLACE, found["id"], account_id)
        step = step_of(seed, code)
        return step is not None and bool(await connection.fetchval(_USE, found["id"], step))


def step_of(seed: bytes, code: str, at: float | None = None) -> int | None:
    """Return the time step that a code belongs to, None if it is none of the three around now."""
    typed = "".join(code.split())
    if len(typed) != 6 or not (typed.isascii() and typed.isdigit()):
        return None
    generator = pyotp.HOTP(_text(seed))
    current = int((time.time() if at is None else at) // STEP_SECONDS)
    steps = range(max(current - SKEW_STEPS, 0), current + SKEW_STEPS + 1)
    fitting = [step for step in steps if hmac.compare_digest(generator.at(step), typed)]
    return max(fitting, default=None)


def _begun(totp_id: UUID, seed: bytes, email: str) -> Begun:
    address = pyotp.TOTP(_text(seed)).provisioning_uri(name=email, issuer_name=ISSUER)
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        drawn, kind="svg", scale=4, border=4, xmldecl=False, svgns=True, nl=False, omitsize=False, light="#fff"
    )
    return Begun(totp_id, _text(seed), address, drawn.getvalue().decode())


def _text(seed: bytes) -> str:
    return base64.b32encode(seed).decode()
