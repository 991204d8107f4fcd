"""Order entry without script: a customer's number and one line of text for each product make a draft order."""

import re
from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec

from stockade.access.fields import MAX_QUANTITY, Text80, Text2000
from stockade.commerce.desk.entry.looking import find_customers
from stockade.commerce.desk.entry.matching import MOST_TEXTS, Wanted, match_products
from stockade.commerce.orders.commands import MAX_LINES, NewLine, NewOrder
from stockade.commerce.orders.service import place_order
from stockade.commerce.orders.views import OrderView
from stockade.kernel.problems import Invalid
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction

_LINE = re.compile(r"(.*\S)[\s;,]+([1-9][0-9]{0,6})")
_UNUSABLE = re.compile(r"[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class PlainEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form without script holds; ``lines``: one a line, product, space, quantity."""

    customer: Text80
    lines: Annotated[str, msgspec.Meta(min_length=1, max_length=50_000)]
    customer_reference: Text80 | None = None
    requested_on: date | None = None
    note: Text2000 | None = None


async def place_plain(tx: Transaction, id: UUID, entry: PlainEntry) -> OrderView:
    """Make the draft order; ``Invalid`` names the field, and the line that is not clear."""
    customers = [row for row in await find_customers(tx, entry.customer) if row.exact]
    if len(customers) != 1:
        raise Invalid("No customer has this number.", field="customer")
    texts = [_UNUSABLE.sub(" ", text).strip() for text in entry.lines.splitlines()]
    lines = [_read(text) for text in texts if text]
    if not 0 < len(lines) <= MAX_LINES:
        raise Invalid(said("An order has 1 to {most} lines.", most=MAX_LINES), field="lines")
    order = NewOrder(
        customer_id=customers[0].id, lines=await _matched(tx, lines), customer_reference=entry.customer_reference,
        requested_on=entry.requested_on, note=entry.note,
    )  # fmt: skip
    return await place_order(tx, id, order)


def _read(text: str) -> tuple[str, int]:
    found = _LINE.fullmatch(text)
    if found is None or len(found[1]) > 200 or int(found[2]) > MAX_QUANTITY:
        raise Invalid(said("Write product, space, quantity: “{text}”.", text=text[:80]), field="lines")
    return found[1].rstrip(";, "), int(found[2])


async def _matched(tx: Transaction, lines: list[tuple[str, int]]) -> list[NewLine]:
    made = []
    for start in range(0, len(lines), MOST_TEXTS):  # at most ten times: each statement compares so many with all names
        chunk = lines[start : start + MOST_TEXTS]
        matches = await match_products(tx, Wanted(texts=[text for text, _ in chunk]))
        for (text, quantity), match in zip(chunk, matches, strict=True):
            if match.product_id is None:
                raise Invalid(said("“{text}” is no product, or more than one.", text=text), field="lines")
            made.append(NewLine(product_id=match.product_id, quantity=quantity))
    return made
