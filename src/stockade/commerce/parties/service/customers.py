"""Customers: written down, found, changed, archived; never deleted, because documents refer to them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import BigInteger, Text, Uuid, func, insert, or_, select, tuple_, update

from stockade.access.fields import (
    CountryCode,
    CurrencyCode,
    Email,
    MinorAmount,
    Phone,
    Text200,
    Version,
    lowered,
    merged,
)
from stockade.commerce.numbering.service import next_number, pass_over
from stockade.commerce.parties.model import Customer
from stockade.commerce.parties.permissions import SET_CREDIT
from stockade.commerce.parties.rules import (
    NUMBER_SERIES,
    CustomerNumber,
    CustomerState,
    TermsDays,
    VatId,
    VatTreatment,
    check_treatment,
    checked_country,
    checked_currency,
    checked_vat_id,
    customer_number,
    sequence_in,
)
from stockade.database.statements import TENANT, Guard, param, raw, statement
from stockade.kernel.problems import Conflict, Invalid, VersionConflict
from stockade.tenancy.pin import NOBODY, Limits
from stockade.tenancy.transaction import Transaction, on_violation


class NumberTaken(Conflict):
    """Another customer of this tenant, perhaps an archived one, has the number."""

    type = "/problems/parties/number-taken"
    title = "Another customer has this number"


on_violation("customer_tenant_id_number_key", NumberTaken)


class CustomerView(msgspec.Struct, frozen=True):
    """A customer. What it owes is in ``currency``; ``credit_limit_minor`` is in its minor unit, null for no limit."""

    id: UUID
    number: str
    name: str
    vat_id: str | None
    email: str | None
    phone: str | None
    country: str
    currency: str
    terms_days: int
    credit_limit_minor: Annotated[int | None, Guard("parties:credit")]
    responsible_id: UUID | None
    vat_treatment: VatTreatment
    state: CustomerState
    version: int
    created_at: datetime
    updated_at: datetime


class _Whole(CustomerView, frozen=True):
    """A customer with nothing hidden: a change starts from it, and wipes nothing that its author cannot see."""

    credit_limit_minor: int | None


class NewCustomer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer to be written down. Without a ``number`` it gets the next one; the currency stays for ever."""

    name: Text200
    country: CountryCode
    currency: CurrencyCode
    number: CustomerNumber | None = None
    vat_id: VatId | None = None
    email: Email | None = None
    phone: Phone | None = None
    terms_days: TermsDays = 30
    credit_limit_minor: MinorAmount | None = None
    responsible_id: UUID | None = None
    vat_treatment: VatTreatment = "domestic"


class CustomerChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different about a customer; what is left out stays as it is."""

    expected_version: Version
    name: Text200 | UnsetType = UNSET
    country: CountryCode | UnsetType = UNSET
    vat_id: VatId | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    terms_days: TermsDays | UnsetType = UNSET
    credit_limit_minor: MinorAmount | UnsetType | None = UNSET
    responsible_id: UUID | UnsetType | None = UNSET
    vat_treatment: VatTreatment | UnsetType = UNSET


_FIELDS = [getattr(Customer, name) for name in CustomerView.__struct_fields__]
_CHANGEABLE = (
    *("name", "vat_id", "email", "phone", "country", "terms_days", "credit_limit_minor", "responsible_id"),
    *("vat_treatment", "state"),
)
_THIS = (Customer.tenant_id == TENANT, Customer.id == param("id"))

_INSERT = statement(
    insert(Customer)
    .values({name: param(name) for name in NewCustomer.__struct_fields__})
    .values(tenant_id=TENANT, id=param("id"), state="active")
    .returning(*_FIELDS),
    CustomerView,
)
_BY_ID = statement(select(*_FIELDS).where(*_THIS), CustomerView)
_WHOLE_BY_ID = statement(
    select(*(getattr(Customer, name) for name in _Whole.__struct_fields__)).where(*_THIS), _Whole, internal=True
)
_UPDATE = statement(
    update(Customer)
    .where(*_THIS, Customer.version == param("expected"))
    .values(
        {name: param(f"new_{name}") for name in _CHANGEABLE}
        | {"version": Customer.version + 1, "updated_at": func.now()}
    )
    .returning(*_FIELDS),
    CustomerView,
)
_PLACE = tuple_(Customer.name, Customer.id) > tuple_(param("after_name", Text), param("after_id", Uuid))
_IN_STATE = or_(param("state", Text).is_(None), Customer.state == param("state", Text))
_LIST = (
    select(*_FIELDS)
    .where(Customer.tenant_id == TENANT, _PLACE, _IN_STATE)
    .order_by(Customer.name, Customer.id)
    .limit(param("limit", BigInteger))
)
_PAGE = statement(_LIST, CustomerView)
_WANTED = func.lower(param("search", Text))
_SEARCH = statement(
    _LIST.where(
        or_(
            func.strpos(func.lower(Customer.name), _WANTED) > 0,
            func.starts_with(func.lower(Customer.number), _WANTED),
        )
    ),
    CustomerView,
)
BEFORE_ALL = ("", NOBODY)
_MEMBER = raw(
    "select id from identity.membership where tenant_id = $1 and account_id = $2 and state = 'active'",
    "this_tenant account_id",
    UUID,
)


async def create_customer(tx: Transaction, id: UUID, new: NewCustomer) -> CustomerView:
    """Write a customer down; ``NumberTaken`` at the end of the transaction's block."""
    checked_currency(new.currency)
    if new.credit_limit_minor is not None:
        SET_CREDIT.require(tx.principal)
    check_treatment(new.vat_treatment, new.vat_id)
    given = msgspec.structs.asdict(new) | _checked(new.country, new.vat_id, new.email)
    given["responsible_id"] = await _responsible(tx, new.responsible_id)
    return await _INSERT.one(tx, id=id, **(given | {"number": await _number(tx, new.number)}))


