"""Passkeys: enrolled by a signed-in person, named, revoked; and how one signs in or proves oneself again.

Verbs of the signed-in person run in their transaction, and the database takes the person from the pin. Those of the
sign-in run on the gate, each in a transaction of its own: what they use up stays used, whatever comes of it.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from webauthn import generate_authentication_options, generate_registration_options, options_to_json
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from stockade.database.statements import raw
from stockade.identity.factors.ceremony import (
    TIMEOUT_MILLISECONDS,
    Answer,
    Enrolled,
    Party,
    PasskeyRefused,
    challenge_of,
    credential_of,
    hashed,
    holder_of,
    new_challenge,
    verify_enrolment,
    verify_signature,
)
from stockade.identity.factors.policy import Policy, read_policy, roots_of
from stockade.identity.factors.telling import tell, tell_at_home
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict, NotFound, Problem
from stockade.tenancy.transaction import Database, Transaction, on_violation

MOST = 20
"""How many passkeys somebody may have in use."""
NAME = "Stockade"
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"\S")]


class PasskeyNotEnrolled(Problem):
    """The answer to an enrolment is not one to the question of this browser, or too late, or for another address."""

    type = "/problems/identity/passkey-not-enrolled"
    title = "The passkey could not be enrolled; try again"
    status = 422


class ModelNotAllowed(Problem):
    """The organisation allows certain models of authenticators, and this is none, or does not prove that it is one."""

    type = "/problems/identity/authenticator-not-allowed"
    title = "Your organisation does not allow this kind of authenticator"
    status = 403


class PasskeyKnown(Conflict):
    """A credential has one holder, and is enrolled once."""

    type = "/problems/identity/passkey-known"
    title = "This passkey is enrolled already"


class TooManyPasskeys(Conflict):
    """Somebody has a bounded number of passkeys."""

    type = "/problems/identity/too-many-passkeys"
    title = "You have as many passkeys as one may have; revoke one first"


on_violation("passkey_credential_id_key", PasskeyKnown)


class Passkey(msgspec.Struct, frozen=True):
    """One of a person's own passkeys."""

    id: UUID
    name: str
    aaguid: UUID
    attested: bool
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    cloned_at: datetime | None


class Verified(msgspec.Struct, frozen=True):
    """Whose signature was verified, and with which passkey."""

    account_id: UUID
    passkey_id: UUID


