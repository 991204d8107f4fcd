"""Quoting: what an order would come to, priced as placing it would, with nothing written. One statement."""

import msgspec

from stockade.commerce.orders.amounts import Totals
from stockade.commerce.orders.commands import Quotation
from stockade.commerce.orders.service.pricing import Parties, look_up, price_line, require_price, totals_of
from stockade.commerce.orders.views import LineView
from stockade.kernel.problems import Invalid
from stockade.tenancy.transaction import Transaction


class QuotedLine(msgspec.Struct, frozen=True):
    """A line with its price, or the sentence that says why it cannot be ordered."""

    line: LineView | None
    problem: str = ""


class Quote(msgspec.Struct, frozen=True):
    """The lines in the order in which they were asked for, and what those that can be ordered come to."""

    parties: Parties
    lines: list[QuotedLine]
    totals: Totals


async def quote(tx: Transaction, asked: Quotation) -> Quote:
    """Price what is asked for. A line that cannot be ordered says so, and the others are priced all the same.

    ``Invalid`` if the customer or the warehouse is not there, ``Forbidden`` as ``place_order`` has it.
    """
    require_price(tx, asked.lines)
    parties, offers = await look_up(
        tx, asked.customer_id, asked.warehouse_id, [line.product_id for line in asked.lines]
    )
    lines = []
    for position, line in enumerate(asked.lines, start=1):
        try:
            lines.append(QuotedLine(price_line(position, line, parties, offers)))
        except Invalid as refused:
            lines.append(QuotedLine(None, refused.detail))
    return Quote(parties, lines, totals_of([quoted.line for quoted in lines if quoted.line is not None]))
