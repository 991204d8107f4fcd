"""The flow: every way to sign in, from a proof to a session, for the pages and the API alike.

What protects it sits inside: the brake before any work, the same work and the same answer whether or not an account
exists, the second factor before a session, and what the organisation demands of its people.
"""

import contextlib
import hashlib
import re
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from stockade.identity.credentials import Credentials
from stockade.identity.factors import passkeys, recovery, totp
from stockade.identity.factors.ceremony import Party
from stockade.identity.factors.held import Held, factors_of
from stockade.identity.factors.policy import demanded_of, passkey_admitted
from stockade.identity.mailed.asking import LettersBraked, ask
from stockade.identity.passwords.hashing import require_room
from stockade.identity.sealing import Sealer
from stockade.identity.service import sign_in
from stockade.identity.service.sign_in import LinkRefused, SignedIn, SignInRefused, Visitor
from stockade.identity.signing_in import brake, telling
from stockade.identity.signing_in.brake import Subject, subject
from stockade.identity.signing_in.states import Proof, State, following, wanted_after
from stockade.identity.sso.requiring import require_way
from stockade.identity.suspicion.noting import note_sign_in, remember_sign_in
from stockade.identity.suspicion.rules import Judgement
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Problem
from stockade.tenancy.pin import ActorKind, pack_address
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

PENDING_VALID = timedelta(minutes=10)
_BEGIN = "select identity.begin_pending($1, $2, $3, $4, $5, $6)"
_FIND = "select account_id, tenant_id, proofs from identity.find_pending($1)"
_FAIL = "select identity.fail_pending($1)"
_END = "select identity.end_pending($1)"
_PLACES = "select tenant_id from identity.places_of($1)"
_ADDRESS = "select email from identity.places_of($1) limit 1"
_VERIFIED = "select identity.is_verified($1)"


class FactorRefused(Problem):
    """The code is wrong, was used already, or the sign-in that asked for it is over."""

    type = "/problems/identity/factor-refused"
    title = "This code does not work"
    status = 401


class SignInHeld(Problem):
    """The proofs were right, but the sign-in is unlike the person's others, and their organisation wants more."""

    type = "/problems/identity/sign-in-held"
    title = "This sign-in is held back"
    status = 403


class NotVerified(Problem):
    """The proof was right, but the account's e-mail address is not proved to be the person's yet."""

    type = "/problems/identity/address-not-verified"
    title = "Confirm your e-mail address first"
    status = 403


class Unverified(msgspec.Struct, frozen=True):
    """A sign-in that wants the address to be proved: the token by which its letter can be asked for again."""

    token: str


class Wait(msgspec.Struct, frozen=True):
    """A sign-in that wants one more factor: the token that goes on with it, and which factors the person has."""

    token: str
    held: Held


class Door(msgspec.Struct, frozen=True):
    """What the flow needs of the installation; ``breached`` is the file of passwords that nobody may choose."""

    database: Database
    credentials: Credentials
    sealer: Sealer
    party: Party
    breached: Path | None = None


class Known(msgspec.Struct, frozen=True):
    """Who has proved something, and where they are going."""

    account_id: UUID
    tenant_id: UUID


async def with_password(
    door: Door, visitor: Visitor, *, email: str, password: str, device: str | None = None, tenant_id: UUID | None = None
) -> SignedIn | Wait | Unverified:  # fmt: skip
    """Take a password. ``SignInRefused`` whatever is wrong, ``TooManyAttempts`` while it is braked.

    ``TooManyAtTheDoor`` comes before anything else: of a flood, most are sent away before the database hears of them.
    ``device`` is the account's own mark of a browser that its person signed in with before; see ``device_mark``.
    """
    require_room()
    address = email.strip().lower()
    subjects = await _subjects(door, visitor, address, device)
    await brake.check(door.database, subjects)
    try:
        account_id, tenant = await sign_in.verify_password(
            door.database, door.credentials, visitor, email=address, password=password, tenant_id=tenant_id
        )
        known = Known(account_id, tenant)
        if not (await demanded_of(door.database, tenant)).passwords_allowed:
            raise SignInRefused
    except SignInRefused:
        if await brake.failed(door.database, subjects):
            await telling.locked(door, address, visitor)
        raise
    await brake.succeeded(door.database, subjects)
    return await _after(door, visitor, known, "password")


async def with_link(
    door: Door, visitor: Visitor, *, secret: str, browser: str = ""
) -> SignedIn | Wait | Unverified:  # fmt: skip
    """Take a one-time link; ``LinkRefused`` if it does not (or no longer) work, ``TooManyAttempts``.

    ``browser`` is what the browser keeps since it asked for letters: a link that was asked for works there alone.
    """
    guessed = [subject(door.credentials, "address", visitor.address)]
    await brake.check(door.database, guessed)
    try:
        account_id, tenant = await sign_in.redeem_link(
            door.database, door.credentials, visitor, secret=secret, browser=browser
        )
    except LinkRefused:
        await brake.failed(door.database, guessed)
        raise
    return await _after(door, visitor, Known(account_id, tenant), "link")


