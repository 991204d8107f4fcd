"""People brought along from another system, with the hashes of their passwords.

A hash is kept with an account that the import makes, never with one that was there, and opens this organisation alone:
whoever brings a hash knows, or chose, the password. Nothing here says whether an account was there.
"""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import insert

from stockade.database.statements import TENANT, param, raw, statement
from stockade.identity.model import Membership
from stockade.identity.passwords.foreign import ForeignHashRefused, accepted
from stockade.identity.service.members import Place, list_members
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Transaction

Outcome = Literal["added", "member_already", "refused"]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to be given a place, and the hash that another system kept of their password; None for none.

    It has no readable form: what is logged or shown of it by mistake holds no hash.
    """

    email: str
    name: str
    place: Place
    password_hash: str | None = None

    def __repr__(self) -> str:
        return f"Person({self.place.role})"


class Imported(msgspec.Struct, frozen=True):
    """What became of a row, counted from 1; ``why`` says why it was refused."""

    row: int
    email: str
    outcome: Outcome
    why: str = ""


_IMPORT = raw("select identity.import_account($1, $2, $3, $4, $5)", "account_id row_id email name password_hash", UUID)
_INSERT = statement(
    insert(Membership).values(
        tenant_id=TENANT, id=param("id"), account_id=param("account_id"), role=param("role"),
        own_role_id=param("own_role_id"), regions=param("regions"), warehouses=param("warehouses"), state="active",
    )
)  # fmt: skip


async def import_people(tx: Transaction, people: Sequence[Person]) -> list[Imported]:
    """Give people a place in the tenant; return what became of each, in their order.

    Who is or was a member stays as they are. A row whose hash is not accepted is refused and the others go on. Nothing
    is hashed: a foreign hash is checked at the sign-in that replaces it.
    """
    known = {member.email for member in await list_members(tx)}
    found = []
    for number, person in enumerate(people, 1):
        email = person.email.strip().lower()
        if email in known:
            found.append(Imported(number, email, "member_already"))
            continue
        try:
            kept = accepted(person.password_hash) if person.password_hash is not None else None
        except ForeignHashRefused as refused:
            why = f"The hash of the password is not accepted: {refused}."
            found.append(Imported(number, email, "refused", why))
            continue
        account_id = await _IMPORT.one(
            tx, account_id=new_id(), row_id=new_id(), email=email, name=person.name, password_hash=kept
        )
        await _INSERT.run(tx, id=new_id(), account_id=account_id, **msgspec.structs.asdict(person.place))
        known.add(email)
        found.append(Imported(number, email, "added"))
    return found
