"""The database against the account: what a run's rows add up to, asked in SQL that shares nothing with the writing.

It looks at this run's rows only (its series, and what hangs on it), none of which may ever change; so a finished import
can be verified again years later, whatever was sold, paid or credited since.
"""

from collections.abc import Iterator
from uuid import UUID

import msgspec

from stockade.commerce.ledger.account import Account
from stockade.commerce.ledger.loading.write import Target
from stockade.commerce.ledger.mapping import DocumentKind, LineKind
from stockade.commerce.ledger.parsing import MICRO
from stockade.database.statements import raw
from stockade.tenancy.transaction import Transaction

_SIGN = "case when i.kind = 'invoice' then 1 else -1 end"
_MOST_NAMED = 5


class Sums(msgspec.Struct, frozen=True):
    """What some rows add up to; ``exact_micro`` is price times quantity, before it was rounded."""

    currency: str
    charge: str
    lines: int
    exact_micro: int
    net_minor: int


class Booking(msgspec.Struct, frozen=True):
    """What was booked on an account."""

    account: str
    currency: str
    amount_minor: int


_LINES = raw(
    f"""
    select i.currency, case when p.sku like 'FEE-%' and not p.stocked then p.sku else '' end, count(*),
        (sum({_SIGN} * l.quantity * l.unit_price) * {MICRO})::bigint, sum({_SIGN} * l.net_minor)::bigint
    from invoicing.invoice i join invoicing.line l on l.tenant_id = i.tenant_id and l.invoice_id = i.id
        join catalog.product p on p.tenant_id = l.tenant_id and p.id = l.product_id
    where i.tenant_id = $1 and i.series = $2 group by 1, 2
    """,
    "this_tenant series",
    Sums,
)
_CROOKED = raw(
    """
    with i as (select * from invoicing.invoice where tenant_id = $1 and series = $2)
    select i.number from i
    left join (select invoice_id, sum(net_minor) as net_minor from invoicing.line where tenant_id = $1 group by 1) l
        on l.invoice_id = i.id
    left join invoicing.vat_group v on v.tenant_id = $1 and v.invoice_id = i.id
    left join orders.sales_order o on o.tenant_id = $1 and o.id = i.order_id
    left join (select order_id, sum(net_minor) as net_minor,
            bool_and(shipped = quantity and invoiced = quantity) as complete
        from orders.line where tenant_id = $1 group by 1) ol on ol.order_id = o.id
    left join receivables.open_item item on item.tenant_id = $1 and item.invoice_id = i.id
    left join receivables.credit c on c.tenant_id = $1 and c.credit_note_id = i.id
    where (i.vat_minor, i.gross_minor, l.net_minor, v.net_minor, v.vat_minor) is distinct from
            (0, i.net_minor, i.net_minor, i.net_minor, 0)
        or case when i.kind = 'invoice' then item.gross_minor else c.gross_minor end is distinct from i.net_minor
        or (i.order_id is not null
            and (o.number, o.net_minor, o.gross_minor, ol.net_minor, ol.complete)
                is distinct from (i.number, i.net_minor, i.net_minor, i.net_minor, true))
    order by i.number limit $3
    """,
    "this_tenant series most",
    str,
)
_POSTED = raw(
    """
    with i as (select * from invoicing.invoice where tenant_id = $1 and series = $2)
    select p.account, p.currency, sum(p.amount_minor)::bigint
    from receivables.posting p
    where p.tenant_id = $1
        and (p.account = 'revenue' and p.source_id in (select id from i) or p.journal_id = any ($3::uuid[]))
    group by 1, 2 having sum(p.amount_minor) <> 0
    """,
    "this_tenant series journals",
    Booking,
)
_UNSETTLED = raw(
    """
    select i.number from invoicing.invoice i
    left join receivables.allocation a on a.tenant_id = $1 and a.invoice_id = i.id and a.payment_id is not null
    left join receivables.payment p on p.tenant_id = $1 and p.id = a.payment_id and p.method = 'import'
    where i.tenant_id = $1 and i.series = $2 and p.id is not null
        and (p.amount_minor, a.amount_minor, p.customer_id) is distinct from (i.gross_minor, i.gross_minor,
            i.customer_id)
    order by i.number limit $3
    """,
    "this_tenant series most",
    str,
)
_MOVED = raw(
    """
    with sources as (
        select coalesce(order_id, id) as id from invoicing.invoice where tenant_id = $1 and series = $2
            union all select $3::uuid
    )
    select coalesce(sum(m.quantity), 0)::bigint from stock.move m
    where m.tenant_id = $1 and m.reason in ('shipment', 'return', 'damage', 'count', 'adjustment')
        and m.source_id in (select id from sources)
    """,
    "this_tenant series run_id",
    int,
)
_UNLEVEL = raw(
    """
    select p.sku
    from (select warehouse_id, product_id, sum(quantity) as moved from stock.move where tenant_id = $1 group by 1, 2) m
    full join (select warehouse_id, product_id, on_hand from stock.level where tenant_id = $1) l using (warehouse_id,
        product_id)
    join catalog.product p on p.tenant_id = $1 and p.id = product_id
    where coalesce(l.on_hand, 0) <> coalesce(m.moved, 0) order by p.sku limit $2
    """,
    "this_tenant most",
    str,
)


