"""Ways in for people: a one-time link for a member, handed over by whoever invites.

A link is as good as the person that it lets in, so it is made for nobody above the inviter, by people alone, and it is
shown once.
"""

from datetime import timedelta
from uuid import UUID

from stockade.access.permissions import Forbidden
from stockade.access.roles import require_assignable
from stockade.identity.service.members import Place, add_member, read_member
from stockade.identity.service.sign_in import issue_link
from stockade.kernel.problems import Conflict
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Transaction

LINK_VALID = timedelta(hours=24)


class NotActive(Conflict):
    """Somebody whose membership has ended has no way in."""

    type = "/problems/identity/not-active"
    title = "This person is no active member"


async def invite(tx: Transaction, id: UUID, *, email: str, name: str, place: Place) -> str:
    """Give a person a place in the tenant and return the secret of a one-time link."""
    _people_only(tx)
    await require_assignable(tx, place.role, place.own_role_id)
    account_id = await add_member(tx, id=id, email=email, name=name, place=place)
    return await issue_link(tx, account_id, valid=LINK_VALID)


async def fresh_link(tx: Transaction, member_id: UUID) -> str:
    """Return the secret of a one-time link for a member who is there; ``NotFound``, ``NotActive``, ``Forbidden``."""
    _people_only(tx)
    member = await read_member(tx, member_id)
    await require_assignable(tx, member.role, member.own_role_id)
    if member.state != "active":
        raise NotActive
    return await issue_link(tx, member.account_id, valid=LINK_VALID)


def _people_only(tx: Transaction) -> None:
    """Attack: a leaked API key that makes itself a person's session, which outlives its revocation."""
    if tx.principal.kind is not ActorKind.USER:
        raise Forbidden("Only a person who is signed in may make a sign-in link.")
