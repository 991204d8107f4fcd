"""From a batch of documents to columns for ``unnest``: pure, and the same on every run.

Ids are made of the run, the document and the document's moment, so they are the same however often a batch is tried,
and sort as the history does: every index grows at its right edge. Documents are numbered in the ledger's order, so a
`Shaper` must be given every batch in turn, also those that the database has already.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from stockade.commerce.invoicing.rules import Buyer
from stockade.commerce.ledger.arrow import pa, pc
from stockade.commerce.ledger.documents import DocumentBatch
from stockade.commerce.ledger.mapping import CHANGES_STOCK, Corrections, DocumentKind, LineKind, Mapping
from stockade.kernel.ids import id_at

LARGEST_MOVE = 2**31 - 1
BILLS = {DocumentKind.SALE, DocumentKind.CREDIT}
MOVES_GOODS = CHANGES_STOCK - {LineKind.STOCK_CORRECTION}
_MOVES_MASK = ~((1 << 24) - 1)
"""A document's moves share their id but for the last 24 bits, which count them."""


@dataclass(slots=True)
class Issued:
    """Invoices and credit notes with what belongs to each, amounts positive: a document in each place of all lists.

    ``buyer`` is `stockade.commerce.invoicing.rules.Buyer` as JSON; ``order_id`` is None where there is no order, the
    three last where the document does not count as settled.
    """

    id: list[UUID] = field(default_factory=list)
    order_id: list[UUID | None] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    number: list[str] = field(default_factory=list)
    period: list[str] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)
    customer_id: list[UUID] = field(default_factory=list)
    buyer: list[str] = field(default_factory=list)
    currency: list[str] = field(default_factory=list)
    at: list[datetime] = field(default_factory=list)
    issued_on: list[date] = field(default_factory=list)
    due_on: list[date] = field(default_factory=list)
    net_minor: list[int] = field(default_factory=list)
    payment_id: list[UUID | None] = field(default_factory=list)
    allocation_id: list[UUID | None] = field(default_factory=list)
    refund_id: list[UUID | None] = field(default_factory=list)


@dataclass(slots=True)
class Billed:
    """Lines of the issued documents; ``document`` and ``product`` are places from 1, as SQL's arrays count."""

    document: list[int] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    ordered: list[bool] = field(default_factory=list)
    product: list[int] = field(default_factory=list)
    sku: list[str] = field(default_factory=list)
    description: list[str] = field(default_factory=list)
    quantity: list[int] = field(default_factory=list)
    price_micro: list[int] = field(default_factory=list)
    net_minor: list[int] = field(default_factory=list)
    stocked: list[bool] = field(default_factory=list)


@dataclass(slots=True)
class Moves:
    """Stock moves; ``product`` is a place from 1."""

    id: list[UUID] = field(default_factory=list)
    product: list[int] = field(default_factory=list)
    quantity: list[int] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    source_id: list[UUID] = field(default_factory=list)
    note: list[str | None] = field(default_factory=list)
    moved_at: list[datetime] = field(default_factory=list)


@dataclass(slots=True)
class Booked:
    """Journals of two sides that bill nobody: ``amount_minor`` to ``account``, its opposite to ``against``."""

    id: list[UUID] = field(default_factory=list)
    account: list[str] = field(default_factory=list)
    against: list[str] = field(default_factory=list)
    booked_on: list[date] = field(default_factory=list)
    currency: list[str] = field(default_factory=list)
    amount_minor: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Shaped:
    """One batch, ready for the database."""

    index: int
    issued: Issued
    billed: Billed
    moves: Moves
    booked: Booked


@dataclass(frozen=True, slots=True)
class Item:
    """A product as lines refer to it; ``place`` is its place from 1 among the run's product ids."""

    place: int
    sku: str
    name: str
    stocked: bool


@dataclass(frozen=True, slots=True)
class Client:
    """A customer as documents refer to it."""

    id: UUID
    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Names:
    """What the run's master data is called in the database: products and fees, customers, ``CASH``."""

    products: list[Item]
    charges: dict[str, Item]
    customers: list[Client]
    cash: Client


