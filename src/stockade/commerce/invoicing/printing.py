"""Invoices and credit notes as PDF: as they were issued, so that every copy is the same to the byte.

Nothing that changes later goes in: not what has been paid since, not the seller's or the buyer's new address.
"""

from decimal import Decimal

from stockade.commerce.invoicing.rules import Buyer, Invoice, Seller
from stockade.commerce.parties.printing import Paper, country_name, locale_of, vat_code
from stockade.commerce.parties.service.branding import dress_of
from stockade.documents import DocumentLine, InvoiceDocument, Locale, Party, PaymentInstructions, VatGroup
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction

_TERMS = {
    "en": "Please pay by the due date and quote the invoice number.",
    "pl": "Prosimy o zapłatę w terminie i podanie numeru faktury.",
}


def address_lines(party: Seller | Buyer, locale: Locale, *more: str) -> tuple[str, ...]:
    """Return an address from street to country, lines without content left out."""
    town = f"{party.postcode} {party.city}".strip()
    country = country_name(party.country, locale)
    return tuple(line for line in (*more, *party.lines, party.street, town, country) if line)


def seller_party(seller: Seller) -> Party:
    """Return the seller as a document names it."""
    lines = address_lines(seller, locale_of(seller.locale))
    return Party(name=seller.name, lines=lines, vat_id=seller.vat_id, email=seller.email, phone=seller.phone)


def buyer_party(buyer: Buyer, locale: Locale) -> Party:
    """Return the customer as a document names it."""
    recipient = buyer.recipient if buyer.recipient != buyer.name else ""
    return Party(name=buyer.name, lines=address_lines(buyer, locale, recipient), vat_id=buyer.vat_id)


def instructions(seller: Seller, reference: str, terms: str) -> PaymentInstructions | None:
    """Return where to pay; nothing if the seller has named no account."""
    if not seller.iban:
        return None
    return PaymentInstructions(
        iban=seller.iban, bic=seller.bic or "", account_holder=seller.name, reference=reference, terms=terms
    )


async def paper_of(tx: Transaction, invoice: Invoice) -> Paper:
    """Return what is typeset of an invoice or a credit note: looks, too, are those of the day of issue."""
    return Paper((printed(invoice),), await dress_of(tx, invoice.seller.branding))


def printed(invoice: Invoice) -> InvoiceDocument:
    """Return the document that is printed."""
    seller, buyer, locale = invoice.seller, invoice.buyer, locale_of(invoice.seller.locale)
    is_invoice = invoice.kind == "invoice"
    gross = Money(invoice.gross_minor, invoice.currency)
    return InvoiceDocument(
        kind="invoice" if is_invoice else "credit_note", number=invoice.number, issued_on=invoice.issued_on,
        supplied_on=invoice.supplied_on, due_on=invoice.due_on if is_invoice else None, seller=seller_party(seller),
        buyer=buyer_party(buyer, locale), currency=invoice.currency, lines=_lines(invoice), vat_groups=_groups(invoice),
        net=Money(invoice.net_minor, invoice.currency), vat=Money(invoice.vat_minor, invoice.currency),
        rounding=Money(invoice.rounding_minor, invoice.currency), gross=gross, paid=Money(0, invoice.currency),
        open=gross, order_number=invoice.order_number or "", buyer_reference=buyer.reference or "",
        corrects=invoice.corrects_number or "", corrects_issued_on=invoice.corrects_issued_on,
        payment=instructions(seller, invoice.number, _TERMS[locale]) if is_invoice else None,
        notes=(invoice.note,) if invoice.note else (), locale=locale,
    )  # fmt: skip


def _lines(invoice: Invoice) -> tuple[DocumentLine, ...]:
    return tuple(
        DocumentLine(
            position=line.position, description=line.description, quantity=Decimal(line.quantity),
            unit_price=line.unit_price, vat_rate=line.vat_rate, net=Money(line.net_minor, invoice.currency),
            code=line.sku, unit=line.unit, vat_category=vat_code(line.vat_category, invoice.buyer.vat_treatment),
            discount_percent=line.discount_percent or None,
        )
        for line in invoice.lines
    )  # fmt: skip


def _groups(invoice: Invoice) -> tuple[VatGroup, ...]:
    return tuple(
        VatGroup(
            rate=group.vat_rate, net=Money(group.net_minor, invoice.currency),
            vat=Money(group.vat_minor, invoice.currency),
            category=vat_code(group.vat_category, invoice.buyer.vat_treatment),
        )
        for group in invoice.vat_groups
    )  # fmt: skip
