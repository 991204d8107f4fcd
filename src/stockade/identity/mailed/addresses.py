"""Changing one's own address: the new one counts once its letter is followed, and the former one can undo it.

Whoever gets hold of a session and changes the address, to have the letters from then on, is thereby announced where the
person reads letters now, with a way back that needs no session.
"""

import secrets
from typing import Any
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.factors import telling
from stockade.identity.mailed import words
from stockade.identity.mailed.following import end_sessions
from stockade.identity.mailed.words import letter_of, moment
from stockade.identity.service.sessions import end_other_sessions
from stockade.identity.service.sign_in import LINK_BYTES, LinkRefused, Visitor, hash_link
from stockade.identity.signing_in import brake
from stockade.identity.signing_in.brake import subject
from stockade.identity.signing_in.flow import Door
from stockade.identity.signing_in.recent import require_recent
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict, Invalid
from stockade.kernel.words import N_
from stockade.mail.addresses import checked_address
from stockade.mail.sending import send
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Transaction


class Taken(msgspec.Struct, frozen=True):
    """What became of a change: the former address, the new one, and whether somebody else has that by now."""

    former: str
    fresh: str
    taken: bool


_OWN = raw("select email from identity.people() where account_id = $1", "account_id", str)
_HELD = raw("select identity.own_address_held()", row=bool)
_WANT = raw("select identity.want_own_address($1, $2, $3)", "id hash address")
_WANTED = raw("select identity.own_wanted_address($1)", "hash", str)
_TAKE = raw("select former, fresh, taken from identity.take_own_address($1, $2, $3)", "hash undo_id undo_hash", Taken)
_UNDO = "select account_id, tenant_id, dropped, restored, taken from identity.undo_address($1)"


class AddressHeld(Conflict):
    """The organisation has its people sign in by its own sign-on: its directory says what the address is."""

    type = "/problems/identity/address-held"
    title = "Your organisation's directory keeps this address"


class AddressTaken(Conflict):
    """Somebody else has the address by now. Only whoever reads letters there is ever told."""

    type = "/problems/identity/address-taken"
    title = "This address belongs to another account"


async def own_address(tx: Transaction) -> str:
    """Return the address that the person who asks signs in with."""
    return await _OWN.one(tx, account_id=tx.principal.actor_id)


async def want_address(tx: Transaction, door: Door, *, address: str, origin: str, locale: str) -> None:
    """Send a letter to the address that somebody wants to have; until it is followed, nothing changes.

    It is sent whether or not another account has that address, so that it cannot be asked who has one. Raises
    ``StepUpNeeded``, ``AddressHeld``, ``Invalid``, ``TooManyAttempts``.
    """
    await require_recent(tx)
    wanted = checked_address(address.strip().lower(), "email")
    if wanted == await own_address(tx):
        raise Invalid(N_("This is your address already."), field="email")
    if await _HELD.one(tx):
        raise AddressHeld
    subjects = [subject(door.credentials, "letters", wanted)]
    subjects += [subject(door.credentials, "letters", tx.principal.actor_id.hex)]
    await brake.check(door.database, subjects)
    await brake.failed(door.database, subjects)
    secret = secrets.token_urlsafe(LINK_BYTES)
    await _WANT.run(tx, id=new_id(), hash=hash_link(secret), address=wanted)
    link = f"{origin}/security/email/confirm?token={secret}"
    facts = [(words.WHEN, moment())]
    await send(tx, letter_of(words.NEW_ADDRESS, to=wanted, link=link, locale=locale, facts=facts))


async def wanted_address(tx: Transaction, secret: str) -> str | None:
    """Return the address that a link of the person who asks would make count; None for a link that does not work."""
    return await _WANTED.first(tx, hash=hash_link(secret))


async def confirm_address(tx: Transaction, *, secret: str, origin: str, locale: str) -> str:
    """Make the new address count, for the person who wanted it and has a session, and tell the former one.

    Return it. Raises ``LinkRefused`` and ``AddressTaken``. A stranger to whom the letter went by a slip of the pen
    cannot follow it: they are not signed in as its writer.
    """
    undo, undo_id = secrets.token_urlsafe(LINK_BYTES), new_id()
    found = await _TAKE.first(tx, hash=hash_link(secret), undo_id=undo_id, undo_hash=hash_link(undo))
    if found is None:
        raise LinkRefused
    if found.taken:
        raise AddressTaken
    await telling.note(tx, tx.principal.actor_id, "email_changed")
    await end_other_sessions(tx)
    facts = [(words.WHEN, moment()), (words.NEW, found.fresh)]
    link = f"{origin}/sign-in/undo?token={undo}"
    await send(tx, letter_of(words.ADDRESS_CHANGED, to=found.former, link=link, locale=locale, facts=facts))
    return found.fresh


async def undo_change(door: Door, visitor: Visitor, *, secret: str) -> str:
    """Bring a former address back, end every session of the account, and return the address.

    The password is worth nothing from then on: whoever changed the address may know it. ``LinkRefused``,
    ``AddressTaken``, ``TooManyAttempts``.
    """
    guessed = [subject(door.credentials, "address", visitor.address)]
    await brake.check(door.database, guessed)
    async with door.database.gate().acquire() as connection:
        row: Any = await connection.fetchrow(_UNDO, hash_link(secret))
    if row is None:
        await brake.failed(door.database, guessed)
        raise LinkRefused
    if row["taken"]:
        raise AddressTaken
    account_id: UUID = row["account_id"]
    await end_sessions(door, visitor, account_id)
    async with door.database.transaction(Principal.system(row["tenant_id"])) as tx:
        await telling.note(tx, account_id, "email_restored")
    return str(row["restored"])
