"""The list of orders as the desk sees it: with holds, lateness and payment, in one statement a page."""

from datetime import date, datetime
from functools import cache
from typing import Any, Literal
from uuid import UUID

import msgspec

from stockade.database.statements import Statement, raw
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction

Payment = Literal["none", "open", "part_paid", "overdue", "paid", "credited"]
OPEN_STAGES = "('draft', 'confirmed', 'picking')"


class DeskRow(msgspec.Struct, frozen=True):
    """An order in the list."""

    id: UUID
    number: str
    customer_name: str
    placed_at: datetime
    requested_on: date | None
    late: bool
    stage: str
    hold_kinds: list[str]
    total: Money
    payment: Payment
    version: int


class DeskFilter(msgspec.Struct, frozen=True):
    """What to keep: ``q`` is how a number or a customer's name begins; empty values do not ask."""

    q: str = ""
    stage: str = ""
    late: bool = False
    overdue: bool = False


Place = tuple[datetime, UUID]

_COUNTS = raw("select stage, count(*) from orders.sales_order where tenant_id = $1 group by stage", "this_tenant")


async def stage_counts(tx: Transaction) -> dict[str, int]:
    """Return how many orders each stage holds."""
    return dict(await _COUNTS.all(tx))


async def desk_orders(
    tx: Transaction,
    wanted: DeskFilter,
    *,
    today: date,
    count: int,
    after: Place | None = None,
    before: Place | None = None,
) -> list[DeskRow]:
    """Return up to ``count`` orders, newest first: those after a place, or those before it that are nearest to it."""
    place = after or before or (None, None)
    asked = _statement(
        bool(wanted.q), bool(wanted.stage), wanted.late, wanted.overdue, after is not None, before is not None
    )
    rows = await asked.all(
        tx,
        q=wanted.q,
        lower_q=wanted.q.lower(),
        stage=wanted.stage,
        today=today,
        count=count,
        place_at=place[0],
        place_id=place[1],
    )
    made = [_row(row) for row in rows]
    return made[::-1] if before is not None else made


def _row(row: tuple[Any, ...]) -> DeskRow:
    order_id, number, name, placed_at, requested_on, late, stage, holds, *rest = row
    gross_minor, currency, invoiced, still_open, overdue, version = rest
    payment: Payment = "none"
    if invoiced is not None:
        if not still_open:
            payment = "paid"
        else:
            payment = "overdue" if overdue else "part_paid" if still_open < invoiced else "open"
    total = Money(gross_minor, currency)
    return DeskRow(order_id, number, name, placed_at, requested_on, late, stage, list(holds), total, payment, version)


@cache
def _statement(by_q: bool, by_stage: bool, late: bool, overdue: bool, after: bool, before: bool) -> Statement[Any]:
    """Compose the list once for each shape that is asked for; every part is a constant, every value is bound."""
    names = ["this_tenant", "today", "count"]

    def bound(name: str) -> str:
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    conditions = ["o.tenant_id = $1"]
    if by_q:
        conditions.append(f"(o.number ^@ {bound('q')}::text or lower(c.name) ^@ {bound('lower_q')}::text)")
    if by_stage:
        conditions.append(f"o.stage = {bound('stage')}::text")
    if late:
        conditions.append(f"o.requested_on < $2 and o.stage in {OPEN_STAGES}")
    if overdue:
        conditions.append(
            "exists (select from invoicing.invoice i "
            "join receivables.open_item t on t.tenant_id = $1 and t.invoice_id = i.id "
            "where i.tenant_id = $1 and i.order_id = o.id and t.open_minor > 0 and t.due_on < $2)"
        )
    if after or before:
        sign = "<" if after else ">"
        place = f"({bound('place_at')}::timestamptz, {bound('place_id')}::uuid)"
        conditions.append(f"(o.placed_at, o.id) {sign} {place}")
    direction = "asc" if before else "desc"
    return raw(
        f"""
        select o.id, o.number, c.name, o.placed_at, o.requested_on,
            coalesce(o.requested_on < $2::date and o.stage in {OPEN_STAGES}, false), o.stage,
            array(
                select h.kind from orders.hold h
                where h.tenant_id = $1 and h.order_id = o.id and h.released_at is null
                order by h.kind
            ),
            o.gross_minor, o.currency, paid.invoiced, paid.still_open, paid.overdue, o.version
        from orders.sales_order o
        join parties.customer c on c.tenant_id = $1 and c.id = o.customer_id
        left join lateral (
            select sum(t.gross_minor)::bigint as invoiced, sum(t.open_minor)::bigint as still_open,
                bool_or(t.open_minor > 0 and t.due_on < $2) as overdue
            from invoicing.invoice i join receivables.open_item t on t.tenant_id = $1 and t.invoice_id = i.id
            where i.tenant_id = $1 and i.order_id = o.id and i.kind = 'invoice'
        ) paid on true
        where {" and ".join(conditions)}
        order by o.placed_at {direction}, o.id {direction}
        limit $3
        """,
        " ".join(names),
    )
