"""Orders on paper, through the API: each document as PDF, and one kind of it for several orders as one file."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response
from litestar.params import QueryParameter

from stockade.access.routes import get
from stockade.commerce.orders.permissions import READ
from stockade.commerce.orders.printing import (
    MOST_AT_ONCE,
    NothingToPrint,
    PaperKind,
    delivery_note,
    documents_for_orders,
)
from stockade.commerce.parties.printing import Paper, to_download, typeset
from stockade.kernel.clock import today
from stockade.kernel.problems import NotFound
from stockade.tenancy.transaction import Transaction

OrderIds = Annotated[list[UUID], QueryParameter(min_items=1, max_items=MOST_AT_ONCE, description="Repeat it.")]
_PDF: dict[str, Any] = {"media_type": "application/pdf", "heavy": True, "finish": typeset}


@get("/orders/{order_id:uuid}/confirmation.pdf", permission=READ, problems=[NothingToPrint], **_PDF)
async def download_confirmation(tx: Transaction, order_id: UUID) -> Response[bytes]:
    """Download the confirmation of an order, with prices. It is no invoice."""
    return _named(await documents_for_orders(tx, [order_id], "confirmation"), "confirmation")


@get("/orders/{order_id:uuid}/pick-list.pdf", permission=READ, problems=[NothingToPrint], **_PDF)
async def download_pick_list(tx: Transaction, order_id: UUID) -> Response[bytes]:
    """Download what is to be fetched for an order: what is reserved, by SKU, with barcodes."""
    return _named(await documents_for_orders(tx, [order_id], "pick-list"), "pick-list")


@get("/shipments/{shipment_id:uuid}/delivery-note.pdf", permission=READ, **_PDF)
async def download_delivery_note(tx: Transaction, shipment_id: UUID) -> Response[bytes]:
    """Download the note that goes with a shipment: what it holds, and what follows. It names no prices."""
    return _named(await delivery_note(tx, shipment_id), "delivery-note")


@get("/orders/documents.pdf", permission=READ, problems=[NotFound, NothingToPrint], **_PDF)
async def download_order_documents(tx: Transaction, kind: PaperKind, order_id: OrderIds) -> Response[bytes]:
    """Download one kind of document of several orders as one file, in the order in which they are named.

    Orders that have nothing to print are passed over. Of each order, all its delivery notes are printed.
    """
    return to_download(await documents_for_orders(tx, order_id, kind), f"{kind}s-{today()}")


def _named(paper: Paper, kind: str) -> Response[Any]:
    document: Any = paper.documents[0]
    number = getattr(document, "order_number" if kind == "pick-list" else "number")
    return to_download(paper, f"{kind}-{number}")


ROUTES = [download_confirmation, download_pick_list, download_delivery_note, download_order_documents]
