"""A customer's statement: what was charged and settled in a period, what was owed before and after, how old it is."""

from datetime import date
from uuid import UUID

import msgspec

from stockade.commerce.invoicing.rules import Buyer, Seller
from stockade.commerce.receivables.service.balances import Ageing, Row, ageing_rows
from stockade.database.statements import raw
from stockade.documents import EntryKind
from stockade.kernel.money import Money
from stockade.kernel.problems import Invalid
from stockade.tenancy.transaction import Transaction


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One movement; ``amount`` is positive where the customer owes more by it, ``balance`` is what it owed after it."""

    on: date
    kind: EntryKind
    source_id: UUID
    number: str
    due_on: date | None
    amount: Money
    balance: Money


class CustomerStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's account in one currency, from a day to another, both included."""

    customer_id: UUID
    customer: Buyer
    seller: Seller | None
    currency: str
    from_on: date
    to_on: date
    opening: Money
    entries: list[Entry]
    closing: Money
    ageing: Ageing


class _Movement(msgspec.Struct, frozen=True):
    on: date
    kind: EntryKind
    source_id: UUID
    number: str
    due_on: date | None
    amount_minor: int


class _Found(msgspec.Struct, frozen=True):
    customer: Buyer
    seller: Seller | None
    currency: str
    opening: int
    movements: list[_Movement]
    aged: Row | None


_READ = raw(
    f"""
    with c as (select * from parties.customer where tenant_id = $1 and id = $3), {ageing_rows("(select id from c)")},
    movements as (
        select p.booked_on as "on", p.source_id, p.amount_minor, p.position, i.due_on,
            case when i.kind is not null and p.journal_id <> p.source_id then 'refund'
                when i.kind is not null then i.kind when pay.id is not null then 'payment'
                when w.id is not null then 'write_off' else 'adjustment' end as kind,
            coalesce(i.number, pay.external_id, w.number, '') as number
        from receivables.posting p
        left join lateral (
            select kind, number, case when kind = 'invoice' then due_on end as due_on from invoicing.invoice
            where tenant_id = p.tenant_id and id = p.source_id) i on true
        left join lateral (
            select id, external_id from receivables.payment
            where tenant_id = p.tenant_id and id = p.source_id) pay on true
        left join lateral (
            select o.id, n.number from receivables.write_off o
            join invoicing.invoice n on n.tenant_id = o.tenant_id and n.id = o.invoice_id
            where o.tenant_id = p.tenant_id and o.id = p.source_id) w on true
        where p.tenant_id = $1 and p.customer_id = (select id from c) and p.account = 'receivable'
            and p.currency = (select currency from c) and p.booked_on between $4 and $2
    )
    select jsonb_build_object(
        'currency', c.currency,
        'opening', (select coalesce(sum(p.amount_minor), 0)::bigint from receivables.posting p
            where p.tenant_id = $1 and p.customer_id = c.id and p.account = 'receivable' and p.currency = c.currency
                and p.booked_on < $4),
        'movements', coalesce(
            (select jsonb_agg(to_jsonb(m) order by m."on", m.source_id, m.position) from movements m), '[]'),
        'aged', (select to_jsonb(aged) from aged where aged.currency = c.currency),
        'customer', jsonb_build_object('name', c.name, 'number', c.number, 'vat_id', c.vat_id,
            'terms_days', c.terms_days, 'vat_treatment', c.vat_treatment, 'recipient', coalesce(a.recipient, ''),
            'street', coalesce(a.street, ''), 'postcode', coalesce(a.postcode, ''), 'city', coalesce(a.city, ''),
            'country', coalesce(a.country, c.country)),
        'seller', (select jsonb_build_object('name', k.legal_name, 'street', k.street, 'postcode', k.postcode,
            'city', k.city, 'country', k.country, 'vat_id', k.vat_id, 'email', k.email, 'phone', k.phone,
            'iban', k.iban, 'bic', k.bic, 'locale', k.locale)
            from parties.company k where k.tenant_id = $1 and k.id = $1)
    )::text
    from c left join lateral (
        select * from parties.address where tenant_id = $1 and customer_id = c.id and kind = 'billing'
        order by id limit 1
    ) a on true
    """,
    "this_tenant to_on customer_id from_on",
    str,
)
_decoder = msgspec.json.Decoder(_Found)


async def customer_statement(tx: Transaction, customer_id: UUID, from_on: date, to_on: date) -> CustomerStatement:
    """Return a customer's account in its currency, from a day to another; ``NotFound``, ``Invalid``."""
    if to_on < from_on:
        raise Invalid("A statement ends on or after the day it begins.", field="to")
    found = _decoder.decode(await _READ.one(tx, customer_id=customer_id, from_on=from_on, to_on=to_on))
    currency = found.currency
    entries, balance = [], Money(found.opening, currency)
    for row in found.movements:
        amount = Money(row.amount_minor, currency)
        balance = balance + amount
        entries.append(
            Entry(
                on=row.on, kind=row.kind, source_id=row.source_id, number=row.number, due_on=row.due_on, amount=amount,
                balance=balance,
            )
        )  # fmt: skip
    aged = found.aged or Row(currency, 0, 0, 0, 0, 0, 0)
    return CustomerStatement(
        customer_id=customer_id, customer=found.customer, seller=found.seller, currency=currency, from_on=from_on,
        to_on=to_on, opening=Money(found.opening, currency), entries=entries, closing=balance, ageing=aged.ageing(),
    )  # fmt: skip
