"""What the dashboard tells, a statement a subject: nothing is stored for it, so that no figure is older than its page.

Money is told in the company's currency; what is in others stands apart and is never added to it. Revenue is what was
invoiced less what was credited, net of VAT, by the day of issue. Days are days in UTC.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.desk.naming import ACTOR
from stockade.commerce.desk.orders import OPEN_STAGES
from stockade.commerce.desk.periods import Span
from stockade.database.statements import raw
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction

BEST = 5
LOWEST = 6
LATEST = 10
AGES = ("not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90")


class OpenOrders(msgspec.Struct, frozen=True):
    """Orders that are not finished: how many, how many of them late or on hold, and what they come to."""

    count: int
    late: int
    held: int
    gross: tuple[Money, ...]
    """The company's currency first."""


class Desk(msgspec.Struct, frozen=True):
    """Where a tenant stands: its currency, whether it ever had an order, and what is open."""

    currency: str
    is_empty: bool
    dismissed: bool
    """Whether the person wants to hear no more of the first day."""
    orders: OpenOrders


class Days(msgspec.Struct, frozen=True):
    """Revenue by day and currency, in minor units, and orders placed by day."""

    revenue: dict[tuple[str, date], int]
    orders: dict[date, int]

    def revenue_in(self, span: Span, currency: str) -> int:
        """Return the revenue of some days in one currency."""
        return sum(minor for (known, day), minor in self.revenue.items() if known == currency and day in span)

    def orders_in(self, span: Span) -> int:
        """Return how many orders were placed on some days."""
        return sum(count for day, count in self.orders.items() if day in span)

    def others(self, span: Span, home: str) -> tuple[Money, ...]:
        """Return the revenue of some days in currencies other than the company's."""
        known = sorted({currency for currency, day in self.revenue if currency != home and day in span})
        return tuple(Money(self.revenue_in(span, currency), currency) for currency in known)


class Age(msgspec.Struct, frozen=True):
    """Open invoices of one age (one of ``AGES``) in one currency."""

    age: str
    currency: str
    count: int
    open_minor: int


class Low(msgspec.Struct, frozen=True):
    """A product that runs low, and how many there are of its kind."""

    id: UUID
    sku: str
    name: str
    available: int
    reorder_point: int
    all: int


class Best(msgspec.Struct, frozen=True):
    """A product or customer by what it brought in the period, net: ``count`` is units, of a customer documents."""

    kind: str
    id: UUID
    code: str
    name: str
    net: Money
    count: int


class Happened(msgspec.Struct, frozen=True):
    """An entry of the trail, with what the record is called if it still can be read."""

    recorded_at: datetime
    actor: str
    action: str
    subject: str
    record_id: UUID
    """The entry's row, or the order that it belongs to."""
    after: dict[str, Any] | None
    label: str | None


