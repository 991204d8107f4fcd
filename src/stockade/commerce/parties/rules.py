"""The rules about those who trade: pure functions and bounded types, without I/O."""

import re
from typing import Annotated, Literal

import msgspec
from stdnum import bic, iban
from stdnum.exceptions import ValidationError
from stdnum.util import get_cc_module

from stockade.commerce.parties.codes import COUNTRIES, CURRENCIES, EUROPEAN_UNION
from stockade.kernel.problems import Conflict, Invalid
from stockade.kernel.words import said

CustomerState = Literal["active", "archived"]
VatTreatment = Literal["domestic", "reverse_charge", "export"]
AddressKind = Literal["billing", "shipping"]
TermsDays = Annotated[int, msgspec.Meta(ge=0, le=365, description="Days from the invoice to its due date.")]
Locale = Literal["en", "pl"]
CustomerNumber = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=30, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*(?!\n)$", examples=["C-00042"],
        description="A customer's number: letters, digits and . _ / -",
    ),
]  # fmt: skip
VatId = Annotated[
    str,
    msgspec.Meta(
        min_length=2, max_length=30, pattern=r"^[A-Za-z0-9+*][A-Za-z0-9+* ./-]*(?!\n)$", examples=["DE136695976"],
        description="A VAT identification number, checked by the rules of its country.",
    ),
]  # fmt: skip
BankCode = Annotated[str, msgspec.Meta(min_length=2, max_length=42, pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]*(?!\n)$")]

MOST_OF_A_KIND = 200
"""How many contacts, and how many addresses, a customer may have: they are listed in one piece."""
NUMBER_SERIES = "customer"
_OWN_NUMBER = re.compile(r"C-([0-9]{5,9})")
_SEPARATORS = re.compile(r"[ ./-]")
_VAT_CHARACTERS = re.compile(r"[A-Z0-9+*]{2,20}")


class TooMany(Conflict):
    """A customer has as many contacts or addresses as it may have."""

    type = "/problems/parties/too-many"
    title = "This customer has as many as it may have; remove one first"


def customer_number(sequence: int) -> str:
    """Return the customer's number that belongs to a counter's: 42 is ``C-00042``."""
    return f"C-{sequence:05}"


def sequence_in(number: str) -> int | None:
    """Return the counter's number inside a customer's, or None if it is not of the kind that the counter makes."""
    found = _OWN_NUMBER.fullmatch(number)
    return int(found[1]) if found and customer_number(int(found[1])) == number else None


def checked_country(code: str, *, field: str = "country") -> str:
    """Return the code if it is one of ISO 3166-1; else ``Invalid``."""
    if code not in COUNTRIES:
        raise Invalid(said("{code} is not a country code of ISO 3166-1.", code=code), field=field)
    return code


def checked_currency(code: str, *, field: str = "currency") -> str:
    """Return the code if it is a currency of ISO 4217; else ``Invalid``."""
    if code not in CURRENCIES:
        raise Invalid(said("{code} is not a currency code of ISO 4217.", code=code), field=field)
    return code


def checked_vat_id(country: str, text: str, *, field: str = "vat_id") -> str:
    """Return the VAT id without separators and with its country's prefix; ``Invalid`` if its country's rules refuse it.

    ``XI`` before a British number stands: Northern Ireland trades goods under it as the Union does. A country whose
    rules we do not know has only its characters checked. Whether the number is in use is the register's to say (VIES).
    """
    number = _SEPARATORS.sub("", text).upper()
    if not _VAT_CHARACTERS.fullmatch(number):
        raise Invalid("A VAT id has 2 to 20 letters and digits.", field=field)
    module = get_cc_module(checked_country(country), "vat")
    if module is None:
        return number
    prefix = _prefix_of(country, number)
    try:
        valid = str(module.validate(number.removeprefix(prefix) if prefix else number))
    except ValidationError:
        raise Invalid(said("{text} is not a VAT id of {country}.", text=text, country=country), field=field) from None
    return prefix + valid.removeprefix(prefix)


def checked_iban(text: str, *, field: str = "iban") -> str:
    """Return the IBAN without spaces if check digits and country's form are right (ISO 13616); else ``Invalid``."""
    try:
        return str(iban.validate(text))
    except ValidationError:
        raise Invalid("This is not an IBAN with right check digits.", field=field) from None


def checked_bic(text: str, *, field: str = "bic") -> str:
    """Return the BIC in upper case if it is shaped like one (ISO 9362); else ``Invalid``."""
    try:
        return str(bic.validate(text))
    except ValidationError:
        raise Invalid("This is not a BIC.", field=field) from None


def check_treatment(treatment: VatTreatment, vat_id: str | None) -> None:
    """Refuse reverse charge without the customer's VAT id; invoices name it (Directive 2006/112/EC Art. 226 (4))."""
    if treatment == "reverse_charge" and vat_id is None:
        raise Invalid("Reverse charge needs the customer's VAT id.", field="vat_id")


def _prefix_of(country: str, number: str) -> str:
    """Return what stands before the digits of a country's VAT ids; empty where its own rules say."""
    if country == "GB":
        return "XI" if number.startswith("XI") else "GB"
    if country == "GR":
        return "EL"
    return country if country in EUROPEAN_UNION else ""
