"""Recording money that came in, and reading it back.

A payment is known by its method and external id (a bank's or a payment service's reference). The same id twice is the
same payment, however many deliver it at the same time: the unique index decides, and the journal is written by the
statement that made the row, or not at all.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Date, select, tuple_

from stockade.access.pages import Page, decode_cursor, encode_cursor
from stockade.commerce.receivables.model import Payment
from stockade.commerce.receivables.problems import PaymentExists
from stockade.commerce.receivables.service.allocating import Allocated, allocate, allocate_oldest_first
from stockade.database.statements import TENANT, Statement, param, raw, statement
from stockade.kernel.clock import now, today
from stockade.kernel.money import CurrencyMismatch, Money
from stockade.kernel.problems import Invalid, NotFound
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """A payment and what it settled; ``unallocated`` is the part that no invoice has claimed."""

    id: UUID
    customer_id: UUID
    method: str
    external_id: str | None
    received_on: date
    amount: Money
    unallocated: Money
    note: str | None
    recorded_at: datetime
    allocations: list[Allocated]


class PaymentRow(msgspec.Struct, frozen=True):
    """A payment in a list."""

    id: UUID
    customer_id: UUID
    method: str
    external_id: str | None
    received_on: date
    amount: Money
    unallocated: Money


class NewPayment(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came in; ``allocations`` are (invoice, minor units), ``oldest_first`` spreads it by due date."""

    customer_id: UUID
    method: str
    received_on: date
    currency: str
    amount_minor: int
    external_id: str | None = None
    note: str | None = None
    allocations: Sequence[tuple[UUID, int]] = ()
    oldest_first: bool = False


class _Recorded(msgspec.Struct, frozen=True):
    customer_currency: str | None
    made: bool


class _Listed(msgspec.Struct, frozen=True):
    id: UUID
    customer_id: UUID
    method: str
    external_id: str | None
    received_on: date
    currency: str
    amount_minor: int
    unallocated_minor: int


_RECORD = raw(
    """
    with payer as (select id, currency from parties.customer where tenant_id = $1 and id = $3),
    made as (
        insert into receivables.payment (tenant_id, id, customer_id, method, external_id, received_on, currency,
            amount_minor, unallocated_minor, note, recorded_at)
        select $1, $2, payer.id, $4, $5, $6, $7, $8, $8, $9, $10 from payer where payer.currency = $7
        on conflict (tenant_id, method, external_id) where external_id is not null do nothing
        returning id, customer_id, received_on, currency, amount_minor
    ),
    booked as (
        insert into receivables.posting (tenant_id, journal_id, position, account, customer_id, source_id, booked_on,
            currency, amount_minor)
        select $1, made.id, side.position, side.account, made.customer_id, made.id, made.received_on, made.currency,
            side.sign * made.amount_minor
        from made cross join (values (1, 'bank', 1), (2, 'receivable', -1)) as side (position, account, sign)
    )
    select (select currency from payer), exists (select from made)
    """,
    "this_tenant id customer_id method external_id received_on currency amount_minor note recorded_at",
    _Recorded,
)
_VIEW = """
    select jsonb_build_object('id', p.id, 'customer_id', p.customer_id, 'method', p.method,
        'external_id', p.external_id, 'received_on', p.received_on, 'note', p.note, 'recorded_at', p.recorded_at,
        'amount', jsonb_build_object('amount_minor', p.amount_minor, 'currency', p.currency),
        'unallocated', jsonb_build_object('amount_minor', p.unallocated_minor, 'currency', p.currency),
        'allocations', coalesce((
            select jsonb_agg(jsonb_build_object('id', a.id, 'invoice_id', a.invoice_id, 'invoice_number', i.number,
                'amount', jsonb_build_object('amount_minor', a.amount_minor, 'currency', p.currency),
                'allocated_on', a.allocated_on, 'reverses_id', a.reverses_id) order by a.id)
            from receivables.allocation a join invoicing.invoice i on i.tenant_id = a.tenant_id and i.id = a.invoice_id
            where a.tenant_id = p.tenant_id and a.payment_id = p.id), '[]'))::text
    from receivables.payment p where p.tenant_id = $1 and
"""
_READ = raw(f"{_VIEW} p.id = $2", "this_tenant id", str)
_READ_EXTERNAL = raw(f"{_VIEW} p.method = $2 and p.external_id = $3", "this_tenant method external_id", str)
_decoder = msgspec.json.Decoder(PaymentView)


