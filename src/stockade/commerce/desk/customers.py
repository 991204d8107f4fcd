"""Customers as the desk sees them: the list, and one customer with its orders, debts and credit."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from stockade.commerce.desk.listing import Choice, Column, Flag, Listing, Search
from stockade.commerce.parties.api import READ
from stockade.commerce.parties.permissions import CREDIT
from stockade.database.statements import raw
from stockade.kernel.money import Money
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

STATES = {"active": N_("Active"), "archived": N_("Archived")}
_RECEIVABLES = "receivables:read"
_OWED = """
    left join lateral (
        select sum(t.open_minor)::bigint as owed, sum(t.open_minor) filter (where t.due_on < {today})::bigint as overdue
        from receivables.open_item t
        where t.tenant_id = $1 and t.customer_id = c.id and t.currency = c.currency and t.open_minor > 0
    ) debt on true
"""
_LAST_ORDER = """
    left join lateral (
        select o.placed_at from orders.sales_order o where o.tenant_id = $1 and o.customer_id = c.id
        order by o.placed_at desc, o.id desc limit 1
    ) newest on true
"""
CUSTOMERS = Listing(
    name="customers", address="/customers", permission=READ,
    source="parties.customer c", where="c.tenant_id = $1", key="c.id", joins={"debt": _OWED, "newest": _LAST_ORDER},
    columns=(
        Column("name", N_("Name"), "c.name", sort=True, link="/customers/{id}"),
        Column("number", N_("Number"), "c.number", "code", sort=True),
        Column("country", N_("Country"), "c.country", "code"),
        Column("vat_id", N_("VAT id"), "c.vat_id", "code", shown=False),
        Column("terms", N_("Terms, days"), "c.terms_days", "quantity"),
        Column("limit", N_("Credit limit"), "c.credit_limit_minor", "money", currency="c.currency",
               permission=CREDIT.name),
        Column("owed", N_("Owed"), "coalesce(debt.owed, 0)", "money", currency="c.currency", permission=_RECEIVABLES,
               needs=("debt",)),
        Column("overdue", N_("Overdue"), "debt.overdue", "money", currency="c.currency", permission=_RECEIVABLES,
               needs=("debt",)),
        Column("last_order", N_("Last order"), "newest.placed_at", "moment", needs=("newest",)),
        Column("added", N_("Added"), "c.created_at", "moment", shown=False),
        Column("state", N_("State"), "c.state", "badge",
               badges={"active": (STATES["active"], "good", ""), "archived": (STATES["archived"], "hollow", "")}),
    ),
    filters=(
        Search(
            "(c.number ^@ upper({0}) or strpos(lower(c.name), lower({0})) > 0 or c.vat_id ^@ upper({0}))",
            N_("Name, number or VAT id"),
        ),
        Choice("state", N_("State"), STATES, "c.state = {0}", tabs=True),
        Flag("overdue", N_("Overdue"), "debt.overdue > 0", needs=("debt",)),
        Flag("over_limit", N_("Over the credit limit"), "debt.owed > c.credit_limit_minor", needs=("debt",),
             permission=CREDIT.name),
    ),
    sort="name",
)  # fmt: skip


class Standing(msgspec.Struct, frozen=True):
    """What a customer owes in its currency, what of it is overdue, and what is ordered and not invoiced yet."""

    owed: Money
    overdue: Money
    ordered: Money

    @property
    def used(self) -> Money:
        """What counts against the credit limit."""
        return self.owed + self.ordered


class RecentOrder(msgspec.Struct, frozen=True):
    """One of the customer's newest orders."""

    id: UUID
    number: str
    stage: str
    placed_at: datetime
    gross_minor: int
    currency: str


class OpenInvoice(msgspec.Struct, frozen=True):
    """An invoice that is not paid in full."""

    id: UUID
    number: str
    issued_on: date
    due_on: date
    gross_minor: int
    open_minor: int
    currency: str


_STANDING = raw(
    """
    select c.currency,
        (select coalesce(sum(t.open_minor), 0)::bigint from receivables.open_item t
            where t.tenant_id = $1 and t.customer_id = c.id and t.currency = c.currency and t.open_minor > 0),
        (select coalesce(sum(t.open_minor), 0)::bigint from receivables.open_item t
            where t.tenant_id = $1 and t.customer_id = c.id and t.currency = c.currency and t.open_minor > 0
            and t.due_on < $3),
        (select coalesce(round(sum(
                l.net_minor * (1 + l.vat_rate / 100) * (l.quantity - l.cancelled - l.invoiced) / l.quantity
            )), 0)::bigint
            from orders.sales_order o join orders.line l on l.tenant_id = $1 and l.order_id = o.id
            where o.tenant_id = $1 and o.customer_id = c.id and o.currency = c.currency
            and o.stage in ('confirmed', 'picking', 'shipped'))
    from parties.customer c where c.tenant_id = $1 and c.id = $2
    """,
    "this_tenant customer_id today",
)
_RECENT = raw(
    """
    select o.id, o.number, o.stage, o.placed_at, o.gross_minor, o.currency from orders.sales_order o
    where o.tenant_id = $1 and o.customer_id = $2 order by o.placed_at desc, o.id desc limit $3
    """,
    "this_tenant customer_id count",
    RecentOrder,
)
_OPEN = raw(
    """
    select i.id, i.number, i.issued_on, t.due_on, t.gross_minor, t.open_minor, t.currency
    from receivables.open_item t join invoicing.invoice i on i.tenant_id = $1 and i.id = t.invoice_id
    where t.tenant_id = $1 and t.customer_id = $2 and t.open_minor > 0 order by t.due_on, i.id limit $3
    """,
    "this_tenant customer_id count",
    OpenInvoice,
)


async def standing(tx: Transaction, customer_id: UUID, today: date) -> Standing:
    """Return what a customer owes and has ordered; ``NotFound`` if there is none."""
    currency, *amounts = await _STANDING.one(tx, customer_id=customer_id, today=today)
    return Standing(*(Money(amount, currency) for amount in amounts))


async def recent_orders(tx: Transaction, customer_id: UUID, count: int = 8) -> list[RecentOrder]:
    """Return the customer's newest orders."""
    return await _RECENT.all(tx, customer_id=customer_id, count=count)


async def open_invoices(tx: Transaction, customer_id: UUID, count: int = 8) -> list[OpenInvoice]:
    """Return the customer's unpaid invoices, the one that is due first at the top."""
    return await _OPEN.all(tx, customer_id=customer_id, count=count)
