"""Invoices, credit notes, payments and bad debts of past orders, by the rules of the slices that own them. Pure.

Everything happens in order of its day; an invoice's open amount is at every moment its gross less what was allocated.
How a customer pays is its habit; the day may lie in the future, which is how invoices become overdue.
"""

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID

import msgspec

from stockade.apps.demo.master import Customer, Ids
from stockade.apps.demo.past import Order
from stockade.apps.demo.shelves import Move
from stockade.apps.demo.trade import Trade
from stockade.commerce.invoicing.rules import SERIES, Buyer, Invoice, Seller, billable, correct, due_on, number_of
from stockade.commerce.orders.rules import left, stage_after
from stockade.commerce.pricing.rules import totals_of, vat_groups
from stockade.commerce.receivables.rules import Posting, invoice_journal, journal, write_off_journal

DELAYS = {"prompt": (-4, 2), "slow": (2, 16), "late": (8, 55)}
"""Days after the due date, by habit."""
NEVER_EVERY = 40
"""One invoice in so many is not paid at all, for now."""
WRITTEN_OFF_AFTER = timedelta(days=240)


class Payment(msgspec.Struct, kw_only=True):
    """Money that came in."""

    id: UUID
    customer: Customer
    method: str
    external_id: str
    received_on: date
    amount_minor: int
    unallocated_minor: int


class Allocation(msgspec.Struct, frozen=True):
    """A part of an invoice that was settled; one of the three sources is set."""

    id: UUID
    invoice_id: UUID
    payment_id: UUID | None
    credit_note_id: UUID | None
    write_off_id: UUID | None
    amount_minor: int
    on: date


class Claim(msgspec.Struct):
    """An invoice, and what is still open and was credited of it."""

    invoice: Invoice
    customer: Customer
    order: Order
    open_minor: int
    credited_minor: int = 0


class Books(msgspec.Struct):
    """All that was billed, and what became of it."""

    claims: list[Claim] = []
    notes: list[Invoice] = []
    returned: list[Move] = []
    payments: list[Payment] = []
    allocations: list[Allocation] = []
    write_offs: list[tuple[UUID, Claim, int, date]] = []
    postings: list[Posting] = []
    last_numbers: dict[tuple[str, str], int] = {}


