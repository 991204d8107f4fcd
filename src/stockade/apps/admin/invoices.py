"""Invoices as pages: the list, one document beside its data, and what is done with it: credited, sent, written off."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response

from stockade.access.fields import Quantity, Text200
from stockade.access.routes import get, opened
from stockade.apps.admin.forms import Form, submitted_new
from stockade.apps.admin.lists import list_routes, listed
from stockade.apps.admin.money_history import told_entries
from stockade.apps.admin.reading import read_form
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.commerce.desk.invoices import INVOICES, STATE_BADGES, credit_notes_of, settled_by
from stockade.commerce.desk.order import history
from stockade.commerce.invoicing.api import CREDIT, READ, SEND
from stockade.commerce.invoicing.mailing import InvoiceLetter, send_invoice, suggested_letter
from stockade.commerce.invoicing.preview import drawn
from stockade.commerce.invoicing.printing import paper_of
from stockade.commerce.invoicing.service.crediting import issue_credit_note
from stockade.commerce.invoicing.service.previewing import Creditable, read_creditable
from stockade.commerce.invoicing.service.reading import read_invoice
from stockade.commerce.invoicing.views import InvoiceView, view_of
from stockade.commerce.receivables.api import WRITE_OFF, NewWriteOff
from stockade.commerce.receivables.service.writing_off import write_off
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.money import Money
from stockade.kernel.problems import Invalid, NotFound, Problem
from stockade.kernel.words import N_
from stockade.mail.sending import letters_about, read_letter, send_again
from stockade.mail.setting import read_setting
from stockade.tenancy.transaction import Transaction

PNG = "image/png"
TOLD = {
    "credited": N_("The credit note is issued."), "sent": N_("The letter is on its way."),
    "kept": N_("The letter is kept. It was not sent: no relay is configured."),
    "written-off": N_("The amount is written off."), "issued": N_("The invoice is issued."),
}  # fmt: skip


class CreditedLine(msgspec.Struct, frozen=True):
    """How much of which line to credit, as the form has it."""

    position: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    quantity: Quantity


class CreditForm(msgspec.Struct, frozen=True):
    """What the form of a credit note holds: all that is left, or some lines."""

    reason: Text200
    whole: bool = False
    lines: list[CreditedLine] | None = None


class CreditPreview(msgspec.Struct, frozen=True):
    """What of that form decides about amounts."""

    whole: bool = False
    lines: list[CreditedLine] | None = None


@page("/invoices", permission=READ)
async def show_invoices(tx: Transaction, request: AnyRequest) -> Shown:
    """The list of invoices and credit notes."""
    return await listed(tx, request, INVOICES, title=N_("Invoices"), template="invoices/list.html")


@page("/invoices/{invoice_id:uuid}", permission=READ)
async def show_invoice(tx: Transaction, request: AnyRequest, invoice_id: UUID) -> Shown:
    """One document as it is printed, beside its data and what became of it."""
    invoice = view_of(await read_invoice(tx, invoice_id))
    settled = await settled_by(tx, invoice_id)
    notes = await credit_notes_of(tx, invoice_id)
    letters = await letters_about(tx, invoice_id)
    subjects = [invoice_id, *(it.id for it in settled), *(it.id for it in notes), *(it.id for it in letters)]
    entries = told_entries(await history(tx, subjects), invoice.currency, locale_of(request.scope))
    return Shown("invoices/invoice.html", {
        **_head(invoice, sum(it.gross.amount_minor for it in notes)), "settled": settled, "notes": notes,
        "letters": letters, "history": entries,
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


@get(
    "/invoices/{invoice_id:uuid}/preview.png", permission=READ, media_type=PNG, heavy=True, finish=drawn,
    include_in_schema=False,
)  # fmt: skip
async def show_preview(tx: Transaction, invoice_id: UUID) -> Response[bytes]:
    """The document's pages as a picture."""
    paper: Any = await paper_of(tx, await read_invoice(tx, invoice_id))
    return Response(paper, media_type=PNG)


