"""Addresses: where a customer gets its invoices or its goods. They are added, changed and removed for good."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Text, and_, delete, func, insert, select, update

from stockade.access.fields import CountryCode, Text80, Text200, Version, merged
from stockade.commerce.parties.model import Address, Customer
from stockade.commerce.parties.rules import MOST_OF_A_KIND, AddressKind, TooMany, checked_country
from stockade.commerce.parties.service.customers import read_customer
from stockade.database.statements import TENANT, param, statement
from stockade.kernel.problems import NotFound, VersionConflict
from stockade.tenancy.transaction import Transaction


class AddressView(msgspec.Struct, frozen=True):
    """Where a customer gets its invoices (``billing``) or its goods (``shipping``)."""

    id: UUID
    customer_id: UUID
    kind: AddressKind
    recipient: str
    street: str
    postcode: str
    city: str
    country: str
    version: int


class NewAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address to be added to a customer."""

    customer_id: UUID
    kind: AddressKind
    recipient: Text200
    street: Text200
    postcode: Text80
    city: Text80
    country: CountryCode


class AddressChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different about an address; what is left out stays as it is."""

    expected_version: Version
    kind: AddressKind | UnsetType = UNSET
    recipient: Text200 | UnsetType = UNSET
    street: Text200 | UnsetType = UNSET
    postcode: Text80 | UnsetType = UNSET
    city: Text80 | UnsetType = UNSET
    country: CountryCode | UnsetType = UNSET


_FIELDS = [getattr(Address, name) for name in AddressView.__struct_fields__]
_CHANGEABLE = ("kind", "recipient", "street", "postcode", "city", "country")
_THIS = (Address.tenant_id == TENANT, Address.id == param("id"))
_OF_THE_CUSTOMER = and_(Address.tenant_id == TENANT, Address.customer_id == Customer.id)
_CUSTOMER = (Customer.tenant_id == TENANT, Customer.id == param("customer_id"))
_ALREADY = select(func.count()).where(_OF_THE_CUSTOMER).scalar_subquery()

_INSERT = statement(
    insert(Address)
    .from_select(
        ["tenant_id", "id", "customer_id", *_CHANGEABLE],
        select(
            Customer.tenant_id, param("id", Address.id.type), Customer.id, *(param(name, Text) for name in _CHANGEABLE)
        ).where(*_CUSTOMER, _ALREADY < MOST_OF_A_KIND),
    )
    .returning(*_FIELDS),
    AddressView,
)
_BY_ID = statement(select(*_FIELDS).where(*_THIS), AddressView)
_OF_CUSTOMER = statement(
    select(*_FIELDS)
    .select_from(Customer)
    .outerjoin(Address, _OF_THE_CUSTOMER)
    .where(*_CUSTOMER)
    .order_by(Address.id)
    .limit(MOST_OF_A_KIND),
    AddressView,
)
_UPDATE = statement(
    update(Address)
    .where(*_THIS, Address.version == param("expected"))
    .values({name: param(f"new_{name}") for name in _CHANGEABLE} | {"version": Address.version + 1})
    .returning(*_FIELDS),
    AddressView,
)
_DELETE = statement(delete(Address).where(*_THIS).returning(Address.id), UUID)


async def add_address(tx: Transaction, id: UUID, new: NewAddress) -> AddressView:
    """Add an address to a customer; ``NotFound`` without such a customer, ``TooMany`` beyond two hundred."""
    checked_country(new.country)
    added = await _INSERT.first(tx, id=id, **msgspec.structs.asdict(new))
    if added is None:
        await read_customer(tx, new.customer_id)
        raise TooMany
    return added


async def read_address(tx: Transaction, address_id: UUID) -> AddressView:
    """Return an address; ``NotFound`` if there is none."""
    return await _BY_ID.one(tx, id=address_id)


async def list_addresses(tx: Transaction, customer_id: UUID) -> list[AddressView]:
    """Return a customer's addresses in the order in which they were added; ``NotFound`` without such a customer."""
    rows = await _OF_CUSTOMER.all(tx, customer_id=customer_id)
    if not rows:
        raise NotFound
    return [row for row in rows if row.id is not None]  # the outer join's one empty row: a customer without any


async def change_address(tx: Transaction, address_id: UUID, change: AddressChange) -> AddressView:
    """Change some fields of an address; ``VersionConflict`` unless it still is as the caller has read it."""
    before = await _BY_ID.one(tx, id=address_id)
    after = merged(before, change)
    checked_country(after.country)
    if before.version != change.expected_version:
        raise VersionConflict
    values = {f"new_{name}": getattr(after, name) for name in _CHANGEABLE}
    saved = await _UPDATE.first(tx, id=address_id, expected=change.expected_version, **values)
    if saved is None:
        raise VersionConflict
    return saved


async def remove_address(tx: Transaction, address_id: UUID) -> None:
    """Remove an address for good; ``NotFound`` if there is none."""
    await _DELETE.one(tx, id=address_id)
