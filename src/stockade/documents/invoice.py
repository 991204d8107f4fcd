"""Invoices, credit notes and order confirmations, turned into what ``invoice.typ`` prints."""

from typing import Any

from stockade.documents import figures
from stockade.documents.figures import printable
from stockade.documents.letter import WHOLE_LINE, Column, columns, frame, headline, party, payment, sheet
from stockade.documents.model import Branding, DocumentLine, InvoiceDocument, OrderConfirmation, Party, Priced
from stockade.documents.words import LABELS, VAT_CATEGORIES

_VAT_COLUMNS: tuple[Column, ...] = (
    ("vat_rate", "left", "rest"),
    ("line_net", "right", "28"),
    ("vat", "right", "24"),
)


def invoice_data(document: InvoiceDocument, branding: Branding) -> dict[str, Any]:
    """Return everything that ``invoice.typ`` prints."""
    words = LABELS[document.locale]
    kind = document.kind
    owed = document.open.amount_minor > 0 and kind == "invoice"
    shared = frame(document.seller, document.buyer, document.issued_on, document.locale, branding)
    return shared | _priced(document) | {
        "title": printable(f"{words[kind]} {document.number}", longest=WHOLE_LINE),
        "heading": words[kind],
        "number": printable(document.number, longest=36),
        "subtitle": _correction(document),
        "barcode": None,
        "facts": _invoice_facts(document),
        "headline": headline(words[f"open_{kind}"], document.open, document.locale),
        "sums": _sums(document),
        "payment": payment(document.payment, words) if owed or kind == "credit_note" else None,
        "settled": words["paid_in_full"] if kind == "invoice" and _is_settled(document) else "",
    }  # fmt: skip


def confirmation_data(documents: tuple[OrderConfirmation, ...], branding: Branding) -> dict[str, Any]:
    """Return everything that ``invoice.typ`` prints of order confirmations, each on sheets of its own."""
    first = documents[0]
    sheets = [_confirmation(document) for document in documents]
    shared = frame(first.seller, first.buyer, first.issued_on, first.locale, branding)
    return shared | {"title": sheets[0]["title"], "sheets": sheets}


def _confirmation(document: OrderConfirmation) -> dict[str, Any]:
    words, locale = LABELS[document.locale], document.locale
    wanted = "" if document.requested_on is None else figures.day(document.requested_on, locale)
    facts = [
        (words["placed_on"], figures.day(document.issued_on, locale)),
        (words["requested_on"], wanted),
        (words["buyer_reference"], document.buyer_reference),
        (words["customer_number"], document.customer_number),
        (words["terms"], _terms(document.terms_days, words)),
    ]
    return sheet(document.number, words["confirmation"], parties_of(document), facts) | _priced(document) | {
        "running": printable(document.buyer.name, longest=WHOLE_LINE),
        "headline": headline(words["gross_invoice"], document.gross, locale),
        "sums": [(words["gross_invoice"], figures.amount_with_currency(document.gross, locale), True)],
        "payment": None,
        "settled": "",
        "notes": [*(printable(note) for note in document.notes), words["no_invoice"]],
    }  # fmt: skip


def _terms(days: int | None, words: dict[str, str]) -> str:
    if days is None:
        return ""
    return words["net_days"].format(days=days) if days else words["in_advance"]


def _priced(document: Priced) -> dict[str, Any]:
    """Return what every document with prices prints alike."""
    return {
        "parties": parties_of(document),
        "lines": _lines_table(document),
        "vat": _vat_table(document),
        "totals": _totals(document),
        "notes": [printable(note) for note in document.notes],
    }


def parties_of(document: Priced) -> list[dict[str, Any]]:
    """Return who buys, where the goods go, and who sells."""
    words = LABELS[document.locale]
    named: list[tuple[str, Party | None]] = [
        ("buyer", document.buyer), ("ship_to", document.ship_to), ("seller", document.seller),
    ]  # fmt: skip
    return [party(one, words[role], document.locale) for role, one in named if one is not None]


def _correction(document: InvoiceDocument) -> str:
    """Return the line that names the corrected invoice (Directive 2006/112/EC, article 219), or nothing."""
    if not document.corrects:
        return ""
    words = LABELS[document.locale]
    line = f"{words['corrects']} {document.corrects}"
    if document.corrects_issued_on is not None:
        line += f" {words['corrects_of']} {figures.day(document.corrects_issued_on, document.locale)}"
    return printable(line, longest=40)


