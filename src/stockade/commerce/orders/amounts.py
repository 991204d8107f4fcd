"""Money on orders, without a database: what a line costs, VAT by rate, totals. Everything is rounded half up.

VAT is rounded once for each rate: the sum of its lines' nets times the rate (EN 16931, BR-CO-17), not once a line.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from stockade.kernel.money import extend, round_half_up
from stockade.kernel.problems import Invalid

MAX_AMOUNT_MINOR = 10**15
"""What an order may come to; far below what a bigint holds, so that sums of many orders fit, too."""


class Taxed(msgspec.Struct, frozen=True):
    """The net of a line with the VAT that it bears: rate in per cent, net in minor units."""

    vat_category: str
    vat_rate: Decimal
    net_minor: int


class VatGroup(msgspec.Struct, frozen=True):
    """VAT of one category and rate, in minor units."""

    vat_category: str
    vat_rate: Decimal
    net_minor: int
    vat_minor: int


class Totals(msgspec.Struct, frozen=True):
    """Sums in minor units; gross is net plus VAT."""

    net_minor: int
    vat_minor: int
    gross_minor: int


def line_net(unit_price: Decimal, quantity: int, discount_percent: Decimal, currency: str) -> int:
    """Return the net of a line in minor units: price times quantity less the discount, rounded once.

    ``Invalid`` if it is more than an order may come to.
    """
    net = extend(unit_price * (100 - discount_percent) / 100, quantity, currency).amount_minor
    return _bounded(net)


def vat_groups(lines: Iterable[Taxed]) -> list[VatGroup]:
    """Return VAT by category and rate, highest rate first."""
    nets: dict[tuple[str, Decimal], int] = defaultdict(int)
    for line in lines:
        nets[line.vat_category, line.vat_rate] += line.net_minor
    return [
        VatGroup(category, rate, net, round_half_up(net * rate / 100))
        for (category, rate), net in sorted(nets.items(), key=lambda item: (-item[0][1], item[0][0]))
    ]


def totals(lines: Iterable[Taxed]) -> Totals:
    """Return what the lines come to; ``Invalid`` if that is more than an order may come to."""
    groups = vat_groups(lines)
    net = sum(group.net_minor for group in groups)
    vat = sum(group.vat_minor for group in groups)
    return Totals(net, vat, _bounded(net + vat))


def _bounded(amount_minor: int) -> int:
    if amount_minor > MAX_AMOUNT_MINOR:
        raise Invalid("The order comes to more than can be kept.", field="lines")
    return amount_minor
