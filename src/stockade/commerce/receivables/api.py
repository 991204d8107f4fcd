"""Payments, allocations, write-offs, ageing and statements through the API."""

from datetime import date, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import QueryParameter

from stockade.access.fields import MAX_MINOR, CurrencyCode, Text80, Text200
from stockade.access.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from stockade.access.permissions import permission
from stockade.access.routes import create, get, post
from stockade.commerce.invoicing.rules import CompanyUnknown
from stockade.commerce.parties.printing import to_download, typeset
from stockade.commerce.receivables import bank_api
from stockade.commerce.receivables.printing import paper_of
from stockade.commerce.receivables.problems import (
    AlreadyTakenBack,
    AnotherCustomersInvoice,
    MoreThanOpen,
    MoreThanUnallocated,
    PaymentExists,
)
from stockade.commerce.receivables.service import allocating, balances, payments, statements, writing_off
from stockade.commerce.receivables.service.allocating import Allocated
from stockade.commerce.receivables.service.balances import Ageing, AgeingReport
from stockade.commerce.receivables.service.payments import PaymentRow, PaymentView
from stockade.commerce.receivables.service.statements import CustomerStatement
from stockade.commerce.receivables.service.writing_off import WriteOffView
from stockade.database.statements import Statement, raw
from stockade.kernel.clock import today
from stockade.kernel.money import CurrencyMismatch
from stockade.kernel.problems import Invalid, NotFound
from stockade.tenancy.transaction import Transaction

READ_PAYMENTS = permission("payments:read", least="viewer")
RECORD = permission("payments:record", least="member")
ALLOCATE = permission("payments:allocate", least="member")
READ = permission("receivables:read", least="viewer")
WRITE_OFF = permission("receivables:write_off", least="admin")

STATEMENT_DAYS = 90
"""How far back a statement goes unless it is asked for more."""
Amount = Annotated[int, msgspec.Meta(ge=1, le=MAX_MINOR)]
Method = Literal["bank_transfer", "card", "cash", "cheque", "direct_debit"]
FromDay = Annotated[
    date | None, QueryParameter(name="from", description="The first day; 90 days before the last one unless given.")
]
ToDay = Annotated[date | None, QueryParameter(name="to", description="The last day; today unless given.")]
AsOf = Annotated[date | None, QueryParameter(description="The day at whose end it is looked at; today unless given.")]
CurrencyFilter = Annotated[str | None, QueryParameter(pattern=r"^[A-Z]{3}$")]
_FORGET_KEY: Statement[tuple[()]] = raw(
    "delete from idempotency.used_key where tenant_id = $1 and actor_id = $2 and made_id = $3",
    "this_tenant actor_id id",
)
_REFUSALS = [NotFound, MoreThanOpen, MoreThanUnallocated, AnotherCustomersInvoice, CurrencyMismatch]


class AllocationPart(msgspec.Struct, forbid_unknown_fields=True):
    """How much of which invoice to settle, in minor units."""

    invoice_id: UUID
    amount_minor: Amount


Parts = Annotated[list[AllocationPart], msgspec.Meta(min_length=1, max_length=1000)]


class ReceivedMoney(msgspec.Struct, forbid_unknown_fields=True):
    """An amount that came in."""

    amount_minor: Amount
    currency: CurrencyCode


class RecordPayment(msgspec.Struct, forbid_unknown_fields=True):
    """Money that came in. ``external_id`` is the bank's or the payment service's reference: the same one twice is the
    same payment. Name the invoices it settles, or let it settle the oldest first, or allocate it later."""

    customer_id: UUID
    method: Method
    received_on: date
    amount: ReceivedMoney
    external_id: Text80 | None = None
    note: Text200 | None = None
    allocations: Parts | None = None
    oldest_first: bool = False


class AllocateMoney(msgspec.Struct, forbid_unknown_fields=True):
    """The invoices to settle; without ``allocations`` the oldest first."""

    allocations: Parts | None = None


class NewWriteOff(msgspec.Struct, forbid_unknown_fields=True):
    """What will not be paid any more, and why; without ``amount_minor`` all that is open."""

    invoice_id: UUID
    reason: Text200
    amount_minor: Amount | None = None


@get("/payments/{payment_id:uuid}", permission=READ_PAYMENTS)
async def read_payment(tx: Transaction, payment_id: UUID) -> PaymentView:
    """Read a payment with what it settled."""
    return await payments.read_payment(tx, payment_id)


