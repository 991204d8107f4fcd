"""Money: whole minor units and a currency, never a bare number.

Totals are integers in the currency's minor unit (ISO 4217); unit prices are decimals with up to six
places. Whatever has to be rounded is rounded half up, as invoices are (EN 16931, BR-DEC rules).
"""

from decimal import ROUND_HALF_UP, Decimal

import msgspec

from stockade.kernel.problems import Problem

DEFAULT_EXPONENT = 2
OTHER_EXPONENTS = {
    "BHD": 3, "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "IQD": 3, "ISK": 0, "JOD": 3, "JPY": 0, "KMF": 0, "KRW": 0,
    "KWD": 3, "LYD": 3, "OMR": 3, "PYG": 0, "RWF": 0, "TND": 3, "UGX": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0,
    "XPF": 0,
}  # fmt: skip
"""Currencies whose minor unit is not a hundredth (ISO 4217 list one)."""


class CurrencyMismatch(Problem):
    """Two amounts in different currencies were added, subtracted or compared."""

    type = "/problems/money/currency-mismatch"
    title = "These amounts are in different currencies"
    status = 409


def exponent_of(currency: str) -> int:
    """Return how many decimal places the currency's minor unit has (GBP 2, JPY 0)."""
    return OTHER_EXPONENTS.get(currency, DEFAULT_EXPONENT)


def round_half_up(value: Decimal) -> int:
    """Round to a whole number, halves away from zero (2.5 is 3, -2.5 is -3)."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount in minor units of an ISO 4217 currency: ``Money(1999, "EUR")`` is 19.99 euro."""

    amount_minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._same_currency(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._same_currency(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def __str__(self) -> str:
        places = exponent_of(self.currency)
        return f"{Decimal(self.amount_minor).scaleb(-places):,.{places}f} {self.currency}"

    def _same_currency(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add up.")
        return other.amount_minor


def extend(unit_price: Decimal, quantity: int, currency: str) -> Money:
    """Return unit price (major units, six places at most) times quantity, rounded half up to the minor unit."""
    return Money(round_half_up((unit_price * quantity).scaleb(exponent_of(currency))), currency)
