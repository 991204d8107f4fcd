"""Allocating payments and credit notes to invoices, and taking allocations back.

Locks are taken in one order by everyone: the payment or credit first, then the open items by their key; so two that
want the same rows wait for each other and never for ever. What was read under the locks is checked, the update is
conditional on top of that, and the CHECKs of the tables stand behind both.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal, TypeVar
from uuid import UUID

import msgspec

from stockade.commerce.receivables.problems import (
    AlreadyTakenBack,
    AnotherCustomersInvoice,
    MoreThanOpen,
    MoreThanUnallocated,
)
from stockade.commerce.receivables.rules import oldest_first
from stockade.database.statements import Statement, raw
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.money import CurrencyMismatch, Money
from stockade.kernel.problems import NotFound
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction

Kind = Literal["payment", "credit_note"]
Row = TypeVar("Row", bound=msgspec.Struct)


class Allocated(msgspec.Struct, frozen=True):
    """A part of an invoice that was settled; negative where ``reverses_id`` names the allocation that it takes back."""

    id: UUID
    invoice_id: UUID
    invoice_number: str
    amount: Money
    allocated_on: date
    reverses_id: UUID | None = None


class LockedItem(msgspec.Struct, frozen=True):
    """An open item under its lock, beside the payment or credit that is to settle it, under its own."""

    source_customer_id: UUID
    source_currency: str
    unallocated_minor: int
    source_on: date
    invoice_id: UUID
    number: str
    issued_on: date
    due_on: date
    open_minor: int
    currency: str
    customer_id: UUID


class _Written(msgspec.Struct, frozen=True):
    settled: int
    spent: int


class _Made(msgspec.Struct, frozen=True):
    """An allocation as it was made."""

    invoice_id: UUID
    payment_id: UUID | None
    credit_note_id: UUID | None
    reverses_id: UUID | None
    amount_minor: int
    allocated_on: date


_NOTED_ON = "(select issued_on from invoicing.invoice where tenant_id = s.tenant_id and id = s.credit_note_id)"
_TABLES = {
    "payment": ("receivables.payment", "id", "s.received_on"),
    "credit_note": ("receivables.credit", "credit_note_id", _NOTED_ON),
}
"""Where a source's rest is kept, its key, and the day it dates from."""
_ITEMS = """
    select s.customer_id, s.currency, s.unallocated_minor, {on}, item.invoice_id, i.number, i.issued_on, item.due_on,
        item.open_minor, item.currency, item.customer_id
    from {table} s
    join receivables.open_item item on item.tenant_id = s.tenant_id and {chosen}
    join invoicing.invoice i on i.tenant_id = item.tenant_id and i.id = item.invoice_id
    where s.tenant_id = $1 and s.{key} = $2
    order by item.invoice_id
    for no key update of s, item
"""
_NAMED = "item.invoice_id = any($3)"
_OPEN = "item.customer_id = s.customer_id and item.currency = s.currency and item.open_minor > 0"
_WRITE = """
    with given as (
        select * from unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::date[])
            as g (id, invoice_id, amount_minor, allocated_on)
    ),
    settled as (
        update receivables.open_item as item set open_minor = item.open_minor - g.amount_minor
        from given as g
        where item.tenant_id = $1 and item.invoice_id = g.invoice_id and item.open_minor >= g.amount_minor
        returning item.invoice_id
    ),
    spent as (
        update {table} set unallocated_minor = unallocated_minor - $7
        where tenant_id = $1 and {key} = $2 and unallocated_minor >= $7
        returning {key}
    ),
    noted as (
        insert into receivables.allocation
            (tenant_id, id, invoice_id, {kind}_id, amount_minor, allocated_on, reverses_id)
        select $1, id, invoice_id, $2, amount_minor, allocated_on, $8 from given
    )
    select (select count(*) from settled), (select count(*) from spent)
"""


def _statements(template: str, names: str, row: type[Row], **more: str) -> dict[str, Statement[Row]]:
    """The statement for each kind of source."""
    return {
        kind: raw(template.format(table=table, key=key, on=on, kind=kind, **more), names, row)
        for kind, (table, key, on) in _TABLES.items()
    }


_LOCK_NAMED = _statements(_ITEMS, "this_tenant source_id invoice_ids", LockedItem, chosen=_NAMED)
_LOCK_OPEN = _statements(_ITEMS, "this_tenant source_id", LockedItem, chosen=_OPEN)
_WRITES = _statements(_WRITE, "this_tenant source_id ids invoice_ids amounts days total reverses_id", _Written)
_HAS_SOURCE = {
    kind: raw(f"select true from {table} where tenant_id = $1 and {key} = $2", "this_tenant source_id", bool)
    for kind, (table, key, _) in _TABLES.items()
}
_MADE = raw(
    """
    select invoice_id, payment_id, credit_note_id, reverses_id, amount_minor, allocated_on
    from receivables.allocation where tenant_id = $1 and id = $2
    """,
    "this_tenant id",
    _Made,
)


