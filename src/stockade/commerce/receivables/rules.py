"""The rules of receivables: journals in double entry, and which invoice a payment settles first. Pure functions."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Protocol
from uuid import UUID

import msgspec

from stockade.commerce.invoicing.rules import Invoice


class Posting(msgspec.Struct, frozen=True):
    """One side of a journal: debit positive, credit negative, in minor units. The journal's id is its source's."""

    journal_id: UUID
    position: int
    account: str
    customer_id: UUID
    source_id: UUID
    booked_on: date
    currency: str
    amount_minor: int


class Open(Protocol):
    """What spreading a payment has to know of an open item."""

    @property
    def invoice_id(self) -> UUID:
        """The invoice."""

    @property
    def due_on(self) -> date:
        """The last day to pay it."""

    @property
    def open_minor(self) -> int:
        """What is left of it."""


def journal(
    source_id: UUID, customer_id: UUID, booked_on: date, currency: str, *sides: tuple[str, int]
) -> tuple[Posting, ...]:
    """Return the postings of a journal; sides of nothing are left out."""
    booked = [(account, amount) for account, amount in sides if amount]
    return tuple(
        Posting(source_id, at, account, customer_id, source_id, booked_on, currency, amount)
        for at, (account, amount) in enumerate(booked, start=1)
    )


def invoice_journal(invoice: Invoice) -> tuple[Posting, ...]:
    """An invoice: the customer owes the gross; we earned the net and owe the VAT. A credit note is the reverse."""
    sign = 1 if invoice.kind == "invoice" else -1
    return journal(
        invoice.id, invoice.customer_id, invoice.issued_on, invoice.currency,
        ("receivable", sign * invoice.gross_minor), ("revenue", -sign * invoice.net_minor),
        ("vat", -sign * invoice.vat_minor), ("rounding", -sign * invoice.rounding_minor),
    )  # fmt: skip


def write_off_journal(id: UUID, customer_id: UUID, on: date, currency: str, amount_minor: int) -> tuple[Posting, ...]:
    """A bad debt: the customer owes it no longer, and it is our loss."""
    return journal(id, customer_id, on, currency, ("bad_debt", amount_minor), ("receivable", -amount_minor))


def oldest_first(items: Iterable[Open], amount_minor: int) -> dict[UUID, int]:
    """Return how an amount settles open items, the one that is due first before the others; the rest stays unspent."""
    spread: dict[UUID, int] = {}
    for item in sorted(items, key=lambda item: (item.due_on, item.invoice_id)):
        part = min(item.open_minor, amount_minor)
        if part > 0:
            spread[item.invoice_id] = part
            amount_minor -= part
    return spread


class Due(msgspec.Struct, frozen=True):
    """An open item, as spreading looks at it."""

    invoice_id: UUID
    due_on: date
    open_minor: int


def spread(
    items: Iterable[tuple[UUID, date, int]], amount_minor: int, *, oldest: bool, wanted: Mapping[UUID, int]
) -> dict[UUID, int]:
    """Return how an amount settles (invoice, due day, open) items: the oldest first, or as ``wanted``.

    It is a preview: it checks nothing, where recording refuses what is too much.
    """
    if not oldest:
        return dict(wanted)
    return oldest_first([Due(*item) for item in items], amount_minor)
