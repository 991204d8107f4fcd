"""Stock counts: opened for a warehouse, filled by entries of several people at once, approved or cancelled.

Entries are only ever added, so that two people who count the same product in two places do not overwrite each other.
Each remembers what the books said at its moment. Approval books the differences in one transaction, under the same
locks as every other move.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from stockade.access.fields import MAX_QUANTITY, Text80, Text200
from stockade.commerce.numbering.series import KINDS
from stockade.commerce.numbering.service import take
from stockade.commerce.stock.rules import (
    Change,
    CountClosed,
    CountUnsettled,
    NothingCounted,
    corrections,
    difference,
    unsettled,
)
from stockade.commerce.stock.service.moves import make_moves
from stockade.database.statements import raw
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction

SERIES = "count"
MOST_PRODUCTS = 20_000
Scope = Literal["all", "moved", "sample", "products"]
State = Literal["open", "approved", "cancelled"]


class NewCount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be counted: every stocked product of the warehouse, those that moved since a day, a random sample of
    so many, or some products. ``blind``: whoever counts does not see what the books say."""

    warehouse_id: UUID
    scope: Scope = "all"
    moved_since: date | None = None
    sample: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    product_ids: Annotated[list[UUID], msgspec.Meta(max_length=1000)] = []
    blind: bool = False
    note: Text200 | None = None


class NewEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found: a SKU or barcode, and how much of it in this place."""

    code: Text80
    quantity: Annotated[int, msgspec.Meta(ge=0, le=MAX_QUANTITY)] = 1


class CountView(msgspec.Struct, frozen=True):
    """A count, with how many of its products were counted and how many differ so far."""

    id: UUID
    number: str
    warehouse_id: UUID
    warehouse_code: str
    warehouse_name: str
    state: State
    blind: bool
    note: str | None
    opened_at: datetime
    closed_at: datetime | None
    products: int
    counted: int


class LineView(msgspec.Struct, frozen=True):
    """A product of a count. ``booked`` is from the opening, ``booked_then`` from its last entry; None: not counted."""

    product_id: UUID
    sku: str
    name: str
    unit: str
    booked: int
    left_out: bool
    counted: int | None
    booked_then: int | None
    entries: int
    moved_meanwhile: bool
    """Goods of it came or went between its first and its last entry."""

    @property
    def difference(self) -> int | None:
        """By how much approval would correct the books."""
        return difference(self)


class EntryView(msgspec.Struct, frozen=True):
    """An entry as it was made, with what the product now adds up to."""

    id: UUID
    product_id: UUID
    sku: str
    name: str
    quantity: int
    counted: int


_OPEN = raw(
    """
    insert into stock.count (tenant_id, id, number, warehouse_id, blind, note, state)
    select $1, $2, $3, w.id, $5, $6, 'open' from stock.warehouse w
    where w.tenant_id = $1 and w.id = $4 and w.state = 'active' returning id
    """,
    "this_tenant id number warehouse_id blind note",
    UUID,
)
_LINES = raw(
    """
    insert into stock.count_line (tenant_id, count_id, product_id, booked)
    select $1, $2, p.id, coalesce(v.on_hand, 0) from catalog.product p
    left join stock.level v on v.tenant_id = $1 and v.warehouse_id = $3 and v.product_id = p.id
    where p.tenant_id = $1 and p.stocked and case $4::text
        when 'all' then v.on_hand > 0 or p.state = 'active' and v.product_id is not null
        when 'sample' then v.on_hand > 0
        when 'products' then p.id = any($5::uuid[])
        else exists (select from stock.move m where m.tenant_id = $1 and m.product_id = p.id and m.warehouse_id = $3
            and m.moved_at >= $6::date) end
    order by case when $4::text = 'sample' then random() else 0 end limit $7
    """,
    "this_tenant id warehouse_id scope products moved_since most",
)
_VIEW = """
    select c.id, c.number, c.warehouse_id, w.code, w.name, c.state, c.blind, c.note, c.opened_at, c.closed_at,
        (select count(*) from stock.count_line l where l.tenant_id = $1 and l.count_id = c.id),
        (select count(distinct e.product_id) from stock.count_entry e
            join stock.count_line l on l.tenant_id = $1 and l.count_id = c.id and l.product_id = e.product_id
            where e.tenant_id = $1 and e.count_id = c.id
            and e.counted_at > coalesce(l.recounted_at, '-infinity'))
    from stock.count c join stock.warehouse w on w.tenant_id = $1 and w.id = c.warehouse_id
