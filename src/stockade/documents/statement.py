"""Statements of account, turned into what ``statement.typ`` prints."""

from typing import Any

from stockade.documents import figures
from stockade.documents.figures import printable
from stockade.documents.letter import Column, columns, frame, headline, party, payment
from stockade.documents.model import AgeingBucket, Branding, Locale, StatementDocument, StatementEntry
from stockade.documents.words import ENTRY_KINDS, LABELS

_ENTRY_COLUMNS: tuple[Column, ...] = (
    ("on", "left", "25"),
    ("entry", "left", "32"),
    ("number", "left", "rest"),
    ("due_on", "left", "25"),
    ("debit", "right", "auto"),
    ("credit", "right", "auto"),
    ("balance", "right", "auto"),
)


def statement_data(document: StatementDocument, branding: Branding) -> dict[str, Any]:
    """Return everything that ``statement.typ`` prints."""
    locale = document.locale
    words = LABELS[locale]
    facts = [(words["customer_number"], printable(document.customer_number))] if document.customer_number else []
    if document.from_on is not None:
        facts.append((words["period"], figures.day(document.from_on, locale)))
    facts.append((words["as_of"], figures.day(document.as_of, locale)))
    if document.overdue is not None:
        facts.append((words["overdue"], figures.amount_with_currency(document.overdue, locale)))
    entries = [_entry_row(entry, locale) for entry in document.entries]
    return frame(document.seller, document.customer, document.as_of, locale, branding) | {
        "title": printable(f"{words['statement']} {figures.day(document.as_of, locale)}"),
        "heading": words["statement"],
        "number": "",
        "subtitle": "",
        "barcode": None,
        "parties": [
            party(document.customer, words["customer"], locale),
            party(document.seller, words["seller"], locale),
        ],
        "facts": facts,
        "headline": headline(words["balance"], document.balance, locale),
        "entries": {"columns": columns(_ENTRY_COLUMNS, words), "rows": entries},
        "ageing": [_bucket(bucket, locale) for bucket in document.ageing],
        "payment": payment(document.payment, words) if document.balance.amount_minor > 0 else None,
        "notes": [printable(note) for note in document.notes],
    }


def _entry_row(entry: StatementEntry, locale: Locale) -> list[str]:
    """Return one movement's cells."""
    return [
        figures.short_day(entry.on, locale),
        ENTRY_KINDS[locale][entry.kind],
        printable(entry.number, longest=16),
        figures.short_day(entry.due_on, locale) if entry.due_on else "",
        figures.amount(entry.debit, locale) if entry.debit else "",
        figures.amount(entry.credit, locale) if entry.credit else "",
        figures.amount(entry.balance, locale),
    ]


def _bucket(bucket: AgeingBucket, locale: Locale) -> tuple[str, str, bool]:
    """Return a bucket's label, amount, and whether it names money that is late."""
    words = LABELS[locale]
    value = figures.amount(bucket.amount, locale)
    if bucket.from_days is None:
        return words["not_due"], value, False
    late = bucket.amount.amount_minor > 0
    if bucket.to_days is None:
        return f"{words['over']} {bucket.from_days - 1} {words['days']}", value, late
    return f"{bucket.from_days}\u2013{bucket.to_days} {words['days']}", value, late
