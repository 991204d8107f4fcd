"""Pricing: from what is asked for to lines with price, VAT and net. One look-up, whatever the number of lines."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.orders.amounts import Taxed, Totals, line_net, totals
from stockade.commerce.orders.commands import NewLine
from stockade.commerce.orders.permissions import PRICE
from stockade.commerce.orders.views import CustomerRef, LineView, WarehouseRef
from stockade.database.statements import Statement, raw
from stockade.kernel.clock import today
from stockade.kernel.money import Money
from stockade.kernel.problems import Invalid
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction

WITHOUT_RATE = frozenset({"zero", "exempt", "outside"})
"""VAT categories that need no rate on file."""
_NOTHING = Decimal(0)


class Parties(msgspec.Struct, frozen=True):
    """Who buys, from which warehouse; the catalogue's list prices are in ``list_currency``."""

    customer: CustomerRef
    warehouse: WarehouseRef
    currency: str
    list_currency: str
    vat_treatment: str


class Offer(msgspec.Struct, frozen=True):
    """A product as the catalogue has it today. ``vat_rate`` in per cent, None if none is on file."""

    product_id: UUID
    sku: str
    name: str
    stocked: bool
    list_price: Decimal
    vat_category: str
    vat_rate: Decimal | None


_LOOK_UP: Statement[Any] = raw(
    """
    select c.id, c.number, c.name, c.state, c.currency, c.vat_treatment, coalesce(f.currency, c.currency),
        w.id, p.id, p.sku, p.name, p.stocked, trim_scale(p.list_price),
        p.vat_category, trim_scale(v.rate)
    from (select 1) as one
    left join parties.customer as c on c.tenant_id = $1 and c.id = $2
    left join parties.company as f on f.tenant_id = $1 and f.id = $1
    left join lateral (
        select id from stock.warehouse
        where tenant_id = $1 and state = 'active' and ($3::uuid is null or id = $3) order by code limit 1
    ) as w on true
    left join catalog.product as p on p.tenant_id = $1 and p.id = any($4::uuid[]) and p.state = 'active'
    left join (
        select distinct on (category) category, rate from catalog.vat_rate
        where tenant_id = $1 and valid_from <= $5 order by category, valid_from desc
    ) as v on v.category = p.vat_category
    """,
    "this_tenant customer_id warehouse_id products on",
)


async def look_up(
    tx: Transaction, customer_id: UUID, warehouse_id: UUID | None, products: Sequence[UUID]
) -> tuple[Parties, dict[UUID, Offer]]:
    """Return the parties and the active products of an order.

    ``Invalid`` names the field whose row is not there; it says the same whether it is another tenant's, archived or of
    nobody, so that nothing can be learnt from it.
    """
    rows = await _LOOK_UP.all(
        tx, customer_id=customer_id, warehouse_id=warehouse_id, products=list(set(products)), on=today()
    )
    c_id, number, name, state, currency, treatment, list_currency, served_from = rows[0][:8]
    if c_id is None or state != "active":
        raise Invalid("There is no active customer with this id.", field="customer_id")
    if served_from is None:
        raise Invalid("There is no active warehouse to serve this from.", field="warehouse_id")
    parties = Parties(CustomerRef(c_id, number, name), WarehouseRef(served_from), currency, list_currency, treatment)
    return parties, {row[8]: Offer(*row[8:]) for row in rows if row[8] is not None}


def price_lines(
    tx: Transaction, lines: Sequence[NewLine], parties: Parties, offers: Mapping[UUID, Offer],
    kept: Mapping[int, LineView] | None = None,
) -> list[LineView]:  # fmt: skip
    """Return the lines with price and VAT. ``kept``: lines as they were, whose price stays while their product does.

    A price or discount of one's own needs ``orders:price`` (``Forbidden``).
    """
    require_price(tx, lines)
    before = kept or {}
    return [
        price_line(position, line, parties, offers, before.get(position))
        for position, line in enumerate(lines, start=1)
    ]


def price_line(
    position: int, line: NewLine, parties: Parties, offers: Mapping[UUID, Offer], before: LineView | None = None
) -> LineView:  # fmt: skip
    """Return one line with price and VAT; ``Invalid`` says why it has none. The permission is the caller's to ask."""
    offer = offers.get(line.product_id)
    if offer is None:
        raise Invalid("There is no active product with this id.", field=f"lines.{position - 1}.product_id")
    if before is not None and before.product_id != line.product_id:
        before = None
    return _priced(position, line, parties, offer, before)


def require_price(tx: Transaction, lines: Sequence[NewLine]) -> None:
    """Raise ``Forbidden`` if a line has a price or discount of its own and the principal may not give any."""
    if any(line.unit_price is not None or line.discount_percent is not None for line in lines):
        PRICE.require(tx.principal)


def totals_of(lines: Sequence[LineView]) -> Totals:
    """Return what the lines come to."""
    return totals(Taxed(line.vat_category, line.vat_rate, line.net.amount_minor) for line in lines)


def _priced(position: int, line: NewLine, parties: Parties, offer: Offer, before: LineView | None) -> LineView:
    if line.unit_price is not None:
        price = _plain(line.unit_price)
    else:
        price = before.unit_price if before else _list_price(position, parties, offer)
    if line.discount_percent is not None:
        discount = _plain(line.discount_percent)
    else:
        discount = before.discount_percent if before else _NOTHING
    category, rate = _vat(position, parties, offer)
    net = Money(line_net(price, line.quantity, discount, parties.currency), parties.currency)
    return LineView(
        position, offer.product_id, offer.sku, offer.name, line.quantity, price, discount, category, rate, net,
        offer.stocked, whole=line.whole,
    )  # fmt: skip


def _plain(value: Decimal) -> Decimal:
    """Return the value without trailing zeros or exponent, as it will read when it comes back."""
    short = value.normalize()
    return short if short.as_tuple().exponent <= 0 else short.quantize(Decimal(1))  # type: ignore[operator]  # finite


def _list_price(position: int, parties: Parties, offer: Offer) -> Decimal:
    if parties.currency != parties.list_currency:
        raise Invalid(
            said(
                "List prices are in {list_currency}: give a price in {currency}.",
                list_currency=parties.list_currency,
                currency=parties.currency,
            ),
            field=f"lines.{position - 1}.unit_price",
        )
    return offer.list_price


def _vat(position: int, parties: Parties, offer: Offer) -> tuple[str, Decimal]:
    """Return category and rate; a reverse charge or an export bears none, and is a category of its own."""
    if parties.vat_treatment != "domestic":
        return parties.vat_treatment, _NOTHING
    if offer.vat_rate is not None:
        return offer.vat_category, offer.vat_rate
    if offer.vat_category in WITHOUT_RATE:
        return offer.vat_category, _NOTHING
    raise Invalid(
        said("No VAT rate is on file for the category {vat_category}.", vat_category=offer.vat_category),
        field=f"lines.{position - 1}.product_id",
    )
