"""What a demo distributor is made of: its vocabulary, read from a TOML file beside this module.

Everything in the files is made up: firms and people do not exist, addresses end in ``.example`` (RFC 2606), bank codes
read DEMO or are noughts, barcodes lie in GS1's range for restricted circulation (prefix 20). Check digits are right all
the same, because the platform checks them.
"""

from decimal import Decimal
from pathlib import Path

import msgspec

from stockade.commerce.catalog.vat_by_country import offered_rates


class Firm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The distributor as its documents name it."""

    legal_name: str
    street: str
    postcode: str
    city: str
    country: str
    currency: str
    vat_id: str
    email: str
    phone: str
    locale: str
    iban: str
    bic: str


class Carriage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What delivery costs below a value of goods, both in major units."""

    sku: str
    name: str
    price: Decimal
    free_from: Decimal


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts that people would have typed."""

    holds: list[str]
    returns: list[str]
    notes: list[str]
    damage: str
    bad_debt: str
    positions: list[str]
    first_names: list[str]
    last_names: list[str]


class Town(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where customers live. In forms, # is a digit, X a letter, L a check letter; ``warehouse`` counts from 0."""

    name: str
    postcode: str
    weight: int
    country: str = ""
    treatment: str = "domestic"
    vat_form: str = "999######"
    warehouse: int = 0


class Clientele(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many customers there are, and what they are called."""

    count: int
    names: list[str]
    kinds: list[str]
    streets: list[str]
    phone: str
    towns: list[Town]


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Products of one kind: every item in every pack, a pack being (name, price around which it is, case pack)."""

    code: str
    vat: str
    unit: str
    items: list[str]
    packs: list[tuple[str, Decimal, int]]


class Trade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One distributor. ``season`` weighs the months; ``super_reduced_rate`` is in per cent."""

    slug: str
    seed: int
    super_reduced_rate: Decimal
    carriers: list[str]
    season: list[float]
    warehouses: list[tuple[str, str]]
    company: Firm
    carriage: Carriage
    words: Words
    customers: Clientele
    families: list[Family]

    @property
    def rates(self) -> dict[str, Decimal]:
        """VAT in per cent by category."""
        country, nothing = self.company.country, Decimal(0)
        return {
            "standard": offered_rates(country)["standard"], "reduced": offered_rates(country)["reduced"],
            "super_reduced": self.super_reduced_rate, "zero": nothing, "exempt": nothing, "outside": nothing,
        }  # fmt: skip


def trades() -> list[Trade]:
    """Return the demo distributors."""
    folder = Path(__file__).parent
    return [
        msgspec.toml.decode((folder / name).read_bytes(), type=Trade, strict=False)
        for name in ("food.toml", "stationery.toml")
    ]