async def record_payment(tx: Transaction, id: UUID, new: NewPayment) -> PaymentView:
    """Record money that came in, book it, and allocate it if asked.

    The same (method, external id) again returns the payment that is there and changes nothing; ``PaymentExists`` if it
    differs. Also raises ``NotFound`` (no such customer), ``CurrencyMismatch``, and what ``allocate`` raises.
    """
    if new.received_on > today():
        raise Invalid("A payment cannot have been received after today.", field="received_on")
    recorded_at = now()
    done = await _RECORD.one(
        tx, id=id, customer_id=new.customer_id, method=new.method, external_id=new.external_id,
        received_on=new.received_on, currency=new.currency, amount_minor=new.amount_minor, note=new.note,
        recorded_at=recorded_at,
    )  # fmt: skip
    if done.customer_currency is None:
        raise NotFound
    if done.customer_currency != new.currency:
        raise CurrencyMismatch(
            said("This customer's currency is {customer_currency}.", customer_currency=done.customer_currency)
        )
    if not done.made:
        return await _the_same(tx, new)
    made = await _spread(tx, id, new)
    spent = sum(row.amount.amount_minor for row in made)
    return PaymentView(
        id=id, customer_id=new.customer_id, method=new.method, external_id=new.external_id,
        received_on=new.received_on, amount=Money(new.amount_minor, new.currency),
        unallocated=Money(new.amount_minor - spent, new.currency), note=new.note, recorded_at=recorded_at,
        allocations=made,
    )  # fmt: skip


async def _spread(tx: Transaction, id: UUID, new: NewPayment) -> list[Allocated]:
    """Allocate what was just recorded, as of the day it came in."""
    if new.allocations:
        return await allocate(tx, id, new.allocations, on=new.received_on)
    return await allocate_oldest_first(tx, id, on=new.received_on) if new.oldest_first else []


async def _the_same(tx: Transaction, new: NewPayment) -> PaymentView:
    """Return the payment that has the external id already, if it says the same."""
    found = _decoder.decode(await _READ_EXTERNAL.one(tx, method=new.method, external_id=new.external_id))
    recorded = (found.customer_id, found.amount, found.received_on)
    if recorded != (new.customer_id, Money(new.amount_minor, new.currency), new.received_on):
        raise PaymentExists(
            said(
                "The {method} {external_id} was recorded before, and differs.",
                method=new.method,
                external_id=new.external_id,
            ),
            payment_id=str(found.id),
        )
    return found


async def read_payment(tx: Transaction, payment_id: UUID) -> PaymentView:
    """Return a payment with its allocations."""
    return _decoder.decode(await _READ.one(tx, id=payment_id))


async def list_payments(
    tx: Transaction, *, customer_id: UUID | None = None, unallocated: bool = False, after: str | None = None,
    limit: int = 50,
) -> Page[PaymentRow]:  # fmt: skip
    """Return payments, the newest first; ``unallocated`` only those with something left."""
    given: dict[str, Any] = {} if customer_id is None else {"customer_id": customer_id}
    if after is not None:
        given["after_day"], given["after_id"] = decode_cursor(after, (date, UUID))
    shape = frozenset(given) | ({"unallocated"} if unallocated else set())
    rows = await _list_statement(shape).all(tx, limit=limit + 1, **given)
    page = [
        PaymentRow(
            row.id, row.customer_id, row.method, row.external_id, row.received_on,
            Money(row.amount_minor, row.currency), Money(row.unallocated_minor, row.currency),
        )
        for row in rows[:limit]
    ]  # fmt: skip
    return Page(page, encode_cursor(page[-1].received_on, page[-1].id) if len(rows) > limit else None)


@cache
def _list_statement(shape: frozenset[str]) -> Statement[_Listed]:
    """The statement of a list with these filters."""
    query = select(
        Payment.id, Payment.customer_id, Payment.method, Payment.external_id, Payment.received_on, Payment.currency,
        Payment.amount_minor, Payment.unallocated_minor,
    ).where(Payment.tenant_id == TENANT)  # fmt: skip
    conditions = {
        "customer_id": Payment.customer_id == param("customer_id"),
        "unallocated": Payment.unallocated_minor > 0,
        "after_day": tuple_(Payment.received_on, Payment.id)
        < tuple_(param("after_day", Date), param("after_id", Payment.id.type)),
    }
    for name in sorted(shape & conditions.keys()):
        query = query.where(conditions[name])
    return statement(query.order_by(Payment.received_on.desc(), Payment.id.desc()).limit(param("limit")), _Listed)
