"""Bank files as pages: a file is taken in, its columns are looked at, and its lines are matched, mostly by Enter."""

from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar.datastructures import UploadFile

from stockade.access.fields import CurrencyCode, ExpectedVersion, Text80, Version
from stockade.access.routes import opened
from stockade.apps.admin.forms import Form, submitted
from stockade.apps.admin.payments import typed_parts
from stockade.apps.admin.reading import read_form, typed
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.commerce.parties.service.company import find_company
from stockade.commerce.receivables.api import AllocationPart
from stockade.commerce.receivables.bank_api import READ, RECORD
from stockade.commerce.receivables.bank_files import MOST_BYTES, ROLES, DayForm, Encoding, Layout, read
from stockade.commerce.receivables.matching import CERTAINTIES, REASONS
from stockade.commerce.receivables.service.bank.booking import (
    BookLine,
    LinePart,
    book_line,
    reopen_line,
    set_line_aside,
    take_line_back,
)
from stockade.commerce.receivables.service.bank.lines import BankLine, Proposed, propose_lines, read_line
from stockade.commerce.receivables.service.bank.statements import (
    BankStatementView,
    list_statements,
    read_file,
    read_statement,
    receive_file,
    received_file,
)
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, Problem
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction
from stockade.web.problems import problem_document

ADDRESS = "/payments/bank"
LINES_SHOWN = 40
ITEMS_SHOWN = 9
"""How many open invoices stand beside a line: each has a figure as its key."""
ROWS_PREVIEWED = 6
SEPARATORS = {
    "semicolon": (";", N_("Semicolon")), "comma": (",", N_("Comma")), "tab": ("\t", N_("Tab")), "bar": ("|", N_("Bar"))
}  # fmt: skip
ENCODINGS = {"utf-8": "UTF-8", "cp1250": "Windows-1250", "latin-1": "Latin-1"}
DAYS = {
    "%d.%m.%Y": "31.12.2026", "%d.%m.%y": "31.12.26", "%Y-%m-%d": "2026-12-31", "%d/%m/%Y": "31/12/2026",
    "%d-%m-%Y": "31-12-2026", "%m/%d/%Y": "12/31/2026", "%Y%m%d": "20261231", "%d %b %Y": "31 Dec 2026",
}  # fmt: skip
DECIMALS = {",": "1.234,56", ".": "1,234.56"}
SHOWN = {
    "open": N_("Open"), "booked": N_("Booked"), "set_aside": N_("Set aside"), "outgoing": N_("Money out"),
}  # fmt: skip
CERTAINTY_BADGES = {
    "certain": (CERTAINTIES["certain"], "good", "check"), "likely": (CERTAINTIES["likely"], "info", ""),
    "possible": (CERTAINTIES["possible"], "hollow", ""), "none": (CERTAINTIES["none"], "plain", ""),
}  # fmt: skip
TOLD = {
    "read": N_("The file is read. Lines that were there before were passed over."),
    "booked": N_("The line is booked."), "aside": N_("The line is set aside."),
    "reopened": N_("The line is open again."),
    "taken-back": N_("Taken back: the invoices are open again, and the payment stays as the customer's credit."),
}  # fmt: skip


class TypedLayout(msgspec.Struct, frozen=True, kw_only=True):
    """A file's layout as the form has it; its columns come beside it."""

    encoding: Encoding
    separator: Literal["semicolon", "comma", "tab", "bar"]
    head: int
    day_form: DayForm
    decimal: Literal[",", "."]
    currency: CurrencyCode
    keep_as: Text80 | None = None


class TypedBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as the form has it."""

    expected_version: Version
    customer_id: UUID
    allocations: list[AllocationPart] | None = None


@page(ADDRESS, permission=READ)
async def show_statements(tx: Transaction, request: AnyRequest) -> Shown:
    """The bank files that were taken in, and the way for another one."""
    return await _statements_page(tx, request, Form())


@form(ADDRESS, permission=RECORD)
async def take_file(request: AnyRequest, fields: Fields) -> Shown | str:
    """Take a bank's file in."""
    upload = (await request.form()).get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        return await _again(request, N_("Choose a file."))
    content = await upload.read(MOST_BYTES + 1)
    name = "".join(letter for letter in upload.filename if letter.isprintable()).strip()[:200] or "bank.csv"
    made = new_id()
    try:
        async with opened(request) as tx:
            company = await find_company(tx)
            await receive_file(tx, made, name, content, company.currency if company else "EUR")
    except Invalid as refused:
        return await _again(request, refused.detail)
    return f"{ADDRESS}/{made}"


@page(ADDRESS + "/{statement_id:uuid}", permission=READ)
async def show_statement(tx: Transaction, request: AnyRequest, statement_id: UUID) -> Shown:
    """A file's columns while it waits to be read; then its lines, with what they probably pay."""
    statement = await read_statement(tx, statement_id)
    if statement.state == "received":
        return await _columns_page(tx, statement, None, Form())
    return await _lines_page(tx, request, statement, Form())


