"""The master data that a ledger implies: its products and customers, complete before the first document.

What is chosen where the ledger says several things:
- **description**: the one that most lines with goods sold, given or taken back carry, the latest of equals; a product
  known only from stock corrections has notes ("damaged") and no name: its code stands in, and ``described`` says so.
- **list price**: the unit price of most sale lines to named customers, the higher of equals, because the price that
  most lines pay is the one before quantity breaks; from sales without a customer (the shop's retail prices) only
  where there are no others, and None where it was never sold.
- **a customer's country**: the latest document's; each document keeps its own.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from stockade.commerce.ledger.arrow import pa, pc
from stockade.commerce.ledger.documents import moment
from stockade.commerce.ledger.mapping import CHANGES_STOCK, OF_PRODUCTS, LineKind, Mapping


class Product(msgspec.Struct):
    """A code of the ledger that is goods or a voucher; the price in millionths of the currency's major unit."""

    code: str
    description: str
    described: bool
    voucher: bool
    list_price_micro: int | None
    currency: str
    first_at: datetime
    last_at: datetime
    outgoing: int = 0
    """All pieces that the ledger takes out of stock, none of those that it brings back."""


class Customer(msgspec.Struct):
    """A customer as the ledger knows one: a key, and where the documents went."""

    key: str
    country: str | None
    country_name: str | None
    currency: str
    first_at: datetime
    last_at: datetime


class Master(msgspec.Struct):
    """All products and customers, in the order of their first appearance, and the names of the fees in use."""

    products: list[Product]
    customers: list[Customer]
    charges: list[str]
    has_discounts: bool
    product_places: list[int | None]  # by the vocabulary's number of the code
    customer_places: list[int | None]  # by the vocabulary's number of the customer
    first_at: datetime  # the earliest and the latest line of all; the start of 1970 if there is none
    last_at: datetime


class Seen(msgspec.Struct):
    """How often and when something was seen (microseconds since 1970: a million datetimes would take seconds)."""

    lines: int
    first_at_us: int
    last_at_us: int


Tallies = dict[tuple[Any, ...], Seen]


