"""A demo distributor's history: made up in memory, then written in one transaction, table by table."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from stockade.apps.demo.billing import Bookkeeper, Books
from stockade.apps.demo.master import Customer, Ids, Product, make_customers, make_products, make_substitutes
from stockade.apps.demo.past import DAYS, Maker, Order, number_by_year
from stockade.apps.demo.rows import Rows
from stockade.apps.demo.shelves import Stock, stock_of
from stockade.apps.demo.trade import Trade
from stockade.commerce.catalog import model as catalog
from stockade.commerce.invoicing import model as invoicing
from stockade.commerce.invoicing.rules import Invoice
from stockade.commerce.ledger.loading.write import SETTINGS
from stockade.commerce.numbering.model import Counter
from stockade.commerce.orders import model as orders
from stockade.commerce.parties import model as parties
from stockade.commerce.parties.rules import NUMBER_SERIES
from stockade.commerce.parties.service.company import BankAccountChange, NewCompany, found_company, set_bank_account
from stockade.commerce.pricing.rules import totals_of, vat_groups
from stockade.commerce.receivables import model as receivables
from stockade.commerce.stock import model as stock
from stockade.tenancy.principal import SYSTEM_ACTOR
from stockade.tenancy.transaction import Transaction

LIMIT_STEP_MINOR = 50_000
"""Credit limits are whole five hundreds."""
LEAST_ROOM_MINOR = 500_000
STAGE_VERSIONS = {"draft": 1, "confirmed": 2, "picking": 3, "cancelled": 2, "shipped": 4, "invoiced": 5, "closed": 6}

RATES = Rows(catalog.VatRate, "id category valid_from rate")
WAREHOUSES = Rows(stock.Warehouse, "id code name state")
PRODUCTS = Rows(
    catalog.Product,
    "id sku name unit case_pack vat_category barcode list_price cost reorder_point stocked state created_at updated_at",
)
SUBSTITUTES = Rows(catalog.Substitute, "product_id position substitute_id")
CUSTOMERS = Rows(
    parties.Customer,
    "id number name vat_id email phone country currency terms_days credit_limit_minor vat_treatment state created_at "
    "updated_at",
)
CONTACTS = Rows(parties.Contact, "customer_id id name position email phone")
ADDRESSES = Rows(parties.Address, "customer_id id kind recipient street postcode city country")
ORDERS = Rows(
    orders.Order,
    "id number customer_id warehouse_id stage currency customer_reference placed_at requested_on net_minor vat_minor "
    "gross_minor note version updated_at",
)
LINES = Rows(
    orders.Line,
    "order_id position product_id sku description quantity unit_price discount_percent vat_category vat_rate net_minor "
    "stocked reserved shipped invoiced cancelled",
)
HOLDS = Rows(orders.Hold, "order_id id kind reason placed_at released_at released_by")
SHIPMENTS = Rows(orders.Shipment, "order_id id number shipped_at carrier")
SHIPPED = Rows(orders.ShipmentLine, "shipment_id order_id position quantity")
MOVES = Rows(stock.Move, "id warehouse_id product_id quantity reason source_id note moved_at")
LEVELS = Rows(stock.Level, "warehouse_id product_id on_hand reserved")
RESERVED = Rows(stock.Reservation, "order_id position warehouse_id product_id quantity expires_at")
INVOICES = Rows(
    invoicing.Invoice,
    "id kind series period sequence number customer_id order_id corrects_id issued_on supplied_on due_on currency "
    "net_minor vat_minor rounding_minor gross_minor seller buyer note issued_at",
)
BILLED = Rows(
    invoicing.InvoiceLine,
    "invoice_id position product_id order_position sku description quantity unit unit_price discount_percent "
    "vat_category vat_rate net_minor",
)
GROUPS = Rows(invoicing.VatGroup, "invoice_id vat_category vat_rate net_minor vat_minor")
OPEN = Rows(receivables.OpenItem, "invoice_id customer_id currency due_on gross_minor open_minor credited_minor")
CREDITS = Rows(receivables.Credit, "credit_note_id customer_id currency gross_minor unallocated_minor")
PAYMENTS = Rows(
    receivables.Payment,
    "id customer_id method external_id received_on currency amount_minor unallocated_minor recorded_at",
)
WRITE_OFFS = Rows(receivables.WriteOff, "id invoice_id amount_minor written_off_on reason recorded_at")
ALLOCATIONS = Rows(
    receivables.Allocation, "id invoice_id payment_id credit_note_id write_off_id amount_minor allocated_on"
)
POSTINGS = Rows(
    receivables.Posting, "journal_id position account customer_id source_id booked_on currency amount_minor"
)
COUNTERS = Rows(Counter, "series period last")


class History(msgspec.Struct):
    """Everything up to (not including) today, ready to be written."""

    trade: Trade
    start: datetime
    end: datetime
    warehouses: list[tuple[UUID, str, str]]
    products: list[Product]
    customers: list[Customer]
    orders: list[Order]
    stock: Stock
    books: Books
    counters: list[tuple[str, str, int]]


def make_history(trade: Trade, count: int, today: date) -> History:
    """Make up a distributor with ``count`` past orders. The same for the same day and count."""
    rng = Random(trade.seed)  # noqa: S311  # made-up data has to come out the same again
    ids, end = Ids(rng), datetime.combine(today, time(), UTC)
    start = end - timedelta(days=DAYS + 5)
    warehouses = [(ids.at(start.timestamp()), code, name) for code, name in trade.warehouses]
    products = make_products(trade, rng, ids, start.timestamp())
    customers = make_customers(trade, rng, ids, start.timestamp())
    placed = Maker(trade, rng, ids, products, customers, today).orders(count)
    numbers, last_orders = number_by_year("SO", [order.placed_at for order in placed])
    for order, number in zip(placed, numbers, strict=True):
        order.number = number
    shipments = sorted((shipment for order in placed for shipment in order.shipments), key=lambda made: made.at)
    numbers, last_shipments = number_by_year("SH", [shipment.at for shipment in shipments])
    for shipment, number in zip(shipments, numbers, strict=True):
        shipment.number = number
    places = [warehouse[0] for warehouse in warehouses]
    books = Bookkeeper(trade, rng, ids, places, today).keep(placed)
    shelves = stock_of(placed, products, places, books.returned, trade.words.damage, rng, ids, end)
    _set_limits(customers, books, rng)
    counters = [
        *(("order", year, last) for year, last in last_orders.items()),
        *(("shipment", year, last) for year, last in last_shipments.items()),
        *((series, period, last) for (series, period), last in books.last_numbers.items()),
        (NUMBER_SERIES, "", len(customers)),
    ]
    return History(trade, start, end, warehouses, products, customers, placed, shelves, books, counters)


def _set_limits(customers: list[Customer], books: Books, rng: Random) -> None:
    """Give most customers a credit limit with room above what they owe, and a few of the big ones hardly any."""
    owed = dict.fromkeys((customer.id for customer in customers), 0)
    billed = dict(owed)
    for claim in books.claims:
        owed[claim.customer.id] += claim.open_minor
        billed[claim.customer.id] += claim.invoice.gross_minor
    tight = {customer.id for customer in sorted(customers, key=lambda customer: -owed[customer.id])[1:9:2]}
    for customer in customers:
        room = 0 if customer.id in tight else max(billed[customer.id] // 6, LEAST_ROOM_MINOR)
        limit = (owed[customer.id] + room) // LIMIT_STEP_MINOR * LIMIT_STEP_MINOR
        if customer.id in tight or rng.random() < 0.85:
            customer.credit_limit_minor = max(limit, LIMIT_STEP_MINOR)


async def write_history(tx: Transaction, history: History) -> None:
    """Write all of it; nothing of it may be there yet. The transaction must be an import's."""
    await tx.execute(SETTINGS)
    await _write_master(tx, history)
    await _write_orders(tx, history)
    await _write_stock(tx, history)
    await _write_books(tx, history)
    await COUNTERS.write(tx, history.counters)


