"""Past orders of a demo distributor, made up: when, who, what, and how far each has come by its dates. Pure.

Dates follow the week, the season and some growth; customers and products follow Zipf's law. An order ships days after
it was placed and is invoiced after that; whatever would lie in the future has not happened, so the youngest orders are
open by themselves. Some of the last weeks are open for a reason of their own (``TROUBLES``).
"""

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID

import msgspec

from stockade.apps.demo.master import NOTHING, Customer, Ids, Product
from stockade.apps.demo.trade import Trade
from stockade.commerce.invoicing.rules import OrderLine
from stockade.commerce.orders.rules import left
from stockade.commerce.pricing.rules import line_net

DAYS = 548
"""Eighteen months."""
TROUBLE_DAYS = 20
WEEK = [1.15, 1.05, 1.0, 1.0, 0.9, 0.12, 0.0]
TROUBLES = ["held", "waiting", "uninvoiced", "picking", "cancelled", "late", "draft"]


class Line(OrderLine, frozen=True):
    """A line as orders and invoices both know it, with its net in minor units."""

    net_minor: int = 0


class Shipment(msgspec.Struct):
    """Goods that left: quantities by position. ``invoiced_at`` None: nobody has written the invoice yet."""

    id: UUID
    at: datetime
    leaving: dict[int, int]
    invoiced_at: datetime | None
    number: str = ""
    carrier: str = ""


class Hold(msgspec.Struct, frozen=True):
    """A hold that was placed, and released unless it is still open."""

    id: UUID
    kind: str
    reason: str
    placed_at: datetime
    released_at: datetime | None


class Order(msgspec.Struct, kw_only=True):
    """An order and what has become of it."""

    id: UUID
    customer: Customer
    placed_at: datetime
    trouble: str | None
    lines: list[Line]
    stage: str = "confirmed"
    number: str = ""
    requested_on: date | None = None
    reference: str | None = None
    note: str | None = None
    holds: list[Hold] = []
    shipments: list[Shipment] = []
    changed_at: datetime = datetime(2000, 1, 1, tzinfo=UTC)


