"""Issuing a credit note, the only way to correct an invoice.

The invoice's open item is locked first, so that two credit notes for one invoice come one after the other, and its
CHECK refuses to credit more than was invoiced. The note settles what is open of its invoice; the rest is the customer's
credit.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from stockade.commerce.invoicing import model
from stockade.commerce.invoicing.rows import insert_rows
from stockade.commerce.invoicing.rules import SERIES, Correction, Credited, CreditExceedsInvoice, Invoice, correct
from stockade.commerce.invoicing.service.issuing import numbered
from stockade.commerce.invoicing.service.reading import DOCUMENT, decoded
from stockade.commerce.numbering.service import take
from stockade.commerce.receivables.model import Posting
from stockade.commerce.receivables.rules import invoice_journal
from stockade.database.statements import Statement, raw
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Transaction, on_violation

on_violation("open_item_credited_check", CreditExceedsInvoice)


class Standing(msgspec.Struct, frozen=True):
    """An invoice's open item, and what the statement's snapshot knew of its credit notes."""

    open_minor: int
    credited_minor: int
    known_minor: int
    credited: str
    invoice: str


STANDING = f"""
    select item.open_minor, item.credited_minor,
        (select coalesce(sum(n.gross_minor), 0)::bigint from invoicing.invoice n
            where n.tenant_id = i.tenant_id and n.corrects_id = i.id),
        (select coalesce(jsonb_agg(to_jsonb(c)), '[]')
            from (select l.position, sum(l.quantity) as quantity, sum(l.net_minor) as net_minor
                from invoicing.invoice n join invoicing.line l on l.tenant_id = n.tenant_id and l.invoice_id = n.id
                where n.tenant_id = i.tenant_id and n.corrects_id = i.id group by l.position) as c)::text,
        ({DOCUMENT})::text
    from receivables.open_item item
    join invoicing.invoice i on i.tenant_id = item.tenant_id and i.id = item.invoice_id
    where item.tenant_id = $1 and item.invoice_id = $2
"""
"""The SQL of ``Standing``."""
_LOCK = raw(f"{STANDING} for no key update of item", "this_tenant invoice_id", Standing)
_WRITE: Statement[tuple[()]] = raw(
    f"""
    with header as ({insert_rows(model.Invoice, "jsonb_build_array($1::jsonb)", tenant_id="$2")}),
    lines as ({insert_rows(model.InvoiceLine, "$1 -> 'lines'", tenant_id="$2", invoice_id="$3")}),
    groups as ({insert_rows(model.VatGroup, "$1 -> 'vat_groups'", tenant_id="$2", invoice_id="$3")}),
    postings as ({insert_rows(Posting, "$4::jsonb", tenant_id="$2")}),
    note as (select * from jsonb_populate_record(null::invoicing.invoice, $1)),
    credit as (
        insert into receivables.credit
            (tenant_id, credit_note_id, customer_id, currency, gross_minor, unallocated_minor)
        select $2, $3, customer_id, currency, gross_minor, gross_minor - $5 from note
    ),
    settled as (
        insert into receivables.allocation (tenant_id, id, invoice_id, credit_note_id, amount_minor, allocated_on)
        select $2, $6, corrects_id, $3, $5::bigint, issued_on from note where $5 > 0
    )
    update receivables.open_item as item
    set open_minor = item.open_minor - $5, credited_minor = item.credited_minor + note.gross_minor
    from note where item.tenant_id = $2 and item.invoice_id = note.corrects_id
    """,
    "note this_tenant id postings settled allocation_id",
)


async def issue_credit_note(
    tx: Transaction, id: UUID, invoice_id: UUID, lines: Sequence[tuple[int, int]] | None, reason: str, *,
    issued_on: date | None = None,
) -> Invoice:  # fmt: skip
    """Credit quantities of an invoice's lines as (position, quantity), or with None all that was not credited yet.

    Raises ``NotFound`` and ``CreditExceedsInvoice``.
    """
    locked = await _LOCK.one(tx, invoice_id=invoice_id)
    if locked.known_minor != locked.credited_minor:
        # A credit note was committed while we waited for the lock: this statement's snapshot has it, the first had not.
        locked = await _LOCK.one(tx, invoice_id=invoice_id)
    wanted: dict[int, int] | None = None if lines is None else {}
    for position, quantity in lines or ():
        assert wanted is not None
        wanted[position] = wanted.get(position, 0) + quantity
    invoice = decoded(locked.invoice)
    credited = msgspec.json.decode(locked.credited, type=list[Credited])
    correction = correct(invoice, credited, locked.credited_minor, wanted)
    settled = min(locked.open_minor, correction.gross_minor)
    draft = _draft(id, invoice, correction, correction.gross_minor - settled, reason, issued_on)
    note = numbered(draft, await take(tx, draft.series, draft.period))
    await _WRITE.run(tx, note=note, id=id, postings=invoice_journal(note), settled=settled, allocation_id=new_id())
    return note


def _draft(
    id: UUID, invoice: Invoice, correction: Correction, left_minor: int, reason: str, issued_on: date | None
) -> Invoice:  # fmt: skip
    """The whole credit note but for its number; seller and buyer are those of its invoice."""
    issued_at = now()
    day = max(issued_on or issued_at.date(), invoice.issued_on)
    return msgspec.structs.replace(
        invoice, id=id, kind="credit_note", series=SERIES["credit_note"], period=str(day.year), sequence=0, number="",
        corrects_id=invoice.id, issued_on=day, due_on=day, net_minor=correction.net_minor,
        vat_minor=correction.vat_minor, rounding_minor=correction.rounding_minor, gross_minor=correction.gross_minor,
        note=reason, issued_at=issued_at, open_minor=left_minor, corrects_number=invoice.number,
        corrects_issued_on=invoice.issued_on, lines=correction.lines, vat_groups=correction.vat_groups,
    )  # fmt: skip
