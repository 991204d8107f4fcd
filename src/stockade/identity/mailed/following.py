"""Following a mailed link: what it is for, and a new password in exchange for one.

Nothing here is done by opening a link. One that was asked for in another browser is told from one that works, so that
its page can say where to open it; the link is not spent by that.
"""

from typing import Any, Literal
from uuid import UUID

import msgspec

from stockade.identity.factors import telling
from stockade.identity.factors.policy import demanded_of
from stockade.identity.passwords.hashing import hash_password
from stockade.identity.passwords.strength import require_strong
from stockade.identity.service.sessions import end_sessions_of
from stockade.identity.service.sign_in import LinkRefused, Visitor, hash_link
from stockade.identity.signing_in import brake
from stockade.identity.signing_in.brake import subject
from stockade.identity.signing_in.flow import Door, Known
from stockade.identity.sso.requiring import require_way
from stockade.kernel.problems import Problem
from stockade.tenancy.pin import ActorKind, pack_address
from stockade.tenancy.principal import Principal

Purpose = Literal["sign_in", "reset", "address", "undo"]
_LOOK = "select purpose, account_id, tenant_id, elsewhere from identity.look_at_link($1, $2)"
_RESET = "select account_id, tenant_id from identity.use_reset($1, $2, $3)"
_HOMES = "select identity.homes_of($1)"


class OtherBrowser(Problem):
    """The link works in the browser in which it was asked for. It was not spent."""

    type = "/problems/identity/other-browser"
    title = "Open this link in the browser in which you asked for it"
    status = 403


class PasswordsNotUsed(Problem):
    """The organisation signs in without passwords since the link was sent."""

    type = "/problems/identity/passwords-not-used"
    title = "Your organisation signs in without passwords"
    status = 403


class Link(msgspec.Struct, frozen=True):
    """A link that works: what it is for, whose it is, and whether another browser asked for it."""

    purpose: Purpose
    account_id: UUID
    tenant_id: UUID
    elsewhere: bool


async def look_at(door: Door, secret: str, browser: str) -> Link | None:
    """Return what a link is for; None for one that is used up, expired or was never issued. It stays unused."""
    async with door.database.gate().acquire() as connection:
        row: Any = await connection.fetchrow(_LOOK, hash_link(secret), hash_link(browser))
    return None if row is None else Link(**row)


async def set_password(
    door: Door, visitor: Visitor, *, secret: str, browser: str, password: str
) -> Known:  # fmt: skip
    """Set a password by the link that was mailed for it, end every session of the account, and tell its person.

    It lets nobody in by itself: ``flow.after_reset`` goes on, and a second factor is still wanted. Raises ``Invalid``
    for a password that is easy to guess or was breached, ``LinkRefused``, ``OtherBrowser``, ``PasswordsNotUsed``,
    ``SignOnRequired``, ``TooManyAttempts``; the link is spent by none of them.
    """
    guessed = [subject(door.credentials, "address", visitor.address)]
    await brake.check(door.database, guessed)
    link = await look_at(door, secret, browser)
    if link is None or link.purpose != "reset":
        await brake.failed(door.database, guessed)
        raise LinkRefused
    if link.elsewhere:
        raise OtherBrowser
    await require_way(door.database, link.account_id, link.tenant_id, "password")
    if not (await demanded_of(door.database, link.tenant_id)).passwords_allowed:
        raise PasswordsNotUsed
    await require_strong(password, breached=door.breached)
    hashed = await hash_password(password)
    async with door.database.gate().acquire() as connection:
        row: Any = await connection.fetchrow(_RESET, hash_link(secret), hash_link(browser), hashed)
    if row is None:
        raise LinkRefused
    known = Known(row["account_id"], row["tenant_id"])
    await end_sessions(door, visitor, known.account_id)
    await telling.tell_at_home(door.database, known.account_id, "password_reset")
    return known


async def end_sessions(door: Door, visitor: Visitor, account_id: UUID) -> None:
    """End every session of an account, in every company of its person."""
    async with door.database.gate().acquire() as connection:
        homes = [row[0] for row in await connection.fetch(_HOMES, account_id)]
    for home in homes:
        who = Principal(
            tenant_id=home, actor_id=account_id, kind=ActorKind.USER, role="nobody", request_id=visitor.request_id,
            address=pack_address(visitor.address),
        )  # fmt: skip
        async with door.database.transaction(who) as tx:
            await end_sessions_of(tx, account_id)
