"""Letters about signing in: that an account was locked. They go through the tenants that the person works for."""

from typing import TYPE_CHECKING

from stockade.identity.service.sign_in import Visitor
from stockade.identity.suspicion.noting import raise_alert
from stockade.kernel.problems import Problem
from stockade.mail.letters import Letter
from stockade.mail.sending import send
from stockade.tenancy.principal import Principal

if TYPE_CHECKING:
    from stockade.identity.signing_in.flow import Door

_FIND = "select id from identity.find_account($1)"
_PLACES = "select tenant_id, email, name from identity.places_of($1)"
_LOCKED = """Somebody tried to sign in to your account with wrong passwords, twenty times or more, last from {address}.

Password sign-ins from browsers that you never used are closed for an hour. A passkey, a sign-in link and the browsers
that you use still work. If it was you, wait or ask a colleague for a sign-in link. If it was not, nothing else is to be
done: nobody has come in."""


async def locked(door: "Door", address: str, visitor: Visitor) -> None:
    """Tell the person behind an address, if there is one, that their account was locked."""
    async with door.database.gate().acquire() as connection:
        account_id = await connection.fetchval(_FIND, address)
        places = [] if account_id is None else await connection.fetch(_PLACES, account_id)
    for place in places[:1]:
        letter = Letter(
            to=place["email"], subject="Your account was locked", body=_LOCKED.format(address=visitor.address),
            sender_name="Stockade",
        )  # fmt: skip
        try:
            async with door.database.transaction(Principal.system(place["tenant_id"])) as tx:
                await raise_alert(tx, "lockout", actor_id=account_id, evidence={"address": visitor.address})
                await send(tx, letter)
        except Problem:  # a tenant that has sent too many letters; the lock holds without one
            return
