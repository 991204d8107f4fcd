"""Invoices and credit notes by mail: what is suggested, what is sent, and the PDF that goes with it."""

import re
from collections.abc import Callable, Mapping
from uuid import UUID

import msgspec

from stockade.access.fields import Email, Text200
from stockade.commerce.invoicing.printing import paper_of
from stockade.commerce.invoicing.rules import Invoice
from stockade.commerce.invoicing.service.reading import read_invoice
from stockade.commerce.parties.printing import locale_of
from stockade.database.statements import raw
from stockade.documents import render
from stockade.kernel.money import Money
from stockade.mail.addresses import Lines
from stockade.mail.delivering import Attach
from stockade.mail.letters import Attached, Letter
from stockade.mail.sending import Sent, read_letter, send
from stockade.tenancy.transaction import Transaction
from stockade.web.languages import day, money


class InvoiceLetter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A letter with an invoice or a credit note: where to, and what it says."""

    invoice_id: UUID
    to: Email
    subject: Text200
    body: Lines


class SuggestedLetter(msgspec.Struct, frozen=True):
    """What a letter might say; ``to`` is empty where the customer has no address."""

    to: str
    subject: str
    body: str


_SUBJECTS: Mapping[str, Mapping[str, str]] = {
    "en": {"invoice": "Invoice {number}", "credit_note": "Credit note {number}"},
    "pl": {"invoice": "Faktura {number}", "credit_note": "Korekta {number}"},
}
_BODIES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "invoice": "Dear customer,\n\nplease find attached our invoice {number} of {issued}. "
        "{gross} are due by {due}.\n\nThank you for your order.",
        "credit_note": "Dear customer,\n\nplease find attached our credit note {number} of {issued} "
        "about {gross}.\n\nIt is settled with your account.",
    },
    "pl": {
        "invoice": "Szanowni Państwo,\n\nw załączeniu przesyłamy fakturę {number} z dnia {issued}. "
        "Kwota {gross} jest płatna do {due}.\n\nDziękujemy za zamówienie.",
        "credit_note": "Szanowni Państwo,\n\nw załączeniu przesyłamy korektę {number} z dnia {issued} "
        "na kwotę {gross}.\n\nZostanie rozliczona z Państwa kontem.",
    },
}
_FACTS: Mapping[str, tuple[str, str, str]] = {
    "en": ("Number", "Amount", "Due"), "pl": ("Numer", "Kwota", "Termin płatności"),
}  # fmt: skip
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]")
_ADDRESS = raw("select email from parties.customer where tenant_id = $1 and id = $2", "this_tenant id", str)


async def suggested_letter(tx: Transaction, invoice: Invoice) -> SuggestedLetter:
    """Return what a letter with this document might say, in the language of the seller's documents."""
    locale = locale_of(invoice.seller.locale)
    given = {
        "number": invoice.number, "issued": day(invoice.issued_on, locale), "due": day(invoice.due_on, locale),
        "gross": money(Money(invoice.gross_minor, invoice.currency), locale),
    }  # fmt: skip
    return SuggestedLetter(
        await _ADDRESS.first(tx, id=invoice.customer_id) or "",
        _SUBJECTS[locale][invoice.kind].format(**given), _BODIES[locale][invoice.kind].format(**given),
    )  # fmt: skip


async def send_invoice(tx: Transaction, id: UUID, wanted: InvoiceLetter) -> Sent:
    """Queue a letter with an invoice or a credit note as PDF; it leaves when the transaction has committed.

    Raises ``NotFound`` and ``TooManyLetters``.
    """
    invoice = await read_invoice(tx, wanted.invoice_id)
    letter = Letter(
        to=wanted.to, subject=wanted.subject, body=wanted.body, sender_name=invoice.seller.name,
        reply_to=invoice.seller.email, facts=_facts(invoice), attachment=(invoice.kind, invoice.id),
        locale=locale_of(invoice.seller.locale),
    )  # fmt: skip
    await send(tx, letter, id)
    return await read_letter(tx, id)


def _facts(invoice: Invoice) -> tuple[tuple[str, str], ...]:
    locale = locale_of(invoice.seller.locale)
    number, amount, due = _FACTS[locale]
    gross = money(Money(invoice.gross_minor, invoice.currency), locale)
    facts = ((number, invoice.number), (amount, gross))
    return (*facts, (due, day(invoice.due_on, locale))) if invoice.kind == "invoice" else facts


async def attach_invoice(tx: Transaction, invoice_id: UUID) -> Callable[[], Attached]:
    """Read an invoice or a credit note; what is returned typesets it when the transaction is over."""
    invoice = await read_invoice(tx, invoice_id)
    paper = await paper_of(tx, invoice)
    name = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in invoice.number
    )
    return lambda: Attached(f"{name}.pdf", "application/pdf", render(paper.documents, paper.branding))


ATTACH: Mapping[str, Attach] = {"invoice": attach_invoice, "credit_note": attach_invoice}
"""Who typesets what goes with a letter, by the kind of document."""
