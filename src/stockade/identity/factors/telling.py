"""Telling: what changes about somebody's factors stands in the trail, and goes to them by letter.

Whoever gets hold of a session and adds a factor of their own to stay in is thereby announced to its owner.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import insert

from stockade.database.statements import TENANT, param, raw, statement
from stockade.identity.factors.model import FactorChange
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.mail.letters import Letter
from stockade.mail.sending import TooManyLetters, send
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Transaction

SENDER = "Stockade"
_SUBJECTS: Mapping[str, str] = {
    "passkey_added": "A passkey was added to your account",
    "passkey_revoked": "A passkey of your account was revoked",
    "passkey_cloned": "A passkey of your account may have been copied",
    "totp_added": "An authenticator app was added to your account",
    "totp_removed": "The authenticator app was removed from your account",
    "recovery_codes_made": "New recovery codes were made for your account",
    "recovery_code_used": "A recovery code of your account was used",
    "password_reset": "A new password was set for your account",
}
_IF_NOT_YOU = (
    "If this was you, there is nothing to do. If it was not, sign in, end your other sessions, remove what you do not "
    "know on the page Security, and tell your administrator."
)
_CLONED = (
    "A signature came whose count was not above the last one, as happens when two devices sign with one key. It was "
    "refused. Revoke the passkey on the page Security, and add a new one."
)
_NOTE = statement(
    insert(FactorChange).values(
        tenant_id=TENANT, id=param("id"), account_id=param("account_id"), change=param("change"), called=param("called")
    )
)
_ADDRESS = raw(
    "select p.email from identity.people() p join tenancy.tenant t on t.id = $1 "
    "where p.account_id = $2 and not t.is_probe",
    "this_tenant account_id",
    str,
)
"""Where letters go: the controls' own people have no letter box."""
_HOMES = "select identity.homes_of($1)"


async def tell(tx: Transaction, account_id: UUID, change: str, called: str = "") -> None:
    """Note a change in the trail, and send its letter.

    An organisation whose letters of this hour are spent is told by the trail alone: a factor can be revoked at any
    time.
    """
    await _NOTE.run(tx, id=new_id(), account_id=account_id, change=change, called=called)
    address = await _ADDRESS.first(tx, account_id=account_id)
    if address is None or change not in _SUBJECTS:
        return
    body = _CLONED if change == "passkey_cloned" else _IF_NOT_YOU
    facts = [("When", f"{now():%Y-%m-%d %H:%M} UTC"), *([("Called", called)] if called else [])]
    letter = Letter(to=address, subject=_SUBJECTS[change], body=body, sender_name=SENDER, facts=facts)
    try:
        await send(tx, letter)
    except TooManyLetters:
        return


async def note(tx: Transaction, account_id: UUID, change: str) -> None:
    """Note a change in the trail alone; its letter is another one's to send."""
    await _NOTE.run(tx, id=new_id(), account_id=account_id, change=change, called="")


async def tell_at_home(database: Database, account_id: UUID, change: str, called: str = "") -> None:
    """Tell somebody who is not signed in yet: the trail of each organisation of theirs, and a letter from the first."""
    async with database.gate().acquire() as connection:
        homes = [row[0] for row in await connection.fetch(_HOMES, account_id)]
    for place, tenant_id in enumerate(homes):
        async with database.transaction(Principal.system(tenant_id)) as tx:
            if place == 0:
                await tell(tx, account_id, change, called)
            else:
                await _NOTE.run(tx, id=new_id(), account_id=account_id, change=change, called=called)
