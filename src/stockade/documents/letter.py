"""What every document shares, turned into what its template prints: words and figures in the reader's language.

Every string in the result has passed ``figures.printable``; every figure is final text. Templates only place them.
"""

from datetime import date
from typing import Any

import msgspec

from stockade.documents import figures
from stockade.documents.barcodes import Barcode, code128
from stockade.documents.figures import printable
from stockade.documents.model import Branding, Locale, Party, PaymentInstructions
from stockade.documents.words import LABELS
from stockade.kernel.money import Money

WHITE_CONTRAST = 4.5
"""Contrast that text in the accent colour needs against white (WCAG 2.2, 1.4.3)."""

WHOLE_LINE = 60
"""Longest word that is left whole where a whole line is its own; a reference stays searchable."""

FOOT_LINE = 110
"""How many letters a line of the foot holds, at the least: the page makes room for as many lines."""

Column = tuple[str, str, str]
"""A column's label key, its side and its width: millimetres, "auto" or "rest"."""


def frame(seller: Party, other: Party, dated: date, locale: Locale, branding: Branding) -> dict[str, Any]:
    """Return what the letter itself needs: language, author, colours, logo, running header and footer."""
    words = LABELS[locale]
    contact = [part for part in (seller.email, seller.phone, seller.website) if part]
    vat = f"{words['vat_id']} {seller.vat_id}" if seller.vat_id else ""
    registration = f"{words['registration']} {seller.registration}" if seller.registration else ""
    footer = (
        " \u00b7 ".join((seller.name, *seller.lines)),
        " \u00b7 ".join(part for part in (vat, registration, *contact) if part),
        branding.footer.strip(),
    )
    foot = printable("\n".join(part for part in footer if part), longest=WHOLE_LINE)
    return {
        "lang": locale,
        "author": printable(seller.name, longest=WHOLE_LINE),
        "seller_name": printable(seller.name),
        "date": [dated.year, dated.month, dated.day],
        "accent": readable_accent(branding.accent),
        "logo": _logo(branding.logo),
        "running": printable(other.name, longest=WHOLE_LINE),
        "footer": foot,
        "foot_lines": sum(1 + len(line) // FOOT_LINE for line in foot.split("\n")),
        "words": words,
    }


def sheet(number: str, heading: str, parties: list[dict[str, Any]], facts: list[tuple[str, str]]) -> dict[str, Any]:
    """Return what a document without amounts begins with: its number (also as barcode), parties and facts."""
    return {
        "title": printable(f"{heading} {number}".strip(), longest=WHOLE_LINE),
        "heading": heading,
        "number": printable(number, longest=36),
        "subtitle": "",
        "barcode": drawn(code128(number)),
        "parties": parties,
        "facts": [(label, printable(value, longest=22)) for label, value in facts if value],
        "headline": None,
    }


def drawn(barcode: Barcode | None) -> dict[str, Any] | None:
    """Return a barcode as templates place it, or nothing."""
    return None if barcode is None else msgspec.structs.asdict(barcode)


def party(company: Party, label: str, locale: Locale) -> dict[str, Any]:
    """Return a party's block: its label, name, address, and the numbers and addresses by which it is known."""
    words = LABELS[locale]
    marks = [(words["vat_id"], company.vat_id), (words["registration"], company.registration), ("", company.email)]
    return {
        "label": label,
        "name": printable(company.name),
        "lines": [printable(line) for line in company.lines if line],
        "marks": [(mark, printable(value, longest=34)) for mark, value in marks if value],
    }


def headline(label: str, money: Money, locale: Locale) -> dict[str, str]:
    """Return the one amount that the reader looks for first."""
    return {"label": label, "value": figures.amount_with_currency(money, locale)}


def columns(described: tuple[Column, ...], words: dict[str, str]) -> list[dict[str, str]]:
    """Return the columns of a table as the template reads them."""
    return [{"title": words[key], "align": side, "width": width} for key, side, width in described]


def payment(instructions: PaymentInstructions | None, words: dict[str, str]) -> dict[str, Any] | None:
    """Return the payment box, the IBAN in groups of four, or nothing when there is nothing to say."""
    if instructions is None:
        return None
    rows = (
        (words["account_holder"], printable(instructions.account_holder)),
        (words["bank"], printable(instructions.bank)),
        ("IBAN", figures.iban(printable(instructions.iban, longest=WHOLE_LINE))),
        ("BIC", printable(instructions.bic)),
        (words["reference"], printable(instructions.reference, longest=WHOLE_LINE)),
    )
    kept = [row for row in rows if row[1]]
    return {"rows": kept, "terms": printable(instructions.terms)} if kept or instructions.terms else None


def readable_accent(accent: str) -> str:
    """Return the accent colour, darkened as far as text on white needs: a yellow brand still prints legibly."""
    parts = [int(accent[at : at + 2], 16) for at in (1, 3, 5)]
    while 1.05 / (_luminance(parts) + 0.05) < WHITE_CONTRAST:
        parts = [part * 95 // 100 for part in parts]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _luminance(parts: list[int]) -> float:
    """Return the relative luminance of an sRGB colour (WCAG 2.2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (p / 255 for p in parts)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _logo(logo: bytes | None) -> dict[str, Any] | None:
    """Return the logo as its template reads it: SVG as text, PNG as a list of bytes."""
    if logo is None:
        return None
    if logo.startswith(b"\x89PNG"):
        return {"format": "png", "data": list(logo)}
    return {"format": "svg", "data": logo.decode("utf-8", "replace")}
