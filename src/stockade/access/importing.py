"""Bringing people along from another system, through the API.

A hash that one knows the password of is a way in, as a sign-in link is: people alone import, nobody above themselves,
with a fresh proof of who they are.
"""

from typing import Annotated
from uuid import UUID

import msgspec

from stockade.access.api import MANAGE_MEMBERS, NewMember, Regions, RoleName, Warehouses, place_of
from stockade.access.factors import PeopleOnly, require_person
from stockade.access.fields import Email, Text200
from stockade.access.permissions import Forbidden
from stockade.access.roles import require_assignable
from stockade.access.routes import post
from stockade.identity.passwords.foreign import LONGEST_HASH
from stockade.identity.service.importing import Imported, Person, import_people
from stockade.identity.service.members import AlreadyMember
from stockade.identity.signing_in.recent import StepUpNeeded, require_recent
from stockade.tenancy.transaction import Transaction

AT_ONCE = 500


class NewPerson(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody to be given a place. ``password_hash``: bcrypt, Django's, Argon2id or ASP.NET Core Identity's version 3.

    It is no part of any answer.
    """

    email: Email
    name: Text200
    role: RoleName
    own_role_id: UUID | None = None
    regions: Regions = []
    warehouses: Warehouses = []
    password_hash: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_HASH)] | None = None


class NewPeople(msgspec.Struct, forbid_unknown_fields=True):
    """The people to be given a place, at most 500 in a call."""

    people: Annotated[list[NewPerson], msgspec.Meta(min_length=1, max_length=AT_ONCE)]


class ImportedPeople(msgspec.Struct, frozen=True):
    """What became of each row, in their order."""

    rows: list[Imported]


@post(
    "/members/import", permission=MANAGE_MEMBERS, problems=[AlreadyMember, Forbidden, PeopleOnly, StepUpNeeded]
)  # fmt: skip
async def import_members(tx: Transaction, data: NewPeople) -> ImportedPeople:
    """Give people a place, with the hashes of their passwords from another system.

    A hash counts for an account that is made by it and opens this organisation alone. The first sign-in replaces it.
    """
    require_person(tx.principal)
    await require_recent(tx)
    for role, own_role_id in {(person.role, person.own_role_id) for person in data.people}:
        await require_assignable(tx, role, own_role_id)
    return ImportedPeople(await import_people(tx, [_person(given) for given in data.people]))


def _person(given: NewPerson) -> Person:
    place = place_of(NewMember(
        email=given.email, name=given.name, role=given.role, own_role_id=given.own_role_id, regions=given.regions,
        warehouses=given.warehouses,
    ))  # fmt: skip
    return Person(email=given.email, name=given.name, place=place, password_hash=given.password_hash)


ROUTES = [import_members]
