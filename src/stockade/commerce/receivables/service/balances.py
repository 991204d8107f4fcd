"""What customers owe: now, and as it stood at the end of any day.

Ageing is a query, never a stored figure. What was open of an invoice on a day is its gross less the allocations dated
up to that day; what the customer owed is the sum of the receivable postings up to that day. The difference of the two
is money and credit that no invoice had claimed, so that the columns always add up to the balance.
"""

from datetime import date
from uuid import UUID

import msgspec

from stockade.access.pages import decode_cursor, encode_cursor
from stockade.commerce.orders.credit import provide_exposure
from stockade.database.statements import raw
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction


class Ageing(msgspec.Struct, frozen=True, kw_only=True):
    """What is open by days overdue; ``balance`` is the sum less ``unallocated`` (money and credit not claimed yet)."""

    not_due: Money
    days_1_30: Money
    days_31_60: Money
    days_61_90: Money
    days_over_90: Money
    unallocated: Money
    balance: Money


class CustomerAgeing(msgspec.Struct, frozen=True, kw_only=True):
    """One customer's ageing in one currency."""

    customer_id: UUID
    customer_number: str
    customer_name: str
    ageing: Ageing


class AgeingReport(msgspec.Struct, frozen=True, kw_only=True):
    """Every customer's ageing as of a day, by number, with the totals of all in each currency; ``next`` goes on."""

    as_of: date
    totals: list[Ageing]
    customers: list[CustomerAgeing]
    next: str | None = None


class Row(msgspec.Struct, frozen=True):
    """Ageing as PostgreSQL adds it up, in minor units."""

    currency: str
    not_due: int
    days_1_30: int
    days_31_60: int
    days_61_90: int
    days_over_90: int
    balance: int

    def ageing(self) -> Ageing:
        """Return it as money, with what is unallocated."""
        parts = (self.not_due, self.days_1_30, self.days_31_60, self.days_61_90, self.days_over_90)
        not_due, early, middle, late, worst, spare, balance = (
            Money(amount, self.currency) for amount in (*parts, sum(parts) - self.balance, self.balance)
        )
        return Ageing(
            not_due=not_due, days_1_30=early, days_31_60=middle, days_61_90=late, days_over_90=worst, unallocated=spare,
            balance=balance,
        )  # fmt: skip


class _CustomerRow(Row, frozen=True):
    customer_id: UUID
    number: str
    name: str


class _Answer(msgspec.Struct, frozen=True):
    totals: list[Row]
    customers: list[_CustomerRow]


_BUCKETS = ("not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90")
_COLUMNS = ", ".join(f"coalesce({name}, 0)::bigint as {name}" for name in (*_BUCKETS, "balance"))
_SUMS = ", ".join(f"sum({name})::bigint as {name}" for name in (*_BUCKETS, "balance"))


def ageing_rows(of_customer: str = "") -> str:
    """Return the CTEs that end in ``aged``: a row for each customer and currency as of ``$2``, those at zero left out.

    ``of_customer`` is an SQL expression of one customer, to look at that one only.
    """
    one = f"and i.customer_id = {of_customer}" if of_customer else ""
    posted = f"and p.customer_id = {of_customer}" if of_customer else ""
    within = f"and a.invoice_id in (select i.id from invoicing.invoice i where i.tenant_id = $1 {one})" if one else ""
    return f"""
    settled as (
        select a.invoice_id, sum(a.amount_minor) as amount from receivables.allocation a
        where a.tenant_id = $1 and a.allocated_on <= $2 {within} group by a.invoice_id
    ),
    open as (
        select i.customer_id, i.currency, $2::date - i.due_on as days, i.gross_minor - coalesce(s.amount, 0) as amount
        from invoicing.invoice i left join settled s on s.invoice_id = i.id
        where i.tenant_id = $1 and i.kind = 'invoice' and i.issued_on <= $2 {one}
    ),
    buckets as (
        select customer_id, currency,
            sum(amount) filter (where days <= 0) as not_due,
            sum(amount) filter (where days between 1 and 30) as days_1_30,
            sum(amount) filter (where days between 31 and 60) as days_31_60,
            sum(amount) filter (where days between 61 and 90) as days_61_90,
            sum(amount) filter (where days > 90) as days_over_90
        from open where amount <> 0 group by customer_id, currency
    ),
    booked as (
        select p.customer_id, p.currency, sum(p.amount_minor) as balance from receivables.posting p
        where p.tenant_id = $1 and p.account = 'receivable' and p.booked_on <= $2 {posted}
        group by p.customer_id, p.currency
    ),
    aged as (
        select customer_id, currency, {_COLUMNS}
        from buckets full join booked using (customer_id, currency)
        where balance <> 0 or num_nonnulls({", ".join(_BUCKETS)}) > 0
    )"""