_DESK = raw(
    f"""
    select coalesce((select c.currency from parties.company c where c.tenant_id = $1 and c.id = $1), 'EUR'),
        not exists (select from orders.sales_order o where o.tenant_id = $1),
        exists (select from desk.dismissal d where d.tenant_id = $1 and d.account_id = $3 and d.what = 'first_day'),
        w.currency, w.count, w.late, w.held, w.gross_minor
    from (select 1) as always left join (
        select o.currency, count(*) as count, count(*) filter (where o.requested_on < $2::date) as late,
            count(*) filter (where exists (
                select from orders.hold h where h.tenant_id = $1 and h.order_id = o.id and h.released_at is null
            )) as held,
            sum(o.gross_minor)::bigint as gross_minor
        from orders.sales_order o where o.tenant_id = $1 and o.stage in {OPEN_STAGES} group by o.currency
    ) as w on true
    """,
    "this_tenant today actor_id",
)
_DAYS = raw(
    """
    select i.currency, i.issued_on, sum(case i.kind when 'invoice' then i.net_minor else -i.net_minor end)::bigint
    from invoicing.invoice i
    where i.tenant_id = $1 and i.issued_on between $2::date and $3::date and $4::boolean
    group by i.currency, i.issued_on
    union all
    select null, (o.placed_at at time zone 'UTC')::date, count(*)
    from orders.sales_order o
    where o.tenant_id = $1 and o.placed_at >= $2::timestamp at time zone 'UTC'
        and o.placed_at < ($3 + 1)::timestamp at time zone 'UTC'
    group by 2
    """,
    "this_tenant first last with_revenue",
)
_AGES = raw(
    """
    select case when t.due_on >= $2::date then 'not_due' when t.due_on >= $2 - 30 then 'days_1_30'
            when t.due_on >= $2 - 60 then 'days_31_60' when t.due_on >= $2 - 90 then 'days_61_90'
            else 'days_over_90' end,
        t.currency, count(*), sum(t.open_minor)::bigint
    from receivables.open_item t where t.tenant_id = $1 and t.open_minor > 0 group by 1, 2
    """,
    "this_tenant today",
    Age,
)
_LOW = raw(
    f"""
    select p.id, p.sku, p.name, coalesce(s.available, 0)::bigint, p.reorder_point, count(*) over ()
    from catalog.product p
    left join (
        select l.product_id, sum(l.on_hand - l.reserved) as available
        from stock.level l where l.tenant_id = $1 group by l.product_id
    ) s on s.product_id = p.id
    where p.tenant_id = $1 and p.stocked and p.state = 'active' and coalesce(s.available, 0) <= p.reorder_point
    order by coalesce(s.available, 0) - p.reorder_point, p.sku limit {LOWEST}
    """,
    "this_tenant",
    Low,
)
_BEST = raw(
    f"""
    with document as materialized (
        select i.id, i.customer_id, i.net_minor, case i.kind when 'invoice' then 1 else -1 end as sign
        from invoicing.invoice i
        where i.tenant_id = $1 and i.issued_on between $2::date and $3::date and i.currency = $4::text
    ), product as (
        select l.product_id as id, sum(d.sign * l.net_minor)::bigint as net_minor,
            sum(d.sign * l.quantity)::bigint as count
        from document d join invoicing.line l on l.tenant_id = $1 and l.invoice_id = d.id
        where $5::boolean group by l.product_id order by 2 desc, 1 limit {BEST}
    ), customer as (
        select d.customer_id as id, sum(d.sign * d.net_minor)::bigint as net_minor, count(*) as count
        from document d where $6::boolean group by d.customer_id order by 2 desc, 1 limit {BEST}
    )
    select 'product', p.id, p.sku, p.name, b.net_minor, b.count
    from product b join catalog.product p on p.tenant_id = $1 and p.id = b.id
    union all
    select 'customer', c.id, c.number, c.name, b.net_minor, b.count
    from customer b join parties.customer c on c.tenant_id = $1 and c.id = b.id
    order by 1, 5 desc, 2
    """,
    "this_tenant first last currency with_products with_customers",
)
_EVENTS = (
    "orders.stage_changed", "orders.held", "orders.hold_released", "orders.shipped", "invoicing.issued",
    "receivables.paid", "catalog.state_changed", "imports.state_changed", "desk.exported",
)  # fmt: skip
"""What is told of besides what was made; each is read from its own end of the index, so that noise costs nothing. What
a bulk import wrote is noise."""
_MADE = ("orders.sales_order", "parties.customer", "catalog.product")
_INSERTS_READ = 100
_ENTRY = "e.recorded_at, e.id, e.actor_id, e.actor_kind, e.action, e.subject, e.subject_id, e.request_id, e.after"
_HAPPENED = raw(
    f"""
    with entry as (
        select e.* from unnest(array{list(_EVENTS)}) as wanted (action) cross join lateral (
            select {_ENTRY} from audit.entry e
            where e.tenant_id = $1 and e.action = wanted.action order by e.recorded_at desc limit {LATEST}
        ) e
        union all
        select * from (
            select {_ENTRY} from audit.entry e
            where e.tenant_id = $1 and e.action = 'insert' order by e.recorded_at desc limit {_INSERTS_READ}
        ) made where made.subject = any(array{list(_MADE)})
    ), latest as (
        select * from entry where actor_kind <> 'import' order by recorded_at desc, id desc limit {LATEST}
    )
    select e.recorded_at, {ACTOR}, e.action, e.subject, coalesce(o.id, e.subject_id),
        e.after, coalesce(o.number, g.sku)
    from latest e
    left join identity.people() p on p.account_id = e.actor_id
    left join identity.api_key k on k.tenant_id = $1 and k.id = e.actor_id
    left join orders.hold h on h.tenant_id = $1 and h.id = e.subject_id and e.subject = 'orders.hold'
    left join orders.shipment s on s.tenant_id = $1 and s.id = e.subject_id and e.subject = 'orders.shipment'
    left join orders.sales_order o on o.tenant_id = $1 and o.id = coalesce(h.order_id, s.order_id, e.subject_id)
    left join catalog.product g on g.tenant_id = $1 and g.id = e.subject_id and e.subject = 'catalog.product'
    order by e.recorded_at desc, e.id desc
    """,
    "this_tenant",
    Happened,
)


async def read_desk(tx: Transaction, today: date) -> Desk:
    """Return where the tenant stands."""
    rows = await _DESK.all(tx, today=today, actor_id=tx.principal.actor_id)
    home, is_empty, dismissed = rows[0][:3]
    open_ = sorted((row[3:] for row in rows if row[3] is not None), key=lambda row: (row[0] != home, row[0]))
    count, late, held = (sum(row[place] for row in open_) for place in (1, 2, 3))
    gross = tuple(Money(row[4], row[0]) for row in open_) or (Money(0, home),)
    return Desk(home, is_empty, dismissed, OpenOrders(count, late, held, gross))


async def read_days(tx: Transaction, span: Span, *, with_revenue: bool) -> Days:
    """Return what every day brought; days of nothing are not there."""
    rows = await _DAYS.all(tx, first=span.first, last=span.last, with_revenue=with_revenue)
    revenue = {(currency, day): minor for currency, day, minor in rows if currency is not None}
    return Days(revenue, {day: count for currency, day, count in rows if currency is None})


async def read_ages(tx: Transaction, today: date) -> list[Age]:
    """Return what is open of invoices, by age and currency."""
    return await _AGES.all(tx, today=today)


async def read_low(tx: Transaction) -> list[Low]:
    """Return the products that are furthest below their reorder point, all warehouses together."""
    return await _LOW.all(tx)


async def read_best(
    tx: Transaction, span: Span, currency: str, *, products: bool, customers: bool
) -> tuple[list[Best], list[Best]]:  # fmt: skip
    """Return the products and the customers that brought most in some days, credits taken off."""
    rows = await _BEST.all(
        tx, first=span.first, last=span.last, currency=currency, with_products=products, with_customers=customers
    )
    best = [
        Best(kind, record_id, code, name, Money(minor, currency), count)
        for kind, record_id, code, name, minor, count in rows
    ]
    return [row for row in best if row.kind == "product"], [row for row in best if row.kind == "customer"]


async def read_happened(tx: Transaction) -> list[Happened]:
    """Return what happened last, newest first."""
    return await _HAPPENED.all(tx)
