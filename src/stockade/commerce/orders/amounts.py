"""Money on orders, without a database.

The arithmetic of documents (``commerce.pricing``) within what an order may come to.
"""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from stockade.commerce.pricing import rules
from stockade.commerce.pricing.rules import Totals, VatGroup, VatLine, vat_groups
from stockade.kernel.problems import Invalid

__all__ = ["MAX_AMOUNT_MINOR", "Taxed", "Totals", "VatGroup", "line_net", "totals", "vat_groups"]
MAX_AMOUNT_MINOR = 10**15
"""What an order may come to; far below what a bigint holds, so that sums of many orders fit, too."""


class Taxed(msgspec.Struct, frozen=True):
    """The net of a line with the VAT that it bears: rate in per cent, net in minor units."""

    vat_category: str
    vat_rate: Decimal
    net_minor: int


def line_net(unit_price: Decimal, quantity: int, discount_percent: Decimal, currency: str) -> int:
    """Return the net of a line in minor units; ``Invalid`` if it is more than an order may come to."""
    return _bounded(rules.line_net(unit_price, quantity, discount_percent, currency))


def totals(lines: Iterable[VatLine]) -> Totals:
    """Return what the lines come to; ``Invalid`` if that is more than an order may come to."""
    summed = rules.totals_of(vat_groups(lines))
    _bounded(summed.gross_minor)
    return summed


def _bounded(amount_minor: int) -> int:
    if amount_minor > MAX_AMOUNT_MINOR:
        raise Invalid("The order comes to more than can be kept.", field="lines")
    return amount_minor