async def read_customer(tx: Transaction, customer_id: UUID) -> CustomerView:
    """Return a customer, archived or not; ``NotFound`` if there is none."""
    return await _BY_ID.one(tx, id=customer_id)


async def list_customers(
    tx: Transaction,
    *,
    state: CustomerState | None = None,
    search: str | None = None,
    after: tuple[str, UUID] = BEFORE_ALL,
    limit: int = 50,
) -> list[CustomerView]:
    """Return up to ``limit`` customers in the order of name and id, from ``after`` (a name and an id) on.

    ``search`` finds part of a name or the beginning of a number, both in any case. It reads the tenant's customers in
    order until the page is full: ``lower`` is not leakproof, so behind a row policy no index can serve it.
    """
    place = {"after_name": after[0], "after_id": after[1], "state": state, "limit": limit}
    if search is None:
        return await _PAGE.all(tx, **place)
    return await _SEARCH.all(tx, search=search, **place)


async def change_customer(tx: Transaction, customer_id: UUID, change: CustomerChange) -> CustomerView:
    """Change some fields of a customer; ``VersionConflict`` unless it still is as the caller has read it."""
    before = await _WHOLE_BY_ID.one(tx, id=customer_id)
    after = merged(before, change)
    if after.credit_limit_minor != before.credit_limit_minor:
        SET_CREDIT.require(tx.principal)
    if after.responsible_id != before.responsible_id:
        await _responsible(tx, after.responsible_id)
    check_treatment(after.vat_treatment, after.vat_id)
    if (after.country, after.vat_id, after.email) != (before.country, before.vat_id, before.email):
        after = msgspec.structs.replace(after, **_checked(after.country, after.vat_id, after.email))
    return await _save(tx, before, after, change.expected_version)


async def set_state(tx: Transaction, customer_id: UUID, state: CustomerState, expected_version: int) -> CustomerView:
    """Archive or restore a customer. Archived, it can no longer order; what it owes stays."""
    before = await _WHOLE_BY_ID.one(tx, id=customer_id)
    return await _save(tx, before, msgspec.structs.replace(before, state=state), expected_version)


async def _number(tx: Transaction, given: str | None) -> str:
    """Return the number to use. The counter passes over those that were given by hand, so that it never meets one.

    The counter comes before the insert in both cases: the other order would let two creations wait for each other.
    """
    if given is None:
        return customer_number(await next_number(tx, NUMBER_SERIES, ""))
    sequence = sequence_in(given)
    if sequence is not None:
        await pass_over(tx, NUMBER_SERIES, "", sequence)
    return given


async def _responsible(tx: Transaction, given: UUID | None) -> UUID | None:
    """Return who is to look after a customer: an active member; oneself, for those who see their own customers only."""
    person = given or (tx.principal.actor_id if tx.principal.limits & Limits.OWN_CUSTOMERS else None)
    if person is not None and await _MEMBER.first(tx, account_id=person) is None:
        raise Invalid("Only a member of your company can be responsible for a customer.", field="responsible_id")
    return person


async def _save(tx: Transaction, before: _Whole, after: _Whole, expected_version: int) -> CustomerView:
    """Write the difference, if there is one. The statement repeats the version: somebody may have been quicker."""
    if before.version != expected_version:
        raise VersionConflict
    if after == before:
        return await _BY_ID.one(tx, id=before.id)
    values = {f"new_{name}": getattr(after, name) for name in _CHANGEABLE}
    saved = await _UPDATE.first(tx, id=before.id, expected=expected_version, **values)
    if saved is None:
        raise VersionConflict
    return saved


def _checked(country: str, vat_id: str | None, email: str | None) -> dict[str, str | None]:
    checked_country(country)
    return {"vat_id": None if vat_id is None else checked_vat_id(country, vat_id), "email": lowered(email)}
