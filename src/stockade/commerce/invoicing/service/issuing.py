"""Issuing an invoice for what has shipped of an order.

Everything that can fail or wait comes first: the order and its lines are locked, the lines priced, the document
complete but for its number. Then the number is taken, and one statement writes all. The counter stays locked from there
to COMMIT only, and a rollback or a crash gives the number back, so the series has no gap (Directive 2006/112/EC,
article 226 (2): a sequential number that identifies the invoice uniquely).
"""

from datetime import date
from uuid import UUID

import msgspec

from stockade.commerce.invoicing import model
from stockade.commerce.invoicing.rows import insert_rows
from stockade.commerce.invoicing.rules import (
    SERIES,
    Buyer,
    CompanyUnknown,
    Invoice,
    Line,
    OrderLine,
    Seller,
    billable,
    due_on,
    number_of,
)
from stockade.commerce.numbering.service import Taken, take
from stockade.commerce.orders.rules import NothingToInvoice
from stockade.commerce.pricing.rules import totals_of, vat_groups
from stockade.commerce.receivables.model import Posting
from stockade.commerce.receivables.rules import invoice_journal
from stockade.database.statements import Statement, raw
from stockade.kernel.clock import now
from stockade.kernel.problems import NotFound, VersionConflict
from stockade.tenancy.transaction import Transaction


class _Locked(OrderLine, frozen=True):
    """An order's line, locked, with the order, the seller and the buyer written out as JSON."""

    head: str


class _Head(msgspec.Struct, frozen=True):
    """What an invoice takes from its order."""

    number: str
    customer_id: UUID
    stage: str
    currency: str
    version: int
    shipped_on: date | None
    seller: Seller | None
    buyer: Buyer


_LOCK = raw(
    """
    select l.position, l.product_id, l.sku, l.description, p.unit, l.quantity, l.unit_price, l.discount_percent,
        l.vat_category, l.vat_rate, l.stocked, l.reserved, l.shipped, l.invoiced, l.cancelled,
        jsonb_build_object(
            'number', o.number, 'customer_id', o.customer_id, 'stage', o.stage, 'currency', o.currency,
            'version', o.version,
            'shipped_on', (select max(s.shipped_at at time zone 'UTC')::date from orders.shipment s
                where s.tenant_id = o.tenant_id and s.order_id = o.id),
            'seller', case when k.id is not null then jsonb_build_object(
                'name', k.legal_name, 'street', k.street, 'postcode', k.postcode, 'city', k.city, 'country', k.country,
                'vat_id', k.vat_id, 'email', k.email, 'phone', k.phone, 'iban', k.iban, 'bic', k.bic,
                'locale', k.locale, 'branding', (select b.id from parties.branding b where b.tenant_id = o.tenant_id
                    order by b.version desc limit 1)) end,
            'buyer', jsonb_build_object(
                'name', c.name, 'number', c.number, 'vat_id', c.vat_id, 'vat_treatment', c.vat_treatment,
                'terms_days', c.terms_days, 'reference', o.customer_reference, 'recipient', coalesce(a.recipient, ''),
                'street', coalesce(a.street, ''), 'postcode', coalesce(a.postcode, ''), 'city', coalesce(a.city, ''),
                'country', coalesce(a.country, c.country))
        )::text
    from orders.sales_order o
    join orders.line l on l.tenant_id = o.tenant_id and l.order_id = o.id
    join catalog.product p on p.tenant_id = l.tenant_id and p.id = l.product_id
    join parties.customer c on c.tenant_id = o.tenant_id and c.id = o.customer_id
    left join parties.company k on k.tenant_id = o.tenant_id and k.id = o.tenant_id
    left join lateral (
        select * from parties.address where tenant_id = o.tenant_id and customer_id = o.customer_id and kind = 'billing'
        order by id limit 1
    ) a on true
    where o.tenant_id = $1 and o.id = $2
    order by l.position
    for no key update of o, l
    """,
    "this_tenant order_id",
    _Locked,
)
"""The order and its lines, locked; an invoice that another transaction is just issuing for them is waited for."""
_HAS_ORDER = raw("select true from orders.sales_order where tenant_id = $1 and id = $2", "this_tenant order_id", bool)
_WRITE: Statement[tuple[()]] = raw(
    f"""
    with header as ({insert_rows(model.Invoice, "jsonb_build_array($1::jsonb)", tenant_id="$2")}),
    lines as ({insert_rows(model.InvoiceLine, "$1 -> 'lines'", tenant_id="$2", invoice_id="$3")}),
    groups as ({insert_rows(model.VatGroup, "$1 -> 'vat_groups'", tenant_id="$2", invoice_id="$3")}),
    postings as ({insert_rows(Posting, "$5::jsonb", tenant_id="$2")}),
    item as (
        insert into receivables.open_item
            (tenant_id, invoice_id, customer_id, currency, due_on, gross_minor, open_minor)
        select $2, $3, i.customer_id, i.currency, i.due_on, i.gross_minor, i.gross_minor
        from jsonb_populate_record(null::invoicing.invoice, $1) as i
    ),
    billed as (
        update orders.line as l set invoiced = l.invoiced + b.quantity
        from jsonb_to_recordset($1 -> 'lines') as b (order_position integer, quantity integer)
        where l.tenant_id = $2 and l.order_id = $4 and l.position = b.order_position
    )
    update orders.sales_order
    set stage = $6, version = version + 1, updated_at = now()
    where tenant_id = $2 and id = $4
    """,
    "invoice this_tenant id order_id postings stage",
)


