"""Stock counts through the API: opened, filled line by line, approved or cancelled."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from stockade.access.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from stockade.access.routes import create, get, post
from stockade.commerce.stock.permissions import ADJUST, COUNT, READ
from stockade.commerce.stock.rules import CountClosed, CountUnsettled, NotEnoughStock, NothingCounted
from stockade.commerce.stock.service import counting
from stockade.commerce.stock.service.counting import CountView, EntryView, LineView, NewCount, NewEntry
from stockade.kernel.ids import new_id
from stockade.kernel.problems import NotFound
from stockade.tenancy.transaction import Transaction

Which = Annotated[Literal["different", "missing"] | None, QueryParameter(description="Only these lines.")]


class CountLineMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to happen with a line: its difference is left out, or it is counted afresh."""

    left_out: bool = False
    recount: bool = False


@get("/stock/counts/{count_id:uuid}", permission=READ)
async def read_count(tx: Transaction, count_id: UUID) -> CountView:
    """Read a count."""
    return await counting.read_count(tx, count_id)


@get("/stock/counts", permission=READ)
async def list_counts(tx: Transaction, after: Cursor | None = None, limit: Limit = 50) -> Page[CountView]:
    """List counts, the newest first."""
    place = None if after is None else decode_cursor(after, (datetime, UUID))
    rows = await counting.list_counts(tx, after=place, count=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], encode_cursor(last.opened_at, last.id) if last else None)


@create("/stock/counts", permission=COUNT, read=read_count)
async def open_count(tx: Transaction, id: UUID, data: NewCount) -> CountView:
    """Open a count. What the books say of each of its products is noted now."""
    return await counting.open_count(tx, id, data)


@get("/stock/counts/{count_id:uuid}/lines", permission=READ)
async def list_count_lines(
    tx: Transaction, count_id: UUID, which: Which = None, after: Cursor | None = None, limit: Limit = 50
) -> Page[LineView]:
    """List the products of a count by SKU, with what was found of each."""
    place = "" if after is None else decode_cursor(after, (str,))[0]
    await counting.read_count(tx, count_id)
    rows = await counting.list_lines(tx, count_id, which=which or "", after=place, count=limit + 1)
    return Page(rows[:limit], encode_cursor(rows[limit - 1].sku) if len(rows) > limit else None)


@post("/stock/counts/{count_id:uuid}/entries", permission=COUNT, problems=[CountClosed], status_code=201)
async def enter_count(tx: Transaction, count_id: UUID, data: NewEntry) -> EntryView:
    """Add what was found of a product in one place. Entries of a product add up, whoever made them."""
    return await counting.enter(tx, new_id(), count_id, data)


@post("/stock/counts/{count_id:uuid}/lines/{product_id:uuid}", permission=COUNT, problems=[CountClosed])
async def mark_count_line(tx: Transaction, count_id: UUID, product_id: UUID, data: CountLineMark) -> CountView:
    """Leave a line out of the booking, or have it counted afresh."""
    await counting.mark_line(tx, count_id, product_id, left_out=data.left_out, recount=data.recount)
    return await counting.read_count(tx, count_id)


@post(
    "/stock/counts/{count_id:uuid}/approve", permission=ADJUST,
    problems=[CountClosed, NothingCounted, CountUnsettled, NotEnoughStock, NotFound],
)  # fmt: skip
async def approve_count(tx: Transaction, count_id: UUID) -> list[LineView]:
    """Book the differences and close the count, all or nothing. The answer is the lines that were corrected."""
    return await counting.approve_count(tx, count_id)


@post("/stock/counts/{count_id:uuid}/cancel", permission=COUNT, problems=[CountClosed])
async def cancel_count(tx: Transaction, count_id: UUID) -> CountView:
    """Close a count without booking anything."""
    await counting.cancel_count(tx, count_id)
    return await counting.read_count(tx, count_id)


ROUTES = [
    read_count, list_counts, open_count, list_count_lines, enter_count, mark_count_line, approve_count, cancel_count,
]  # fmt: skip
