"""The list of orders as a page, and what is done to many of them at once."""

from urllib.parse import parse_qsl
from uuid import UUID

from stockade.access.routes import opened
from stockade.apps.admin.lists import list_routes, listed, may_of
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.desk.acting import ACTIONS
from stockade.commerce.desk.bulk import MOST_AT_ONCE, read_bulk, start_bulk
from stockade.commerce.desk.listing import asked_of, ids_of
from stockade.commerce.desk.orders import ORDERS
from stockade.commerce.orders.permissions import CHANGE, READ
from stockade.idempotency.service import claim
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

BULK_LABELS = {
    "confirm": N_("Confirm"), "allocate": N_("Allocate stock"), "pick": N_("Start picking"), "ship": N_("Ship"),
    "invoice": N_("Invoice"), "close": N_("Close"),
}  # fmt: skip
"""The actions that may be done to many, in the order of an order's life."""


@page("/orders", permission=READ)
async def show_orders(tx: Transaction, request: AnyRequest) -> Shown:
    """The list of orders."""
    allowed = [
        (name, label) for name, label in BULK_LABELS.items() if ACTIONS[name].permission.granted_to(tx.principal)
    ]
    return await listed(
        tx, request, ORDERS, title=N_("Orders"), template="orders/list.html", bulk_actions=allowed, most=MOST_AT_ONCE
    )


@form("/orders/bulk", permission=CHANGE)
async def take_bulk(request: AnyRequest, fields: Fields) -> str:
    """Begin an action over the orders that were chosen, or over all that are filtered; sent twice, it begins once."""
    given = await request.form()
    chosen = [_id(text) for text in given.getall("order_id", []) if isinstance(text, str)]
    action, key = fields.get("action", ""), fields.get("idempotency_key", "")
    if len(key) < 8:
        raise Invalid("The form lacks its key: reload the page.", field="idempotency_key")
    async with opened(request) as tx:
        if fields.get("everything"):
            asked = asked_of(ORDERS, dict(parse_qsl(fields.get("query", ""))), may_of(tx))
            chosen = await ids_of(tx, ORDERS, asked, today=today(), most=MOST_AT_ONCE)
        made = await claim(tx, key[:200], f"bulk {action}", sorted(map(str, chosen)), new_id())
        if not made.replayed:
            await start_bulk(tx, made.id, action, chosen)
    return f"/orders/bulk/{made.id}"


@page("/orders/bulk/{bulk_id:uuid}", permission=READ)
async def show_bulk(tx: Transaction, request: AnyRequest, bulk_id: UUID) -> Shown:
    """How far an action over many orders has come, and what became of each."""
    return Shown("orders/bulk.html", {"bulk": await read_bulk(tx, bulk_id), "labels": BULK_LABELS})


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("This names no record.", field="order_id") from None


ROUTES = (show_orders, take_bulk, show_bulk, *list_routes(ORDERS))
