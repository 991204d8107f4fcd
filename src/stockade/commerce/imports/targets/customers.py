"""Customers from a file: known by their number, else by their VAT id, else by name and country."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from babel import Locale

from stockade.access.permissions import Permission
from stockade.commerce.imports.fields import Field, Mapped, Reason, Source, Values
from stockade.commerce.imports.targets.declaration import Rejected, Taken, missing, types_of
from stockade.commerce.parties.api import CREATE, UPDATE
from stockade.commerce.parties.service.company import find_company
from stockade.commerce.parties.service.customers import CustomerChange, NewCustomer, change_customer, create_customer
from stockade.database.statements import raw
from stockade.kernel.ids import new_id
from stockade.kernel.money import exponent_of
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

_TREATMENTS = {
    "domestic": N_("Domestic"), "reverse_charge": N_("Reverse charge"), "export": N_("Export"),
}  # fmt: skip
_FIELDS = (
    Field(
        name="number", label=N_("Number"),
        synonyms=("customer number", "customer no", "customer id", "account", "account number", "client number",
                  "numer", "nr", "numer klienta", "nr klienta", "kod klienta", "kontrahent nr"),
        note=N_("Without one, customers get the next number; known ones are found by VAT id, or by name and country."),
    ),
    Field(
        name="name", label=N_("Name"), required=True,
        synonyms=("customer", "customer name", "company", "company name", "legal name", "nazwa", "nazwa firmy", "firma",
                  "klient", "kontrahent", "nazwa klienta"),
    ),
    Field(
        name="country", label=N_("Country"), kind="choice", required=True, synonyms=("country code", "kraj", "państwo"),
        note=N_("A code as DE, or a name."),
    ),
    Field(
        name="currency", label=N_("Currency"), kind="code", required=True, synonyms=("currency code", "waluta"),
        note=N_("Stays as it is for customers that are there."),
    ),
    Field(
        name="vat_id", label=N_("VAT id"), kind="code",
        synonyms=("vat number", "vat no", "vat reg no", "tax id", "tax number", "nip", "nip ue", "numer vat"),
    ),
    Field(
        name="email", label=N_("E-mail"),
        synonyms=("mail", "e mail", "email address", "adres email", "adres e mail"),
    ),
    Field(
        name="phone", label=N_("Telephone"), synonyms=("phone number", "tel", "mobile", "telefon", "nr telefonu"),
    ),
    Field(
        name="terms_days", label=N_("Terms, days"), kind="integer",
        synonyms=("terms", "payment terms", "payment days", "termin płatności", "termin", "dni płatności"),
    ),
    Field(
        name="credit_limit_minor", label=N_("Credit limit"), kind="money",
        synonyms=("credit limit", "credit", "limit", "limit kredytowy", "limit kupiecki"),
    ),
    Field(
        name="vat_treatment", label=N_("VAT treatment"), kind="choice", choices=_TREATMENTS,
        synonyms=("tax treatment", "rodzaj vat"),
    ),
)  # fmt: skip
_NAMED = ("number", "vat_id", "named")
_KNOWN = raw(
    """
    select c.id, c.version, c.currency, c.number, c.vat_id, c.country || ' ' || lower(c.name)
    from parties.customer c
    where c.tenant_id = $1 and (
        c.number = any($2::text[]) or c.vat_id = any($3::text[]) or c.country || ' ' || lower(c.name) = any($4::text[])
    )
    """,
    "this_tenant numbers vat_ids named",
)


class Known(msgspec.Struct, frozen=True):
    """A customer that is there."""

    id: UUID
    version: int
    currency: str
    number: str
    vat_id: str | None
    named: str


class Customers:
    """What a file of customers can say, and what its lines do."""

    permissions: Sequence[Permission] = (CREATE, UPDATE)
    fields: Sequence[Field] = _FIELDS
    types: Mapping[str, Any] = types_of(NewCustomer)

    async def defaults(self, tx: Transaction) -> Mapped:
        """Return the company's own country and currency for a file without them."""
        company = await find_company(tx)
        if company is None:
            return {}
        return {"country": Source(value=company.country), "currency": Source(value=company.currency)}

    async def spellings(self, tx: Transaction) -> Mapping[str, Mapping[str, str]]:
        """Return the names of countries."""
        return {"country": _countries()}

    def key(self, values: Values) -> str:
        """A line is about its number, else its VAT id, else its name in its country."""
        if number := values.get("number") or values.get("vat_id"):
            return str(number)
        return _named(values) if "name" in values else ""

    async def batch(self, tx: Transaction, run_id: UUID, lines: Sequence[Values]) -> "_Batch":
        """Look up which of the customers are there."""
        rows = await _KNOWN.all(
            tx, numbers=[values["number"] for values in lines if "number" in values],
            vat_ids=[spelled for values in lines for spelled in _vat_ids(values)],
            named=[_named(values) for values in lines if "name" in values],
        )  # fmt: skip
        return _Batch([Known(*row) for row in rows])


