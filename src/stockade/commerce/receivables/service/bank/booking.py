"""Booking a line: it becomes a payment that settles invoices; and taking that back.

The payment's external id is made of the line's fingerprint, so that the index of payments is a second lock behind the
line's own. A booking that is taken back frees the invoices. The payment stays, unallocated: the money did come in, and
the trail says who booked it and who took that back; nothing is made to look as if it had not happened.
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec

from stockade.access.fields import MAX_MINOR, Version
from stockade.commerce.receivables.matching import payer_keys
from stockade.commerce.receivables.problems import LineNotOpen, LinePaidByAnother
from stockade.commerce.receivables.service.allocating import allocate, take_back
from stockade.commerce.receivables.service.bank.lines import BankLine, read_line
from stockade.commerce.receivables.service.payments import NewPayment, record_payment
from stockade.database.statements import Statement, raw
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, VersionConflict
from stockade.tenancy.transaction import Transaction


class LinePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of which invoice a line settles, in minor units."""

    invoice_id: UUID
    amount_minor: Annotated[int, msgspec.Meta(ge=1, le=MAX_MINOR)]


class BookLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose money a line is, and what it settles; the rest of it stays with the customer as credit."""

    expected_version: Version
    customer_id: UUID
    parts: Annotated[list[LinePart], msgspec.Meta(max_length=200)] = []


class _Locked(msgspec.Struct, frozen=True):
    state: str
    version: int
    fingerprint: bytes


_LOCK = raw(
    """
    select state, version, fingerprint from receivables.bank_line
    where tenant_id = $1 and id = $2 for no key update
    """,
    "this_tenant id",
    _Locked,
)
_SET = raw(
    """
    update receivables.bank_line set state = $3, payment_id = coalesce($4, payment_id), version = version + 1
    where tenant_id = $1 and id = $2
    """,
    "this_tenant id state payment_id",
)
_LEARN: Statement[tuple[()]] = raw(
    """
    insert into receivables.bank_payer (tenant_id, id, key, customer_id)
    select $1, g.id, g.key, $4 from unnest($2::uuid[], $3::text[]) as g (id, key)
    on conflict (tenant_id, key) do update set customer_id = excluded.customer_id, matched_at = now()
    """,
    "this_tenant ids keys customer_id",
)
_STANDING = raw(
    """
    select a.id from receivables.allocation a
    where a.tenant_id = $1 and a.payment_id = $2 and a.reverses_id is null and not exists (
        select from receivables.allocation b where b.tenant_id = $1 and b.reverses_id = a.id)
    order by a.invoice_id
    """,
    "this_tenant payment_id",
    UUID,
)


async def book_line(tx: Transaction, line_id: UUID, wanted: BookLine) -> BankLine:
    """Book a line as money of a customer, and settle invoices with it; remember who pays from this account.

    Raises ``NotFound``, ``VersionConflict``, ``LineNotOpen``, ``LinePaidByAnother``, and what recording and allocating
    a payment raise.
    """
    locked = await _locked(tx, line_id, wanted.expected_version, ("open",))
    line = await read_line(tx, line_id)
    parts = [(part.invoice_id, part.amount_minor) for part in wanted.parts]
    if sum(amount for _, amount in parts) > line.amount_minor:
        raise Invalid("That is more than came in.", field="parts")
    payment_id = line.payment_id or await _record(tx, line, wanted.customer_id, parts, locked.fingerprint)
    if line.payment_id is not None:
        if line.payment_customer_id != wanted.customer_id:
            raise LinePaidByAnother
        if parts:
            await allocate(tx, line.payment_id, parts, on=line.booked_on)
    await _SET.run(tx, id=line_id, state="booked", payment_id=payment_id)
    keys = [key for key, _ in payer_keys(line.payer, line.purpose, line.account)]
    if keys:
        await _LEARN.run(tx, ids=[new_id() for _ in keys], keys=keys, customer_id=wanted.customer_id)
    return await read_line(tx, line_id)


async def take_line_back(tx: Transaction, line_id: UUID, expected_version: int) -> BankLine:
    """Take a booking back: its invoices are open again, the line waits again, and the payment stays as credit."""
    await _locked(tx, line_id, expected_version, ("booked",))
    line = await read_line(tx, line_id)
    for allocation_id in await _STANDING.all(tx, payment_id=line.payment_id):
        await take_back(tx, allocation_id)
    await _SET.run(tx, id=line_id, state="open", payment_id=None)
    return await read_line(tx, line_id)


async def set_line_aside(tx: Transaction, line_id: UUID, expected_version: int) -> BankLine:
    """Say that a line pays no invoice."""
    await _locked(tx, line_id, expected_version, ("open",))
    await _SET.run(tx, id=line_id, state="set_aside", payment_id=None)
    return await read_line(tx, line_id)


async def reopen_line(tx: Transaction, line_id: UUID, expected_version: int) -> BankLine:
    """Take a line that was set aside up again."""
    await _locked(tx, line_id, expected_version, ("set_aside",))
    await _SET.run(tx, id=line_id, state="open", payment_id=None)
    return await read_line(tx, line_id)


async def _locked(tx: Transaction, line_id: UUID, expected_version: int, states: Sequence[str]) -> _Locked:
    locked = await _LOCK.one(tx, id=line_id)
    if locked.state not in states:
        raise LineNotOpen
    if locked.version != expected_version:
        raise VersionConflict
    return locked


async def _record(
    tx: Transaction, line: BankLine, customer_id: UUID, parts: Sequence[tuple[UUID, int]], fingerprint: bytes
) -> UUID:  # fmt: skip
    if line.booked_on > today():
        raise Invalid(
            "The bank books this line only later: it can be booked from that day on.", field="expected_version"
        )
    reference = f"BANK-{line.booked_on:%Y%m%d}-{fingerprint[:6].hex().upper()}"
    new = NewPayment(
        customer_id=customer_id, method="bank_transfer", received_on=line.booked_on, currency=line.currency,
        amount_minor=line.amount_minor, external_id=reference, allocations=parts,
    )  # fmt: skip
    return (await record_payment(tx, new_id(), new)).id
