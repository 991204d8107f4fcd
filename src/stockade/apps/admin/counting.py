"""Stock counts as pages: the list, a new one, and one count with its entries and differences."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from stockade.access.pages import Cursor, decode_cursor, encode_cursor
from stockade.access.routes import opened
from stockade.apps.admin.forms import Form, submitted_new
from stockade.apps.admin.lists import may_of
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.admin.stock import active_warehouses
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.desk.stock import costs_of, holders_of
from stockade.commerce.stock.permissions import ADJUST, COUNT, READ
from stockade.commerce.stock.rules import NotEnoughStock
from stockade.commerce.stock.service import counting
from stockade.kernel.problems import Problem
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction, Unauthenticated
from stockade.web.problems import problem_document

PAGE_SIZE = 50
SCOPES = {
    "all": N_("Everything that the warehouse holds"), "moved": N_("What has moved since a day"),
    "sample": N_("A random sample"),
}  # fmt: skip
STATES = {"open": (N_("Open"), "info"), "approved": (N_("Approved"), "good"), "cancelled": (N_("Cancelled"), "hollow")}
WHICH = {"": N_("All"), "different": N_("Different"), "missing": N_("Not counted")}
TOLD = {
    "opened": N_("The count is open. Scan or type what you find."), "cancelled": N_("The count is cancelled."),
    "approved": N_("The differences are booked."), "marked": N_("The line is marked."),
}  # fmt: skip


@page("/stock/counts", permission=READ)
async def show_counts(tx: Transaction, request: AnyRequest, after: Cursor | None = None) -> Shown:
    """The counts, newest first."""
    place = None if after is None else decode_cursor(after, (datetime, UUID))
    rows = await counting.list_counts(tx, after=place, count=PAGE_SIZE + 1)
    last = rows[PAGE_SIZE - 1] if len(rows) > PAGE_SIZE else None
    following = encode_cursor(last.opened_at, last.id) if last else None
    return Shown("counts/list.html", {"counts": rows[:PAGE_SIZE], "states": STATES, "next_cursor": following})


@page("/stock/counts/new", permission=COUNT)
async def show_new_count(tx: Transaction, request: AnyRequest) -> Shown:
    """The form that opens a count."""
    return await _new_page(tx, Form({"scope": "all"}))


@form("/stock/counts/new", permission=COUNT)
async def take_new_count(request: AnyRequest, fields: Fields) -> Shown | str:
    """Open a count."""
    return await submitted_new(
        request, fields, counting.NewCount, counting.open_count, again=_new_page,
        then=lambda made: f"/stock/counts/{made}?done=opened",
    )  # fmt: skip


@page("/stock/counts/{count_id:uuid}", permission=READ)
async def show_count(
    tx: Transaction, request: AnyRequest, count_id: UUID, which: str = "", after: Cursor | None = None
) -> Shown:
    """One count: what was found, what the books say, and the field that takes the next scan."""
    return await _count_page(
        tx, count_id, which=which if which in WHICH else "", after=after,
        told=TOLD.get(request.query_params.get("done", "")),
    )  # fmt: skip


@form("/stock/counts/{count_id:uuid}/entries", permission=COUNT)
async def take_entry(request: AnyRequest, fields: Fields, count_id: UUID) -> Shown | str:
    """Add what was found; the page comes back ready for the next one."""

    async def enter(tx: Transaction, id: UUID, new: counting.NewEntry) -> None:
        await counting.enter(tx, id, count_id, new)

    return await submitted_new(
        request, fields, counting.NewEntry, enter, again=lambda tx, filled: _count_page(tx, count_id, filled=filled),
        then=lambda made: f"/stock/counts/{count_id}?entered={made}",
    )  # fmt: skip


@form("/stock/counts/{count_id:uuid}/lines/{product_id:uuid}", permission=COUNT)
async def take_mark(request: AnyRequest, fields: Fields, count_id: UUID, product_id: UUID) -> Shown | str:
    """Leave a line out, take it in again, or have it counted afresh."""
    what = fields.get("mark", "")

    async def mark(tx: Transaction) -> None:
        await counting.mark_line(tx, count_id, product_id, left_out=what == "leave-out", recount=what == "recount")

    return await _attempt(request, count_id, mark, "marked")


@form("/stock/counts/{count_id:uuid}/approve", permission=ADJUST)
async def take_approval(request: AnyRequest, fields: Fields, count_id: UUID) -> Shown | str:
    """Book the differences."""
    return await _attempt(request, count_id, lambda tx: counting.approve_count(tx, count_id), "approved")


@form("/stock/counts/{count_id:uuid}/cancel", permission=COUNT)
async def take_cancellation(request: AnyRequest, fields: Fields, count_id: UUID) -> Shown | str:
    """Close the count without booking anything."""
    return await _attempt(request, count_id, lambda tx: counting.cancel_count(tx, count_id), "cancelled")


async def _attempt(request: AnyRequest, count_id: UUID, act: Any, done: str) -> Shown | str:
    try:
        async with opened(request) as tx:
            await act(tx)
    except Unauthenticated:
        raise
    except Problem as problem:
        document = problem_document(problem, request.scope["state"]["request_id"])
        async with opened(request) as tx:
            held = UUID(problem.members["product_id"]) if isinstance(problem, NotEnoughStock) else None
            shown = await _count_page(tx, count_id, which="different", problem=document, held=held)
        return msgspec.structs.replace(shown, status=problem.status)
    return f"/stock/counts/{count_id}?done={done}"


async def _count_page(
    tx: Transaction, count_id: UUID, *, which: str = "", after: str | None = None, told: str | None = None,
    filled: Form | None = None, problem: dict[str, Any] | None = None, held: UUID | None = None,
) -> Shown:  # fmt: skip
    count = await counting.read_count(tx, count_id)
    place = "" if after is None else decode_cursor(after, (str,))[0]
    lines = await counting.list_lines(tx, count_id, which=which, after=place, count=PAGE_SIZE + 1)
    shown = lines[:PAGE_SIZE]
    hidden = count.blind and count.state == "open" and not ADJUST.granted_to(tx.principal)
    costs = await costs_of(tx, [line.product_id for line in shown]) if may_of(tx)("catalog:cost") else {}
    return Shown("counts/count.html", {
        "count": count, "lines": shown, "which": which, "whiches": WHICH, "states": STATES, "hidden": hidden,
        "costs": costs, "told": told, "form": filled or Form({"quantity": "1"}), "problem": problem,
        "holders": await holders_of(tx, count.warehouse_id, held) if held else [],
        "next_cursor": encode_cursor(shown[-1].sku) if len(lines) > PAGE_SIZE else None,
    })  # fmt: skip


async def _new_page(tx: Transaction, filled: Form) -> Shown:
    return Shown("counts/new.html", {"form": filled, "warehouses": await active_warehouses(tx), "scopes": SCOPES})


ROUTES = (
    show_counts, show_new_count, take_new_count, show_count, take_entry, take_mark, take_approval, take_cancellation,
)  # fmt: skip