async def with_passkey(
    door: Door, visitor: Visitor, *, browser: str, answer: dict[str, Any], tenant_id: UUID | None = None
) -> SignedIn:  # fmt: skip
    """Take a passkey's answer; ``PasskeyRefused`` whatever is wrong with it, ``SignInRefused`` for nobody's member."""
    guessed = [subject(door.credentials, "address", visitor.address)]
    await brake.check(door.database, guessed)
    try:
        verified = await passkeys.finish_sign_in(door.database, door.party, browser, answer)
    except Problem:
        await brake.failed(door.database, guessed)
        raise
    for place in await _places(door, verified.account_id):
        if tenant_id in (None, place) and await passkey_admitted(door.database, place, verified.passkey_id):
            opened = await _after(door, visitor, Known(verified.account_id, place), "passkey")
            return _inside(opened)
    raise SignInRefused


async def with_factor(door: Door, visitor: Visitor, *, token: str, code: str) -> SignedIn:
    """Take a code of the authenticator app, or a recovery code, for a sign-in that waits for it.

    ``FactorRefused`` for a wrong or used code, and for a sign-in that is over; ``TooManyAttempts``.
    """
    known, first = await _pending(door, token)
    guessed = [subject(door.credentials, "factor", known.account_id.hex)]
    await brake.check(door.database, guessed)
    proof: Proof
    if await totp.check(door.database, door.sealer, known.account_id, code):
        proof = "totp"
    elif await recovery.use(door.database, known.account_id, code):
        proof = "recovery"
    else:
        await brake.failed(door.database, guessed)
        await _ask(door, _FAIL, _hash(token))
        raise FactorRefused
    await brake.succeeded(door.database, guessed)
    return await _finish(door, visitor, token, known, first, proof)


async def with_sign_on(door: Door, visitor: Visitor, known: Known) -> SignedIn:
    """Take the word of an organisation's own sign-on, which was verified; ``SignInRefused`` for nobody's member."""
    if known.tenant_id not in await _places(door, known.account_id):
        raise SignInRefused
    return _inside(await _after(door, visitor, known, "sso"))


async def after_reset(door: Door, visitor: Visitor, known: Known) -> SignedIn | Wait | Unverified:
    """Go on after a new password was set by a mailed link, as after any link."""
    return await _after(door, visitor, known, "link")


async def ask_letter_again(door: Door, visitor: Visitor, *, token: str) -> None:
    """Ask once more for the letter that proves an address; ``FactorRefused`` for a sign-in that is over,
    ``LettersBraked``."""
    known, _ = await _pending(door, token)
    await _ask_letter(door, visitor, known)


async def passkey_options(door: Door, browser: str) -> str:
    """Return what a browser asks a passkey for, as JSON."""
    return await passkeys.begin_sign_in(door.database, door.party, browser)


async def held_by_pending(door: Door, token: str) -> Held:
    """Return the factors of whoever a waiting sign-in is about; ``FactorRefused`` if it is over."""
    known, _ = await _pending(door, token)
    return await factors_of(door.database, known.account_id)


async def with_passkey_as_factor(
    door: Door, visitor: Visitor, *, token: str, browser: str, answer: dict[str, Any]
) -> SignedIn:  # fmt: skip
    """Take a passkey in the place of a code, of the same person."""
    known, first = await _pending(door, token)
    await passkeys.finish_step_up(door.database, door.party, browser, known.account_id, answer)
    return await _finish(door, visitor, token, known, first, "passkey")


async def factor_passkey_options(door: Door, token: str, browser: str) -> str:
    """Return what a browser asks a passkey of the waiting person for, as JSON."""
    known, _ = await _pending(door, token)
    return await passkeys.begin_step_up(door.database, door.party, browser, known.account_id)


def device_mark(credentials: Credentials, account_id: UUID, device: str) -> str:
    """Return what a browser keeps after a sign-in: the account, a random value of its own, and our MAC of both."""
    about = f"{account_id.hex}.{device}"
    return f"{about}.{credentials.hash(f'device {about}').hex()}"


def read_mark(credentials: Credentials, mark: str | None) -> tuple[str, str] | None:
    """Return account (hex) and random value of a mark that is genuine; None for any other text."""
    parts = (mark or "").split(".")
    if len(parts) != 3 or not re.fullmatch(r"[0-9a-f]{32}", parts[0]):
        return None
    genuine = device_mark(credentials, UUID(hex=parts[0]), parts[1])
    return (parts[0], parts[1]) if secrets.compare_digest(genuine.encode(), (mark or "").encode()) else None


