"""Invoices and credit notes through the API."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import QueryParameter

from stockade.access.fields import Quantity, Text200, Text2000, Version
from stockade.access.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from stockade.access.permissions import permission
from stockade.access.routes import create, get
from stockade.commerce.invoicing.mailing import InvoiceLetter, send_invoice
from stockade.commerce.invoicing.printing import paper_of
from stockade.commerce.invoicing.rules import CompanyUnknown, CreditExceedsInvoice
from stockade.commerce.invoicing.service import crediting, issuing, reading
from stockade.commerce.invoicing.service.reading import InvoiceRow
from stockade.commerce.invoicing.views import InvoiceView, view_of
from stockade.commerce.orders.rules import NothingToInvoice, NotInThisStage
from stockade.commerce.parties.printing import to_download, typeset
from stockade.kernel.clock import today
from stockade.kernel.problems import Invalid, NotFound, VersionConflict
from stockade.mail.sending import Sent, TooManyLetters, read_letter
from stockade.tenancy.transaction import Transaction

READ = permission("invoices:read", least="viewer")
ISSUE = permission("invoices:issue", least="member")
CREDIT = permission("invoices:credit", least="admin")
SEND = permission("invoices:send", least="member")

NumberPrefix = Annotated[str | None, QueryParameter(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9/_-]+$")]
Position = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class NewInvoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which order to invoice; ``expected_version`` refuses if the order has changed since it was read."""

    order_id: UUID
    expected_version: Version | None = None
    note: Text2000 | None = None


class CreditLine(msgspec.Struct, forbid_unknown_fields=True):
    """How much of which line of the invoice to credit."""

    position: Position
    quantity: Quantity


class NewCreditNote(msgspec.Struct, forbid_unknown_fields=True):
    """What to credit of an invoice, and why; without ``lines`` all that was not credited yet."""

    invoice_id: UUID
    reason: Text200
    lines: Annotated[list[CreditLine], msgspec.Meta(min_length=1, max_length=1000)] | None = None


@get("/invoices/{invoice_id:uuid}", permission=READ)
async def read_invoice(tx: Transaction, invoice_id: UUID) -> InvoiceView:
    """Read an invoice or a credit note."""
    return view_of(await reading.read_invoice(tx, invoice_id))


@get("/credit-notes/{credit_note_id:uuid}", permission=READ)
async def read_credit_note(tx: Transaction, credit_note_id: UUID) -> InvoiceView:
    """Read a credit note."""
    return view_of(await reading.read_invoice(tx, credit_note_id, "credit_note"))


@get("/invoices", permission=READ)
async def list_invoices(
    tx: Transaction, customer_id: UUID | None = None, order_id: UUID | None = None,
    kind: Literal["invoice", "credit_note"] | None = None, state: Literal["open", "overdue"] | None = None,
    number: NumberPrefix = None, after: Cursor | None = None, limit: Limit = DEFAULT_LIMIT,
) -> Page[InvoiceRow]:  # fmt: skip
    """List invoices and credit notes, the newest first.

    `state` keeps invoices that are not paid yet (`open`), or those of them past their due date (`overdue`); `number` is
    the beginning of a number.
    """
    return await reading.list_invoices(
        tx, customer_id=customer_id, order_id=order_id, kind=kind, state=state, number=number, today=today(),
        after=after, limit=limit,
    )  # fmt: skip


@create(
    "/invoices", permission=ISSUE, read=read_invoice,
    problems=[NotFound, NotInThisStage, NothingToInvoice, CompanyUnknown, VersionConflict],
)  # fmt: skip
async def issue_invoice(tx: Transaction, id: UUID, data: NewInvoice) -> InvoiceView:
    """Issue an invoice for what has shipped of an order and was not invoiced yet.

    It cannot be changed afterwards; a credit note corrects it.
    """
    invoice = await issuing.issue_invoice(
        tx, id, data.order_id, expected_version=data.expected_version, note=data.note
    )  # fmt: skip
    return view_of(invoice)


@create("/credit-notes", permission=CREDIT, read=read_credit_note, problems=[NotFound, CreditExceedsInvoice])
async def issue_credit_note(tx: Transaction, id: UUID, data: NewCreditNote) -> InvoiceView:
    """Issue a credit note for an invoice, all of it or some lines.

    It settles what is open of the invoice; the rest is the customer's credit.
    """
    positions = [line.position for line in data.lines or ()]
    if len(set(positions)) < len(positions):
        raise Invalid("Name each line of the invoice once.", field="lines")
    lines = None if data.lines is None else [(line.position, line.quantity) for line in data.lines]
    return view_of(await crediting.issue_credit_note(tx, id, data.invoice_id, lines, data.reason))


@get("/invoices/{invoice_id:uuid}/pdf", permission=READ, media_type="application/pdf", heavy=True, finish=typeset)
async def download_invoice(tx: Transaction, invoice_id: UUID) -> Response[bytes]:
    """Download an invoice or a credit note as PDF, as it was issued: every copy is the same to the byte."""
    invoice = await reading.read_invoice(tx, invoice_id)
    return to_download(await paper_of(tx, invoice), invoice.number)


@get("/letters/{letter_id:uuid}", permission=READ)
async def read_invoice_letter(tx: Transaction, letter_id: UUID) -> Sent:
    """Read what became of a letter."""
    return await read_letter(tx, letter_id)


@create("/letters", permission=SEND, read=read_invoice_letter, problems=[NotFound, TooManyLetters])
async def send_invoice_letter(tx: Transaction, id: UUID, data: InvoiceLetter) -> Sent:
    """Send an invoice or a credit note by mail, as PDF. It is queued, and leaves shortly after."""
    return await send_invoice(tx, id, data)


ROUTES = [
    read_invoice,
    read_credit_note,
    list_invoices,
    issue_invoice,
    issue_credit_note,
    download_invoice,
    read_invoice_letter,
    send_invoice_letter,
]
