"""VAT rates by country, in per cent: what a newcomer is offered, to be checked, not a promise.

Source: European Commission, Taxes in Europe Database, and the tax authorities of GB, CH, NO and IS; January 2026. Of
several reduced rates the first is the one that most goods of wholesale bear.
"""

from collections.abc import Mapping
from decimal import Decimal

from stockade.commerce.catalog.rules import VatCategory

_CATEGORIES: tuple[VatCategory, ...] = ("standard", "reduced", "super_reduced")
_RATES: Mapping[str, tuple[str, ...]] = {
    "AT": ("20", "10"), "BE": ("21", "6"), "BG": ("20", "9"), "CH": ("8.1", "2.6"), "CY": ("19", "9", "5"),
    "CZ": ("21", "12"), "DE": ("19", "7"), "DK": ("25",), "EE": ("24", "9"), "ES": ("21", "10", "4"),
    "FI": ("25.5", "13.5"), "FR": ("20", "10", "5.5"), "GB": ("20", "5"), "GR": ("24", "13", "6"),
    "HR": ("25", "13", "5"), "HU": ("27", "18", "5"), "IE": ("23", "13.5", "9"), "IS": ("24", "11"),
    "IT": ("22", "10", "4"), "LT": ("21", "12", "5"), "LU": ("17", "8", "3"), "LV": ("21", "12", "5"),
    "MT": ("18", "7", "5"), "NL": ("21", "9"), "NO": ("25", "15"), "PL": ("23", "8", "5"), "PT": ("23", "13", "6"),
    "RO": ("21", "11"), "SE": ("25", "12", "6"), "SI": ("22", "9.5", "5"), "SK": ("23", "19", "5"),
}  # fmt: skip


def offered_rates(country: str) -> dict[VatCategory, Decimal]:
    """Return the rates that a company in a country is offered, by category; nothing for a country unknown here."""
    return {category: Decimal(rate) for category, rate in zip(_CATEGORIES, _RATES.get(country, ()), strict=False)}
