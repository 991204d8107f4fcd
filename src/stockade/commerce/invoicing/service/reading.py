"""Reading one document with its lines in one statement, and lists by keyset."""

from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Date, case, func, select, tuple_

from stockade.access.pages import Page, decode_cursor, encode_cursor
from stockade.commerce.invoicing import model
from stockade.commerce.invoicing.rules import Invoice
from stockade.commerce.receivables.model import Credit, OpenItem
from stockade.database.statements import TENANT, Statement, param, raw, statement
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction

DOCUMENT = """
to_jsonb(i) || jsonb_build_object(
    'open_minor', coalesce(
        (select open_minor from receivables.open_item where tenant_id = i.tenant_id and invoice_id = i.id),
        (select unallocated_minor from receivables.credit where tenant_id = i.tenant_id and credit_note_id = i.id), 0),
    'order_number', (select number from orders.sales_order where tenant_id = i.tenant_id and id = i.order_id),
    'corrects_number', (
        select c.number from invoicing.invoice c where c.tenant_id = i.tenant_id and c.id = i.corrects_id),
    'corrects_issued_on', (
        select c.issued_on from invoicing.invoice c where c.tenant_id = i.tenant_id and c.id = i.corrects_id),
    'lines', coalesce((select jsonb_agg(to_jsonb(l) order by l.position) from invoicing.line l
        where l.tenant_id = i.tenant_id and l.invoice_id = i.id), '[]'),
    'vat_groups', coalesce((select jsonb_agg(to_jsonb(g) order by g.vat_rate desc, g.vat_category)
        from invoicing.vat_group g where g.tenant_id = i.tenant_id and g.invoice_id = i.id), '[]')
)"""
"""The SQL of a whole document as JSON, for the row ``i`` of ``invoicing.invoice``."""

_READ = raw(
    f"select ({DOCUMENT})::text from invoicing.invoice i where i.tenant_id = $1 and i.id = $2 and i.kind = any($3)",
    "this_tenant id kinds",
    str,
)
_decoder = msgspec.json.Decoder(Invoice)


class InvoiceRow(msgspec.Struct, frozen=True):
    """A document in a list."""

    id: UUID
    kind: str
    number: str
    customer_id: UUID
    customer_name: str
    order_id: UUID | None
    issued_on: date
    due_on: date
    gross: Money
    open: Money


class _Listed(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    number: str
    customer_id: UUID
    customer_name: str
    order_id: UUID | None
    issued_on: date
    due_on: date
    currency: str
    gross_minor: int
    open_minor: int


def decoded(text: str) -> Invoice:
    """Return the document that ``DOCUMENT`` wrote."""
    return _decoder.decode(text)


async def read_invoice(tx: Transaction, id: UUID, *kinds: str) -> Invoice:
    """Return an invoice or a credit note, only one of the ``kinds`` if any are named; ``NotFound`` otherwise."""
    return decoded(await _READ.one(tx, id=id, kinds=list(kinds or model.KINDS)))


async def list_invoices(
    tx: Transaction, *, customer_id: UUID | None = None, order_id: UUID | None = None, kind: str | None = None,
    state: str | None = None, number: str | None = None, today: date, after: str | None = None, limit: int = 50,
) -> Page[InvoiceRow]:  # fmt: skip
    """Return documents, the newest first; ``state`` is ``open`` or ``overdue`` (on ``today``), ``number`` a prefix."""
    given: dict[str, Any] = {"customer_id": customer_id, "order_id": order_id, "kind": kind, "number": number}
    if state is not None:
        given[state] = today
    if after is not None:
        given["after_day"], given["after_id"] = decode_cursor(after, (date, UUID))
    shape = frozenset(name for name, value in given.items() if value is not None)
    chosen = {name: given[name] for name in shape}
    rows = await _list_statement(shape).all(tx, limit=limit + 1, **chosen)
    page = [_listed(row) for row in rows[:limit]]
    return Page(page, encode_cursor(page[-1].issued_on, page[-1].id) if len(rows) > limit else None)


@cache
def _list_statement(shape: frozenset[str]) -> Statement[_Listed]:
    """The statement of a list with these filters; composed once for each of the few shapes there are."""
    table = model.Invoice
    open_minor = case((table.kind == "invoice", OpenItem.open_minor), else_=Credit.unallocated_minor)
    query = (
        select(
            table.id, table.kind, table.number, table.customer_id, table.buyer["name"].astext.label("customer_name"),
            table.order_id, table.issued_on, table.due_on, table.currency, table.gross_minor,
            func.coalesce(open_minor, 0).label("open_minor"),
        )
        .outerjoin(OpenItem, (OpenItem.tenant_id == table.tenant_id) & (OpenItem.invoice_id == table.id))
        .outerjoin(Credit, (Credit.tenant_id == table.tenant_id) & (Credit.credit_note_id == table.id))
        .where(table.tenant_id == TENANT)
        .order_by(table.issued_on.desc(), table.id.desc())
        .limit(param("limit"))
    )  # fmt: skip
    conditions = {
        "customer_id": table.customer_id == param("customer_id"),
        "order_id": table.order_id == param("order_id"),
        "kind": table.kind == param("kind"),
        "number": func.starts_with(table.number, param("number")),
        "open": OpenItem.open_minor > 0,
        "overdue": (OpenItem.open_minor > 0) & (OpenItem.due_on < param("overdue", Date)),
        "after_day": tuple_(table.issued_on, table.id)
        < tuple_(param("after_day", Date), param("after_id", table.id.type)),
    }
    for name in sorted(shape & conditions.keys()):
        query = query.where(conditions[name])
    return statement(query, _Listed)


def _listed(row: _Listed) -> InvoiceRow:
    return InvoiceRow(
        row.id, row.kind, row.number, row.customer_id, row.customer_name, row.order_id, row.issued_on, row.due_on,
        Money(row.gross_minor, row.currency), Money(row.open_minor, row.currency),
    )  # fmt: skip