async def issue_invoice(
    tx: Transaction, id: UUID, order_id: UUID, *, issued_on: date | None = None, expected_version: int | None = None,
    note: str | None = None,
) -> Invoice:  # fmt: skip
    """Invoice what has shipped of an order and is not invoiced yet, and the charges that go with it.

    The order becomes ``invoiced`` when nothing of it is left. Raises ``NotFound``, ``VersionConflict``,
    ``NotInThisStage``, ``NothingToInvoice``, ``CompanyUnknown``.
    """
    lines = await _LOCK.all(tx, order_id=order_id)
    if not lines and await _HAS_ORDER.first(tx, order_id=order_id) is None:
        raise NotFound
    head = msgspec.json.decode(lines[0].head, type=_Head) if lines else None
    if head is not None and expected_version not in (None, head.version):
        raise VersionConflict
    if head is None:
        raise NothingToInvoice
    billed, stage = billable(head.stage, lines, head.currency)
    if head.seller is None:
        raise CompanyUnknown("An invoice names its seller: enter your company's name and address in the settings.")
    draft = _draft(id, order_id, head, head.seller, billed, issued_on, note)
    invoice = numbered(draft, await take(tx, draft.series, draft.period))
    await _WRITE.run(tx, invoice=invoice, id=id, order_id=order_id, postings=invoice_journal(invoice), stage=stage)
    return invoice


def numbered(draft: Invoice, taken: Taken) -> Invoice:
    """Return the document with the number that it was given."""
    number = number_of(taken.prefix or draft.series, draft.period, taken.sequence)
    return msgspec.structs.replace(draft, sequence=taken.sequence, number=number)


def _draft(
    id: UUID, order_id: UUID, head: _Head, seller: Seller, lines: tuple[Line, ...], issued_on: date | None,
    note: str | None,
) -> Invoice:  # fmt: skip
    """The whole invoice but for its number."""
    issued_at = now()
    day = issued_on or issued_at.date()
    groups = vat_groups(lines)
    totals = totals_of(groups)
    return Invoice(
        id=id, kind="invoice", series=SERIES["invoice"], period=str(day.year), sequence=0, number="",
        customer_id=head.customer_id, order_id=order_id, corrects_id=None, issued_on=day,
        supplied_on=min(head.shipped_on or day, day), due_on=due_on(day, head.buyer.terms_days), currency=head.currency,
        net_minor=totals.net_minor, vat_minor=totals.vat_minor, rounding_minor=0, gross_minor=totals.gross_minor,
        seller=seller, buyer=head.buyer, note=note, issued_at=issued_at, open_minor=totals.gross_minor,
        order_number=head.number, corrects_number=None, corrects_issued_on=None, lines=lines, vat_groups=groups,
    )  # fmt: skip