@form(ADDRESS + "/{statement_id:uuid}/columns", permission=RECORD)
async def take_columns(request: AnyRequest, fields: Fields, statement_id: UUID) -> Shown | str:
    """Show a file under another layout, or read it so."""
    given = read_form(fields, TypedLayout)
    filled = Form(dict(fields), given.errors)
    try:
        async with opened(request) as tx:
            layout = _layout(given.command, fields) if given.command else None
            if layout is None or given.command is None or fields.get("action") != "read":
                return await _columns_page(tx, await read_statement(tx, statement_id), layout, filled)
            await read_file(tx, statement_id, layout, given.command.keep_as)
    except Problem as problem:
        async with opened(request) as tx:
            return await _columns_page(
                tx, await read_statement(tx, statement_id), layout, _refused(request, filled, problem)
            )
    return f"{ADDRESS}/{statement_id}?done=read"


@form(ADDRESS + "/lines/{line_id:uuid}/book", permission=RECORD)
async def take_booking(request: AnyRequest, fields: Fields, line_id: UUID) -> Shown | str:
    """Book a line."""
    async with opened(request) as tx:
        line = await read_line(tx, line_id)

    async def book(tx: Transaction, read: TypedBooking) -> None:
        parts = [LinePart(part.invoice_id, part.amount_minor) for part in read.allocations or ()]
        wanted = BookLine(expected_version=read.expected_version, customer_id=read.customer_id, parts=parts)
        await book_line(tx, line_id, wanted)

    async def again(tx: Transaction, filled: Form) -> Shown:
        return await _lines_page(tx, request, await read_statement(tx, line.statement_id), filled, line)

    return await submitted(
        request, typed_parts(fields), TypedBooking, book, again=again, currency=line.currency,
        then=_after(line, "booked", fields),
    )  # fmt: skip


@form(ADDRESS + "/lines/{line_id:uuid}/set-aside", permission=RECORD)
async def take_aside(request: AnyRequest, fields: Fields, line_id: UUID) -> Shown | str:
    """Set a line aside."""
    return await _moved(request, fields, line_id, "aside", set_line_aside)


@form(ADDRESS + "/lines/{line_id:uuid}/reopen", permission=RECORD)
async def take_reopening(request: AnyRequest, fields: Fields, line_id: UUID) -> Shown | str:
    """Take a line up again that was set aside."""
    return await _moved(request, fields, line_id, "reopened", reopen_line)


@form(ADDRESS + "/lines/{line_id:uuid}/take-back", permission=RECORD)
async def take_line_taken_back(request: AnyRequest, fields: Fields, line_id: UUID) -> Shown | str:
    """Take a booking back."""
    return await _moved(request, fields, line_id, "taken-back", take_line_back)


async def _moved(request: AnyRequest, fields: Fields, line_id: UUID, done: str, verb: Any) -> Shown | str:
    async with opened(request) as tx:
        line = await read_line(tx, line_id)

    async def again(tx: Transaction, filled: Form) -> Shown:
        return await _lines_page(tx, request, await read_statement(tx, line.statement_id), filled, line)

    return await submitted(
        request, fields, ExpectedVersion, lambda tx, read: verb(tx, line_id, read.expected_version), again=again,
        then=_after(line, done, fields),
    )  # fmt: skip


def _after(line: BankLine, done: str, fields: Fields) -> str:
    """Where to go on: at the line below; where a booking was taken back, at that line."""
    same = done in ("taken-back", "reopened")
    given = {"done": done, "was": line.id, "version": line.version + 1, "at": line.position - (1 if same else 0)}
    if fields.get("after"):
        given["after"] = fields["after"][:200]
    return f"{ADDRESS}/{line.statement_id}?{urlencode(given)}"


async def _again(request: AnyRequest, error: str) -> Shown:
    async with opened(request) as tx:
        shown = await _statements_page(tx, request, Form({}, {"file": error}))
    return msgspec.structs.replace(shown, status=422)


async def _statements_page(tx: Transaction, request: AnyRequest, filled: Form) -> Shown:
    found = await list_statements(tx, after=request.query_params.get("after"), limit=30)
    return Shown("bank/statements.html", {"statements": found.items, "next": found.next, "form": filled})