async def verify(tx: Transaction, target: Target, account: Account, journals: list[UUID]) -> list[str]:
    """Return in what the rows of the run differ from the account; nothing, if they agree to the millionth."""
    series = target.series
    faults = list(_differences(_expected_lines(account), await _LINES.all(tx, series=series)))
    booked = await _POSTED.all(tx, series=series, journals=journals)
    faults += _differences(_expected_postings(account), booked)
    moved = await _MOVED.one(tx, series=series, run_id=target.run_id)
    expected = _expected_pieces(account)
    faults += [f"{moved} pieces moved, {expected} expected"] if moved != expected else []
    for what, numbers in (
        ("documents whose figures disagree", await _CROOKED.all(tx, series=series, most=_MOST_NAMED)),
        ("invoices paid by another amount", await _UNSETTLED.all(tx, series=series, most=_MOST_NAMED)),
        ("products whose level is not the sum of their moves", await _UNLEVEL.all(tx, most=_MOST_NAMED)),
    ):
        faults += [f"{what}: {', '.join(numbers)}"] if numbers else []
    return faults


def _expected_lines(account: Account) -> list[Sums]:
    sums: dict[tuple[str, str], list[int]] = {}
    for kind, tally in account.kinds.items():
        if kind.document in (DocumentKind.SALE, DocumentKind.CREDIT):
            name = kind.charge or (kind.line if kind.line == LineKind.DISCOUNT else "")
            key = (kind.currency, f"FEE-{name.upper()}" if name else "")
            counted = sums.setdefault(key, [0, 0, 0])
            for place, value in enumerate((tally.lines, tally.net_micro, tally.net_minor)):
                counted[place] += value
    return [Sums(*key, *counted) for key, counted in sums.items()]


def _expected_postings(account: Account) -> list[Booking]:
    """Return what the accounts must show: revenue of all that was issued, and the journals that bill nobody."""
    sums: dict[tuple[str, str], int] = {}
    sides = {DocumentKind.BAD_DEBT: ("receivable", "bad_debt"), DocumentKind.COST: ("bank", "cost")}
    for kind, tally in account.kinds.items():
        plus, minus = sides.get(DocumentKind(kind.document), (None, "revenue"))
        for name, amount_minor in ((plus, tally.net_minor), (minus, -tally.net_minor)):
            if name is not None:
                sums[name, kind.currency] = sums.get((name, kind.currency), 0) + amount_minor
    return [Booking(*key, amount_minor) for key, amount_minor in sums.items() if amount_minor]


def _expected_pieces(account: Account) -> int:
    signs = {LineKind.SALE: -1, LineKind.FREE: -1, LineKind.CREDIT: -1, LineKind.STOCK_CORRECTION: 1}
    return sum(signs.get(LineKind(kind.line), 0) * tally.quantity for kind, tally in account.kinds.items())


def _differences(expected: list[Sums] | list[Booking], found: list[Sums] | list[Booking]) -> Iterator[str]:
    """Yield what is in one list only, in words."""
    for row in expected:
        if row not in found:
            yield f"missing {row}"
    for row in found:
        if row not in expected:
            yield f"unexpected {row}"