"""
_ONE = raw(f"{_VIEW} where c.tenant_id = $1 and c.id = $2", "this_tenant id", CountView)
_NEWEST = raw(
    f"{_VIEW} where c.tenant_id = $1 and ($2::timestamptz is null or (c.opened_at, c.id) < ($2, $3::uuid)) "
    "order by c.opened_at desc, c.id desc limit $4",
    "this_tenant after_at after_id count",
    CountView,
)
_SUMS = """
    select l.product_id, p.sku, p.name, p.unit, l.booked, l.left_out, s.counted, s.booked_then, coalesce(s.entries, 0),
        coalesce(s.entries > 1 and (s.changed or exists (
            select from stock.move m where m.tenant_id = $1 and m.product_id = l.product_id
                and m.warehouse_id = (select c.warehouse_id from stock.count c where c.tenant_id = $1 and c.id = $2)
                and m.moved_at between s.first_at and s.last_at)), false)
    from stock.count_line l join catalog.product p on p.tenant_id = $1 and p.id = l.product_id
    left join lateral (
        select sum(e.quantity)::bigint as counted, count(*) as entries, min(e.booked) <> max(e.booked) as changed,
            min(e.counted_at) as first_at, max(e.counted_at) as last_at,
            (array_agg(e.booked order by e.counted_at desc, e.id desc))[1] as booked_then
        from stock.count_entry e where e.tenant_id = $1 and e.count_id = l.count_id and e.product_id = l.product_id
            and e.counted_at > coalesce(l.recounted_at, '-infinity')
    ) s on s.entries > 0
    where l.tenant_id = $1 and l.count_id = $2
