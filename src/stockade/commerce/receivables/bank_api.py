"""Bank statements through the API: lines come in once, and are booked as payments."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from stockade.access.fields import ExpectedVersion
from stockade.access.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from stockade.access.permissions import permission
from stockade.access.routes import create, get, post
from stockade.commerce.receivables.matching import Choice
from stockade.commerce.receivables.problems import (
    AnotherCustomersInvoice,
    LineNotOpen,
    LinePaidByAnother,
    MoreThanOpen,
    MoreThanUnallocated,
    PaymentExists,
)
from stockade.commerce.receivables.service.bank import booking, lines, statements
from stockade.commerce.receivables.service.bank.booking import BookLine
from stockade.commerce.receivables.service.bank.lines import BankLine
from stockade.commerce.receivables.service.bank.statements import BankStatementView, NewBankStatement
from stockade.kernel.money import CurrencyMismatch
from stockade.kernel.problems import NotFound, VersionConflict
from stockade.tenancy.transaction import Transaction

READ = permission("payments:read", least="viewer")
RECORD = permission("payments:record", least="member")

LineState = Annotated[
    Literal["open", "booked", "outgoing", "set_aside"] | None, QueryParameter(description="Only lines in this state.")
]
_STATES = [LineNotOpen, VersionConflict]


class Proposal(msgspec.Struct, frozen=True):
    """The ways to book a line that something speaks for, the best one first."""

    line: BankLine
    choices: list[Choice]


@get("/bank-statements/{statement_id:uuid}", permission=READ)
async def read_bank_statement(tx: Transaction, statement_id: UUID) -> BankStatementView:
    """Read how much of a bank statement is booked."""
    return await statements.read_statement(tx, statement_id)


@get("/bank-statements", permission=READ)
async def list_bank_statements(
    tx: Transaction, after: Cursor | None = None, limit: Limit = DEFAULT_LIMIT
) -> Page[BankStatementView]:  # fmt: skip
    """List bank statements, the newest first."""
    return await statements.list_statements(tx, after=after, limit=limit)


@create("/bank-statements", permission=RECORD, read=read_bank_statement)
async def add_bank_statement(tx: Transaction, id: UUID, data: NewBankStatement) -> BankStatementView:
    """Add lines of a bank. A line that came before, in whatever statement, is passed over and counted as `repeated`."""
    return await statements.add_statement(tx, id, data)


@get("/bank-statements/{statement_id:uuid}/lines", permission=READ, problems=[NotFound])
async def list_bank_lines(
    tx: Transaction, statement_id: UUID, state: LineState = None, after: Cursor | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[BankLine]:  # fmt: skip
    """List a statement's lines in its order."""
    await statements.read_statement(tx, statement_id)
    return await lines.list_lines(tx, statement_id, state=state, after=after, limit=limit)


@get("/bank-lines/{line_id:uuid}", permission=READ)
async def read_bank_line(tx: Transaction, line_id: UUID) -> Proposal:
    """Read a line with what it probably pays: invoices it names, amounts that agree, payers that are known."""
    proposed = await lines.propose_line(tx, line_id)
    return Proposal(proposed.lines[0], proposed.choices.get(line_id, []))


@post(
    "/bank-lines/{line_id:uuid}/book", permission=RECORD,
    problems=[
        *_STATES, LinePaidByAnother, MoreThanOpen, MoreThanUnallocated, AnotherCustomersInvoice, CurrencyMismatch,
        PaymentExists,
    ],
)  # fmt: skip
async def book_bank_line(tx: Transaction, line_id: UUID, data: BookLine) -> BankLine:
    """Book a line as a payment that settles invoices; what is left of it stays with the customer as credit."""
    return await booking.book_line(tx, line_id, data)


@post("/bank-lines/{line_id:uuid}/take-back", permission=RECORD, problems=_STATES)
async def take_back_bank_line(tx: Transaction, line_id: UUID, data: ExpectedVersion) -> BankLine:
    """Take a booking back: its invoices are open again. The payment stays, as credit of the same customer."""
    return await booking.take_line_back(tx, line_id, data.expected_version)


@post("/bank-lines/{line_id:uuid}/set-aside", permission=RECORD, problems=_STATES)
async def set_bank_line_aside(tx: Transaction, line_id: UUID, data: ExpectedVersion) -> BankLine:
    """Say that a line pays no invoice."""
    return await booking.set_line_aside(tx, line_id, data.expected_version)


@post("/bank-lines/{line_id:uuid}/reopen", permission=RECORD, problems=_STATES)
async def reopen_bank_line(tx: Transaction, line_id: UUID, data: ExpectedVersion) -> BankLine:
    """Take a line up again that was set aside."""
    return await booking.reopen_line(tx, line_id, data.expected_version)


ROUTES = [
    read_bank_statement, list_bank_statements, add_bank_statement, list_bank_lines, read_bank_line, book_bank_line,
    take_back_bank_line, set_bank_line_aside, reopen_bank_line,
]  # fmt: skip
