"""What customers owe: a double-entry journal, payments, and their allocation to invoices."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, Integer, Text, Uuid, func
from sqlalchemy.orm import Mapped

from stockade.commerce.invoicing.model import Invoice
from stockade.commerce.parties.model import Customer
from stockade.tenancy.declaration import (
    TenantDetail,
    TenantTable,
    business,
    check,
    column,
    index,
    reference,
    stages,
    unique,
)

ACCOUNTS = ("receivable", "revenue", "vat", "bank", "rounding", "bad_debt", "cost", "opening")
METHODS = ("bank_transfer", "card", "cash", "cheque", "direct_debit", "import")


class OpenItem(TenantDetail, table="receivables.open_item", audited=False):
    """What is still open of an invoice, and how much of it was credited.

    Allocations and credit notes lock this row. Its CHECKs refuse to settle more than is open and to credit more than
    was invoiced, whatever the code does.
    """

    invoice_id: Mapped[UUID] = reference(Invoice, business(), fixed=True, primary_key=True)
    customer_id: Mapped[UUID] = reference(Customer, business(), fixed=True)
    currency: Mapped[str] = column(Text, business(), fixed=True)
    due_on: Mapped[date] = column(Date, business(), fixed=True)
    gross_minor: Mapped[int] = column(BigInteger, business(), fixed=True)
    open_minor: Mapped[int] = column(BigInteger, business())
    credited_minor: Mapped[int] = column(BigInteger, business(), server_default="0")

    __constraints__ = (
        check("open", "open_minor between 0 and gross_minor"),
        check("credited", "credited_minor between 0 and gross_minor"),
        index("customer_id", "due_on", where="open_minor > 0"),
        index("due_on", where="open_minor > 0"),
    )


class Payment(TenantTable, table="receivables.payment", insert_event="receivables.paid", document=True):
    """Money that came in. ``unallocated_minor`` is what no invoice has claimed yet."""

    customer_id: Mapped[UUID] = reference(Customer, business(), fixed=True)
    method: Mapped[str] = stages(*METHODS, rule=business(), fixed=True)
    external_id: Mapped[str | None] = column(Text, business(), fixed=True)
    received_on: Mapped[date] = column(Date, business(), fixed=True)
    currency: Mapped[str] = column(Text, business(), fixed=True)
    amount_minor: Mapped[int] = column(BigInteger, business(), fixed=True)
    unallocated_minor: Mapped[int] = column(BigInteger, business())
    note: Mapped[str | None] = column(Text, business(), fixed=True)
    recorded_at: Mapped[datetime] = column(DateTime(timezone=True), business(), fixed=True, server_default=func.now())

    __constraints__ = (
        check("amount", "amount_minor > 0"),
        check("unallocated", "unallocated_minor between 0 and amount_minor"),
        unique("method", "external_id", where="external_id is not null"),
        index("customer_id", "received_on", "id"),
        index("customer_id", where="unallocated_minor > 0"),
        index("received_on", "id"),
    )


class Credit(TenantDetail, table="receivables.credit", audited=False):
    """What is left of a credit note after its invoice was settled: the customer's credit, for other invoices."""

    credit_note_id: Mapped[UUID] = reference(Invoice, business(), fixed=True, primary_key=True)
    customer_id: Mapped[UUID] = reference(Customer, business(), fixed=True)
    currency: Mapped[str] = column(Text, business(), fixed=True)
    gross_minor: Mapped[int] = column(BigInteger, business(), fixed=True)
    unallocated_minor: Mapped[int] = column(BigInteger, business())

    __constraints__ = (
        check("unallocated", "unallocated_minor between 0 and gross_minor"),
        index("customer_id", where="unallocated_minor > 0"),
    )


class WriteOff(
    TenantTable,
    table="receivables.write_off",
    grants="select insert",
    insert_event="receivables.written_off",
    document=True,
):
    """A part of an invoice that will not be paid any more: a bad debt, with its reason."""

    invoice_id: Mapped[UUID] = reference(Invoice, business(), fixed=True)
    amount_minor: Mapped[int] = column(BigInteger, business(), fixed=True)
    written_off_on: Mapped[date] = column(Date, business(), fixed=True)
    reason: Mapped[str] = column(Text, business(), fixed=True)
    recorded_at: Mapped[datetime] = column(DateTime(timezone=True), business(), fixed=True, server_default=func.now())

    __constraints__ = (check("amount", "amount_minor > 0"), index("invoice_id"))


class Allocation(
    TenantTable, table="receivables.allocation", grants="select insert", insert_event="receivables.allocated"
):
    """A part of a payment, credit note or write-off that settles a part of an invoice.

    It is taken back by a negative one, once. What was open of an invoice on a day is its gross less its allocations up
    to that day.
    """

    invoice_id: Mapped[UUID] = reference(Invoice, business(), fixed=True)
    payment_id: Mapped[UUID | None] = reference(Payment, business(), fixed=True)
    credit_note_id: Mapped[UUID | None] = reference(Invoice, business(), fixed=True)
    write_off_id: Mapped[UUID | None] = reference(WriteOff, business(), fixed=True)
    reverses_id: Mapped[UUID | None] = column(Uuid, business(), fixed=True)
    """The allocation that this one takes back."""
    amount_minor: Mapped[int] = column(BigInteger, business(), fixed=True)
    allocated_on: Mapped[date] = column(Date, business(), fixed=True)

    __constraints__ = (
        check("one_source", "num_nonnulls(payment_id, credit_note_id, write_off_id) = 1"),
        check("amount", "case when reverses_id is null then amount_minor > 0 else amount_minor < 0 end"),
        unique("reverses_id", where="reverses_id is not null"),
        index("invoice_id"),
        index("payment_id", where="payment_id is not null"),
        index("credit_note_id", where="credit_note_id is not null"),
    )


class Posting(
    TenantDetail,
    table="receivables.posting",
    part_of="journal_id",
    grants="select insert",
    triggers=("posting_balance receivables.check_balance",),
):
    """One side of a journal: debit positive, credit negative.

    A deferred check at COMMIT demands that every journal sums to zero in each currency.
    """

    journal_id: Mapped[UUID] = column(Uuid, business(), fixed=True, primary_key=True)
    position: Mapped[int] = column(Integer, business(), fixed=True, primary_key=True)
    account: Mapped[str] = stages(*ACCOUNTS, rule=business(), fixed=True)
    customer_id: Mapped[UUID] = reference(Customer, business(), fixed=True)
    source_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    """The invoice, credit note, payment or write-off that was booked; the journal's id, too."""
    booked_on: Mapped[date] = column(Date, business(), fixed=True)
    currency: Mapped[str] = column(Text, business(), fixed=True)
    amount_minor: Mapped[int] = column(BigInteger, business(), fixed=True)

    __constraints__ = (check("amount", "amount_minor <> 0"), index("customer_id", "account", "booked_on"))
