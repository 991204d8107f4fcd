"""What customers owe: a double-entry journal, payments, and their allocation to invoices."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, Integer, LargeBinary, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
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
    personal,
    reference,
    stages,
    technical,
    unique,
)
from stockade.tenancy.masks import hidden, initials, last_four

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
        index("open_minor", where="open_minor > 0"),
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


class BankLayout(TenantTable, table="receivables.bank_layout"):
    """How one bank writes its files, kept under a name so that the next file is read without asking."""

    name: Mapped[str] = column(Text, business())
    head_hash: Mapped[bytes] = column(LargeBinary, technical())
    """SHA-256 of the row that names the columns, by which a file of this bank is known."""
    content: Mapped[dict[str, Any]] = column(JSONB, business())
    """``bank_files.Layout``."""
    used_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())

    __constraints__ = (unique("name"), index("head_hash"))


class BankStatement(TenantTable, table="receivables.bank_statement", insert_event="receivables.bank_file_received"):
    """A file of a bank. Its bytes are kept only until its lines are read."""

    name: Mapped[str] = column(Text, business(), fixed=True)
    content: Mapped[bytes | None] = column(LargeBinary, personal("bank file", mask=hidden, erase="drop"))
    layout: Mapped[dict[str, Any] | None] = column(JSONB, technical())
    state: Mapped[str] = stages("received", "read", rule=business())
    lines: Mapped[int] = column(Integer, business(), server_default="0")
    repeated: Mapped[int] = column(Integer, business(), server_default="0")
    """Lines that an earlier file held already."""
    received_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())

    __constraints__ = (
        index("received_at"),
        check("content", "octet_length(content) <= 2000000 and (state = 'read') = (content is null)"),
    )


class BankLine(TenantTable, table="receivables.bank_line"):
    """A line of a bank statement: there once ever, by its ``fingerprint``.

    ``open`` waits for somebody; ``booked`` has become ``payment_id``; ``outgoing`` and ``set_aside`` are not for
    invoices. A line whose booking was taken back is ``open`` again, and keeps the payment: the money has come in.
    """

    statement_id: Mapped[UUID] = reference(BankStatement, business(), fixed=True)
    position: Mapped[int] = column(Integer, business(), fixed=True)
    fingerprint: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    booked_on: Mapped[date] = column(Date, business(), fixed=True)
    currency: Mapped[str] = column(Text, business(), fixed=True)
    amount_minor: Mapped[int] = column(BigInteger, business(), fixed=True)
    """Positive where money came in."""
    payer: Mapped[str] = column(Text, personal("bank statement", mask=initials, erase="pseudonym"), fixed=True)
    account: Mapped[str] = column(Text, personal("bank statement", mask=last_four, erase="drop"), fixed=True)
    """The payer's IBAN or account number, without spaces."""
    purpose: Mapped[str] = column(Text, personal("bank statement", mask=hidden, erase="pseudonym"), fixed=True)
    state: Mapped[str] = stages(
        "open", "booked", "outgoing", "set_aside", rule=business(event="receivables.bank_line_changed")
    )
    payment_id: Mapped[UUID | None] = reference(Payment, business())
    version: Mapped[int] = column(Integer, technical(), server_default="1")

    __constraints__ = (
        unique("fingerprint"),
        index("statement_id", "position"),
        index("payment_id", where="payment_id is not null"),
        check("amount", "amount_minor <> 0"),
        check("booked", "state <> 'booked' or payment_id is not null"),
    )


class BankPayer(TenantTable, table="receivables.bank_payer"):
    """Whom a payer's account or name was matched to last: what matching has learned."""

    key: Mapped[str] = column(Text, personal("bank statement", mask=hidden, erase="drop"), fixed=True)
    """``account:…`` or ``name:…``, as ``matching.payer_keys`` writes them."""
    customer_id: Mapped[UUID] = reference(Customer, business())
    matched_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())

    __constraints__ = (unique("key"),)
