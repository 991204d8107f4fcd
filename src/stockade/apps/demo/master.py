"""Master data of a demo distributor, made up from its vocabulary: products, customers, contacts, addresses. Pure."""

from decimal import ROUND_FLOOR, Decimal
from itertools import product as pairs
from random import Random
from uuid import UUID

import msgspec
from stdnum import ean

from stockade.apps.demo.trade import Family, Town, Trade
from stockade.commerce.parties.rules import checked_vat_id, customer_number
from stockade.kernel.ids import id_at
from stockade.kernel.problems import Invalid

LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVW"
DISCOUNTS = [Decimal(text) for text in ("0", "0", "0", "2.5", "5", "7.5")]
TERMS = [0, 14, 30, 30, 30, 30, 60]
HABITS = ["prompt", "prompt", "prompt", "slow", "slow", "late"]
NOTHING = Decimal(0)
VAT_ID_TRIES = 10_000


class Product(msgspec.Struct, kw_only=True):
    """A product; ``weight`` is how often it is asked for."""

    id: UUID
    sku: str
    name: str
    unit: str
    case_pack: int
    vat_category: str
    barcode: str | None
    list_price: Decimal
    cost: Decimal | None
    reorder_point: int | None
    stocked: bool
    weight: float


class Contact(msgspec.Struct, frozen=True):
    """A person at a customer."""

    id: UUID
    name: str
    position: str
    email: str
    phone: str


class Address(msgspec.Struct, frozen=True):
    """Where a customer gets invoices or goods."""

    id: UUID
    kind: str
    recipient: str
    street: str
    postcode: str
    city: str
    country: str


class Customer(msgspec.Struct, kw_only=True):
    """A customer; ``habit`` is how it pays, ``warehouse`` the place of the one that serves it."""

    id: UUID
    number: str
    name: str
    vat_id: str | None
    email: str
    phone: str
    country: str
    terms_days: int
    credit_limit_minor: int | None = None
    vat_treatment: str
    discount: Decimal
    habit: str
    weight: float
    warehouse: int
    contacts: list[Contact]
    addresses: list[Address]


