"""Viewing as: a session looks through the eyes of a role that its person could give, and changes nothing meanwhile.

The role stands in the session's row, and is part of what the database confirms at each request. It ends with a change
of the person's place or of any of the company's roles, so that nobody keeps eyes that they could not have today.
"""

from uuid import UUID

from stockade.access.permissions import Forbidden
from stockade.access.roles import require_assignable
from stockade.database.statements import raw
from stockade.kernel.problems import Invalid
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Transaction

_SET = raw(
    "update identity.session set viewing_as = $4 where tenant_id = $1 and id = $2 and account_id = $3",
    "this_tenant id account_id role",
)


async def view_as(tx: Transaction, role: str) -> None:
    """Look through a role's eyes from the next request on: a system role's name, or ``own:<id>``.

    ``Forbidden`` for what the person could not give, for programs, and while another role is looked through.
    """
    _people_only(tx)
    if tx.principal.read_only:
        raise Forbidden("End the view that is open first.")
    kind, _, own_id = role.partition(":")
    await require_assignable(tx, kind, _id(own_id) if kind == "own" else None)
    await _set(tx, role)


async def end_view(tx: Transaction) -> None:
    """Look with one's own eyes again."""
    _people_only(tx)
    await _set(tx, None)


async def _set(tx: Transaction, role: str | None) -> None:
    who = tx.principal
    await _SET.run(tx, id=who.credential_id, account_id=who.actor_id, role=role)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("Choose a role.", field="role") from None


def _people_only(tx: Transaction) -> None:
    if tx.principal.kind is not ActorKind.USER:
        raise Forbidden("Only a person who is signed in sees pages.")
