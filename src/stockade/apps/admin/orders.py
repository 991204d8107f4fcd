"""The list of orders as a page, and what is done to many of them at once."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from litestar import Response

from stockade.access.routes import held, opened
from stockade.apps.admin.lists import list_routes, listed, may_of
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.desk.acting import ACTIONS
from stockade.commerce.desk.bulk import MOST_AT_ONCE, read_bulk, start_bulk
from stockade.commerce.desk.listing import asked_of, ids_of
from stockade.commerce.desk.listing.asking import MOST_RECORDS
from stockade.commerce.desk.orders import ORDERS
from stockade.commerce.orders import printing
from stockade.commerce.orders.permissions import CHANGE, READ
from stockade.commerce.parties.printing import to_download, typeset
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
PAPER_LABELS: Mapping[printing.PaperKind, str] = {
    "pick-list": N_("Pick lists"), "confirmation": N_("Confirmations"), "delivery-note": N_("Delivery notes"),
}  # fmt: skip


@page("/orders", permission=READ)
async def show_orders(tx: Transaction, request: AnyRequest) -> Shown:
    """The list of orders."""
    allowed = [
        (name, label) for name, label in BULK_LABELS.items() if ACTIONS[name].permission.granted_to(tx.principal)
    ]
    return await listed(
        tx, request, ORDERS, title=N_("Orders"), template="orders/list.html", bulk_actions=allowed, papers=PAPER_LABELS,
        most=MOST_AT_ONCE,
    )  # fmt: skip


@form("/orders/bulk", permission=CHANGE)
async def take_bulk(request: AnyRequest, fields: Fields) -> str:
    """Begin an action over the orders that were chosen, or over all that are filtered; sent twice, it begins once."""
    action, key = fields.get("action", ""), fields.get("idempotency_key", "")
    if len(key) < 8:
        raise Invalid("The form lacks its key: reload the page.", field="idempotency_key")
    async with opened(request) as tx:
        # What is filtered changes by the action itself: a repetition is told by what was asked for.
        asked = fields.get("query", "") if fields.get("everything") else await _named(request)
        made = await claim(tx, key[:200], f"bulk {action}", asked, new_id())
        if not made.replayed:
            await start_bulk(tx, made.id, action, await _chosen(tx, request, fields, MOST_AT_ONCE))
    return f"/orders/bulk/{made.id}"


@form("/orders/print", permission=READ)
async def take_print(request: AnyRequest, fields: Fields) -> Response[Any]:
    """Download one kind of document of the orders that were chosen, as one file."""
    kind = next((kind for kind in PAPER_LABELS if kind == fields.get("kind")), None)
    if kind is None:
        raise Invalid("This cannot be printed.", field="kind")
    with held(request):
        async with opened(request) as tx:
            orders = await _chosen(tx, request, fields, printing.MOST_AT_ONCE)
            paper = await printing.documents_for_orders(tx, orders, kind)
        return await typeset(to_download(paper, f"{kind}s-{today()}"))


@form("/orders/export", permission=READ)
async def take_export(request: AnyRequest, fields: Fields) -> str:
    """Go to the download of the orders that were chosen, with the columns of the list."""
    asked = dict(parse_qsl(fields.get("query", "")))
    if not fields.get("everything"):
        only = ",".join(map(str, (await _named(request))[:MOST_RECORDS]))
        asked = {name: text for name, text in asked.items() if name in ("columns", "sort")} | {"only": only}
    return f"/orders.xlsx?{urlencode(asked)}"


@page("/orders/bulk/{bulk_id:uuid}", permission=READ)
async def show_bulk(tx: Transaction, request: AnyRequest, bulk_id: UUID) -> Shown:
    """How far an action over many orders has come, and what became of each."""
    return Shown("orders/bulk.html", {"bulk": await read_bulk(tx, bulk_id), "labels": BULK_LABELS})


async def _chosen(tx: Transaction, request: AnyRequest, fields: Fields, most: int) -> list[UUID]:
    """Return the orders that a form is about: those that were ticked, or the first ``most`` of what is filtered."""
    if not fields.get("everything"):
        return await _named(request)
    asked = asked_of(ORDERS, dict(parse_qsl(fields.get("query", ""))), may_of(tx))
    return await ids_of(tx, ORDERS, asked, today=today(), most=most)


async def _named(request: AnyRequest) -> list[UUID]:
    given = await request.form()
    return [_id(text) for text in given.getall("order_id", []) if isinstance(text, str)]


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("This names no record.", field="order_id") from None


ROUTES = (show_orders, take_bulk, take_print, take_export, show_bulk, *list_routes(ORDERS))