async def allocate(
    tx: Transaction, source_id: UUID, wanted: Iterable[tuple[UUID, int]], *, kind: Kind = "payment",
    on: date | None = None,
) -> list[Allocated]:  # fmt: skip
    """Settle invoices with a payment, or with what is left of a credit note: (invoice, amount in minor units) each.

    Dated ``on`` (today), but never before the money or the invoice was there. Raises ``NotFound``, ``MoreThanOpen``,
    ``MoreThanUnallocated``, ``AnotherCustomersInvoice``, ``CurrencyMismatch``.
    """
    amounts: dict[UUID, int] = {}
    for invoice_id, amount in wanted:
        amounts[invoice_id] = amounts.get(invoice_id, 0) + amount
    items = await _LOCK_NAMED[kind].all(tx, source_id=source_id, invoice_ids=list(amounts))
    if len(items) < len(amounts):
        raise NotFound
    return await _settle(tx, source_id, kind, items, amounts, on)


async def allocate_oldest_first(
    tx: Transaction, source_id: UUID, *, kind: Kind = "payment", on: date | None = None
) -> list[Allocated]:  # fmt: skip
    """Settle what its customer owes, the invoice that is due first before the others, as far as the money goes."""
    items = await _LOCK_OPEN[kind].all(tx, source_id=source_id)
    if not items:
        await _HAS_SOURCE[kind].one(tx, source_id=source_id)
        return []
    return await _settle(tx, source_id, kind, items, oldest_first(items, items[0].unallocated_minor), on)


async def take_back(tx: Transaction, allocation_id: UUID, *, on: date | None = None) -> Allocated:
    """Undo an allocation by its negative: the invoice is open again, and the money is unallocated again.

    Raises ``NotFound`` and ``AlreadyTakenBack``; a write-off stays.
    """
    made = await _MADE.one(tx, id=allocation_id)
    source_id = made.payment_id or made.credit_note_id
    if source_id is None or made.reverses_id is not None:
        raise AlreadyTakenBack
    kind: Kind = "payment" if made.payment_id else "credit_note"
    items = await _LOCK_NAMED[kind].all(tx, source_id=source_id, invoice_ids=[made.invoice_id])
    day = max(on or today(), made.allocated_on)
    taken = await _write(tx, source_id, kind, items, {made.invoice_id: -made.amount_minor}, day, allocation_id)
    return taken[0]


async def _settle(
    tx: Transaction, source_id: UUID, kind: Kind, items: Sequence[LockedItem], amounts: dict[UUID, int], on: date | None
) -> list[Allocated]:  # fmt: skip
    """Check amounts against what the locks hold still, and write them."""
    chosen = [item for item in items if item.invoice_id in amounts]
    for item in chosen:
        if item.customer_id != item.source_customer_id:
            raise AnotherCustomersInvoice(said("Invoice {number} is another customer's.", number=item.number))
        if item.currency != item.source_currency:
            raise CurrencyMismatch(
                said(
                    "Invoice {number} is in {currency}, the money in {source_currency}.",
                    number=item.number,
                    currency=item.currency,
                    source_currency=item.source_currency,
                )
            )
        if amounts[item.invoice_id] > item.open_minor:
            raise MoreThanOpen(
                said(
                    "Of invoice {number}, {currency} is open.",
                    number=item.number,
                    currency=Money(item.open_minor, item.currency),
                )
            )
    if chosen and sum(amounts.values()) > chosen[0].unallocated_minor:
        left = Money(chosen[0].unallocated_minor, chosen[0].source_currency)
        raise MoreThanUnallocated(said("{left} is left to allocate.", left=left))
    return await _write(tx, source_id, kind, chosen, amounts, on or today(), None) if chosen else []


async def _write(
    tx: Transaction, source_id: UUID, kind: Kind, items: Sequence[LockedItem], amounts: dict[UUID, int], on: date,
    reverses_id: UUID | None,
) -> list[Allocated]:  # fmt: skip
    """Write allocations of items that are locked, in one statement."""
    made = [
        Allocated(
            new_id(), item.invoice_id, item.number, Money(amounts[item.invoice_id], item.currency),
            max(on, item.issued_on, item.source_on), reverses_id,
        )
        for item in items
    ]  # fmt: skip
    written = await _WRITES[kind].one(
        tx, source_id=source_id, ids=[row.id for row in made], invoice_ids=[row.invoice_id for row in made],
        amounts=[row.amount.amount_minor for row in made], days=[row.allocated_on for row in made],
        total=sum(row.amount.amount_minor for row in made), reverses_id=reverses_id,
    )  # fmt: skip
    if (written.settled, written.spent) != (len(made), 1):
        raise MoreThanOpen
    return made