class _Batch:
    def __init__(self, known: Sequence[Known]) -> None:
        self._by: dict[str, dict[str | None, list[Known]]] = {name: {} for name in _NAMED}
        for one in known:
            for name in _NAMED:
                self._by[name].setdefault(getattr(one, name), []).append(one)

    async def take(self, tx: Transaction, values: Values) -> Taken:
        """Make the customer or change it."""
        found = self._found(values)
        if found is None and (lacking := missing(_FIELDS, values)):
            raise Rejected(*lacking)
        given = dict(values)
        currency = found.currency if found else given["currency"]
        if "credit_limit_minor" in given:
            given["credit_limit_minor"] = _minor(given["credit_limit_minor"], currency)
        if found is None:
            made = await create_customer(tx, new_id(), msgspec.convert(given, NewCustomer))
            return Taken("created", made.id)
        if given.pop("currency", currency) != currency:
            text = N_("The customer's currency is {currency}, and stays.")
            raise Rejected(Reason("currency", text, {"currency": currency}))
        given.pop("number", None)
        change = msgspec.convert(given | {"expected_version": found.version}, CustomerChange)
        after = await change_customer(tx, found.id, change)
        return Taken("unchanged" if after.version == found.version else "updated", found.id)

    def _found(self, values: Values) -> Known | None:
        """Return the customer that a line means; ``Rejected`` if that could be several."""
        if "number" in values:
            return next(iter(self._by["number"].get(values["number"], [])), None)
        ways = [self._by["vat_id"].get(spelled, []) for spelled in _vat_ids(values)]
        ways.append(self._by["named"].get(_named(values), []))
        for found in ways:
            if len(found) > 1:
                raise Rejected(Reason("number", N_("Several customers are called so: say which by its number.")))
            if found:
                return found[0]
        return None


def _vat_ids(values: Values) -> list[str]:
    """Return the ways in which a line's VAT id may be kept: with and without its country before it."""
    if "vat_id" not in values:
        return []
    bare = re.sub(r"[^A-Z0-9]", "", str(values["vat_id"]))
    return [bare, f"{values.get('country', '')}{bare}"]


def _named(values: Values) -> str:
    return f"{values.get('country', '')} {str(values.get('name', '')).lower()}"


def _minor(amount: Decimal, currency: str) -> int:
    """Return an amount in minor units; ``Rejected`` if it has more places than the currency, or cannot be."""
    minor = amount.scaleb(exponent_of(currency))
    if minor != minor.to_integral_value() or not 0 <= minor <= 10**15:
        raise Rejected(Reason("credit_limit_minor", N_("This is no amount in {currency}."), {"currency": currency}))
    return int(minor)


@cache
def _countries() -> dict[str, str]:
    """Return the names of countries in small letters, English and Polish, and their codes."""
    found: dict[str, str] = {"uk": "GB", "england": "GB", "usa": "US", "holland": "NL"}
    for language in ("en", "pl"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():
                found |= {name.lower(): code, code.lower(): code}
    return found