async def _after(door: Door, visitor: Visitor, known: Known, proof: Proof) -> SignedIn | Wait | Unverified:
    """Go from the first proof to what the table says.

    ``SignOnRequired`` where the organisation has its own sign-on; ``SignInHeld`` where the sign-in is unlike the
    person's others, and is locked, or wants a second factor that they do not have: a thief would enrol one.
    """
    verified = await _ask(door, _VERIFIED, known.account_id)
    await require_way(door.database, known.account_id, known.tenant_id, proof)
    held = await factors_of(door.database, known.account_id)
    demanded = await demanded_of(door.database, known.tenant_id)
    wanted = wanted_after(
        proof, required=demanded.second_factor_required, has_second=held.has_second, verified=bool(verified)
    )
    judgement = await _judge(door, visitor, known)
    if judgement.action == "step_up" and wanted not in ("factor", "verify"):
        if proof not in ("passkey", "sso"):
            raise SignInHeld("This sign-in is unlike your others. Use a passkey, or sign in from where you usually do.")
        await _remember(door, visitor, known)
    state = following("identified", proof, wanted)
    if state in ("factor", "verify"):
        token = secrets.token_urlsafe(32)
        await _ask(door, _BEGIN, new_id(), _hash(token), known.account_id, known.tenant_id, [proof], PENDING_VALID)
        if state == "factor":
            return Wait(token, held)
        with contextlib.suppress(LettersBraked):  # one is on its way already
            await _ask_letter(door, visitor, known)
        return Unverified(token)
    return await _open(door, visitor, known, proof, [proof], state)


async def _finish(
    door: Door, visitor: Visitor, token: str, known: Known, first: list[str], proof: Proof
) -> SignedIn:  # fmt: skip
    state = following("factor", proof, "nothing")
    # Attack: a sign-in that waits for its address to be proved goes on with a code instead.
    if not await _ask(door, _VERIFIED, known.account_id) or not await _ask(door, _END, _hash(token)):
        raise FactorRefused
    await _remember(door, visitor, known)
    method: Any = first[0]
    return await _open(door, visitor, known, method, [*first, proof], state)


async def _ask_letter(door: Door, visitor: Visitor, known: Known) -> None:
    address = await _ask(door, _ADDRESS, known.account_id)
    if address is not None:
        await ask(door.database, door.credentials, visitor, email=address, wanted="verify", browser="")


def _inside(outcome: SignedIn | Wait | Unverified) -> SignedIn:
    """Return the session; for a passkey and a sign-on the table has no other step, but for an unproved address."""
    if isinstance(outcome, Unverified):
        raise NotVerified
    assert isinstance(outcome, SignedIn)
    return outcome


async def _open(
    door: Door, visitor: Visitor, known: Known, method: Proof, proofs: list[str], state: State
) -> SignedIn:  # fmt: skip
    return await sign_in.open_session(
        door.database, door.credentials, visitor, known.tenant_id, known.account_id, method=method, proofs=proofs,
        must_enrol=state == "enrolment",
    )  # fmt: skip


async def _judge(door: Door, visitor: Visitor, known: Known) -> Judgement:
    """Compare the sign-in with the person's own past; ``SignInHeld`` where an alert lets nobody in."""
    async with door.database.transaction(_person(visitor, known)) as tx:
        judgement = await note_sign_in(
            tx, account_id=known.account_id, address=visitor.address, user_agent=visitor.user_agent,
            device=visitor.device,
        )  # fmt: skip
    if judgement.action == "lock":
        raise SignInHeld("An alert about your account is open. Somebody who manages members has to look at it first.")
    return judgement


async def _remember(door: Door, visitor: Visitor, known: Known) -> None:
    """Know the browser and its country from now on: every factor was right."""
    async with door.database.transaction(_person(visitor, known)) as tx:
        await remember_sign_in(
            tx, account_id=known.account_id, address=visitor.address, user_agent=visitor.user_agent,
            device=visitor.device,
        )  # fmt: skip


def _person(visitor: Visitor, known: Known) -> Principal:
    return Principal(
        tenant_id=known.tenant_id, actor_id=known.account_id, kind=ActorKind.USER, role="nobody",
        request_id=visitor.request_id, address=pack_address(visitor.address),
    )  # fmt: skip


async def _pending(door: Door, token: str) -> tuple[Known, list[str]]:
    async with door.database.gate().acquire() as connection:
        found = await connection.fetchrow(_FIND, _hash(token))
    if found is None:
        raise FactorRefused("Sign in again: this took too long, or was tried too often.")
    return Known(found["account_id"], found["tenant_id"]), list(found["proofs"])


async def _places(door: Door, account_id: UUID) -> list[UUID]:
    async with door.database.gate().acquire() as connection:
        return [row["tenant_id"] for row in await connection.fetch(_PLACES, account_id)]


async def _ask(door: Door, sql: str, *values: Any) -> Any:
    async with door.database.gate().acquire() as connection:
        return await connection.fetchval(sql, *values)


async def _subjects(door: Door, visitor: Visitor, address: str, device: str | None) -> list[Subject]:
    """A browser that the person signed in with before is braked by itself: nobody else's failures hold it up.

    Attack: a mark of one's own account, brought to guess at another's, would be a counter that is always fresh.
    """
    if device is not None:
        account_id = await _ask(door, "select id from identity.find_account($1)", address)
        if account_id is not None and device.startswith(f"{account_id.hex}."):
            return [subject(door.credentials, "device", device)]
    return [
        subject(door.credentials, "account", address),
        subject(door.credentials, "address", visitor.address),
        subject(door.credentials, "pair", address, visitor.address),
    ]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