class Maker:
    """Makes the orders of one distributor up to (not including) ``today``."""

    def __init__(
        self, trade: Trade, rng: Random, ids: Ids, products: list[Product], customers: list[Customer], today: date
    ):
        self._trade, self._rng, self._ids = trade, rng, ids
        self._goods, self._carriage = products[:-1], products[-1]
        self._customers, self._today = customers, today
        self._end = datetime.combine(today, time(), UTC)
        self._weights = [product.weight for product in self._goods]

    def orders(self, count: int) -> list[Order]:
        """Return ``count`` orders by their moments."""
        troubled = min(count, max(len(TROUBLES), count // 60))
        days = [self._today - timedelta(days=DAYS - n) for n in range(DAYS)]
        weights = [
            WEEK[day.weekday()] * self._trade.season[day.month - 1] * (1 + n / (4 * DAYS)) for n, day in enumerate(days)
        ]
        chosen: list[tuple[date, str | None]] = [
            (day, None) for day in self._rng.choices(days, weights, k=count - troubled)
        ]
        late, heavy = days[-TROUBLE_DAYS:-2], weights[-TROUBLE_DAYS:-2]
        chosen += [
            (day, TROUBLES[n % len(TROUBLES)]) for n, day in enumerate(self._rng.choices(late, heavy, k=troubled))
        ]
        moments = sorted(
            (datetime.combine(day, time(7, 30), UTC) + timedelta(seconds=self._rng.randrange(36_000)), n, trouble)
            for n, (day, trouble) in enumerate(chosen)
        )
        buyers = self._rng.choices(self._customers, [customer.weight for customer in self._customers], k=count)
        return [self._order(at, trouble, buyer) for (at, _, trouble), buyer in zip(moments, buyers, strict=True)]

    def _order(self, at: datetime, trouble: str | None, customer: Customer) -> Order:
        rng = self._rng
        order = Order(
            id=self._ids.at(at.timestamp()), customer=customer, placed_at=at, trouble=trouble,
            lines=self._lines(customer), holds=[], shipments=[], changed_at=at,
            requested_on=at.date() + timedelta(days=rng.randint(2, 8)) if rng.random() < 0.7 else None,
            reference=f"PO {rng.randint(1000, 99999)}" if rng.random() < 0.5 else None,
            note=rng.choice(self._trade.words.notes) if rng.random() < 0.08 else None,
        )  # fmt: skip
        if trouble in ("late", "waiting"):
            order.requested_on = min(at.date() + timedelta(days=3), self._today - timedelta(days=1))
        self._live(order)
        return order

    def _lines(self, customer: Customer) -> list[Line]:
        wanted = min(12, 1 + int(self._rng.expovariate(0.24)))
        goods: dict[UUID, Product] = {}
        for product in self._rng.choices(self._goods, self._weights, k=wanted):
            goods[product.id] = product
        currency = self._trade.company.currency
        lines = [self._line(n, product, customer, currency) for n, product in enumerate(goods.values(), start=1)]
        if sum(line.net_minor for line in lines) < self._trade.carriage.free_from * 100:
            lines.append(self._line(len(lines) + 1, self._carriage, customer, currency))
        return lines

    def _line(self, position: int, product: Product, customer: Customer, currency: str) -> Line:
        rng = self._rng
        quantity = product.case_pack * rng.choice([1, 1, 1, 2, 2, 3, 5]) if rng.random() < 0.7 else rng.randint(1, 12)
        discount = customer.discount if product.stocked else NOTHING
        quantity = quantity if product.stocked else 1
        domestic = customer.vat_treatment == "domestic"
        return Line(
            position, product.id, product.sku, product.name, product.unit, quantity, product.list_price, discount,
            product.vat_category if domestic else customer.vat_treatment,
            self._trade.rates[product.vat_category] if domestic else NOTHING,
            product.stocked, 0, 0, 0, 0, line_net(product.list_price, quantity, discount, currency),
        )  # fmt: skip

    def _live(self, order: Order) -> None:
        """Let an order go as far as its dates and its trouble allow."""
        rng, at = self._rng, order.placed_at
        age_days = (self._today - at.date()).days
        if order.trouble == "cancelled" or (order.trouble is None and rng.random() < 0.025):
            order.stage = "cancelled"
            order.lines = [msgspec.structs.replace(line, cancelled=line.quantity) for line in order.lines]
            order.changed_at = min(at + timedelta(hours=rng.randint(1, 20)), self._end - timedelta(minutes=1))
        elif order.trouble == "draft" or (age_days <= 1 and rng.random() < 0.3):
            order.stage = "draft"
        elif order.trouble == "held":
            kind, reason = "manual", rng.choice(self._trade.words.holds)
            order.holds.append(Hold(self._ids.at(at.timestamp() + 600), kind, reason, at + timedelta(minutes=10), None))
        elif order.trouble in ("late", "waiting", "picking"):
            order.stage = "confirmed" if order.trouble != "picking" else "picking"
        else:
            self._ship(order)

    def _ship(self, order: Order) -> None:
        rng = self._rng
        if rng.random() < 0.02:
            held = order.placed_at + timedelta(minutes=1)
            reason = rng.choice(self._trade.words.holds)
            order.holds.append(Hold(self._ids.at(held.timestamp()), "manual", reason, held, held + timedelta(hours=3)))
        first = self._workday(order.placed_at, rng.choice([1, 1, 1, 2, 2, 3]))
        if first >= self._end:
            order.stage = rng.choice(["confirmed", "picking"])
            return
        order.stage = "picking"
        everything = {line.position: line.quantity for line in order.lines}
        split = len(everything) > 2 and rng.random() < 0.05
        later = {p: q for p, q in everything.items() if split and p % 2 == 0 and order.lines[p - 1].stocked}
        self._leave(order, first, {p: q for p, q in everything.items() if p not in later})
        second = self._workday(first, rng.randint(4, 9))
        if later and rng.random() < 0.25:
            order.lines = [msgspec.structs.replace(line, cancelled=later.get(line.position, 0)) for line in order.lines]
        elif later and second < self._end:
            self._leave(order, second, later)
        if not any(left(line) for line in order.lines):
            order.stage = "shipped"

    def _leave(self, order: Order, at: datetime, leaving: dict[int, int]) -> None:
        invoiced = at + timedelta(hours=self._rng.choice([1, 2, 20, 26]))
        is_invoiced = order.trouble != "uninvoiced" and invoiced < self._end
        order.shipments.append(
            Shipment(
                self._ids.at(at.timestamp()),
                at,
                leaving,
                invoiced if is_invoiced else None,
                carrier=self._rng.choice(self._trade.carriers),
            )
        )
        order.changed_at = invoiced if is_invoiced else at
        order.lines = [
            msgspec.structs.replace(line, shipped=line.shipped + leaving.get(line.position, 0)) for line in order.lines
        ]

    def _workday(self, at: datetime, days: int) -> datetime:
        """Return an hour of shipping so many days later, never on a Sunday."""
        day = at.date() + timedelta(days=days)
        day += timedelta(days=1 if day.weekday() == 6 else 0)
        return datetime.combine(day, time(9), UTC) + timedelta(minutes=self._rng.randrange(480))


def number_by_year(prefix: str, moments: list[datetime | date]) -> tuple[list[str], dict[str, int]]:
    """Return numbers for moments in order, as SO-2026-000123 counted by year, and the last number of each year."""
    last: dict[str, int] = {}
    numbers = []
    for moment in moments:
        year = str(moment.year)
        last[year] = last.get(year, 0) + 1
        numbers.append(f"{prefix}-{year}-{last[year]:06d}")
    return numbers, last