async def _write_master(tx: Transaction, history: History) -> None:
    firm, trade, start = history.trade.company, history.trade, history.start
    known = msgspec.structs.asdict(firm)
    company = await found_company(tx, NewCompany(**{name: known[name] for name in NewCompany.__struct_fields__}))
    await set_bank_account(tx, BankAccountChange(expected_version=company.version, iban=firm.iban, bic=firm.bic))
    since = date(2000, 1, 1)
    ids = Ids(Random(trade.seed + 1))  # noqa: S311  # as above
    await RATES.write(
        tx, [(ids.at(start.timestamp()), category, since, rate) for category, rate in trade.rates.items()]
    )
    await WAREHOUSES.write(tx, [(*warehouse, "active") for warehouse in history.warehouses])
    await PRODUCTS.write(
        tx,
        [
            [getattr(item, name) for name in PRODUCTS.columns[:-3]] + ["active", start, start]
            for item in history.products
        ],
    )
    await SUBSTITUTES.write(tx, make_substitutes(history.products))
    await CUSTOMERS.write(
        tx,
        [
            (
                one.id, one.number, one.name, one.vat_id, one.email, one.phone, one.country, firm.currency,
                one.terms_days, one.credit_limit_minor, one.vat_treatment, "active", start, start,
            )
            for one in history.customers
        ],
    )  # fmt: skip
    await CONTACTS.write(tx, [(one.id, *_values(row)) for one in history.customers for row in one.contacts])
    await ADDRESSES.write(tx, [(one.id, *_values(row)) for one in history.customers for row in one.addresses])


