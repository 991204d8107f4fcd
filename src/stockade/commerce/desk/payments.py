"""Payments as the desk sees them: the list, one of them with what it settled, and what a customer has open."""

from datetime import date
from uuid import UUID

import msgspec

from stockade.commerce.desk.listing import Choice, Column, Days, Entity, Flag, Listing, Search
from stockade.commerce.receivables.bank_api import READ
from stockade.database.statements import raw
from stockade.kernel.money import Money
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

METHODS = {
    "bank_transfer": N_("Bank transfer"), "card": N_("Card"), "cash": N_("Cash"), "cheque": N_("Cheque"),
    "direct_debit": N_("Direct debit"), "import": N_("Imported"),
}  # fmt: skip
MOST_OPEN = 200
PAYMENTS = Listing(
    name="payments", address="/payments", permission=READ,
    source="receivables.payment p join parties.customer c on c.tenant_id = $1 and c.id = p.customer_id",
    where="p.tenant_id = $1", key="p.id",
    columns=(
        Column("customer", N_("Customer"), "c.name", link="/payments/{id}"),
        Column("received", N_("Received"), "p.received_on", "day", sort=True),
        Column("method", N_("Method"), "p.method", "badge",
               badges={name: (label, "plain", "") for name, label in METHODS.items()}),
        Column("reference", N_("Reference"), "p.external_id", "code"),
        Column("note", N_("Note"), "p.note", shown=False),
        Column("recorded", N_("Recorded"), "p.recorded_at", "moment", shown=False),
        Column("amount", N_("Amount"), "p.amount_minor", "money", currency="p.currency", sort=True),
        Column("unallocated", N_("Not allocated"), "nullif(p.unallocated_minor, 0)", "money", currency="p.currency"),
    ),
    filters=(
        Search("(p.external_id ^@ {0} or lower(c.name) ^@ lower({0}) or c.number = upper({0}))",
               N_("Customer or reference")),
        Flag("unallocated", N_("Not allocated"), "p.unallocated_minor > 0"),
        Choice("method", N_("Method"), METHODS, "p.method = {0}"),
        Entity("customer", N_("Customer"), "p.customer_id = {0}", "customers",
               shown="select name from parties.customer where tenant_id = $1 and id = $2"),
        Days("received", N_("Received"), "p.received_on"),
    ),
    sort="-received",
)  # fmt: skip


class Debtor(msgspec.Struct, frozen=True):
    """A customer that pays: what it is called, and the one currency that it pays in."""

    id: UUID
    number: str
    name: str
    currency: str


class OpenItem(msgspec.Struct, frozen=True):
    """An invoice that is not paid in full."""

    invoice_id: UUID
    number: str
    issued_on: date
    due_on: date
    gross: Money
    open: Money


class Share(msgspec.Struct, frozen=True):
    """A part of a payment that settled an invoice; ``taken_back`` once that was done."""

    id: UUID
    invoice_id: UUID
    number: str
    on: date
    amount: Money
    taken_back: bool


_DEBTOR = raw(
    "select id, number, name, currency from parties.customer where tenant_id = $1 and id = $2", "this_tenant id", Debtor
)
_OPEN = raw(
    f"""
    select t.invoice_id, i.number, i.issued_on, t.due_on, t.gross_minor, t.open_minor, t.currency
    from receivables.open_item t join invoicing.invoice i on i.tenant_id = $1 and i.id = t.invoice_id
    where t.tenant_id = $1 and t.customer_id = $2 and t.open_minor > 0
        and t.currency = (select c.currency from parties.customer c where c.tenant_id = $1 and c.id = $2)
    order by t.due_on, t.invoice_id limit {MOST_OPEN}
    """,
    "this_tenant customer_id",
)
_SHARES = raw(
    """
    select a.id, a.invoice_id, i.number, a.allocated_on, a.amount_minor, i.currency,
        exists (select from receivables.allocation b where b.tenant_id = $1 and b.reverses_id = a.id)
    from receivables.allocation a join invoicing.invoice i on i.tenant_id = $1 and i.id = a.invoice_id
    where a.tenant_id = $1 and a.payment_id = $2 and a.reverses_id is null
    order by a.allocated_on, a.id limit 500
    """,
    "this_tenant payment_id",
)


async def debtor(tx: Transaction, customer_id: UUID) -> Debtor:
    """Return a customer that pays; ``NotFound``."""
    return await _DEBTOR.one(tx, id=customer_id)


async def open_items(tx: Transaction, customer_id: UUID) -> list[OpenItem]:
    """Return what a customer has open in its currency, the invoice that is due first at the top."""
    return [
        OpenItem(invoice_id, number, issued_on, due_on, Money(gross, currency), Money(still_open, currency))
        for invoice_id, number, issued_on, due_on, gross, still_open, currency in await _OPEN.all(
            tx, customer_id=customer_id
        )
    ]


async def shares_of(tx: Transaction, payment_id: UUID) -> list[Share]:
    """Return what a payment settled, in the order in which it did."""
    return [
        Share(key, invoice_id, number, on, Money(minor, currency), taken_back)
        for key, invoice_id, number, on, minor, currency, taken_back in await _SHARES.all(tx, payment_id=payment_id)
    ]