class Bookkeeper:
    """Keeps the books of one distributor up to (not including) ``today``."""

    def __init__(self, trade: Trade, rng: Random, ids: Ids, warehouses: list[UUID], today: date) -> None:
        self._trade, self._rng, self._ids, self._warehouses = trade, rng, ids, warehouses
        self._today = today
        firm = msgspec.structs.asdict(trade.company)
        self._seller = Seller(name=firm["legal_name"], **{f: firm[f] for f in Seller.__struct_fields__ if f in firm})
        self.books = Books()

    def keep(self, orders: list[Order]) -> Books:
        """Bill the orders, collect the money, and set the orders' stages accordingly."""
        due = [(shipment.invoiced_at, order, n) for order in orders for n, shipment in enumerate(order.shipments, 1)]
        for at, order, count in sorted(((a, o, n) for a, o, n in due if a), key=lambda row: (row[0], row[1].id)):
            self._bill(order, count, at)
        self._correct()
        self._collect()
        self._write_off()
        for claim in self.books.claims:
            is_old = claim.invoice.issued_on < self._today - timedelta(days=10)
            if claim.order.stage == "invoiced" and claim.open_minor == 0 and is_old:
                claim.order.stage = "closed"
        return self.books

    def _bill(self, order: Order, shipments: int, at: datetime) -> None:
        """Issue an invoice for what an order's first shipments hold and earlier invoices do not."""
        left_by_then = {
            line.position: sum(shipment.leaving.get(line.position, 0) for shipment in order.shipments[:shipments])
            for line in order.lines
        }
        as_of = [msgspec.structs.replace(line, shipped=left_by_then[line.position]) for line in order.lines]
        stage = "picking" if any(left(line) for line in as_of) else "shipped"
        currency, customer = self._trade.company.currency, order.customer
        lines, _ = billable(stage, as_of, currency)
        groups = vat_groups(lines)
        totals = totals_of(groups)
        day, period = at.date(), str(at.year)
        sequence = self._next("invoice", period)
        invoice = Invoice(
            id=self._ids.at(at.timestamp()), kind="invoice", series=SERIES["invoice"], period=period, sequence=sequence,
            number=number_of(SERIES["invoice"], period, sequence), customer_id=customer.id, order_id=order.id,
            corrects_id=None, issued_on=day, supplied_on=order.shipments[shipments - 1].at.date(),
            due_on=due_on(day, customer.terms_days), currency=currency, net_minor=totals.net_minor,
            vat_minor=totals.vat_minor, rounding_minor=0, gross_minor=totals.gross_minor, seller=self._seller,
            buyer=_buyer(customer, order.reference), note=None, issued_at=at, open_minor=totals.gross_minor,
            order_number=order.number, corrects_number=None, corrects_issued_on=None, lines=lines, vat_groups=groups,
        )  # fmt: skip
        order.lines = [
            msgspec.structs.replace(line, invoiced=max(line.invoiced, left_by_then[line.position]))
            for line in order.lines
        ]
        order.stage = stage_after(order.stage, order.lines)
        self.books.claims.append(Claim(invoice, customer, order, invoice.gross_minor))
        self.books.postings += invoice_journal(invoice)

    def _correct(self) -> None:
        """Credit a piece of some invoices days after they were issued, before they are paid."""
        chosen = [
            (
                claim.invoice.issued_at + timedelta(days=self._rng.randint(2, 6), minutes=self._rng.randint(0, 60)),
                n,
                claim,
            )
            for n, claim in enumerate(self.books.claims)
            if n % 60 == 17 and claim.invoice.gross_minor
        ]
        for at, _, claim in sorted(chosen, key=lambda row: row[:2]):
            line = claim.invoice.lines[0]
            if at.date() < self._today:
                self._credit(claim, {line.position: self._rng.randint(1, line.quantity)}, at)

    def _credit(self, claim: Claim, wanted: dict[int, int], at: datetime) -> None:
        invoice, period, day = claim.invoice, str(at.year), at.date()
        correction = correct(invoice, [], 0, wanted)
        settled = min(claim.open_minor, correction.gross_minor)
        sequence = self._next("credit_note", period)
        note = msgspec.structs.replace(
            invoice, id=self._ids.at(at.timestamp()), kind="credit_note", series=SERIES["credit_note"], period=period,
            sequence=sequence, number=number_of(SERIES["credit_note"], period, sequence), corrects_id=invoice.id,
            issued_on=day, due_on=day, net_minor=correction.net_minor, vat_minor=correction.vat_minor,
            rounding_minor=correction.rounding_minor, gross_minor=correction.gross_minor, issued_at=at,
            note=self._rng.choice(self._trade.words.returns), open_minor=correction.gross_minor - settled,
            lines=correction.lines, vat_groups=correction.vat_groups,
        )  # fmt: skip
        self.books.notes.append(note)
        self.books.postings += invoice_journal(note)
        claim.open_minor -= settled
        claim.credited_minor += note.gross_minor
        if settled:
            self._allocate(claim, settled, day, credit_note_id=note.id)
        goods = {line.position: line.stocked for line in claim.order.lines}
        for line in note.lines:
            if line.order_position is not None and goods[line.order_position]:
                warehouse_id = self._warehouses[claim.customer.warehouse]
                self.books.returned.append(
                    Move(
                        self._ids.at(at.timestamp()),
                        warehouse_id,
                        line.product_id,
                        line.quantity,
                        "return",
                        note.id,
                        note.note,
                        at,
                    )
                )

    def _collect(self) -> None:
        """Let the customers pay, several invoices at once where they fall due together, some in parts."""
        by_customer: dict[UUID, list[tuple[date, Claim, int]]] = {}
        for n, claim in enumerate(self.books.claims):
            if n % NEVER_EVERY == 5:
                continue
            early, late = DELAYS[claim.customer.habit]
            on = max(
                claim.invoice.issued_on + timedelta(days=7),
                claim.invoice.due_on + timedelta(days=self._rng.randint(early, late)),
            )
            wanted = by_customer.setdefault(claim.customer.id, [])
            if n % 33 == 9:
                wanted.append((on, claim, claim.open_minor // 2))
                on += timedelta(days=self._rng.randint(15, 40))
            wanted.append((on, claim, claim.invoice.gross_minor))
        due = [group for wanted in by_customer.values() for group in self._together(wanted)]
        for n, (on, group) in enumerate(sorted(due, key=lambda row: (row[0], row[1][0][1].invoice.number)), start=1):
            self._pay(on, group, n)

    def _together(self, wanted: list[tuple[date, Claim, int]]) -> list[tuple[date, list[tuple[date, Claim, int]]]]:
        """Return what a customer pays by day: what is due within days of the first is paid with it, on the last day."""
        groups: list[list[tuple[date, Claim, int]]] = []
        for row in sorted(
            (row for row in wanted if row[0] < self._today), key=lambda row: (row[0], row[1].invoice.number)
        ):
            if groups and row[0] - groups[-1][0][0] <= timedelta(days=4) and len(groups[-1]) < 5:
                groups[-1].append(row)
            else:
                groups.append([row])
        return [(group[-1][0], group) for group in groups]

    def _pay(self, on: date, group: list[tuple[date, Claim, int]], number: int) -> None:
        customer = group[0][1].customer
        payment_id = self._ids.at(datetime.combine(on, time(8), UTC).timestamp())
        paid = 0
        for _, claim, most in group:
            part = min(claim.open_minor, most)
            if part > 0:
                claim.open_minor -= part
                paid += part
                self._allocate(claim, part, on, payment_id=payment_id)
        if paid == 0:
            return
        spare = self._rng.randint(500, 9_000) if number % 150 == 60 else 0
        method = (
            "card" if customer.terms_days == 0 else "direct_debit" if customer.habit == "prompt" else "bank_transfer"
        )
        self.books.payments.append(
            Payment(
                id=payment_id,
                customer=customer,
                method=method,
                external_id=f"DEMO-{on:%Y%m%d}-{number:05}",
                received_on=on,
                amount_minor=paid + spare,
                unallocated_minor=spare,
            )
        )
        self.books.postings += journal(
            payment_id,
            customer.id,
            on,
            self._trade.company.currency,
            ("bank", paid + spare),
            ("receivable", -paid - spare),
        )

    def _write_off(self) -> None:
        """Write off half of what has been open for too long; the other half is still being collected."""
        old = [c for c in self.books.claims if c.open_minor and c.invoice.due_on < self._today - WRITTEN_OFF_AFTER]
        for claim in old[1::2]:
            on = claim.invoice.due_on + WRITTEN_OFF_AFTER
            write_off_id, part = self._ids.at(datetime.combine(on, time(15), UTC).timestamp()), claim.open_minor
            claim.open_minor = 0
            self.books.write_offs.append((write_off_id, claim, part, on))
            self._allocate(claim, part, on, write_off_id=write_off_id)
            self.books.postings += write_off_journal(write_off_id, claim.customer.id, on, claim.invoice.currency, part)

    def _allocate(
        self, claim: Claim, part: int, on: date, *, payment_id: UUID | None = None, credit_note_id: UUID | None = None,
        write_off_id: UUID | None = None,
    ) -> None:  # fmt: skip
        made = self._ids.at(datetime.combine(on, time(16), UTC).timestamp())
        self.books.allocations.append(
            Allocation(made, claim.invoice.id, payment_id, credit_note_id, write_off_id, part, on)
        )

    def _next(self, kind: str, period: str) -> int:
        key = (SERIES[kind], period)
        self.books.last_numbers[key] = self.books.last_numbers.get(key, 0) + 1
        return self.books.last_numbers[key]


def _buyer(customer: Customer, reference: str | None) -> Buyer:
    address = customer.addresses[0]
    return Buyer(
        name=customer.name, number=customer.number, recipient=address.recipient, street=address.street,
        postcode=address.postcode, city=address.city, country=address.country, vat_id=customer.vat_id,
        vat_treatment=customer.vat_treatment, reference=reference, terms_days=customer.terms_days,
    )  # fmt: skip
