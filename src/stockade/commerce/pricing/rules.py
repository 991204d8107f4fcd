"""The arithmetic of a document: exact decimals, rounded half up, and only where the law says so.

A line is rounded once. VAT is rounded once a group of category and rate, from the sum of the group's nets (EN 16931,
BR-CO-17), never line by line. Amounts are in minor units of the document's currency (ISO 4217: two places for EUR, none
for JPY), rates and discounts in per cent, unit prices in major units.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Protocol

import msgspec

from stockade.kernel.money import exponent_of

HUNDRED = Decimal(100)
RATE = Decimal("0.001")
EXACT = Context(prec=80, rounding=ROUND_HALF_UP)
"""Wide enough for the largest price times the largest quantity: the default context would round before we do."""


class VatLine(Protocol):
    """What VAT has to know of a line; orders' and invoices' lines both are such."""

    @property
    def vat_category(self) -> str:
        """The VAT category (``catalog.model.VAT_CATEGORIES``)."""

    @property
    def vat_rate(self) -> Decimal:
        """The rate in per cent."""

    @property
    def net_minor(self) -> int:
        """The net after the discount."""


class VatGroup(msgspec.Struct, frozen=True):
    """VAT of one category and rate (EN 16931, BG-23)."""

    vat_category: str
    vat_rate: Decimal
    net_minor: int
    vat_minor: int


class Totals(msgspec.Struct, frozen=True):
    """A document's totals: gross is net plus VAT."""

    net_minor: int
    vat_minor: int
    gross_minor: int


def line_net(unit_price: Decimal, quantity: int, discount_percent: Decimal, currency: str) -> int:
    """Return a line's net in minor units: price times quantity less the discount, rounded half up once."""
    full = EXACT.multiply(unit_price, quantity)
    return _rounded(EXACT.multiply(full, HUNDRED - discount_percent), exponent_of(currency) - 2)


def vat_of(net_minor: int, vat_rate: Decimal) -> int:
    """Return the VAT of a group's net in minor units, rounded half up."""
    return _rounded(EXACT.multiply(vat_rate, net_minor), -2)


def _rounded(value: Decimal, places: int) -> int:
    """Return the value times ten to the power of ``places``, rounded half up."""
    return int(EXACT.quantize(EXACT.scaleb(value, places), Decimal(1)))


def vat_groups(lines: Iterable[VatLine]) -> tuple[VatGroup, ...]:
    """Return VAT by category and rate, the highest rate first."""
    nets: dict[tuple[Decimal, str], int] = {}
    for line in lines:
        key = (line.vat_rate.quantize(RATE), line.vat_category)
        nets[key] = nets.get(key, 0) + line.net_minor
    ordered = sorted(nets.items(), key=lambda item: (-item[0][0], item[0][1]))
    return tuple(VatGroup(category, rate, net, vat_of(net, rate)) for (rate, category), net in ordered)


def totals_of(groups: Iterable[VatGroup]) -> Totals:
    """Return the totals of a document from its VAT groups."""
    listed = tuple(groups)
    net, vat = sum(group.net_minor for group in listed), sum(group.vat_minor for group in listed)
    return Totals(net, vat, net + vat)