_REPORT = raw(
    f"""
    with {ageing_rows()},
    page as (
        select aged.*, c.number, c.name
        from aged join parties.customer c on c.tenant_id = $1 and c.id = aged.customer_id
        where ($3::text is null or aged.currency = $3)
            and ($4::text is null or (c.number, aged.currency) > ($4, $5::text))
        order by c.number, aged.currency limit $6
    )
    select jsonb_build_object(
        'totals', coalesce((select jsonb_agg(to_jsonb(t) order by t.currency) from (
            select currency, {_SUMS} from aged where $3::text is null or currency = $3 group by currency) as t), '[]'),
        'customers', coalesce((select jsonb_agg(to_jsonb(p) order by p.number, p.currency) from page p), '[]')
    )::text
    """,
    "this_tenant as_of currency after_number after_currency limit",
    str,
)
_ONE = raw(
    f"""
    with c as (select id from parties.customer where tenant_id = $1 and id = $3), {ageing_rows("(select id from c)")}
    select coalesce(
        jsonb_agg(to_jsonb(aged) order by aged.currency) filter (where aged.currency is not null), '[]')::text
    from c left join aged on true group by c.id
    """,
    "this_tenant as_of customer_id",
    str,
)
_EXPOSURE = raw(
    """
    select ((select coalesce(sum(open_minor), 0) from receivables.open_item
            where tenant_id = $1 and customer_id = $2 and currency = $3 and open_minor > 0)
        - (select coalesce(sum(unallocated_minor), 0) from receivables.payment
            where tenant_id = $1 and customer_id = $2 and currency = $3 and unallocated_minor > 0)
        - (select coalesce(sum(unallocated_minor), 0) from receivables.credit
            where tenant_id = $1 and customer_id = $2 and currency = $3 and unallocated_minor > 0))::bigint
    """,
    "this_tenant customer_id currency",
    int,
)


async def ageing(
    tx: Transaction, as_of: date, *, currency: str | None = None, after: str | None = None, limit: int = 50
) -> AgeingReport:  # fmt: skip
    """Return what every customer owed at the end of a day, by days overdue."""
    number, last_currency = decode_cursor(after, (str, str)) if after is not None else (None, None)
    text = await _REPORT.one(
        tx, as_of=as_of, currency=currency, after_number=number, after_currency=last_currency, limit=limit + 1
    )
    answer = msgspec.json.decode(text, type=_Answer)
    rows = answer.customers[:limit]
    more = encode_cursor(rows[-1].number, rows[-1].currency) if len(answer.customers) > limit else None
    customers = [
        CustomerAgeing(
            customer_id=row.customer_id, customer_number=row.number, customer_name=row.name, ageing=row.ageing()
        )
        for row in rows
    ]  # fmt: skip
    return AgeingReport(as_of=as_of, totals=[row.ageing() for row in answer.totals], customers=customers, next=more)


async def customer_balance(tx: Transaction, customer_id: UUID, as_of: date) -> list[Ageing]:
    """Return what one customer owed at the end of a day, in each currency; empty if nothing was owed or held."""
    text = await _ONE.one(tx, as_of=as_of, customer_id=customer_id)
    return [row.ageing() for row in msgspec.json.decode(text, type=list[Row])]


@provide_exposure
async def exposure(tx: Transaction, customer_id: UUID, currency: str) -> int:
    """Return what a customer owes for invoices, less money and credit that no invoice has claimed, in minor units."""
    return await _EXPOSURE.one(tx, customer_id=customer_id, currency=currency)
