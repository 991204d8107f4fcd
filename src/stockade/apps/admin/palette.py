"""What the palette and the pickers ask while somebody types: ``/look-up/<kind>?q=``, as JSON for their scripts."""

import msgspec
from litestar.handlers import HTTPRouteHandler

from stockade.access.api import READ_MEMBERS
from stockade.access.fields import Search
from stockade.access.permissions import Permission
from stockade.access.routes import get
from stockade.commerce.catalog import api as catalog
from stockade.commerce.desk.look_up import Found, look_up, look_up_everything
from stockade.commerce.invoicing import api as invoicing
from stockade.commerce.orders.permissions import READ
from stockade.commerce.parties import api as parties
from stockade.commerce.stock import permissions as stock
from stockade.tenancy.transaction import Transaction


class Answer(msgspec.Struct, frozen=True):
    """What was found, best first."""

    items: list[Found]


@get("/look-up/everything", permission=READ, include_in_schema=False)
async def show_everything(tx: Transaction, q: Search = None) -> Answer:
    """Find records of every kind that the person may read."""
    return Answer(await look_up_everything(tx, q or ""))


def _route(kind: str, permission: Permission) -> HTTPRouteHandler:
    @get(f"/look-up/{kind}", permission=permission, include_in_schema=False)
    async def show_found(tx: Transaction, q: Search = None) -> Answer:
        """Find records of one kind."""
        return Answer(await look_up(tx, kind, q or ""))

    return show_found


ROUTES = (
    show_everything,
    _route("customers", parties.READ),
    _route("products", catalog.READ),
    _route("orders", READ),
    _route("invoices", invoicing.READ),
    _route("warehouses", stock.READ),
    _route("members", READ_MEMBERS),
)