@page("/invoices/{invoice_id:uuid}/credit", permission=CREDIT)
async def show_credit(tx: Transaction, request: AnyRequest, invoice_id: UUID) -> Shown:
    """The form of a credit note."""
    return await _credit_page(tx, invoice_id, Form())


@form("/invoices/{invoice_id:uuid}/credit", permission=CREDIT)
async def take_credit(request: AnyRequest, fields: Fields, invoice_id: UUID) -> Shown | str:
    """Issue a credit note."""

    async def issue(tx: Transaction, id: UUID, read: CreditForm) -> None:
        await issue_credit_note(tx, id, invoice_id, _wanted(read.whole, read.lines), read.reason)

    return await submitted_new(
        request, _typed_lines(fields), CreditForm, issue,
        again=lambda tx, filled: _credit_page(tx, invoice_id, filled),
        then=lambda made: f"/invoices/{made}?done=credited",
    )  # fmt: skip


@form("/invoices/{invoice_id:uuid}/credit/preview", permission=CREDIT)
async def preview_credit(request: AnyRequest, fields: Fields, invoice_id: UUID) -> Shown:
    """What a credit note would amount to, while its form is filled in."""
    read = read_form(_typed_lines(fields), CreditPreview)
    async with opened(request) as tx:
        creditable = await read_creditable(tx, invoice_id)
    shown: dict[str, Any] = {"correction": None, "problem": None, "currency": creditable.invoice.currency}
    if read.command is None:
        shown["problem"] = next(iter(read.errors.values()))
    elif read.command.whole or read.command.lines:
        try:
            shown |= _previewed(creditable, read.command)
        except Problem as problem:
            shown["problem"] = problem.detail or problem.title
    return Shown("invoices/credit_preview.html", shown)


@page("/invoices/{invoice_id:uuid}/send", permission=SEND)
async def show_letter(tx: Transaction, request: AnyRequest, invoice_id: UUID) -> Shown:
    """The letter that goes with a document, to be read before it leaves."""
    suggested = await suggested_letter(tx, await read_invoice(tx, invoice_id))
    return await _letter_page(tx, request, invoice_id, Form.of(suggested))


@form("/invoices/{invoice_id:uuid}/send", permission=SEND)
async def take_letter(request: AnyRequest, fields: Fields, invoice_id: UUID) -> Shown | str:
    """Send a document by mail."""
    done = "sent" if _has_relay(request) else "kept"
    return await submitted_new(
        request, {**fields, "invoice_id": str(invoice_id)}, InvoiceLetter, send_invoice,
        again=lambda tx, filled: _letter_page(tx, request, invoice_id, filled),
        then=lambda made: f"/invoices/{invoice_id}?done={done}",
    )  # fmt: skip


@form("/letters/{letter_id:uuid}/again", permission=SEND)
async def take_letter_again(request: AnyRequest, fields: Fields, letter_id: UUID) -> str:
    """Send a letter once more that was given up."""
    async with opened(request) as tx:
        await send_again(tx, letter_id, new_id())
        about = (await read_letter(tx, letter_id)).attachment_id
    if about is None:
        raise NotFound
    return f"/invoices/{about}?done={'sent' if _has_relay(request) else 'kept'}"


@page("/invoices/{invoice_id:uuid}/write-off", permission=WRITE_OFF)
async def show_write_off(tx: Transaction, request: AnyRequest, invoice_id: UUID) -> Shown:
    """The form that writes off what will not be paid."""
    invoice = view_of(await read_invoice(tx, invoice_id, "invoice"))
    blank = Form.of(_Open(invoice.open.amount_minor), currency=invoice.currency, locale=locale_of(request.scope))
    return Shown("invoices/write_off.html", {**_head(invoice), "form": blank})


