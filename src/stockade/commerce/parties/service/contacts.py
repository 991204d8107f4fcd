"""Contacts: the people at a customer. They are added, changed and removed for good."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Text, and_, delete, func, insert, select, update

from stockade.access.fields import Email, Phone, Text80, Text200, Version, lowered, merged
from stockade.commerce.parties.model import Contact, Customer
from stockade.commerce.parties.rules import MOST_OF_A_KIND, TooMany
from stockade.commerce.parties.service.customers import read_customer
from stockade.database.statements import TENANT, param, statement
from stockade.kernel.problems import NotFound, VersionConflict
from stockade.tenancy.transaction import Transaction


class ContactView(msgspec.Struct, frozen=True):
    """A person at a customer."""

    id: UUID
    customer_id: UUID
    name: str
    position: str | None
    email: str | None
    phone: str | None
    version: int


class NewContact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person to be added to a customer."""

    customer_id: UUID
    name: Text200
    position: Text80 | None = None
    email: Email | None = None
    phone: Phone | None = None


class ContactChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different about a contact; what is left out stays as it is."""

    expected_version: Version
    name: Text200 | UnsetType = UNSET
    position: Text80 | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET


_FIELDS = [getattr(Contact, name) for name in ContactView.__struct_fields__]
_CHANGEABLE = ("name", "position", "email", "phone")
_THIS = (Contact.tenant_id == TENANT, Contact.id == param("id"))
_OF_THE_CUSTOMER = and_(Contact.tenant_id == TENANT, Contact.customer_id == Customer.id)
_CUSTOMER = (Customer.tenant_id == TENANT, Customer.id == param("customer_id"))
_ALREADY = select(func.count()).where(_OF_THE_CUSTOMER).scalar_subquery()

_INSERT = statement(
    insert(Contact)
    .from_select(
        ["tenant_id", "id", "customer_id", *_CHANGEABLE],
        select(
            Customer.tenant_id, param("id", Contact.id.type), Customer.id, *(param(name, Text) for name in _CHANGEABLE)
        ).where(*_CUSTOMER, _ALREADY < MOST_OF_A_KIND),
    )
    .returning(*_FIELDS),
    ContactView,
)
_BY_ID = statement(select(*_FIELDS).where(*_THIS), ContactView)
_OF_CUSTOMER = statement(
    select(*_FIELDS)
    .select_from(Customer)
    .outerjoin(Contact, _OF_THE_CUSTOMER)
    .where(*_CUSTOMER)
    .order_by(Contact.id)
    .limit(MOST_OF_A_KIND),
    ContactView,
)
_UPDATE = statement(
    update(Contact)
    .where(*_THIS, Contact.version == param("expected"))
    .values({name: param(f"new_{name}") for name in _CHANGEABLE} | {"version": Contact.version + 1})
    .returning(*_FIELDS),
    ContactView,
)
_DELETE = statement(delete(Contact).where(*_THIS).returning(Contact.id), UUID)


async def add_contact(tx: Transaction, id: UUID, new: NewContact) -> ContactView:
    """Add a person to a customer; ``NotFound`` without such a customer, ``TooMany`` beyond two hundred."""
    added = await _INSERT.first(tx, id=id, **(msgspec.structs.asdict(new) | {"email": lowered(new.email)}))
    if added is None:
        await read_customer(tx, new.customer_id)
        raise TooMany
    return added


async def read_contact(tx: Transaction, contact_id: UUID) -> ContactView:
    """Return a contact; ``NotFound`` if there is none."""
    return await _BY_ID.one(tx, id=contact_id)


async def list_contacts(tx: Transaction, customer_id: UUID) -> list[ContactView]:
    """Return a customer's contacts in the order in which they were added; ``NotFound`` without such a customer."""
    rows = await _OF_CUSTOMER.all(tx, customer_id=customer_id)
    if not rows:
        raise NotFound
    return [row for row in rows if row.id is not None]  # the outer join's one empty row: a customer without any


async def change_contact(tx: Transaction, contact_id: UUID, change: ContactChange) -> ContactView:
    """Change some fields of a contact; ``VersionConflict`` unless it still is as the caller has read it."""
    before = await _BY_ID.one(tx, id=contact_id)
    after = merged(before, change)
    after = msgspec.structs.replace(after, email=lowered(after.email))
    if before.version != change.expected_version:
        raise VersionConflict
    values = {f"new_{name}": getattr(after, name) for name in _CHANGEABLE}
    saved = await _UPDATE.first(tx, id=contact_id, expected=change.expected_version, **values)
    if saved is None:
        raise VersionConflict
    return saved


async def remove_contact(tx: Transaction, contact_id: UUID) -> None:
    """Remove a contact for good; ``NotFound`` if there is none."""
    await _DELETE.one(tx, id=contact_id)