async def _columns_page(tx: Transaction, statement: BankStatementView, layout: Layout | None, filled: Form) -> Shown:
    file = await received_file(tx, statement.id)
    layout = layout or file.layout
    content = read(file.content, layout)
    values = filled.values or _typed_layout(layout)
    names = content.names or tuple("" for _ in layout.columns)
    return Shown("bank/columns.html", {
        "statement": statement, "form": msgspec.structs.replace(filled, values=values), "names": names,
        "columns": (*layout.columns, *[""] * len(names))[: len(names)], "roles": ROLES,
        "rows": content.rows[:ROWS_PREVIEWED], "count": len(content.rows), "unread": content.unread,
        "encodings": ENCODINGS, "days": DAYS, "decimals": DECIMALS,
        "separators": {name: label for name, (_, label) in SEPARATORS.items()},
    }, 422 if filled.errors or filled.problem else 200)  # fmt: skip


def _typed_layout(layout: Layout) -> dict[str, str]:
    separator = next(name for name, (sign, _) in SEPARATORS.items() if sign == layout.separator)
    return {
        "encoding": layout.encoding, "separator": separator, "head": str(layout.head + 1), "day_form": layout.day_form,
        "decimal": layout.decimal, "currency": layout.currency,
    }  # fmt: skip


def _layout(given: TypedLayout, fields: Fields) -> Layout:
    columns: list[str] = []
    while (role := fields.get(f"column.{len(columns)}")) is not None and len(columns) < 60:
        columns.append(role if role in ROLES else "")
    return Layout(
        encoding=given.encoding, separator=SEPARATORS[given.separator][0],  # type: ignore[arg-type]  # the signs are those
        head=min(max(given.head, 1), 200) - 1, day_form=given.day_form, decimal=given.decimal, columns=tuple(columns),
        currency=given.currency,
    )  # fmt: skip


async def _lines_page(
    tx: Transaction, request: AnyRequest, statement: BankStatementView, filled: Form, wanted: BankLine | None = None
) -> Shown:  # fmt: skip
    given = request.query_params
    state = given.get("show", "open")
    chosen = _uuid(filled.values.get("customer_id", "") or given.get("customer", ""))
    proposed = await propose_lines(
        tx, statement.id, state=state if state in SHOWN else "open", after=given.get("after"), limit=LINES_SHOWN,
        chosen=chosen,
    )  # fmt: skip
    line = _line_of(proposed, wanted.id if wanted else _uuid(given.get("line", "")), given.get("at", ""))
    return Shown("bank/lines.html", {
        "statement": statement, "proposed": proposed, "line": line, "state": state, "states": SHOWN, "today": today(),
        "certainties": CERTAINTY_BADGES, "reasons": REASONS, "after": given.get("after", ""),
        **_panel(proposed, line, chosen, filled, locale_of(request.scope)), "done": given.get("done", ""),
        "was": _uuid(given.get("was", "")), "was_version": given.get("version", ""),
        "told": TOLD.get(given.get("done", "")),
    })  # fmt: skip


def _line_of(proposed: Proposed, wanted: UUID | None, at: str) -> BankLine | None:
    """The line that is looked at: the one that was asked for, else the one below the last, else the first."""
    below = int(at) if at.isdigit() else 0
    lines = proposed.lines
    found = [line for line in lines if line.id == wanted] or [line for line in lines if line.position > below] or lines
    return found[0] if found else None


def _panel(
    proposed: Proposed, line: BankLine | None, chosen: UUID | None, filled: Form, spoken: str
) -> dict[str, Any]:  # fmt: skip
    """What stands beside the lines: one line, the ways to book it, and the invoices of whom it is booked for."""
    if line is None or line.state != "open":
        return {"choice": None, "choices": [], "items": [], "form": filled, "typed_amount": "", "payer": None}
    choices = proposed.choices.get(line.id, [])
    choice = proposed.choice_for(line, chosen)
    parts = dict(choice.parts) if choice else {}
    items = proposed.open_of(choice.customer_id, line.currency) if choice else []
    # What is proposed stands first; of the rest, the oldest.
    items = sorted(items, key=lambda item: item.invoice_id not in parts)[: max(len(parts), ITEMS_SHOWN)]
    return {
        "choices": choices, "choice": choice,
        "items": [(item, _typed_minor(item.open_minor, line, spoken)) for item in items],
        "payer": proposed.customers.get(choice.customer_id) if choice else None,
        "typed_amount": _typed_minor(line.amount_minor, line, spoken),
        "form": filled if filled.values else Form({
            f"allocations.{at}.amount_minor": _typed_minor(parts[item.invoice_id], line, spoken)
            for at, item in enumerate(items) if item.invoice_id in parts
        }),
    }  # fmt: skip


def _typed_minor(amount_minor: int, line: BankLine, spoken: str) -> str:
    return typed(amount_minor, "amount_minor", currency=line.currency, locale=spoken)


def _refused(request: AnyRequest, filled: Form, problem: Problem) -> Form:
    document = problem_document(problem, request.scope["state"]["request_id"])
    return msgspec.structs.replace(filled, problem=document)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


ROUTES = (
    show_statements, take_file, show_statement, take_columns, take_booking, take_aside, take_reopening,
    take_line_taken_back,
)  # fmt: skip