@get("/payments", permission=READ_PAYMENTS)
async def list_payments(
    tx: Transaction, customer_id: UUID | None = None, unallocated: bool = False, after: Cursor | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[PaymentRow]:  # fmt: skip
    """List payments, the newest first; `unallocated` keeps those that no invoice has claimed wholly."""
    return await payments.list_payments(tx, customer_id=customer_id, unallocated=unallocated, after=after, limit=limit)


@create("/payments", permission=RECORD, read=read_payment, problems=[*_REFUSALS, PaymentExists])
async def record_payment(tx: Transaction, id: UUID, data: RecordPayment) -> PaymentView:
    """Record money that came in, and allocate it if asked.

    The same method and `external_id` again answers with the payment that is there.
    """
    if data.allocations and data.oldest_first:
        raise Invalid("Name the invoices or say oldest_first, not both.", field="oldest_first")
    new = payments.NewPayment(
        customer_id=data.customer_id, method=data.method, received_on=data.received_on, currency=data.amount.currency,
        amount_minor=data.amount.amount_minor, external_id=data.external_id, note=data.note,
        allocations=_pairs(data.allocations), oldest_first=data.oldest_first,
    )  # fmt: skip
    payment = await payments.record_payment(tx, id, new)
    if payment.id != id:
        # The external id makes this idempotent already; the key must not remember an id that was never made.
        await _FORGET_KEY.run(tx, id=id, actor_id=tx.principal.actor_id)
    return payment


@post("/payments/{payment_id:uuid}/allocate", permission=ALLOCATE, problems=_REFUSALS)
async def allocate_payment(tx: Transaction, payment_id: UUID, data: AllocateMoney) -> list[Allocated]:
    """Settle invoices with a payment: those that are named, or the oldest first. Answers with what was settled."""
    if data.allocations is None:
        return await allocating.allocate_oldest_first(tx, payment_id)
    return await allocating.allocate(tx, payment_id, _pairs(data.allocations))


@post("/credit-notes/{credit_note_id:uuid}/allocate", permission=ALLOCATE, problems=_REFUSALS)
async def allocate_credit(tx: Transaction, credit_note_id: UUID, data: AllocateMoney) -> list[Allocated]:
    """Settle other invoices with what is left of a credit note: those that are named, or the oldest first."""
    if data.allocations is None:
        return await allocating.allocate_oldest_first(tx, credit_note_id, kind="credit_note")
    return await allocating.allocate(tx, credit_note_id, _pairs(data.allocations), kind="credit_note")


@post("/allocations/{allocation_id:uuid}/take-back", permission=ALLOCATE, problems=[AlreadyTakenBack])
async def take_back_allocation(tx: Transaction, allocation_id: UUID) -> Allocated:
    """Take an allocation back: the invoice is open again, and the money is free again."""
    return await allocating.take_back(tx, allocation_id)


@get("/write-offs/{write_off_id:uuid}", permission=READ)
async def read_write_off(tx: Transaction, write_off_id: UUID) -> WriteOffView:
    """Read a write-off."""
    return await writing_off.read_write_off(tx, write_off_id)


@create("/write-offs", permission=WRITE_OFF, read=read_write_off, problems=[NotFound, MoreThanOpen])
async def write_off_invoice(tx: Transaction, id: UUID, data: NewWriteOff) -> WriteOffView:
    """Write off what is open of an invoice, or a part of it, as a bad debt."""
    return await writing_off.write_off(tx, id, data.invoice_id, data.reason, amount_minor=data.amount_minor)


@get("/receivables/ageing", permission=READ)
async def read_ageing(
    tx: Transaction, as_of: AsOf = None, currency: CurrencyFilter = None, after: Cursor | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> AgeingReport:  # fmt: skip
    """Read what every customer owed at the end of a day, by days overdue, with the totals in each currency."""
    return await balances.ageing(tx, as_of or today(), currency=currency, after=after, limit=limit)


@get("/customers/{customer_id:uuid}/balance", permission=READ)
async def read_balance(tx: Transaction, customer_id: UUID, as_of: AsOf = None) -> list[Ageing]:
    """Read what a customer owed at the end of a day, in each currency; empty if nothing is owed or held."""
    return await balances.customer_balance(tx, customer_id, as_of or today())


@get("/customers/{customer_id:uuid}/statement", permission=READ)
async def read_statement(
    tx: Transaction, customer_id: UUID, from_on: FromDay = None, to_on: ToDay = None
) -> CustomerStatement:  # fmt: skip
    """Read a customer's account from a day to another: what was owed before, each movement, and what is owed after."""
    return await statements.customer_statement(tx, customer_id, *_period(from_on, to_on))


@get(
    "/customers/{customer_id:uuid}/statement/pdf", permission=READ, problems=[CompanyUnknown],
    media_type="application/pdf", heavy=True, finish=typeset,
)  # fmt: skip
async def download_statement(
    tx: Transaction, customer_id: UUID, from_on: FromDay = None, to_on: ToDay = None
) -> Response[bytes]:  # fmt: skip
    """Download a customer's statement as PDF."""
    statement = await statements.customer_statement(tx, customer_id, *_period(from_on, to_on))
    if statement.seller is None:
        raise CompanyUnknown("A statement names its sender: enter your company's name and address in the settings.")
    paper = await paper_of(tx, statement, statement.seller)
    return to_download(paper, f"statement-{statement.customer.number}-{statement.to_on}")


def _pairs(parts: list[AllocationPart] | None) -> list[tuple[UUID, int]]:
    return [(part.invoice_id, part.amount_minor) for part in parts or ()]


def _period(from_on: date | None, to_on: date | None) -> tuple[date, date]:
    end = to_on or today()
    if from_on is None and end.toordinal() <= STATEMENT_DAYS:
        return date.min, end
    return from_on or end - timedelta(days=STATEMENT_DAYS), end


ROUTES = [
    read_payment, list_payments, record_payment, allocate_payment, allocate_credit, take_back_allocation,
    read_write_off, write_off_invoice, read_ageing, read_balance, read_statement, download_statement,
    *bank_api.ROUTES,
]  # fmt: skip