async def _write_orders(tx: Transaction, history: History) -> None:
    placed, currency = history.orders, history.trade.company.currency
    warehouses = [warehouse[0] for warehouse in history.warehouses]
    rows = []
    for order in placed:
        totals = totals_of(vat_groups(order.lines))
        rows.append(
            (
                order.id, order.number, order.customer.id, warehouses[order.customer.warehouse], order.stage, currency,
                order.reference, order.placed_at, order.requested_on, totals.net_minor, totals.vat_minor,
                totals.gross_minor, order.note, STAGE_VERSIONS[order.stage], order.changed_at,
            )
        )  # fmt: skip
    await ORDERS.write(tx, rows)
    sold = LINES.columns[1:]
    await LINES.write(tx, [[o.id, *(getattr(line, name) for name in sold)] for o in placed for line in o.lines])
    await HOLDS.write(
        tx, [(o.id, *_values(hold), SYSTEM_ACTOR if hold.released_at else None) for o in placed for hold in o.holds]
    )
    left = [(order, shipment) for order in placed for shipment in order.shipments]
    await SHIPMENTS.write(tx, [(order.id, made.id, made.number, made.at, made.carrier) for order, made in left])
    await SHIPPED.write(
        tx, [(made.id, order.id, position, pieces) for order, made in left for position, pieces in made.leaving.items()]
    )


async def _write_stock(tx: Transaction, history: History) -> None:
    shelves = history.stock
    reserved = dict.fromkeys(shelves.on_hand, 0)
    for demand in shelves.reservations:
        reserved[demand.shelf] += demand.quantity
    held = {order.id for order in history.orders if any(hold.released_at is None for hold in order.holds)}
    until = history.end + timedelta(days=7)
    await MOVES.write_structs(tx, shelves.moves)
    await LEVELS.write(tx, [(*shelf, on_hand, reserved[shelf]) for shelf, on_hand in sorted(shelves.on_hand.items())])
    await RESERVED.write(
        tx,
        [
            (
                made.order_id,
                made.position,
                made.warehouse_id,
                made.product_id,
                made.quantity,
                until if made.order_id in held else None,
            )
            for made in shelves.reservations
        ],
    )


async def _write_books(tx: Transaction, history: History) -> None:
    books, currency = history.books, history.trade.company.currency
    documents: list[Invoice] = [*(claim.invoice for claim in books.claims), *books.notes]
    await INVOICES.write_structs(tx, documents)
    await BILLED.write(tx, _details(documents, "lines", BILLED.columns[1:]))
    await GROUPS.write(tx, _details(documents, "vat_groups", GROUPS.columns[1:]))
    await OPEN.write(
        tx,
        [
            (
                claim.invoice.id, claim.customer.id, currency, claim.invoice.due_on, claim.invoice.gross_minor,
                claim.open_minor, claim.credited_minor,
            )
            for claim in books.claims
        ],
    )  # fmt: skip
    await CREDITS.write(
        tx, [(note.id, note.customer_id, currency, note.gross_minor, note.open_minor) for note in books.notes]
    )
    await PAYMENTS.write(
        tx,
        [
            (
                paid.id, paid.customer.id, paid.method, paid.external_id, paid.received_on, currency, paid.amount_minor,
                paid.unallocated_minor, datetime.combine(paid.received_on, time(8), UTC),
            )
            for paid in books.payments
        ],
    )  # fmt: skip
    reason = history.trade.words.bad_debt
    await WRITE_OFFS.write(
        tx,
        [
            (made, claim.invoice.id, part, on, reason, datetime.combine(on, time(15), UTC))
            for made, claim, part, on in books.write_offs
        ],
    )
    await ALLOCATIONS.write_structs(tx, books.allocations, allocated_on="on")
    await POSTINGS.write_structs(tx, books.postings)


def _details(documents: list[Invoice], children: str, columns: list[str]) -> list[list[Any]]:
    return [
        [document.id, *(getattr(child, name) for name in columns)]
        for document in documents
        for child in getattr(document, children)
    ]


def _values(row: msgspec.Struct) -> tuple[Any, ...]:
    return msgspec.structs.astuple(row)
