"""One order with all that surrounds it: stock of its products, invoices, where it goes, and what happened to it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from stockade.commerce.desk.naming import ACTOR
from stockade.commerce.orders.views import OrderView
from stockade.database.statements import raw
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction


class Shelf(msgspec.Struct, frozen=True):
    """A product's stock in the order's warehouse."""

    product_id: UUID
    unit: str
    on_hand: int | None
    reserved: int


class Document(msgspec.Struct, frozen=True):
    """An invoice or credit note of the order; ``open`` is what is still to be paid."""

    id: UUID
    kind: str
    number: str
    issued_on: date
    due_on: date | None
    total: Money
    open: Money
    payment: str


class Terms(msgspec.Struct, frozen=True):
    """When the customer pays, where its goods go unless the order says so, and who here can let an order go on."""

    terms_days: int
    delivery: list[str] | None
    releasers: list[str]


class Paid(msgspec.Struct, frozen=True):
    """A part of a payment that settles an invoice of the order."""

    payment_id: UUID
    invoice_number: str
    method: str
    received_on: date
    amount_minor: int
    currency: str


class Event(msgspec.Struct, frozen=True):
    """An entry of the trail about the order."""

    recorded_at: datetime
    actor: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


_SHELVES = raw(
    """
    select p.id, p.unit, case when p.stocked then coalesce(v.on_hand, 0) end, coalesce(v.reserved, 0)
    from catalog.product p
    left join stock.level v on v.tenant_id = $1 and v.warehouse_id = $2 and v.product_id = p.id
    where p.tenant_id = $1 and p.id = any($3)
    """,
    "this_tenant warehouse_id products",
    Shelf,
)
_DOCUMENTS = raw(
    """
    select i.id, i.kind, i.number, i.issued_on, case when i.kind = 'invoice' then i.due_on end,
        i.gross_minor, i.currency, coalesce(t.open_minor, 0)
    from invoicing.invoice i left join receivables.open_item t on t.tenant_id = $1 and t.invoice_id = i.id
    where i.tenant_id = $1 and (
        i.order_id = $2
        or i.corrects_id in (select b.id from invoicing.invoice b where b.tenant_id = $1 and b.order_id = $2)
    )
    order by i.issued_on, i.id
    """,
    "this_tenant order_id",
)
_TERMS = raw(
    """
    select c.terms_days, (
        select array[a.recipient, a.street, a.postcode || ' ' || a.city, a.country] from parties.address a
        where a.tenant_id = $1 and a.customer_id = c.id order by a.kind = 'shipping' desc, a.id limit 1
    ), array(
        select p.name from identity.people() p where p.state = 'active' and p.role = any($3) order by p.name limit 8
    )
    from parties.customer c where c.tenant_id = $1 and c.id = $2
    """,
    "this_tenant customer_id roles",
    Terms,
)
_PAID = raw(
    """
    select p.id, i.number, p.method, p.received_on, sum(a.amount_minor)::bigint, p.currency
    from receivables.allocation a
    join receivables.payment p on p.tenant_id = $1 and p.id = a.payment_id
    join invoicing.invoice i on i.tenant_id = $1 and i.id = a.invoice_id
    where a.tenant_id = $1 and a.invoice_id = any($2)
    group by p.id, i.number, p.method, p.received_on, p.currency having sum(a.amount_minor) <> 0
    order by p.received_on, p.id
    """,
    "this_tenant invoices",
    Paid,
)
_HISTORY = raw(
    f"""
    select e.recorded_at, {ACTOR}, e.action, e.subject, e.before, e.after
    from audit.entry e
    left join identity.people() p on p.account_id = e.actor_id
    left join identity.api_key k on k.tenant_id = $1 and k.id = e.actor_id
    where e.tenant_id = $1 and e.subject_id = any($2) and (e.action <> 'update' and e.action <> 'delete')
    order by e.recorded_at desc, e.id desc limit 200
    """,
    "this_tenant subjects",
    Event,
)


async def shelves(tx: Transaction, order: OrderView) -> dict[UUID, Shelf]:
    """Return the stock of the order's products, by product."""
    products = list({line.product_id for line in order.lines})
    return {row.product_id: row for row in await _SHELVES.all(tx, warehouse_id=order.warehouse.id, products=products)}


async def documents(tx: Transaction, order_id: UUID, today: date) -> list[Document]:
    """Return the order's invoices and their credit notes, oldest first."""
    return [_document(row, today) for row in await _DOCUMENTS.all(tx, order_id=order_id)]


def _document(row: tuple[Any, ...], today: date) -> Document:
    document_id, kind, number, issued_on, due_on, gross_minor, currency, open_minor = row
    if kind == "credit_note":
        payment = "credited"
    elif not open_minor:
        payment = "paid"
    elif due_on < today:
        payment = "overdue"
    else:
        payment = "part_paid" if open_minor < gross_minor else "open"
    return Document(
        document_id, kind, number, issued_on, due_on, Money(gross_minor, currency), Money(open_minor, currency), payment
    )


async def terms(tx: Transaction, customer_id: UUID, releasing_roles: Sequence[str]) -> Terms:
    """Return the customer's terms and delivery address, and the names of the members who have one of the roles."""
    return await _TERMS.one(tx, customer_id=customer_id, roles=list(releasing_roles))


async def payments(tx: Transaction, invoices: Sequence[UUID]) -> list[Paid]:
    """Return what was paid of some invoices, oldest first."""
    return await _PAID.all(tx, invoices=list(invoices)) if invoices else []


async def history(tx: Transaction, subjects: list[UUID]) -> list[Event]:
    """Return what the trail holds about these rows, newest first."""
    return await _HISTORY.all(tx, subjects=subjects)