class _Kept(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    aaguid: UUID
    attested: bool
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    cloned_at: datetime | None
    credential_id: bytes
    transports: list[str]


class _Person(msgspec.Struct, frozen=True):
    email: str
    name: str


_OWN = raw(f"select {', '.join(_Kept.__struct_fields__)} from identity.own_passkeys()", "", _Kept)
_PERSON = raw("select email, name from identity.people() where account_id = $1", "account_id", _Person)
_OPEN = raw("select identity.open_own_challenge($1, $2, $3)", "id hash browser")
_TAKE = raw("select identity.take_own_challenge($1, $2)", "hash browser", bool)
_ADD = raw(
    "select identity.add_own_passkey($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    "id credential_id public_key sign_count transports aaguid attested name backed_up",
)
_RENAME = raw("select identity.rename_own_passkey($1, $2)", "id name", bool)
_REVOKE = raw("select identity.revoke_own_passkey($1)", "id", str)
_OPEN_SIGN_IN = "select identity.open_sign_in_challenge($1, $2, $3, $4)"
_TAKE_SIGN_IN = "select identity.take_sign_in_challenge($1, $2, $3)"
_FIND = "select id, account_id, public_key, name from identity.find_passkey($1)"
_USABLE = "select credential_id, transports from identity.usable_passkeys($1)"
_NOTE_USE = "select identity.use_passkey($1, $2, $3)"


async def list_passkeys(tx: Transaction) -> list[Passkey]:
    """Return the signed-in person's passkeys, oldest first, revoked ones, too."""
    return [_shown(kept) for kept in await _OWN.all(tx)]


async def begin_enrolment(tx: Transaction, party: Party, browser: str) -> str:
    """Return the options for ``navigator.credentials.create`` as JSON. ``browser`` is what only this browser knows."""
    account_id, challenge = tx.principal.actor_id, new_challenge()
    usable = await _usable(tx)
    person = await _PERSON.one(tx, account_id=account_id)
    policy = await read_policy(tx)
    await _OPEN.run(tx, id=new_id(), hash=hashed(challenge), browser=hashed(browser))
    return options_to_json(
        generate_registration_options(
            rp_id=party.host, rp_name=NAME, user_id=account_id.bytes, user_name=person.email,
            user_display_name=person.name, challenge=challenge, timeout=TIMEOUT_MILLISECONDS,
            attestation=AttestationConveyancePreference(policy.attestation),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, require_resident_key=True,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[_descriptor(kept.credential_id, kept.transports) for kept in usable],
        )
    )  # fmt: skip


async def finish_enrolment(
    tx: Transaction, party: Party, browser: str, answer: Answer, name: str, id: UUID | None = None
) -> Passkey:  # fmt: skip
    """Enrol the passkey that answered.

    Raises ``PasskeyNotEnrolled``, ``ModelNotAllowed`` (the organisation's policy), ``PasskeyKnown``,
    ``TooManyPasskeys``.
    """
    await _usable(tx)
    policy = await read_policy(tx)
    enrolled = await _enrolled(tx, party, browser, answer, policy)
    passkey_id = id or new_id()
    given = msgspec.structs.asdict(enrolled)
    await _ADD.run(tx, id=passkey_id, transports=_transports(answer), name=name, **given)
    await tell(tx, tx.principal.actor_id, "passkey_added", name)
    return await read_passkey(tx, passkey_id)


async def read_passkey(tx: Transaction, passkey_id: UUID) -> Passkey:
    """Return one of the signed-in person's passkeys; ``NotFound`` for anybody else's."""
    for kept in await _OWN.all(tx):
        if kept.id == passkey_id:
            return _shown(kept)
    raise NotFound


async def rename_passkey(tx: Transaction, passkey_id: UUID, name: str) -> Passkey:
    """Give a passkey of one's own another name; ``NotFound`` for a revoked one and for anybody else's."""
    if not await _RENAME.first(tx, id=passkey_id, name=name):
        raise NotFound
    await tell(tx, tx.principal.actor_id, "passkey_renamed", name)
    return await read_passkey(tx, passkey_id)


async def revoke_passkey(tx: Transaction, passkey_id: UUID) -> None:
    """Revoke a passkey of one's own: it signs nobody in from now on. ``NotFound`` for anybody else's."""
    name = await _REVOKE.first(tx, id=passkey_id)
    if name is None:
        raise NotFound
    await tell(tx, tx.principal.actor_id, "passkey_revoked", name)


async def begin_sign_in(database: Database, party: Party, browser: str) -> str:
    """Return the options for ``navigator.credentials.get`` as JSON: nobody is named, whoever answers says who it is."""
    return await _ask(database, party, browser, None, [])


async def finish_sign_in(database: Database, party: Party, browser: str, answer: Answer) -> Verified:
    """Verify an answer to ``begin_sign_in``; ``PasskeyRefused`` whatever is wrong with it."""
    return await _verified(database, party, browser, None, answer)


async def begin_step_up(database: Database, party: Party, browser: str, account_id: UUID) -> str:
    """Return the options with which somebody who is known proves themselves again."""
    async with database.gate().acquire() as connection:
        usable = await connection.fetch(_USABLE, account_id)
    allowed = [_descriptor(row["credential_id"], row["transports"]) for row in usable]
    return await _ask(database, party, browser, account_id, allowed)


async def finish_step_up(
    database: Database, party: Party, browser: str, account_id: UUID, answer: Answer
) -> Verified:  # fmt: skip
    """Verify an answer to ``begin_step_up`` of the same account; ``PasskeyRefused``."""
    return await _verified(database, party, browser, account_id, answer)


async def _ask(
    database: Database, party: Party, browser: str, account_id: UUID | None,
    allowed: list[PublicKeyCredentialDescriptor],
) -> str:  # fmt: skip
    challenge = new_challenge()
    async with database.gate().acquire() as connection:
        await connection.execute(_OPEN_SIGN_IN, new_id(), hashed(challenge), account_id, hashed(browser))
    return options_to_json(
        generate_authentication_options(
            rp_id=party.host, challenge=challenge, timeout=TIMEOUT_MILLISECONDS, allow_credentials=allowed,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )  # fmt: skip


async def _verified(
    database: Database, party: Party, browser: str, account_id: UUID | None, answer: Answer
) -> Verified:  # fmt: skip
    """Take the challenge, find the credential, verify, and note the count, in this order."""
    challenge, credential = challenge_of(answer), credential_of(answer)
    async with database.gate().acquire() as connection:
        if not await connection.fetchval(_TAKE_SIGN_IN, hashed(challenge), account_id, hashed(browser)):
            raise PasskeyRefused
        found = await connection.fetchrow(_FIND, credential)
    if found is None or not _is_holder(found["account_id"], account_id, answer):
        raise PasskeyRefused
    signed = verify_signature(party, answer, challenge, found["public_key"])
    async with database.gate().acquire() as connection:
        outcome = await connection.fetchval(_NOTE_USE, found["id"], signed.sign_count, signed.backed_up)
    if outcome == "cloned":
        await tell_at_home(database, found["account_id"], "passkey_cloned", found["name"])
    if outcome != "used":
        raise PasskeyRefused
    return Verified(found["account_id"], found["id"])


def _is_holder(holder: UUID, wanted: UUID | None, answer: Answer) -> bool:
    """Whether a credential is the one's who is asked for; where nobody is, the authenticator has to say whose it is."""
    if wanted is not None:
        return holder == wanted
    return holder_of(answer) == holder.bytes


async def _usable(tx: Transaction) -> list[_Kept]:
    usable = [kept for kept in await _OWN.all(tx) if kept.revoked_at is None]
    if len(usable) >= MOST:
        raise TooManyPasskeys
    return usable


async def _enrolled(tx: Transaction, party: Party, browser: str, answer: Answer, policy: Policy) -> Enrolled:
    """Verify an enrolment against this browser's challenge and the organisation's policy."""
    roots = roots_of(policy.attestation_roots) if policy.attestation == "direct" else []
    try:
        challenge = challenge_of(answer)
        if not await _TAKE.first(tx, hash=hashed(challenge), browser=hashed(browser)):
            raise PasskeyNotEnrolled
        plain = verify_enrolment(party, answer, challenge, [])
    except PasskeyRefused:
        raise PasskeyNotEnrolled from None
    if not roots:
        return plain
    try:
        attested = verify_enrolment(party, answer, challenge, roots)
    except PasskeyRefused:
        raise ModelNotAllowed from None
    if policy.aaguids and attested.aaguid not in policy.aaguids:
        raise ModelNotAllowed
    return attested


def _transports(answer: Answer) -> list[str]:
    """Return how the authenticator may be reached, as far as WebAuthn knows the way."""
    response: Any = answer.get("response")
    said: Any = response.get("transports") if isinstance(response, dict) else None
    known = {way.value for way in AuthenticatorTransport}
    return [way for way in said if isinstance(way, str) and way in known][:10] if isinstance(said, list) else []


def _descriptor(credential_id: bytes, transports: list[str]) -> PublicKeyCredentialDescriptor:
    ways = [AuthenticatorTransport(way) for way in transports]
    return PublicKeyCredentialDescriptor(id=credential_id, transports=ways or None)


def _shown(kept: _Kept) -> Passkey:
    return Passkey(*(getattr(kept, field) for field in Passkey.__struct_fields__))