def _invoice_facts(document: InvoiceDocument) -> list[tuple[str, str]]:
    """Return dates and references, those that exist, in reading order."""
    words, locale = LABELS[document.locale], document.locale
    dates = (("issued_on", document.issued_on), ("supplied_on", document.supplied_on), ("due_on", document.due_on))
    facts = [(words[key], figures.day(value, locale)) for key, value in dates if value is not None]
    references = (("order_number", document.order_number), ("buyer_reference", document.buyer_reference))
    return facts + [(words[key], printable(value, longest=14)) for key, value in references if value]


def _lines_table(document: Priced) -> dict[str, Any]:
    """Return the table of lines; columns for code and discount exist only where a line uses them."""
    with_code = any(line.code for line in document.lines)
    with_discount = any(line.discount_percent for line in document.lines)
    longest = min(max((len(line.code) for line in document.lines), default=0), 17)
    shown: list[Column] = [("position", "left", "auto")]
    if with_code:
        shown.append(("code", "left", str(round(4 + 1.9 * max(longest, 5)))))
    shown += [("description", "left", "rest"), ("quantity", "right", "auto"), ("unit_price", "right", "auto")]
    if with_discount:
        shown.append(("discount", "right", "auto"))
    shown += [("vat_rate", "right", "auto"), ("line_net", "right", "auto")]
    return {
        "columns": columns(tuple(shown), LABELS[document.locale]),
        "rows": [_line_row(line, document, with_code, with_discount, longest) for line in document.lines],
    }


def _line_row(line: DocumentLine, document: Priced, code: bool, discount: bool, longest: int) -> list[str]:
    """Return one line's cells."""
    locale = document.locale
    quantity = figures.trimmed(line.quantity, 0, locale)
    row = [str(line.position)]
    if code:
        row.append(printable(line.code, max(longest, 5)))
    row += [
        printable(line.description),
        f"{quantity}{figures.NO_BREAK_SPACE}{printable(line.unit)}" if line.unit else quantity,
        figures.unit_price(line.unit_price, document.currency, locale),
    ]
    if discount:
        row.append(figures.per_cent(line.discount_percent, locale) if line.discount_percent else "")
    return [*row, figures.vat_rate(line.vat_rate, line.vat_category, locale), figures.amount(line.net, locale)]


def _vat_table(document: Priced) -> dict[str, Any]:
    """Return VAT by rate and category, and under it why a category bears none."""
    locale = document.locale
    rows, reasons = [], []
    for group in document.vat_groups:
        rate = figures.vat_rate(group.rate, group.category, locale)
        rows.append([rate, figures.amount(group.net, locale), figures.amount(group.vat, locale)])
        name = VAT_CATEGORIES[locale][group.category]
        reason = ". ".join(part for part in (name, group.note) if part)
        if reason:
            reasons.append(printable(f"{rate}: {reason}"))
    return {"columns": columns(_VAT_COLUMNS, LABELS[locale]), "rows": rows, "notes": reasons}


def _totals(document: Priced) -> list[tuple[str, str]]:
    """Return what leads to the gross amount; rounding only where there is some."""
    words, locale = LABELS[document.locale], document.locale
    rows = [(words["net"], document.net), (words["vat"], document.vat)]
    if document.rounding.amount_minor:
        rows.append((words["rounding"], document.rounding))
    return [(label, figures.amount(money, locale)) for label, money in rows]


def _sums(document: InvoiceDocument) -> list[tuple[str, str, bool]]:
    """Return the gross amount and, where something was paid, what is left (label, amount, set strongly)."""
    words, locale, kind = LABELS[document.locale], document.locale, document.kind
    gross = (words[f"gross_{kind}"], figures.amount_with_currency(document.gross, locale), True)
    if not document.paid.amount_minor:
        return [gross]
    return [
        gross,
        (words[f"paid_{kind}"], figures.amount(-document.paid, locale), False),
        (words[f"open_{kind}"], figures.amount_with_currency(document.open, locale), True),
    ]


def _is_settled(document: InvoiceDocument) -> bool:
    """Tell whether something was owed and all of it is paid."""
    return document.open.amount_minor == 0 and document.gross.amount_minor > 0