@form("/invoices/{invoice_id:uuid}/write-off", permission=WRITE_OFF)
async def take_write_off(request: AnyRequest, fields: Fields, invoice_id: UUID) -> Shown | str:
    """Write off what will not be paid."""
    async with opened(request) as tx:
        invoice = view_of(await read_invoice(tx, invoice_id, "invoice"))

    async def again(tx: Transaction, filled: Form) -> Shown:
        return Shown("invoices/write_off.html", {**_head(view_of(await read_invoice(tx, invoice_id))), "form": filled})

    async def write(tx: Transaction, id: UUID, read: NewWriteOff) -> None:
        await write_off(tx, id, invoice_id, read.reason, amount_minor=read.amount_minor)

    return await submitted_new(
        request, {**fields, "invoice_id": str(invoice_id)}, NewWriteOff, write, again=again, currency=invoice.currency,
        then=lambda made: f"/invoices/{invoice_id}?done=written-off",
    )  # fmt: skip


class _Open(msgspec.Struct, frozen=True):
    """What a form of a write-off begins with."""

    amount_minor: int


def _head(invoice: InvoiceView, credited_minor: int = 0) -> dict[str, Any]:
    return {"invoice": invoice, "state": STATE_BADGES[_state(invoice, credited_minor)], "today": today()}


def _state(invoice: InvoiceView, credited_minor: int) -> str:
    if invoice.kind == "credit_note":
        return "credit_note"
    if not invoice.open.amount_minor:
        return "credited" if 0 < credited_minor == invoice.gross.amount_minor else "paid"
    if invoice.due_on < today():
        return "overdue"
    return "part_paid" if invoice.open.amount_minor < invoice.gross.amount_minor else "open"


def _typed_lines(fields: Fields) -> dict[str, str]:
    """Leave out the lines of the form in which no quantity was typed."""
    empty = {
        name.removesuffix("quantity")
        for name, text in fields.items()
        if name.startswith("lines.") and name.endswith(".quantity") and text.strip() in ("", "0")
    }
    return {name: text for name, text in fields.items() if not any(name.startswith(part) for part in empty)}


def _wanted(whole: bool, lines: list[CreditedLine] | None) -> list[tuple[int, int]] | None:
    if whole:
        return None
    if not lines:
        raise Invalid("Say how much of which line to credit, or all that is left.", field="whole")
    return [(line.position, line.quantity) for line in lines]


def _previewed(creditable: Creditable, read: CreditPreview) -> dict[str, Any]:
    correction = creditable.correction(_wanted(read.whole, read.lines))
    settles = min(creditable.open_minor, correction.gross_minor)
    currency = creditable.invoice.currency
    return {
        "correction": correction, "settles": Money(settles, currency),
        "credit": Money(correction.gross_minor - settles, currency),
    }  # fmt: skip


async def _credit_page(tx: Transaction, invoice_id: UUID, filled: Form) -> Shown:
    creditable = await read_creditable(tx, invoice_id)
    return Shown("invoices/credit.html", {
        **_head(view_of(creditable.invoice)), "left": creditable.left, "form": filled,
    })  # fmt: skip


async def _letter_page(tx: Transaction, request: AnyRequest, invoice_id: UUID, filled: Form) -> Shown:
    invoice = view_of(await read_invoice(tx, invoice_id))
    signed = await read_setting(tx)
    return Shown("invoices/send.html", {
        **_head(invoice), "form": filled, "signed": signed, "letters": await letters_about(tx, invoice_id),
        "has_relay": _has_relay(request),
    })  # fmt: skip


def _has_relay(request: AnyRequest) -> bool:
    return request.app.state.installation.settings.smtp_url is not None


ROUTES = (
    show_invoices, show_invoice, show_preview, show_credit, take_credit, preview_credit, show_letter, take_letter,
    take_letter_again, show_write_off, take_write_off, *list_routes(INVOICES),
)  # fmt: skip