class Shaper:
    """Shapes the batches of one run, all of them and in order."""

    def __init__(self, run_id: UUID, mapping: Mapping, names: Names, last_at: datetime) -> None:
        self._run_id = run_id
        self._names = names
        self._zone = ZoneInfo(mapping.timezone)
        self._terms_days = mapping.settlement.terms_days
        self._terms = timedelta(days=mapping.settlement.terms_days)
        self._settled_until = _settled_until(mapping, last_at.astimezone(self._zone).date())
        self._reasons = CorrectionReasons(mapping.corrections)
        self._sequences: dict[str, int] = {}
        self.journals: list[UUID] = []
        """The journals of bad debts and costs so far: nothing else leads to them when they are verified."""

    def shape(self, batch: DocumentBatch) -> Shaped:
        """Return the batch's columns."""
        shaped = Shaped(batch.index, Issued(), Billed(), Moves(), Booked())
        places, sources = self._documents(batch, shaped)
        self.journals += shaped.booked.id
        self._lines(batch, shaped.billed, places)
        self._moves(batch, shaped.moves, sources)
        return shaped

    def _documents(self, batch: DocumentBatch, shaped: Shaped) -> tuple[list[int], list[UUID]]:
        """Shape the documents; return of each its place among the issued (from 1; 0 for others), negative for a credit
        note, and what its moves have as their source."""
        documents = batch.documents
        places, sources = [], []
        taken: set[str] = set()
        for n, kind in enumerate(documents.kind):
            if kind not in BILLS:
                self._book(batch, n, shaped.booked)
                places.append(0)
                sources.append(self._run_id)
                continue
            # One ledger document may form two, a sale and a credit; a number is unique, so the second differs.
            number = documents.number[n] if documents.number[n] not in taken else f"{documents.number[n]}/2"
            taken.add(number)
            net_minor = documents.net_minor[n]
            is_note = net_minor < 0 or (net_minor == 0 and kind == DocumentKind.CREDIT)
            source = self._issue(batch, n, number, is_note, shaped.issued)
            places.append(-len(shaped.issued.id) if is_note else len(shaped.issued.id))
            sources.append(source)
        return places, sources

    def _issue(self, batch: DocumentBatch, n: int, number: str, is_note: bool, issued: Issued) -> UUID:
        """Shape an invoice with its order, or a credit note; return what goods moved for: the order, or the note."""
        documents = batch.documents
        at, amount_minor = documents.at[n], abs(documents.net_minor[n])
        issued_on = at.astimezone(self._zone).date()
        customer = documents.customer[n]
        buyer = self._names.cash if customer is None else self._names.customers[customer]
        id_ = self._id(at, number, "invoice")
        order_id = None if is_note or documents.kind[n] != DocumentKind.SALE else self._id(at, number, "order")
        settled = amount_minor > 0 and self._settled_until is not None and issued_on <= self._settled_until
        paid, refunded = settled and not is_note, settled and is_note
        period = str(issued_on.year)
        self._sequences[period] = sequence = self._sequences.get(period, 0) + 1
        issued.id.append(id_)
        issued.order_id.append(order_id)
        issued.kind.append("credit_note" if is_note else "invoice")
        issued.number.append(number)
        issued.period.append(period)
        issued.sequence.append(sequence)
        issued.customer_id.append(buyer.id)
        issued.buyer.append(self._buyer(buyer, documents.country[n]))
        issued.currency.append(documents.currency[n])
        issued.at.append(at)
        issued.issued_on.append(issued_on)
        issued.due_on.append(issued_on + self._terms)
        issued.net_minor.append(amount_minor)
        issued.payment_id.append(self._id(at, number, "payment") if paid else None)
        issued.allocation_id.append(self._id(at, number, "allocation") if paid else None)
        issued.refund_id.append(self._id(at, number, "refund") if refunded else None)
        return order_id or id_

    def _buyer(self, client: Client, country: str | None) -> str:
        """Return the buyer as it was on the day of issue; its country is the document's."""
        buyer = Buyer(name=client.name, number=client.number, country=country or "", terms_days=self._terms_days)
        return msgspec.json.encode(buyer).decode()

    def _book(self, batch: DocumentBatch, n: int, booked: Booked) -> None:
        """Shape the journal of a bad debt or a cost; a stock correction has none."""
        documents = batch.documents
        kind, amount_minor = documents.kind[n], documents.net_minor[n]
        if amount_minor == 0 or kind == DocumentKind.STOCK_CORRECTION:
            return
        debt = kind == DocumentKind.BAD_DEBT
        booked.id.append(self._id(documents.at[n], documents.number[n], kind))
        booked.account.append("receivable" if debt else "bank")
        booked.against.append("bad_debt" if debt else "cost")
        booked.booked_on.append(documents.at[n].astimezone(self._zone).date())
        booked.currency.append(documents.currency[n])
        booked.amount_minor.append(amount_minor)

    def _lines(self, batch: DocumentBatch, billed: Billed, places: list[int]) -> None:
        """Shape the lines of what was issued: quantities positive, so that a line's sign is in its price."""
        lines, names = batch.lines, self._names
        is_sale = [kind == DocumentKind.SALE for kind in batch.documents.kind]
        discount = names.charges.get(LineKind.DISCOUNT)
        position, current = 0, -1
        columns = (
            lines.document, lines.charge, lines.product, lines.text, lines.quantity, lines.price_micro, lines.net_minor,
        )  # fmt: skip
        for document, charge, product, text, quantity, price_micro, net_minor in zip(*columns, strict=True):
            place = places[document]
            if place == 0:
                continue
            if document != current:
                position, current = 0, document
            position += 1
            item = names.products[product] if product is not None else names.charges[charge] if charge else discount
            assert item is not None
            is_note = place < 0
            billed.document.append(-place if is_note else place)
            billed.position.append(position)
            billed.ordered.append(not is_note and is_sale[document])
            billed.product.append(item.place)
            billed.sku.append(item.sku)
            billed.description.append(text or item.name)
            billed.quantity.append(quantity if quantity > 0 else -quantity)
            billed.price_micro.append(price_micro if (quantity > 0) is not is_note else -price_micro)
            billed.net_minor.append(-net_minor if is_note else net_minor)
            billed.stocked.append(item.stocked)

    def _moves(self, batch: DocumentBatch, moves: Moves, sources: list[UUID]) -> None:
        """Shape the moves: goods sold and returned by document and product, corrections line by line."""
        lines, names = batch.lines, self._names
        sums: dict[tuple[int, int], int] = {}
        notes: list[tuple[int, int, int, str, str | None]] = []
        columns = (lines.document, lines.kind, lines.product, lines.quantity, lines.text)
        for document, kind, product, quantity, text in zip(*columns, strict=True):
            if kind in MOVES_GOODS:
                assert product is not None
                key = (document, product)
                sums[key] = sums.get(key, 0) - quantity
            elif kind == LineKind.STOCK_CORRECTION:
                assert product is not None
                notes.append((document, product, quantity, self._reasons.of(text), text))
        goods = [(*key, sum_, "shipment" if sum_ < 0 else "return", None) for key, sum_ in sums.items()]
        documents = batch.documents
        current, next_id = -1, 0
        for document, product, quantity, reason, note in sorted([*goods, *notes], key=lambda move: move[:2]):
            at = documents.at[document]
            if document != current:
                base = self._id(at, documents.number[document], f"{documents.kind[document]} moves")
                current, next_id = document, base.int & _MOVES_MASK
            for pieces in split(quantity):
                moves.id.append(UUID(int=next_id))
                moves.product.append(names.products[product].place)
                moves.quantity.append(pieces)
                moves.reason.append(reason)
                moves.source_id.append(sources[document])
                moves.note.append(note)
                moves.moved_at.append(at)
                next_id += 1

    def _id(self, at: datetime, number: str, what: str) -> UUID:
        return derived_id(self._run_id, at, what, number)


