"""Writing off what will not be paid any more."""

from datetime import date
from uuid import UUID

import msgspec

from stockade.commerce.invoicing.rows import insert_rows
from stockade.commerce.receivables.model import Posting
from stockade.commerce.receivables.problems import MoreThanOpen
from stockade.commerce.receivables.rules import write_off_journal
from stockade.database.statements import Statement, raw
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.money import Money
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction


class WriteOffView(msgspec.Struct, frozen=True):
    """A bad debt."""

    id: UUID
    invoice_id: UUID
    invoice_number: str
    amount: Money
    written_off_on: date
    reason: str


class _Locked(msgspec.Struct, frozen=True):
    number: str
    customer_id: UUID
    currency: str
    issued_on: date
    open_minor: int


class _Read(msgspec.Struct, frozen=True):
    id: UUID
    invoice_id: UUID
    number: str
    amount_minor: int
    currency: str
    written_off_on: date
    reason: str


_LOCK = raw(
    """
    select i.number, item.customer_id, item.currency, i.issued_on, item.open_minor
    from receivables.open_item item join invoicing.invoice i on i.tenant_id = item.tenant_id and i.id = item.invoice_id
    where item.tenant_id = $1 and item.invoice_id = $2 for no key update of item
    """,
    "this_tenant invoice_id",
    _Locked,
)
_WRITE: Statement[tuple[()]] = raw(
    f"""
    with made as (
        insert into receivables.write_off (tenant_id, id, invoice_id, amount_minor, written_off_on, reason)
        values ($1, $2, $3, $4, $5, $6)
    ),
    noted as (
        insert into receivables.allocation (tenant_id, id, invoice_id, write_off_id, amount_minor, allocated_on)
        values ($1, $7, $3, $2, $4, $5)
    ),
    booked as ({insert_rows(Posting, "$8::jsonb", tenant_id="$1")})
    update receivables.open_item set open_minor = open_minor - $4
    where tenant_id = $1 and invoice_id = $3 and open_minor >= $4
    """,
    "this_tenant id invoice_id amount_minor on reason allocation_id postings",
)
_READ = raw(
    """
    select w.id, w.invoice_id, i.number, w.amount_minor, i.currency, w.written_off_on, w.reason
    from receivables.write_off w join invoicing.invoice i on i.tenant_id = w.tenant_id and i.id = w.invoice_id
    where w.tenant_id = $1 and w.id = $2
    """,
    "this_tenant id",
    _Read,
)


async def write_off(
    tx: Transaction, id: UUID, invoice_id: UUID, reason: str, *, amount_minor: int | None = None, on: date | None = None
) -> WriteOffView:  # fmt: skip
    """Write off a part of what is open of an invoice, or all of it: the customer owes it no longer, and it is our loss.

    Raises ``NotFound`` and ``MoreThanOpen`` (also when nothing is open).
    """
    item = await _LOCK.one(tx, invoice_id=invoice_id)
    amount = item.open_minor if amount_minor is None else amount_minor
    if not 0 < amount <= item.open_minor:
        raise MoreThanOpen(
            said(
                "Of invoice {number}, {currency} is open.",
                number=item.number,
                currency=Money(item.open_minor, item.currency),
            )
        )
    day = max(on or today(), item.issued_on)
    await _WRITE.run(
        tx, id=id, invoice_id=invoice_id, amount_minor=amount, on=day, reason=reason, allocation_id=new_id(),
        postings=write_off_journal(id, item.customer_id, day, item.currency, amount),
    )  # fmt: skip
    return WriteOffView(id, invoice_id, item.number, Money(amount, item.currency), day, reason)


async def read_write_off(tx: Transaction, write_off_id: UUID) -> WriteOffView:
    """Return a write-off."""
    row = await _READ.one(tx, id=write_off_id)
    amount = Money(row.amount_minor, row.currency)
    return WriteOffView(row.id, row.invoice_id, row.number, amount, row.written_off_on, row.reason)
