"""Credit: what a customer owes or will owe, against what it may owe.

Receivables lie above orders, so they register what they know with ``provide_exposure``; orders add what is confirmed
and not invoiced yet. A credit check locks the customer first: two orders confirmed at once must not each pass alone.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction

Exposure = Callable[[Transaction, UUID, str], Awaitable[int]]
"""(transaction, customer, currency) to what the customer owes in minor units; negative if it has money with us."""
_PROVIDERS: list[Exposure] = []


class Standing(msgspec.Struct, frozen=True):
    """The locked customer: its state and limit in minor units (None: no limit)."""

    state: str
    credit_limit_minor: int | None


_LOCK = raw(
    # NO KEY UPDATE: other orders of the customer may be placed meanwhile, only not confirmed.
    "select state, credit_limit_minor from parties.customer where tenant_id = $1 and id = $2 for no key update",
    "this_tenant customer_id",
    Standing,
)
_UNINVOICED = raw(
    """
    select coalesce(round(sum(
        l.net_minor * (1 + l.vat_rate / 100) * (l.quantity - l.cancelled - l.invoiced) / l.quantity
    )), 0)::bigint
    from orders.sales_order as o
    join orders.line as l on l.tenant_id = $1 and l.order_id = o.id
    where o.tenant_id = $1 and o.customer_id = $2 and o.currency = $3 and o.id <> $4
        and o.stage in ('confirmed', 'picking', 'shipped')
    """,
    "this_tenant customer_id currency except_order",
    int,
)


def provide_exposure(source: Exposure) -> Exposure:
    """Register what tells how much a customer owes; returns it, so that it serves as a decorator."""
    if source not in _PROVIDERS:
        _PROVIDERS.append(source)
    return source


async def lock_standing(tx: Transaction, customer_id: UUID) -> Standing:
    """Lock the customer until COMMIT and return its standing."""
    return await _LOCK.one(tx, customer_id=customer_id)


async def exposure_of(tx: Transaction, customer_id: UUID, currency: str, *, except_order: UUID) -> int:
    """Return what the customer owes and will owe for confirmed orders, one order excepted, in minor units."""
    owed = [await source(tx, customer_id, currency) for source in _PROVIDERS]
    ordered = await _UNINVOICED.one(tx, customer_id=customer_id, currency=currency, except_order=except_order)
    return sum(owed) + ordered


async def credit_refusal(
    tx: Transaction, customer_id: UUID, amount: Money, standing: Standing, *, order_id: UUID
) -> str | None:
    """Return why an order over ``amount`` exceeds the customer's limit, as the reason of a hold, or None."""
    limit = standing.credit_limit_minor
    if limit is None:
        return None
    exposure = await exposure_of(tx, customer_id, amount.currency, except_order=order_id)
    over = exposure + amount.amount_minor - limit
    if over <= 0:
        return None
    currency = amount.currency
    return f"The credit limit of {Money(limit, currency)} would be exceeded by {Money(over, currency)}."
