"""Statements of a bank: a file that is received and read under a layout, or lines that a program sends.

A line is there once ever: its fingerprint is unique in the tenant, so that a file that comes again adds nothing.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from stockade.access.fields import MAX_MINOR, CurrencyCode, Text80, Text200, Text2000
from stockade.access.pages import Page, decode_cursor, encode_cursor
from stockade.commerce.receivables.bank_files import (
    MOST_BYTES,
    BankRow,
    Layout,
    Read,
    fingerprints,
    guess,
    head_hash,
    read,
)
from stockade.commerce.receivables.problems import AlreadyRead
from stockade.database.statements import Statement, raw
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid
from stockade.tenancy.transaction import Transaction

Amount = Annotated[int, msgspec.Meta(ge=-MAX_MINOR, le=MAX_MINOR)]


class BankLineInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line as a program reads it from a bank: positive where money came in."""

    booked_on: date
    amount_minor: Amount
    currency: CurrencyCode
    payer: Text200 | None = None
    account: Text80 | None = None
    purpose: Text2000 = ""


class NewBankStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines of a bank, under a name for people."""

    name: Text200
    lines: Annotated[list[BankLineInput], msgspec.Meta(min_length=1, max_length=1000)]


class BankStatementView(msgspec.Struct, frozen=True):
    """A statement: how many lines it brought, how many were there before, and how many wait or are booked."""

    id: UUID
    name: str
    state: str
    received_at: datetime
    lines: int
    repeated: int
    open: int
    booked: int


class Received(msgspec.Struct, frozen=True):
    """A file that waits to be read: its bytes, and the layout that it seems to have."""

    id: UUID
    name: str
    content: bytes
    layout: Layout


class _Unread(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    state: str
    content: bytes | None
    layout: Any


class KnownLayout(msgspec.Struct, frozen=True):
    """A layout that was kept under a name."""

    name: str
    content: Any


_COUNTED = """
    select s.id, s.name, s.state, s.received_at, s.lines, s.repeated,
        (select count(*) from receivables.bank_line l
            where l.tenant_id = $1 and l.statement_id = s.id and l.state = 'open'),
        (select count(*) from receivables.bank_line l
            where l.tenant_id = $1 and l.statement_id = s.id and l.state = 'booked')
    from receivables.bank_statement s where s.tenant_id = $1