"""
_PAGE = raw(
    f"""{_SUMS} and p.sku > $3 and case $4::text when 'different' then s.counted <> s.booked_then
        when 'missing' then s.counted is null else true end order by p.sku limit $5""",
    "this_tenant id after which count",
    LineView,
)
_EVERY = raw(f"{_SUMS} order by p.sku", "this_tenant id", LineView)
_ENTER = raw(
    # FOR SHARE: the count is not closed while somebody enters; others may enter at the same time.
    """
    with counted as (
        select c.id, c.warehouse_id from stock.count c
        where c.tenant_id = $1 and c.id = $2 and c.state = 'open' for share
    ), product as (
        select p.id, p.sku, p.name from catalog.product p
        where p.tenant_id = $1 and p.stocked and (p.sku = $4::text or p.barcode = $4::text or p.sku = upper($4::text))
        order by p.sku = $4::text desc limit 1
    ), books as (
        select coalesce((select v.on_hand from stock.level v
            where v.tenant_id = $1 and v.warehouse_id = (select warehouse_id from counted)
            and v.product_id = (select id from product)), 0) as on_hand
    ), line as (
        insert into stock.count_line (tenant_id, count_id, product_id, booked)
        select $1::uuid, counted.id, product.id, books.on_hand from counted, product, books on conflict do nothing
    ), entry as (
        insert into stock.count_entry (tenant_id, id, count_id, product_id, quantity, booked, counted_by)
        select $1::uuid, $3::uuid, counted.id, product.id, $5::int, books.on_hand, $6::uuid from counted, product, books
        returning product_id, quantity
    )
    select (select count(*) from counted), (select count(*) from product), $3::uuid, e.product_id, p.sku, p.name,
        e.quantity,
        e.quantity + coalesce((
            select sum(o.quantity) from stock.count_entry o
            join stock.count_line l on l.tenant_id = $1 and l.count_id = $2 and l.product_id = o.product_id
            where o.tenant_id = $1 and o.count_id = $2 and o.product_id = e.product_id
            and o.counted_at > coalesce(l.recounted_at, '-infinity')), 0)::bigint
    from (select) one left join entry e on true left join product p on true
    """,
    "this_tenant count_id id code quantity actor_id",
)
_LOCK = raw(
    "select warehouse_id, number, state from stock.count where tenant_id = $1 and id = $2 for update", "this_tenant id"
)
_CLOSE = raw(
    "update stock.count set state = $3, closed_at = now() where tenant_id = $1 and id = $2", "this_tenant id state"
)
_MARK = raw(
    """
    update stock.count_line set left_out = $4, recounted_at = case when $5 then clock_timestamp() else recounted_at end
    where tenant_id = $1 and count_id = $2 and product_id = $3
    """,
    "this_tenant id product_id left_out recount",
)


async def open_count(tx: Transaction, id: UUID, new: NewCount) -> CountView:
    """Open a count and note what the books say of each of its products; ``Invalid`` if it would hold none."""
    if new.scope == "moved" and new.moved_since is None:
        raise Invalid("Say since which day.", field="moved_since")
    if new.scope == "sample" and new.sample is None:
        raise Invalid("Say how many products the sample holds.", field="sample")
    taken = await take(tx, SERIES, KINDS[SERIES].period())
    number = KINDS[SERIES].number(taken.prefix or KINDS[SERIES].prefix, KINDS[SERIES].period(), taken.sequence)
    opened = await _OPEN.first(
        tx, id=id, number=number, warehouse_id=new.warehouse_id, blind=new.blind, note=new.note
    )  # fmt: skip
    if opened is None:
        raise Invalid("There is no such active warehouse.", field="warehouse_id")
    held = await _LINES.run(
        tx, id=id, warehouse_id=new.warehouse_id, scope=new.scope, products=new.product_ids,
        moved_since=new.moved_since, most=new.sample if new.scope == "sample" else MOST_PRODUCTS,
    )  # fmt: skip
    if not held:
        raise Invalid("No product of this warehouse is meant by that.", field="scope")
    return await read_count(tx, id)


async def read_count(tx: Transaction, count_id: UUID) -> CountView:
    """Return a count; ``NotFound`` if there is none."""
    return await _ONE.one(tx, id=count_id)


async def list_counts(tx: Transaction, *, after: tuple[datetime, UUID] | None = None, count: int) -> list[CountView]:
    """Return up to ``count`` counts, the newest first."""
    after_at, after_id = after or (None, None)
    return await _NEWEST.all(tx, after_at=after_at, after_id=after_id, count=count)


async def list_lines(
    tx: Transaction, count_id: UUID, *, which: str = "", after: str = "", count: int
) -> list[LineView]:  # fmt: skip
    """Return up to ``count`` products of a count by SKU: all, those that are ``different``, or ``missing`` so far."""
    return await _PAGE.all(tx, id=count_id, which=which, after=after, count=count)


async def enter(tx: Transaction, id: UUID, count_id: UUID, new: NewEntry) -> EntryView:
    """Add what was found of a product; ``Invalid`` for a code that nothing has, ``CountClosed`` once it is over.

    A product that nobody expected here joins the count.
    """
    is_open, known, *entry = await _ENTER.one(
        tx, count_id=count_id, id=id, code=new.code, quantity=new.quantity, actor_id=tx.principal.actor_id
    )
    if not is_open:
        await read_count(tx, count_id)
        raise CountClosed
    if not known:
        raise Invalid(said("No stocked product has the SKU or barcode {code}.", code=new.code), field="code")
    return EntryView(*entry)


async def mark_line(
    tx: Transaction, count_id: UUID, product_id: UUID, *, left_out: bool = False, recount: bool = False
) -> None:  # fmt: skip
    """Leave a line out of the booking or take it in again, or have it counted afresh."""
    await _require_open(tx, count_id)
    if not await _MARK.run(tx, id=count_id, product_id=product_id, left_out=left_out, recount=recount):
        raise NotFound


async def approve_count(tx: Transaction, count_id: UUID) -> list[LineView]:
    """Book the differences as moves and close the count, all or nothing; return the lines that were corrected.

    ``CountUnsettled`` if goods moved while a product that differs was counted. ``NotEnoughStock`` names the product of
    which less would be left than is promised: count it again, or leave it out.
    """
    warehouse_id, number = await _require_open(tx, count_id)
    lines = await _EVERY.all(tx, id=count_id)
    if not any(line.counted is not None for line in lines):
        raise NothingCounted
    if guesses := unsettled(lines):
        raise CountUnsettled(
            said("Count {skus} again, or leave them out.", skus=", ".join(line.sku for line in guesses[:20])),
            products=[str(line.product_id) for line in guesses],
        )
    wrong = corrections(lines)
    if wrong:
        await make_moves(tx, _moves(wrong, warehouse_id, count_id, number))
    await _CLOSE.run(tx, id=count_id, state="approved")
    return wrong


async def cancel_count(tx: Transaction, count_id: UUID) -> None:
    """Close a count without booking anything."""
    await _require_open(tx, count_id)
    await _CLOSE.run(tx, id=count_id, state="cancelled")


async def _require_open(tx: Transaction, count_id: UUID) -> tuple[UUID, str]:
    """Lock the count; two that would close it, or one that closes and one that enters, go one after the other."""
    warehouse_id, number, state = await _LOCK.one(tx, id=count_id)
    if state != "open":
        raise CountClosed
    return warehouse_id, number


def _moves(wrong: Sequence[LineView], warehouse_id: UUID, count_id: UUID, number: str) -> list[Change]:
    return [
        Change(new_id(), warehouse_id, line.product_id, line.difference or 0, "count", count_id, number)
        for line in wrong
    ]