class MasterSurvey:
    """Gathers, from classified and accepted lines, what `Master` needs."""

    def __init__(self, mapping: Mapping, words: dict[str, list[str]]) -> None:
        self._mapping = mapping
        self._words = words
        self._kinds = [rule.line for rule in mapping.rules]
        self._products: Tallies = {}  # code, is voucher
        self._names: Tallies = {}  # code, description
        self._prices: Tallies = {}  # code, price, currency, has customer
        self._customers: Tallies = {}  # customer, country, currency
        self._charges: set[str] = set()
        self._has_discounts = False
        self._outgoing: dict[int, int] = {}  # pieces by code
        self._at_us: list[int] = []  # first and last moment of each part that was added

    def add(self, kept: pa.Table) -> None:
        """Take in the lines of some documents."""
        used = pc.unique(kept["rule"]).to_pylist()
        self._charges.update(charge for rule in used if (charge := self._mapping.rules[rule].charge) is not None)
        self._has_discounts |= any(self._kinds[rule] is LineKind.DISCOUNT for rule in used)
        place = kept.schema.get_field_index("at")
        lines = kept.set_column(place, "at", kept["at"].cast(pa.int64()))
        lines = lines.append_column("voucher", self._is(kept, {LineKind.VOUCHER}))
        lines = lines.append_column("known", pc.is_valid(lines["customer"]))
        goods = lines.filter(self._is(lines, OF_PRODUCTS))
        named = goods.filter(pc.is_valid(goods["description"]))
        named = named.filter(self._is(named, OF_PRODUCTS - {LineKind.STOCK_CORRECTION}))
        sold = goods.filter(self._is(goods, {LineKind.SALE, LineKind.VOUCHER}))
        if len(lines):
            self._at_us += pc.min_max(lines["at"]).as_py().values()
        self._take_out(goods)
        _count(self._products, goods, ["code", "voucher"])
        _count(self._names, named, ["code", "description"])
        _count(self._prices, sold, ["code", "price_micro", "currency", "known"])
        _count(self._customers, lines.filter(lines["known"]), ["customer", "country", "currency"])

    def master(self) -> Master:
        """Return what was gathered."""
        products = self._all_products()
        customers = self._all_customers()
        return Master(
            products=list(products.values()),
            customers=list(customers.values()),
            charges=sorted(self._charges),
            has_discounts=self._has_discounts,
            product_places=_places(products, len(self._words["code"])),
            customer_places=_places(customers, len(self._words["customer"])),
            first_at=moment(min(self._at_us, default=0)),
            last_at=moment(max(self._at_us, default=0)),
        )

    def _take_out(self, goods: pa.Table) -> None:
        """Add up what leaves the stock: corrections count by their quantity, other goods by its opposite."""
        moved = goods.filter(self._is(goods, CHANGES_STOCK))
        sign = pc.if_else(self._is(moved, {LineKind.STOCK_CORRECTION}), pa.scalar(-1), pa.scalar(1))
        out = moved.append_column("out", pc.max_element_wise(pc.multiply(moved["quantity"], sign), pa.scalar(0)))
        sums = out.group_by("code", use_threads=False).aggregate([("out", "sum")])
        for code, pieces in zip(sums["code"].to_pylist(), sums["out_sum"].to_pylist(), strict=True):
            self._outgoing[code] = self._outgoing.get(code, 0) + pieces

    def _is(self, lines: pa.Table, kinds: Iterable[LineKind]) -> pa.ChunkedArray:
        return pa.array([kind in set(kinds) for kind in self._kinds], pa.bool_()).take(lines["rule"])

    def _all_products(self) -> dict[int, Product]:
        names = _best(self._names, lambda key, seen: (seen.lines, seen.last_at_us))
        prices = _best(self._prices, lambda key, seen: (key[3], seen.lines, key[1]))
        products: dict[int, Product] = {}
        for (code, voucher), seen in sorted(self._products.items()):
            if (product := products.get(code)) is not None:  # corrected as goods, sold as a voucher
                product.voucher |= voucher
                product.first_at = min(product.first_at, moment(seen.first_at_us))
                product.last_at = max(product.last_at, moment(seen.last_at_us))
                continue
            text = self._words["code"][code]
            name, price = names.get(code), prices.get(code)
            products[code] = Product(
                code=text,
                description=text if name is None else self._words["description"][name[1]],
                described=name is not None,
                voucher=voucher,
                list_price_micro=None if price is None else price[1],
                currency=self._mapping.currency if price is None else self._words["currency"][price[2]],
                first_at=moment(seen.first_at_us),
                last_at=moment(seen.last_at_us),
                outgoing=self._outgoing.get(code, 0),
            )
        return products

    def _all_customers(self) -> dict[int, Customer]:
        latest = _best(self._customers, lambda key, seen: (seen.last_at_us, seen.lines))
        spans: dict[int, tuple[int, int]] = {}
        for (customer, *_), seen in self._customers.items():
            first_at, last_at = spans.get(customer, (seen.first_at_us, seen.last_at_us))
            spans[customer] = (min(first_at, seen.first_at_us), max(last_at, seen.last_at_us))
        customers: dict[int, Customer] = {}
        for customer, (_, country, currency) in sorted(latest.items()):
            name = None if country is None else self._words["country"][country]
            customers[customer] = Customer(
                key=self._words["customer"][customer],
                country=self._mapping.country_code(name),
                country_name=name,
                currency=self._words["currency"][currency],
                first_at=moment(spans[customer][0]),
                last_at=moment(spans[customer][1]),
            )
        return customers


def _count(tallies: Tallies, lines: pa.Table, keys: list[str]) -> None:
    """Count the lines by the keys into the tallies."""
    grouped = lines.group_by(keys, use_threads=False).aggregate([("line", "count"), ("at", "min"), ("at", "max")])
    columns = [grouped[name].to_pylist() for name in [*keys, "line_count", "at_min", "at_max"]]
    for *key, count, first_at_us, last_at_us in zip(*columns, strict=True):
        seen = tallies.get(tuple(key))
        if seen is None:
            tallies[tuple(key)] = Seen(count, first_at_us, last_at_us)
            continue
        seen.lines += count
        seen.first_at_us = min(seen.first_at_us, first_at_us)
        seen.last_at_us = max(seen.last_at_us, last_at_us)


def _best(tallies: Tallies, rank: Callable[[tuple[Any, ...], Seen], Any]) -> dict[int, tuple[Any, ...]]:
    """Return for each first part of the keys the key that ranks highest, the first met of equals."""
    best: dict[int, tuple[Any, tuple[Any, ...]]] = {}
    for key, seen in tallies.items():
        ranked = rank(key, seen)
        if key[0] not in best or ranked > best[key[0]][0]:
            best[key[0]] = (ranked, key)
    return {first: key for first, (_, key) in best.items()}


def _places(chosen: dict[int, Any], count: int) -> list[int | None]:
    """Return for each number of the vocabulary its place among the chosen, None for the others."""
    places: list[int | None] = [None] * count
    for place, number in enumerate(chosen):
        places[number] = place
    return places
