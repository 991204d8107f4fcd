"""Invoices as the desk sees them: the list, and what settled one of them."""

from datetime import date
from uuid import UUID

import msgspec

from stockade.commerce.desk.listing import Choice, Column, Days, Entity, Flag, Listing, Search
from stockade.commerce.invoicing.api import READ
from stockade.database.statements import raw
from stockade.kernel.money import Money
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

STATE_BADGES = {
    "open": (N_("Open"), "plain", "clock"), "overdue": (N_("Overdue"), "bad", "circle-alert"),
    "part_paid": (N_("Part paid"), "info", "clock"), "paid": (N_("Paid"), "good", "check"),
    "credited": (N_("Credited"), "hollow", "receipt"), "credit_note": (N_("Credit note"), "hollow", "receipt"),
}  # fmt: skip
STATES = {
    "open": N_("Open"), "part_paid": N_("Part paid"), "paid": N_("Paid"), "credited": N_("Credited"),
    "credit_note": N_("Credit notes"),
}  # fmt: skip
"""By which the list is filtered; ``overdue`` is a flag of its own, since what is overdue is open or part paid."""
_STATE = """
    case when i.kind = 'credit_note' then 'credit_note'
        when coalesce(t.open_minor, 0) = 0 then
            case when t.credited_minor > 0 and t.credited_minor = t.gross_minor then 'credited' else 'paid' end
        when t.due_on < {today} then 'overdue' when t.open_minor < t.gross_minor then 'part_paid' else 'open' end
"""
_IN_STATE = """
    case {0} when 'open' then t.open_minor > 0 when 'part_paid' then t.open_minor > 0 and t.open_minor < t.gross_minor
        when 'credit_note' then i.kind = 'credit_note'
        when 'credited' then t.open_minor = 0 and t.credited_minor > 0 and t.credited_minor = t.gross_minor
        else i.kind = 'invoice' and coalesce(t.open_minor, 0) = 0
            and (t.credited_minor is null or t.credited_minor = 0 or t.credited_minor < t.gross_minor) end
"""
INVOICES = Listing(
    name="invoices", address="/invoices", permission=READ,
    source="invoicing.invoice i join parties.customer c on c.tenant_id = $1 and c.id = i.customer_id "
           "left join receivables.open_item t on t.tenant_id = $1 and t.invoice_id = i.id",
    where="i.tenant_id = $1", key="i.id",
    joins={
        "credit": "left join receivables.credit r on r.tenant_id = $1 and r.credit_note_id = i.id",
        "ordered": "left join orders.sales_order o on o.tenant_id = $1 and o.id = i.order_id",
    },
    columns=(
        Column("number", N_("Number"), "i.number", "code", sort=True, link="/invoices/{id}"),
        Column("customer", N_("Customer"), "c.name"),
        Column("order", N_("Order"), "o.number", "code", needs=("ordered",)),
        Column("issued", N_("Issued"), "i.issued_on", "day", sort=True),
        Column("due", N_("Due"), "case when i.kind = 'invoice' then i.due_on end", "day"),
        Column("state", N_("State"), _STATE, "badge", badges=STATE_BADGES),
        Column("net", N_("Net"), "i.net_minor", "money", currency="i.currency", shown=False),
        Column("vat", N_("VAT"), "i.vat_minor", "money", currency="i.currency", shown=False),
        Column("total", N_("Total"), "i.gross_minor", "money", currency="i.currency", sort=True),
        Column("open", N_("Open"), "nullif(t.open_minor, 0)", "money", currency="i.currency"),
        Column("credit", N_("Credit left"), "r.unallocated_minor", "money", currency="i.currency", shown=False,
               needs=("credit",)),
    ),
    filters=(
        Search("(i.number ^@ upper({0}) or lower(c.name) ^@ lower({0}))", N_("Number or customer")),
        Choice("state", N_("State"), STATES, _IN_STATE, tabs=True),
        Flag("overdue", N_("Overdue"), "t.open_minor > 0 and t.due_on < {today}"),
        Flag("credit", N_("Credit left"), "r.unallocated_minor > 0", needs=("credit",)),
        Entity("customer", N_("Customer"), "i.customer_id = {0}", "customers",
               shown="select name from parties.customer where tenant_id = $1 and id = $2"),
        Days("issued", N_("Issued"), "i.issued_on"),
        Days("due", N_("Due"), "i.due_on"),
    ),
    sort="-issued",
)  # fmt: skip


class Settled(msgspec.Struct, frozen=True):
    """What settled a part of an invoice, or what a credit note settled: a payment, a credit note or a write-off.

    ``label`` is what the other side is called, ``address`` its page or empty; ``taken_back`` once that was done.
    """

    id: UUID
    kind: str
    label: str
    address: str
    on: date
    amount: Money
    taken_back: bool


class CreditNote(msgspec.Struct, frozen=True):
    """A credit note about an invoice."""

    id: UUID
    number: str
    issued_on: date
    gross: Money
    reason: str | None


_SETTLED = raw(
    """
    select a.id, case when a.payment_id is not null then 'payment' when a.write_off_id is not null then 'write_off'
            else 'credit_note' end,
        case when a.payment_id is not null then coalesce(p.external_id, p.method)
            when a.write_off_id is not null then w.reason
            when a.credit_note_id = $2 then i.number else n.number end,
        case when a.payment_id is not null then '/payments/' || a.payment_id
            when a.credit_note_id = $2 then '/invoices/' || a.invoice_id
            when a.credit_note_id is not null then '/invoices/' || a.credit_note_id else '' end,
        a.allocated_on, a.amount_minor, i.currency,
        exists (select from receivables.allocation b where b.tenant_id = $1 and b.reverses_id = a.id)
    from receivables.allocation a
    join invoicing.invoice i on i.tenant_id = $1 and i.id = a.invoice_id
    left join receivables.payment p on p.tenant_id = $1 and p.id = a.payment_id
    left join receivables.write_off w on w.tenant_id = $1 and w.id = a.write_off_id
    left join invoicing.invoice n on n.tenant_id = $1 and n.id = a.credit_note_id
    where a.tenant_id = $1 and (a.invoice_id = $2 or a.credit_note_id = $2) and a.reverses_id is null
    order by a.allocated_on, a.id limit 500
    """,
    "this_tenant invoice_id",
)
_NOTES = raw(
    """
    select id, number, issued_on, gross_minor, currency, note from invoicing.invoice
    where tenant_id = $1 and corrects_id = $2 order by issued_on, id limit 200
    """,
    "this_tenant invoice_id",
)


async def settled_by(tx: Transaction, invoice_id: UUID) -> list[Settled]:
    """Return what settled an invoice, or what a credit note settled, in the order in which it did."""
    return [
        Settled(key, kind, label or "", address, on, Money(minor, currency), taken_back)
        for key, kind, label, address, on, minor, currency, taken_back in await _SETTLED.all(tx, invoice_id=invoice_id)
    ]


async def credit_notes_of(tx: Transaction, invoice_id: UUID) -> list[CreditNote]:
    """Return the credit notes about an invoice."""
    return [
        CreditNote(key, number, issued_on, Money(minor, currency), note)
        for key, number, issued_on, minor, currency, note in await _NOTES.all(tx, invoice_id=invoice_id)
    ]