"""
_LIST = raw(
    f"{_COUNTED} and ($2::timestamptz is null or (s.received_at, s.id) < ($2, $3::uuid)) "
    "order by s.received_at desc, s.id desc limit $4",
    "this_tenant after_at after_id limit",
    BankStatementView,
)
_READ = raw(f"{_COUNTED} and s.id = $2", "this_tenant id", BankStatementView)
_RECEIVE = raw(
    """
    insert into receivables.bank_statement (tenant_id, id, name, content, layout, state)
    values ($1, $2, $3, $4, $5, case when $4::bytea is null then 'read' else 'received' end)
    """,
    "this_tenant id name content layout",
)
_UNREAD = raw(
    """
    select id, name, state, content, layout from receivables.bank_statement
    where tenant_id = $1 and id = $2 for no key update
    """,
    "this_tenant id",
    _Unread,
)
_ADD: Statement[int] = raw(
    """
    with given as (
        select * from unnest($3::uuid[], $4::int[], $5::bytea[], $6::date[], $7::text[], $8::bigint[], $9::text[],
            $10::text[], $11::text[])
            as g (id, position, fingerprint, booked_on, currency, amount_minor, payer, account, purpose)
    ),
    added as (
        insert into receivables.bank_line (tenant_id, id, statement_id, position, fingerprint, booked_on, currency,
            amount_minor, payer, account, purpose, state)
        select $1, id, $2, position, fingerprint, booked_on, currency, amount_minor, payer, account, purpose,
            case when amount_minor > 0 then 'open' else 'outgoing' end
        from given order by position
        on conflict (tenant_id, fingerprint) do nothing
        returning 1
    )
    select count(*)::int from added
    """,
    "this_tenant statement_id ids positions fingerprints days currencies amounts payers accounts purposes",
    int,
)
_FINISH = raw(
    """
    update receivables.bank_statement set state = 'read', content = null, lines = $3, repeated = $4, layout = null
    where tenant_id = $1 and id = $2
    """,
    "this_tenant id lines repeated",
)
_KNOWN = raw(
    """
    select name, content from receivables.bank_layout where tenant_id = $1 and head_hash = $2
    order by used_at desc, id limit 1
    """,
    "this_tenant hash",
    KnownLayout,
)
_KEEP = raw(
    """
    insert into receivables.bank_layout (tenant_id, id, name, head_hash, content) values ($1, $2, $3, $4, $5)
    on conflict (tenant_id, name) do update set head_hash = $4, content = $5, used_at = now()
    """,
    "this_tenant id name hash content",
)


async def receive_file(tx: Transaction, id: UUID, name: str, content: bytes, currency: str) -> Layout:
    """Take a bank's file in, and guess its layout; ``Invalid`` for one that holds no table.

    ``currency`` is that of lines which name none.
    """
    if not 0 < len(content) <= MOST_BYTES:
        raise Invalid("A bank file holds up to 1.9 megabytes.", field="file")
    layout = guess(content, currency)
    known = await known_layout(tx, content, layout)
    if known is not None:
        layout = msgspec.convert(known.content, Layout)
    await _RECEIVE.run(tx, id=id, name=name, content=content, layout=layout)
    return layout


async def known_layout(tx: Transaction, content: bytes, layout: Layout) -> KnownLayout | None:
    """Return the layout that was kept for files with these columns."""
    return await _KNOWN.first(tx, hash=head_hash(content, layout))


async def received_file(tx: Transaction, statement_id: UUID) -> Received:
    """Return a file that waits to be read; ``NotFound``, ``AlreadyRead``."""
    found = await _UNREAD.one(tx, id=statement_id)
    if found.content is None:
        raise AlreadyRead
    return Received(found.id, found.name, bytes(found.content), msgspec.convert(found.layout, Layout))


async def read_file(tx: Transaction, statement_id: UUID, layout: Layout, keep_as: str | None = None) -> Read:
    """Read a file that was received, once: its lines are added, its bytes forgotten, its layout kept under a name.

    Raises ``NotFound``, ``AlreadyRead``, and ``Invalid`` if no line of it can be read.
    """
    file = await received_file(tx, statement_id)
    content = read(file.content, layout)
    if not content.rows:
        raise Invalid("Not one line can be read like this.", field="columns")
    await _add(tx, statement_id, content.rows)
    if keep_as:
        hashed = head_hash(file.content, layout)
        await _KEEP.run(tx, id=new_id(), name=keep_as, hash=hashed, content=layout)
    return content


async def add_statement(tx: Transaction, id: UUID, new: NewBankStatement) -> BankStatementView:
    """Add lines that a program has read from a bank; those that are there already are passed over."""
    if any(line.amount_minor == 0 for line in new.lines):
        raise Invalid("A line moves money: its amount is not zero.", field="lines")
    await _RECEIVE.run(tx, id=id, name=new.name, content=None, layout=None)
    rows = [
        BankRow(
            booked_on=line.booked_on, amount_minor=line.amount_minor, currency=line.currency, payer=line.payer or "",
            account=(line.account or "").replace(" ", "").upper(), purpose=line.purpose[:500],
        )
        for line in new.lines
    ]  # fmt: skip
    await _add(tx, id, rows)
    return await read_statement(tx, id)


async def _add(tx: Transaction, statement_id: UUID, rows: Sequence[BankRow]) -> None:
    added = await _ADD.one(
        tx, statement_id=statement_id, ids=[new_id() for _ in rows], positions=list(range(1, len(rows) + 1)),
        fingerprints=fingerprints(rows), days=[row.booked_on for row in rows],
        currencies=[row.currency for row in rows], amounts=[row.amount_minor for row in rows],
        payers=[row.payer for row in rows], accounts=[row.account for row in rows],
        purposes=[row.purpose for row in rows],
    )  # fmt: skip
    await _FINISH.run(tx, id=statement_id, lines=added, repeated=len(rows) - added)


async def read_statement(tx: Transaction, statement_id: UUID) -> BankStatementView:
    """Return a statement."""
    return await _READ.one(tx, id=statement_id)


async def list_statements(tx: Transaction, *, after: str | None = None, limit: int = 50) -> Page[BankStatementView]:
    """Return statements, the newest first."""
    at, key = decode_cursor(after, (datetime, UUID)) if after else (None, None)
    rows = await _LIST.all(tx, after_at=at, after_id=key, limit=limit + 1)
    page = rows[:limit]
    return Page(page, encode_cursor(page[-1].received_at, page[-1].id) if len(rows) > limit else None)
