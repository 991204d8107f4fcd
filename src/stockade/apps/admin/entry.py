"""Order entry: the page, and what its script asks while somebody types. The verbs are ``commerce.desk.entry``'s."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from stockade.access.routes import delete, get, post, put
from stockade.apps.admin.forms import Form, submitted_new
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.commerce.desk.entry.drafts import Draft, Saved, Saving, discard_draft, list_drafts, save_draft
from stockade.commerce.desk.entry.looking import CustomerFound, ProductFound, find_customers, find_products
from stockade.commerce.desk.entry.matching import Match, Wanted, match_products
from stockade.commerce.desk.entry.placing import Placed, Placing, place_entry
from stockade.commerce.desk.entry.plain import PlainEntry, place_plain
from stockade.commerce.desk.entry.pricing import Priced, price_entry
from stockade.commerce.orders.commands import MAX_LINES, Quotation
from stockade.commerce.orders.permissions import PLACE
from stockade.commerce.stock.service import list_warehouses
from stockade.tenancy.transaction import Transaction
from stockade.web.languages import language

MOST_WAREHOUSES = 200
Typed = Annotated[str, QueryParameter(max_length=80, pattern=r"^[^\u0000-\u001f\u007f-\u009f]*$")]


@page("/orders/new", permission=PLACE)
async def show_entry(tx: Transaction, request: AnyRequest) -> Shown:
    """The page, with the person's open drafts inside."""
    return await _entry_page(tx, Form())


@form("/orders/new", permission=PLACE)
async def take_plain_entry(request: AnyRequest, fields: Fields) -> Shown | str:
    """An order from a browser without script."""
    return await submitted_new(
        request, fields, PlainEntry, place_plain, again=_entry_page, then=lambda order_id: f"/orders/{order_id}"
    )


async def _entry_page(tx: Transaction, plain: Form) -> Shown:
    warehouses = [it for it in await list_warehouses(tx, count=MOST_WAREHOUSES) if it.state == "active"]
    drafts = msgspec.json.encode(await list_drafts(tx)).decode()
    context = {"warehouses": warehouses, "drafts": drafts, "most_lines": MAX_LINES, "plain": plain}
    return Shown("entry.html", context)


@get("/orders/entry/customers", permission=PLACE, include_in_schema=False)
async def find_entry_customers(tx: Transaction, q: Typed = "") -> list[CustomerFound]:
    """Customers by a few letters."""
    return await find_customers(tx, q)


@get("/orders/entry/products", permission=PLACE, include_in_schema=False)
async def find_entry_products(
    tx: Transaction, q: Typed = "", customer: UUID | None = None, warehouse: UUID | None = None
) -> list[ProductFound]:
    """Products by a few letters, with price and stock."""
    return await find_products(tx, q, customer_id=customer, warehouse_id=warehouse)


@post("/orders/entry/matches", permission=PLACE, include_in_schema=False)
async def match_entry_products(tx: Transaction, data: Wanted) -> list[Match]:
    """Products that the lines of a spreadsheet mean."""
    return await match_products(tx, data)


@post("/orders/entry/price", permission=PLACE, include_in_schema=False)
async def price_entry_lines(tx: Transaction, request: AnyRequest, data: Quotation) -> Priced:
    """Prices, stock and credit for what is typed; a line's problem in the reader's language."""
    priced = await price_entry(tx, data)
    say: Any = language(locale_of(request.scope)).say
    told = [msgspec.structs.replace(line, problem=say(line.problem)) for line in priced.lines]
    return msgspec.structs.replace(priced, lines=told)


@get("/orders/drafts", permission=PLACE, include_in_schema=False)
async def list_entry_drafts(tx: Transaction) -> list[Draft]:
    """The person's open drafts."""
    return await list_drafts(tx)


@put("/orders/drafts/{draft_id:uuid}", permission=PLACE, include_in_schema=False)
async def save_entry_draft(tx: Transaction, draft_id: UUID, data: Saving) -> Saved:
    """Keep what was typed."""
    return await save_draft(tx, draft_id, data)


@delete("/orders/drafts/{draft_id:uuid}", permission=PLACE, include_in_schema=False)
async def discard_entry_draft(tx: Transaction, draft_id: UUID) -> None:
    """Forget a draft."""
    await discard_draft(tx, draft_id)


@post("/orders/drafts/{draft_id:uuid}/place", permission=PLACE, include_in_schema=False)
async def place_entry_draft(tx: Transaction, draft_id: UUID, data: Placing) -> Placed:
    """Make the order of a draft, once."""
    return await place_entry(tx, draft_id, data)


ROUTES = (
    show_entry, take_plain_entry, find_entry_customers, find_entry_products, match_entry_products, price_entry_lines,
    list_entry_drafts, save_entry_draft, discard_entry_draft, place_entry_draft,
)  # fmt: skip
