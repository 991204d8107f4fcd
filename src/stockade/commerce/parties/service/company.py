"""The distributor's own company: one row, whose id is the tenant's."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import insert, select, update

from stockade.access.fields import CountryCode, CurrencyCode, Email, Phone, Text80, Text200, Version, lowered, merged
from stockade.access.permissions import PERMISSIONS
from stockade.commerce.parties.model import Company
from stockade.commerce.parties.rules import (
    BankCode,
    Locale,
    VatId,
    checked_bic,
    checked_country,
    checked_currency,
    checked_iban,
    checked_vat_id,
)
from stockade.database.statements import TENANT, param, statement
from stockade.kernel.problems import Conflict, VersionConflict
from stockade.tenancy.masks import last_four
from stockade.tenancy.transaction import Transaction, on_violation


class CompanyThere(Conflict):
    """The company has been written down already; change it instead."""

    type = "/problems/parties/company-there"
    title = "The company is there already"


on_violation("company_pkey", CompanyThere)


class CompanyView(msgspec.Struct, frozen=True):
    """The company as documents name it. Its bank account is ``BankAccount``, behind ``settings:bank``.

    ``currency`` is the one that list prices and costs are in; it stays as it is for ever.
    """

    id: UUID
    legal_name: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str | None
    email: str | None
    phone: str | None
    currency: str
    locale: str
    version: int


class BankAccount(msgspec.Struct, frozen=True):
    """Where the company's customers pay to."""

    iban: str | None
    bic: str | None
    version: int


class NewCompany(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The company to be written down."""

    legal_name: Text200
    street: Text200
    postcode: Text80
    city: Text80
    country: CountryCode
    currency: CurrencyCode
    vat_id: VatId | None = None
    email: Email | None = None
    phone: Phone | None = None
    locale: Locale = "en"


class CompanyChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different about the company; what is left out stays as it is."""

    expected_version: Version
    legal_name: Text200 | UnsetType = UNSET
    street: Text200 | UnsetType = UNSET
    postcode: Text80 | UnsetType = UNSET
    city: Text80 | UnsetType = UNSET
    country: CountryCode | UnsetType = UNSET
    vat_id: VatId | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    locale: Locale | UnsetType = UNSET


class BankAccountChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bank account from now on; null for none."""

    expected_version: Version
    iban: BankCode | None
    bic: BankCode | None = None


_FIELDS = [getattr(Company, name) for name in CompanyView.__struct_fields__]
_CHANGEABLE = tuple(name for name in NewCompany.__struct_fields__ if name != "currency")
_OWN = (Company.tenant_id == TENANT, Company.id == TENANT)
_AS_SEEN = (*_OWN, Company.version == param("expected"))
_BANK = (Company.iban, Company.bic, Company.version)

_INSERT = statement(
    insert(Company)
    .values({name: param(name) for name in NewCompany.__struct_fields__})
    .values(tenant_id=TENANT, id=TENANT)
    .returning(*_FIELDS),
    CompanyView,
)
_READ = statement(select(*_FIELDS).where(*_OWN), CompanyView)
_UPDATE = statement(
    update(Company)
    .where(*_AS_SEEN)
    .values({name: param(f"new_{name}") for name in _CHANGEABLE} | {"version": Company.version + 1})
    .returning(*_FIELDS),
    CompanyView,
)
_READ_BANK = statement(select(*_BANK).where(*_OWN), BankAccount, internal=True)
_SET_BANK = statement(
    update(Company)
    .where(*_AS_SEEN)
    .values(iban=param("new_iban"), bic=param("new_bic"), version=Company.version + 1)
    .returning(*_BANK),
    BankAccount,
    internal=True,
)


async def found_company(tx: Transaction, new: NewCompany) -> CompanyView:
    """Write the tenant's company down; ``CompanyThere`` at the end of the transaction's block if it is there."""
    checked_currency(new.currency)
    given = msgspec.structs.asdict(new) | _checked(new.country, new.vat_id, new.email)
    return await _INSERT.one(tx, **given)


async def read_company(tx: Transaction) -> CompanyView:
    """Return the tenant's company; ``NotFound`` until it has been written down."""
    return await _READ.one(tx)


async def find_company(tx: Transaction) -> CompanyView | None:
    """Return the tenant's company; None until it has been written down."""
    return await _READ.first(tx)


async def change_company(tx: Transaction, change: CompanyChange) -> CompanyView:
    """Change some fields of the company; ``VersionConflict`` unless it still is as the caller has read it."""
    before = await _READ.one(tx)
    after = merged(before, change)
    after = msgspec.structs.replace(after, **_checked(after.country, after.vat_id, after.email))
    if before.version != change.expected_version:
        raise VersionConflict
    if after == before:
        return before
    values = {f"new_{name}": getattr(after, name) for name in _CHANGEABLE}
    saved = await _UPDATE.first(tx, expected=change.expected_version, **values)
    if saved is None:
        raise VersionConflict
    return saved


async def read_bank_account(tx: Transaction) -> BankAccount:
    """Return the company's bank account. For those with ``settings:bank`` only, and for invoices."""
    return await _READ_BANK.one(tx)


async def shown_bank_account(tx: Transaction) -> BankAccount:
    """Return the company's bank account as the principal may see it: masked without ``settings:bank``."""
    account = await _READ_BANK.one(tx)
    if account.iban is None or PERMISSIONS["settings:bank"].granted_to(tx.principal):
        return account
    return msgspec.structs.replace(account, iban=last_four(account.iban), bic=None)


async def set_bank_account(tx: Transaction, change: BankAccountChange) -> BankAccount:
    """Set the company's bank account; ``VersionConflict`` unless the company still is as the caller has read it."""
    new_iban = None if change.iban is None else checked_iban(change.iban)
    new_bic = None if change.bic is None else checked_bic(change.bic)
    saved = await _SET_BANK.first(tx, expected=change.expected_version, new_iban=new_iban, new_bic=new_bic)
    if saved is None:
        await _READ_BANK.one(tx)
        raise VersionConflict
    return saved


def _checked(country: str, vat_id: str | None, email: str | None) -> dict[str, str | None]:
    checked_country(country)
    return {"vat_id": None if vat_id is None else checked_vat_id(country, vat_id), "email": lowered(email)}