class CorrectionReasons:
    """Says from a correction's text why stock changed; each distinct text is tried once."""

    def __init__(self, corrections: Corrections) -> None:
        patterns = {"damage": corrections.damage, "count": corrections.count}
        self._patterns = {reason: pattern for reason, pattern in patterns.items() if pattern is not None}
        self._known: dict[str, str] = {}

    def of(self, text: str | None) -> str:
        """Return the reason of a move: damage, count or adjustment."""
        if text is None:
            return "adjustment"
        if text not in self._known:
            words = pa.array([text])
            found = (
                reason
                for reason, pattern in self._patterns.items()
                if pc.match_substring_regex(words, pattern)[0].as_py()
            )
            self._known[text] = next(found, "adjustment")
        return self._known[text]


def derived_id(run_id: UUID, at: datetime, what: str, key: str) -> UUID:
    """Return the UUIDv7 of a moment for one thing of a run: the same whenever it is asked for."""
    digest = hashlib.blake2b(f"{what}\0{key}".encode(), digest_size=10, key=run_id.bytes).digest()
    return id_at(int(at.timestamp() * 1000), int.from_bytes(digest) & ((1 << 74) - 1))


def split(quantity: int) -> Iterator[int]:
    """Yield a quantity in as few parts as a move's column holds; nothing for nothing."""
    sign = 1 if quantity > 0 else -1
    rest = abs(quantity)
    while rest:
        part = min(rest, LARGEST_MOVE)
        yield sign * part
        rest -= part


def _settled_until(mapping: Mapping, last_on: date) -> date | None:
    """Return the last day of issue whose documents count as settled."""
    days = mapping.settlement.paid_after_days
    return None if days is None else last_on - timedelta(days=days)
