"""Ways in for people: a letter to whoever is invited, and a one-time link to hand over.

The letter's link proves the address that it went to. The one that is shown to the inviter proves nothing: whoever comes
by it is sent a letter first. Where the installation sends no mail, handing the link over is all that there is; then it
counts as the administrator's word, and is recorded as that.

A link is as good as the person that it lets in, so it is made for nobody above the inviter, by people alone, and it is
shown once.
"""

from datetime import timedelta
from typing import Literal
from uuid import UUID

import msgspec

from stockade.access.permissions import Forbidden
from stockade.access.roles import require_assignable
from stockade.database.statements import raw
from stockade.identity.mailed import words
from stockade.identity.service.members import Place, add_member, read_member
from stockade.identity.service.sign_in import issue_link
from stockade.kernel.problems import Conflict
from stockade.mail.sending import send
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Transaction

LINK_VALID = timedelta(hours=24)
_COMPANY = raw("select name from tenancy.tenant where id = $1", "this_tenant", str)
_INVITER = raw("select name from identity.people() where account_id = $1", "id", str)


class Post(msgspec.Struct, frozen=True):
    """That the installation sends mail: the origin that links lead to, and the language to write in."""

    origin: str
    locale: str


class NotActive(Conflict):
    """Somebody whose membership has ended has no way in."""

    type = "/problems/identity/not-active"
    title = "This person is no active member"


async def invite(tx: Transaction, id: UUID, *, email: str, name: str, place: Place, post: Post | None) -> str:
    """Give a person a place in the tenant, send them their letter, and return the secret of a link to hand over.

    ``post`` is None where no mail is sent. Raises ``Forbidden``, ``AlreadyMember``, ``TooManyLetters``.
    """
    _people_only(tx)
    await require_assignable(tx, place.role, place.own_role_id)
    account_id = await add_member(tx, id=id, email=email, name=name, place=place)
    if post is not None:
        await send_invitation(tx, account_id, email.strip().lower(), post)
    return await issue_link(tx, account_id, valid=LINK_VALID, vouched_by=_word(post))


async def send_invitation(tx: Transaction, account_id: UUID, email: str, post: Post) -> None:
    """Write to a fresh member. Programs send none: a leaked key would have itself invited."""
    if tx.principal.kind is not ActorKind.USER:
        return
    secret = await issue_link(tx, account_id, valid=words.INVITATION_VALID, vouched_by="mail")
    inviter = await _INVITER.first(tx, id=tx.principal.actor_id)
    facts = [(words.COMPANY, await _COMPANY.one(tx)), *([(words.INVITED_BY, inviter)] if inviter else [])]
    link = f"{post.origin}/sign-in/once?token={secret}"
    await send(tx, words.letter_of(words.INVITATION, to=email, link=link, locale=post.locale, facts=facts))


async def fresh_link(tx: Transaction, member_id: UUID, post: Post | None) -> str:
    """Return the secret of a one-time link for a member who is there; ``NotFound``, ``NotActive``, ``Forbidden``."""
    _people_only(tx)
    member = await read_member(tx, member_id)
    await require_assignable(tx, member.role, member.own_role_id)
    if member.state != "active":
        raise NotActive
    return await issue_link(tx, member.account_id, valid=LINK_VALID, vouched_by=_word(post))


def _word(post: Post | None) -> Literal["administrator"] | None:
    return "administrator" if post is None else None


def _people_only(tx: Transaction) -> None:
    """Attack: a leaked API key that makes itself a person's session, which outlives its revocation."""
    if tx.principal.kind is not ActorKind.USER:
        raise Forbidden("Only a person who is signed in may make a sign-in link.")
