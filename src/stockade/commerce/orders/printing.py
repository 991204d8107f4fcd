"""Orders on paper: the customer's confirmation, the warehouse's pick list, the note that goes with goods."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from stockade.commerce.orders.amounts import totals, vat_groups
from stockade.commerce.parties.printing import Paper, country_name, locale_of, vat_code
from stockade.commerce.parties.service.branding import dress
from stockade.database.statements import raw
from stockade.documents import (
    DeliveryLine,
    DeliveryNote,
    DocumentLine,
    Locale,
    OrderConfirmation,
    Party,
    PickLine,
    PickList,
    VatGroup,
)
from stockade.kernel.clock import today
from stockade.kernel.money import Money
from stockade.kernel.problems import Conflict, NotFound
from stockade.tenancy.transaction import Transaction

PaperKind = Literal["confirmation", "pick-list", "delivery-note"]
MOST_AT_ONCE = 100
"""How many orders one file may hold."""


class NothingToPrint(Conflict):
    """The document would be empty, or say what is not so: that is told instead of printing it."""

    type = "/problems/orders/nothing-to-print"
    title = "There is nothing to print yet"


class _Place(msgspec.Struct, frozen=True):
    recipient: str
    street: str
    postcode: str
    city: str
    country: str


class _Company(msgspec.Struct, frozen=True):
    legal_name: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str | None
    email: str | None
    phone: str | None
    locale: str


class _Line(msgspec.Struct, frozen=True):
    """A line with its product. ``sent`` went with this shipment, ``until`` with it and those before it."""

    position: int
    sku: str
    description: str
    unit: str
    case_pack: int
    barcode: str | None
    quantity: int
    unit_price: Decimal
    discount_percent: Decimal
    vat_category: str
    vat_rate: Decimal
    net_minor: int
    stocked: bool
    reserved: int
    shipped: int
    cancelled: int
    sent: int = 0
    until: int = 0

    @property
    def waiting(self) -> int:
        """What is neither reserved nor gone, and not cancelled."""
        return self.quantity - self.cancelled - self.shipped - self.reserved


class _Order(msgspec.Struct, frozen=True):
    """An order as paper needs it; ``shipment`` is what a delivery note is about."""

    number: str
    stage: str
    placed_on: date
    requested_on: date | None
    currency: str
    reference: str | None
    note: str | None
    gross_minor: int
    customer: str
    customer_number: str
    customer_vat_id: str | None
    customer_country: str
    vat_treatment: str
    terms_days: int
    warehouse: str
    company: _Company | None
    billing: _Place | None
    shipping: _Place | None
    lines: list[_Line]
    shipment: str = ""
    shipped_on: date | None = None
    carrier: str | None = None
    tracking: str | None = None


_CHOSEN = "(select to_jsonb(d) from orders.delivery d where d.tenant_id = $1 and d.order_id = o.id)"


def _address(kind: str) -> str:
    return f"""(select to_jsonb(a) from parties.address a
        where a.tenant_id = $1 and a.customer_id = o.customer_id and a.kind = '{kind}' order by a.id limit 1)"""


_ORDER = f"""
    'number', o.number, 'stage', o.stage, 'placed_on', (o.placed_at at time zone 'UTC')::date,
    'requested_on', o.requested_on, 'currency', o.currency, 'reference', o.customer_reference, 'note', o.note,
    'gross_minor', o.gross_minor, 'customer', c.name, 'customer_number', c.number, 'customer_vat_id', c.vat_id,
    'customer_country', c.country, 'vat_treatment', c.vat_treatment, 'terms_days', c.terms_days,
    'warehouse', w.name, 'billing', {_address("billing")}, 'shipping', coalesce({_CHOSEN}, {_address("shipping")}),
    'company', (select jsonb_build_object(
        'legal_name', k.legal_name, 'street', k.street, 'postcode', k.postcode, 'city', k.city, 'country', k.country,
        'vat_id', k.vat_id, 'email', k.email, 'phone', k.phone, 'locale', k.locale
    ) from parties.company k where k.tenant_id = $1 and k.id = $1)"""
_LINE = """
    to_jsonb(l) || jsonb_build_object(
        'unit', p.unit, 'case_pack', p.case_pack, 'barcode', p.barcode,
        'unit_price', l.unit_price::text, 'discount_percent', l.discount_percent::text, 'vat_rate', l.vat_rate::text)"""
_FROM = """
    orders.sales_order o
    join parties.customer c on c.tenant_id = $1 and c.id = o.customer_id
    join stock.warehouse w on w.tenant_id = $1 and w.id = o.warehouse_id"""
_LINES = "orders.line l join catalog.product p on p.tenant_id = $1 and p.id = l.product_id"

_ORDERS = raw(
    f"""
    select jsonb_build_object({_ORDER}, 'lines', coalesce((
        select jsonb_agg({_LINE} order by l.position) from {_LINES} where l.tenant_id = $1 and l.order_id = o.id
    ), '[]'))::text
    from {_FROM}
    where o.tenant_id = $1 and o.id = any($2::uuid[])
    order by array_position($2::uuid[], o.id)
    """,
    "this_tenant ids",
    str,
)
_SHIPMENTS = raw(
    f"""
    select jsonb_build_object({_ORDER}, 'shipment', s.number, 'shipped_on', (s.shipped_at at time zone 'UTC')::date,
        'carrier', s.carrier, 'tracking', s.tracking, 'lines', coalesce((
            select jsonb_agg({_LINE} || jsonb_build_object(
                'sent', coalesce(g.sent, 0), 'until', coalesce(g.until, 0)) order by l.position)
            from {_LINES}
            left join (
                select i.position, sum(i.quantity) filter (where i.shipment_id = s.id) as sent, sum(i.quantity) as until
                from orders.shipment e
                join orders.shipment_line i on i.tenant_id = $1 and i.shipment_id = e.id
                where e.tenant_id = $1 and e.order_id = o.id and (e.shipped_at, e.id) <= (s.shipped_at, s.id)
                group by i.position
            ) g on g.position = l.position
            where l.tenant_id = $1 and l.order_id = o.id
        ), '[]'))::text
    from {_FROM}
    join orders.shipment s on s.tenant_id = $1 and s.order_id = o.id
    where o.tenant_id = $1 and (s.id = any($2::uuid[]) or s.order_id = any($3::uuid[]))
    order by array_position($3::uuid[], s.order_id), s.shipped_at, s.id
    """,
    "this_tenant shipment_ids order_ids",
    str,
)
_decoder = msgspec.json.Decoder(_Order)


async def documents_for_orders(tx: Transaction, order_ids: Sequence[UUID], kind: PaperKind) -> Paper:
    """Return one kind of document for orders, in their order, to be typeset as one file.

    Orders without anything to print are passed over (delivery notes: all shipments of each). ``NotFound`` if an order
    is not there, ``NothingToPrint`` if nothing is left.
    """
    wanted = list(dict.fromkeys(order_ids))
    orders = [_decoder.decode(text) for text in await _ORDERS.all(tx, ids=wanted)]
    if not wanted or len(orders) < len(wanted):
        raise NotFound
    if kind == "delivery-note":
        shipped = await _SHIPMENTS.all(tx, shipment_ids=[], order_ids=wanted)
        return await _paper(tx, [_delivery(_decoder.decode(text)) for text in shipped], kind)
    made = [_confirmation(order) if kind == "confirmation" else _pick_list(order) for order in orders]
    return await _paper(tx, made, kind)


async def delivery_note(tx: Transaction, shipment_id: UUID) -> Paper:
    """Return the delivery note of a shipment; ``NotFound`` if there is none."""
    text = await _SHIPMENTS.one(tx, shipment_ids=[shipment_id], order_ids=[])
    return await _paper(tx, [_delivery(_decoder.decode(text))], "delivery-note")


_EMPTY: dict[PaperKind, str] = {
    "confirmation": "A draft is confirmed before its confirmation is printed, and a cancelled order has none.",
    "pick-list": "Nothing is reserved for this order, so there is nothing to fetch.",
    "delivery-note": "Nothing has been shipped yet.",
}


async def _paper(
    tx: Transaction, made: Sequence[OrderConfirmation | PickList | DeliveryNote | None], kind: PaperKind
) -> Paper:  # fmt: skip
    documents = tuple(document for document in made if document is not None)
    if not documents:
        raise NothingToPrint(_EMPTY[kind])
    return Paper(documents, await dress(tx))


def _confirmation(order: _Order) -> OrderConfirmation | None:
    """Return what a customer gets; nothing for what was not confirmed."""
    if order.stage in ("draft", "cancelled"):
        return None
    locale, currency = _locale(order), order.currency
    summed = totals(order.lines)
    net, vat, gross = (Money(minor, currency) for minor in (summed.net_minor, summed.vat_minor, order.gross_minor))
    return OrderConfirmation(
        number=order.number, issued_on=order.placed_on, requested_on=order.requested_on, seller=_seller(order),
        buyer=_buyer(order), ship_to=_ship_to(order), currency=currency,
        lines=tuple(_priced(line, order) for line in order.lines),
        vat_groups=tuple(
            VatGroup(group.vat_rate, Money(group.net_minor, currency), Money(group.vat_minor, currency),
                     vat_code(group.vat_category, order.vat_treatment))
            for group in vat_groups(order.lines)
        ),
        net=net, vat=vat, rounding=gross - net - vat, gross=gross, buyer_reference=order.reference or "",
        customer_number=order.customer_number, terms_days=order.terms_days,
        notes=(order.note,) if order.note else (), locale=locale,
    )  # fmt: skip


def _priced(line: _Line, order: _Order) -> DocumentLine:
    return DocumentLine(
        position=line.position, description=line.description, quantity=Decimal(line.quantity),
        unit_price=line.unit_price, vat_rate=line.vat_rate, net=Money(line.net_minor, order.currency), code=line.sku,
        unit=line.unit, vat_category=vat_code(line.vat_category, order.vat_treatment),
        discount_percent=line.discount_percent or None,
    )  # fmt: skip


def _pick_list(order: _Order) -> PickList | None:
    """Return what is to be fetched: what is reserved, by SKU, which is how shelves are walked; nothing if none is."""
    fetched = sorted((line for line in order.lines if line.reserved), key=lambda line: line.sku)
    if not fetched:
        return None
    return PickList(
        order_number=order.number, printed_on=today(), seller=_seller(order), customer=order.customer,
        warehouse=order.warehouse, requested_on=order.requested_on, ship_to=_ship_to(order),
        lines=tuple(
            PickLine(line.sku, line.description, line.reserved, line.unit, line.case_pack, line.barcode)
            for line in fetched
        ),
        notes=(order.note,) if order.note else (), locale=_locale(order),
    )  # fmt: skip


def _delivery(order: _Order) -> DeliveryNote:
    """Return the note of a shipment: what is to follow is counted as it was when the goods left."""
    sent = tuple(_delivered(line) for line in order.lines if line.sent)
    waiting = tuple(_delivered(line) for line in order.lines if not line.sent and _outstanding(line))
    assert order.shipped_on is not None
    return DeliveryNote(
        number=order.shipment, shipped_on=order.shipped_on, order_number=order.number, seller=_seller(order),
        buyer=_buyer(order), ship_to=_ship_to(order), lines=sent, waiting=waiting, carrier=order.carrier or "",
        tracking=order.tracking or "", buyer_reference=order.reference or "", locale=_locale(order),
    )  # fmt: skip


def _delivered(line: _Line) -> DeliveryLine:
    return DeliveryLine(
        line.position, line.description, line.quantity, line.sent, _outstanding(line), line.sku, line.unit
    )


def _outstanding(line: _Line) -> int:
    return max(line.quantity - line.cancelled - line.until, 0) if line.stocked else 0


def _locale(order: _Order) -> Locale:
    return locale_of(order.company.locale if order.company else "en")


def _seller(order: _Order) -> Party:
    company = order.company
    if company is None:
        raise NothingToPrint("Documents name their sender: enter your company's name and address in the settings.")
    town = f"{company.postcode} {company.city}".strip()
    lines = (company.street, town, country_name(company.country, _locale(order)))
    return Party(
        company.legal_name, tuple(line for line in lines if line), company.vat_id, None, company.email, company.phone
    )


def _buyer(order: _Order) -> Party:
    place = order.billing or order.shipping
    return Party(order.customer, _lines_of(place, order) if place else (), order.customer_vat_id)


def _ship_to(order: _Order) -> Party | None:
    place = order.shipping
    return None if place is None else Party(place.recipient, _lines_of(place, order, named=True))


def _lines_of(place: _Place, order: _Order, *, named: bool = False) -> tuple[str, ...]:
    recipient = "" if named or place.recipient == order.customer else place.recipient
    country = country_name(place.country, _locale(order))
    return tuple(line for line in (recipient, place.street, f"{place.postcode} {place.city}".strip(), country) if line)