class Ids:
    """Ids that come out the same for the same seed and moments."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def at(self, unix_seconds: float) -> UUID:
        """Return the next UUIDv7 of a moment."""
        return id_at(int(unix_seconds * 1000), self._rng.getrandbits(74))


def make_products(trade: Trade, rng: Random, ids: Ids, at: float) -> list[Product]:
    """Return the range, then what delivery costs as its last product. Demand falls as 1 / rank (Zipf)."""
    made = [
        _product(family, item, pack, rng, ids.at(at))
        for family in trade.families
        for item, pack in pairs(family.items, family.packs)
    ]
    for rank, product in enumerate(rng.sample(made, len(made)), start=1):
        product.weight = 1 / (rank + 4)
    for number, product in enumerate(made, start=1):
        product.sku = f"{product.sku}-{number:03}"
        body = f"20{trade.seed:04}{number:06}"
        product.barcode = body + ean.calc_check_digit(body)
    carriage = Product(
        id=ids.at(at), sku=trade.carriage.sku, name=trade.carriage.name, unit="piece", case_pack=1,
        vat_category="standard", barcode=None, list_price=trade.carriage.price, cost=None, reorder_point=None,
        stocked=False, weight=0,
    )  # fmt: skip
    return [*made, carriage]


def make_substitutes(products: list[Product]) -> list[tuple[UUID, int, UUID]]:
    """Return what stands in for what, as (product, position, substitute): the next two of its kind in the same pack."""
    kinds: dict[tuple[str, str], list[UUID]] = {}
    for product in products:
        if product.stocked:
            kinds.setdefault((product.sku.rpartition("-")[0], product.name.rpartition(", ")[2]), []).append(product.id)
    return [
        (one, step, kind[(place + step) % len(kind)])
        for kind in kinds.values()
        for place, one in enumerate(kind)
        for step in range(1, min(3, len(kind)))
    ]


def _product(family: Family, item: str, pack: tuple[str, Decimal, int], rng: Random, id: UUID) -> Product:
    size, around, case_pack = pack
    price = _ending(around * Decimal(rng.randint(80, 135)) / 100)
    cost = (price * Decimal(rng.randint(55, 78)) / 100).quantize(Decimal("0.01"))
    return Product(
        id=id, sku=family.code, name=f"{item}, {size}", unit=family.unit, case_pack=case_pack,
        vat_category=family.vat, barcode=None, list_price=price, cost=cost, reorder_point=None, stocked=True, weight=0,
    )  # fmt: skip


def _ending(price: Decimal) -> Decimal:
    """Return the price that ends in 5 or 9 hundredths next to it."""
    tenths = price.quantize(Decimal("0.1"), rounding=ROUND_FLOOR)
    return tenths + Decimal("0.09" if price - tenths >= Decimal("0.05") else "0.05")


def make_customers(trade: Trade, rng: Random, ids: Ids, at: float) -> list[Customer]:
    """Return the clientele. What they buy falls as 1 / rank; those over the border have VAT ids and no VAT."""
    clientele = trade.customers
    names = [f"{name} {kind}" for name, kind in pairs(clientele.names, clientele.kinds)]
    towns = rng.choices(clientele.towns, [town.weight for town in clientele.towns], k=clientele.count)
    towns[-len(clientele.towns) :] = clientele.towns  # each town at least once
    made = [
        _customer(trade, name, town, number, rng, ids, at)
        for number, (name, town) in enumerate(zip(rng.sample(names, clientele.count), towns, strict=True), start=1)
    ]
    for rank, customer in enumerate(rng.sample(made, len(made)), start=1):
        customer.weight = 1 / (rank + 2)
    return made


def _customer(trade: Trade, name: str, town: Town, number: int, rng: Random, ids: Ids, at: float) -> Customer:
    words, country = trade.words, town.country or trade.company.country
    domain = (
        "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum())[:24] + f"{number}.example"
    )
    has_vat_id = town.treatment != "domestic" or rng.random() < 0.8
    people = []
    for position in rng.sample(words.positions, rng.choice([1, 1, 2])):
        first, last = rng.choice(words.first_names), rng.choice(words.last_names)
        email = f"{position.split()[0].lower()}@{domain}".encode("ascii", "ignore").decode()
        people.append(Contact(ids.at(at), f"{first} {last}", position, email, filled(trade.customers.phone, rng)))
    places = []
    for kind in ["billing", "shipping"] if rng.random() < 0.6 else ["billing"]:
        street = rng.choice(trade.customers.streets)
        house = rng.randint(1, 140)
        line = f"{house} {street}" if country in ("GB", "IE") else f"{street} {house}"
        places.append(Address(ids.at(at), kind, name, line, filled(town.postcode, rng), town.name, country))
    return Customer(
        id=ids.at(at), number=customer_number(number), name=name,
        vat_id=fictitious_vat_id(country, town.vat_form, rng) if has_vat_id else None,
        email=f"orders@{domain}", phone=filled(trade.customers.phone, rng), country=country,
        terms_days=rng.choice(TERMS), vat_treatment=town.treatment, discount=rng.choice(DISCOUNTS),
        habit=rng.choice(HABITS), weight=0, warehouse=town.warehouse, contacts=people, addresses=places,
    )  # fmt: skip


def filled(form: str, rng: Random) -> str:
    """Return a form with digits for #, letters for X, and a check letter for a final L."""
    text = "".join(
        str(rng.randint(0, 9)) if sign == "#" else rng.choice(LETTERS) if sign == "X" else sign for sign in form
    )
    return text[:-1] + rng.choice(CHECK_LETTERS) if form.endswith("#L") else text


def fictitious_vat_id(country: str, form: str, rng: Random) -> str:
    """Return a VAT id whose check digits are right, found by trying: one in 10 to 100 is.

    ``ValueError`` if the country's rules admit none of that form.
    """
    for _ in range(VAT_ID_TRIES):
        try:
            return checked_vat_id(country, filled(form, rng))
        except Invalid:
            continue
    raise ValueError(f"No VAT id of {country} is of the form {form}.")
