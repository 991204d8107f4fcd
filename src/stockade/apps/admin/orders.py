"""The order list and one order, as pages. They call the verbs that the API calls."""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from sqlalchemy import insert

from stockade.access.fields import ExpectedVersion
from stockade.access.pages import Cursor, decode_cursor, encode_cursor
from stockade.access.permissions import Permission
from stockade.access.routes import get, opened
from stockade.apps.admin.history import told_of
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.desk import order as desk
from stockade.commerce.desk.model import Export
from stockade.commerce.desk.orders import DeskFilter, DeskRow, Place, desk_orders, stage_counts
from stockade.commerce.invoicing.api import ISSUE
from stockade.commerce.invoicing.service.issuing import issue_invoice
from stockade.commerce.orders import permissions as may
from stockade.commerce.orders import service
from stockade.commerce.orders.amounts import Taxed, vat_groups
from stockade.commerce.orders.commands import Cancellation, Confirmation, NewShipment
from stockade.commerce.orders.model import STAGES
from stockade.commerce.orders.rules import backordered, choices
from stockade.commerce.orders.views import OrderView
from stockade.database.statements import TENANT, param, statement
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.money import Money, exponent_of
from stockade.kernel.problems import Invalid, Problem
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Transaction, Unauthenticated
from stockade.web.problems import problem_document

PAGE_SIZE = 50
MOST_EXPORTED = 50_000
STAGE_LABELS = {name: name.capitalize() for name in STAGES}
Search = Annotated[str, QueryParameter(max_length=100)]
Flag = Annotated[str, QueryParameter(max_length=1)]
Stage = Annotated[str, QueryParameter(max_length=20)]
_EXPORT = statement(
    insert(Export).values(
        tenant_id=TENANT, id=param("id"), kind=param("kind"), filters=param("filters"), rows=param("rows")
    )
)


@page("/orders", permission=may.READ)
async def show_orders(
    tx: Transaction, request: AnyRequest, q: Search = "", stage: Stage = "", late: Flag = "", overdue: Flag = "",
    after: Cursor | None = None, before: Cursor | None = None,
) -> Shown:  # fmt: skip
    """The list of orders."""
    wanted = _filter(q, stage, late, overdue)
    forward, backward = _place(after), _place(before)
    rows = await desk_orders(tx, wanted, today=today(), count=PAGE_SIZE + 1, after=forward, before=backward)
    counts = await stage_counts(tx)
    more = len(rows) > PAGE_SIZE
    shown = rows[1:] if more and backward else rows[:PAGE_SIZE]
    context = {
        "orders": shown,
        "stages": [("", "All", sum(counts.values()))]
        + [(name, STAGE_LABELS[name], counts.get(name, 0)) for name in STAGES],
        "filters": wanted,
        "next_cursor": _cursor(shown[-1]) if shown and (more if not backward else True) else None,
        "previous_cursor": _cursor(shown[0]) if shown and (forward or (backward and more)) else None,
        "any_orders": bool(counts),
        "can_export": True,
    }
    partial = request.headers.get("hx-request") == "true"
    return Shown("orders_results.html" if partial else "orders.html", context)


@get("/orders.csv", permission=may.READ, include_in_schema=False, heavy=True)
async def export_orders(
    tx: Transaction, q: Search = "", stage: Stage = "", late: Flag = "", overdue: Flag = ""
) -> Response[bytes]:
    """The filtered orders as CSV; the export is an entry of the trail."""
    wanted = _filter(q, stage, late, overdue)
    rows = await desk_orders(tx, wanted, today=today(), count=MOST_EXPORTED)
    await _EXPORT.run(tx, id=new_id(), kind="orders", filters=msgspec.structs.asdict(wanted), rows=len(rows))
    headers = {"Content-Disposition": 'attachment; filename="orders.csv"'}
    return Response(csv_of(rows), media_type="text/csv; charset=utf-8", headers=headers)


@page("/orders/{order_id:uuid}", permission=may.READ)
async def show_order(tx: Transaction, request: AnyRequest, order_id: UUID) -> Shown:
    """One order."""
    return await _order_page(tx, order_id, told=_TOLD.get(request.query_params.get("done", "")))


Act = Callable[[Transaction, UUID, int], Awaitable[Any]]


async def _confirm(tx: Transaction, order_id: UUID, version: int) -> None:
    await service.confirm(tx, order_id, Confirmation(expected_version=version))


async def _ship(tx: Transaction, order_id: UUID, version: int) -> None:
    await service.ship(tx, new_id(), NewShipment(order_id=order_id, expected_version=version))


async def _invoice(tx: Transaction, order_id: UUID, version: int) -> None:
    await issue_invoice(tx, new_id(), order_id, expected_version=version)


async def _cancel(tx: Transaction, order_id: UUID, version: int) -> None:
    await service.cancel(tx, order_id, Cancellation(expected_version=version))


ACTIONS: dict[str, tuple[Permission, Act]] = {
    "confirm": (may.CONFIRM, _confirm),
    "allocate": (may.CONFIRM, service.allocate),
    "pick": (may.SHIP, service.start_picking),
    "ship": (may.SHIP, _ship),
    "invoice": (ISSUE, _invoice),
    "close": (may.CLOSE, service.close),
    "cancel": (may.CANCEL, _cancel),
}
"""What the page's buttons do, and what it takes to press them."""
_TOLD = {
    "confirm": "The order is confirmed.", "allocate": "What has arrived is reserved.", "pick": "Picking has started.",
    "ship": "What was reserved has left.", "invoice": "The invoice is issued.", "close": "The order is closed.",
    "cancel": "What had not left is cancelled.", "release": "The hold is released.",
}  # fmt: skip


def _action_route(name: str, permission: Permission, act: Act) -> HTTPRouteHandler:
    @form(f"/orders/{{order_id:uuid}}/{name}", permission=permission)
    async def take(request: AnyRequest, fields: Fields, order_id: UUID) -> Shown | str:
        """Do what a button of the order's page says; a refusal is shown on the page as it then is."""
        version = _expected_version(fields)
        return await _attempt(request, order_id, name, lambda tx: act(tx, order_id, version))

    return take


@form("/orders/{order_id:uuid}/holds/{hold_id:uuid}/release", permission=may.RELEASE)
async def take_release(request: AnyRequest, fields: Fields, order_id: UUID, hold_id: UUID) -> Shown | str:
    """Release a hold."""
    version = _expected_version(fields)
    return await _attempt(request, order_id, "release", lambda tx: service.release_hold(tx, order_id, hold_id, version))


async def _attempt(
    request: AnyRequest, order_id: UUID, name: str, act: Callable[[Transaction], Awaitable[Any]]
) -> Shown | str:  # fmt: skip
    try:
        async with opened(request) as tx:
            await act(tx)
    except Unauthenticated:
        raise
    except Problem as problem:
        document = problem_document(problem, request.scope["state"]["request_id"])
        async with opened(request) as tx:
            shown = await _order_page(tx, order_id, problem=document)
        return msgspec.structs.replace(shown, status=problem.status)
    return f"/orders/{order_id}?done={name}"


def _expected_version(fields: Fields) -> int:
    try:
        return msgspec.convert({"expected_version": int(fields["expected_version"])}, ExpectedVersion).expected_version
    except (KeyError, ValueError, msgspec.ValidationError):
        raise Invalid(
            "The form does not say which version of the order it shows: reload it.", field="expected_version"
        ) from None


async def _order_page(
    tx: Transaction, order_id: UUID, *, problem: dict[str, Any] | None = None, told: str | None = None
) -> Shown:  # fmt: skip
    order = await service.read_order(tx, order_id)
    stock = await desk.shelves(tx, order)
    invoices = await desk.documents(tx, order_id, today())
    terms = await desk.terms(tx, order.customer.id)
    subjects = [order_id, *(it.id for part in (order.holds, order.shipments, invoices) for it in part)]
    events = await desk.history(tx, subjects)
    context = {
        "order": _head(order, invoices, terms),
        "progress": _progress(order, events),
        "actions": _actions(order, tx.principal),
        "lines": [_line(line, stock.get(line.product_id)) for line in order.lines],
        "vat_groups": _groups(order),
        "holds": [_hold(hold, tx.principal, events) for hold in order.holds if hold.released_at is None],
        "shipments": [
            {"number": it.number, "shipped_at": it.shipped_at, "carrier": it.carrier, "tracking": it.tracking,
             "pieces": sum(line.quantity for line in it.lines)}
            for it in order.shipments
        ],
        "invoices": invoices,
        "history": [entry for event in events if (entry := told_of(event)) is not None],
        "problem": problem,
        "told": told,
    }  # fmt: skip
    return Shown("order.html", context)


def _head(order: OrderView, invoices: list[desk.Document], terms: desk.Terms) -> dict[str, Any]:
    late = (
        order.requested_on is not None
        and order.requested_on < today()
        and order.stage in ("draft", "confirmed", "picking")
    )
    billed = [it.payment for it in invoices if it.kind == "invoice"]
    payment = next((state for state in ("overdue", "part_paid", "open", "paid") if state in billed), "none")
    return {
        "id": order.id, "number": order.number, "version": order.version, "stage": order.stage, "payment": payment,
        "late": late, "customer_name": order.customer.name, "customer_reference": order.customer_reference,
        "placed_at": order.placed_at, "requested_on": order.requested_on,
        "terms": f"{terms.terms_days} days" if terms.terms_days else "In advance",
        "delivery_address": "\n".join(terms.delivery) if terms.delivery else None, "net": order.net, "vat": order.vat,
        "rounding": Money(0, order.net.currency), "gross": order.gross,
    }  # fmt: skip


def _progress(order: OrderView, events: list[desk.Event]) -> list[dict[str, Any]]:
    reached = {"draft": order.placed_at}
    for event in reversed(events):
        if event.action == "orders.stage_changed" and event.after:
            reached[event.after["stage"]] = event.recorded_at
    path = [stage for stage in STAGES if stage != "cancelled"]
    if order.stage == "cancelled":
        path = [stage for stage in path if stage in reached] + ["cancelled"]
    here = path.index(order.stage)
    states = ["done" if place < here else "now" if place == here else "ahead" for place in range(len(path))]
    return [
        {"stage": stage, "state": state, "at": reached.get(stage)} for stage, state in zip(path, states, strict=True)
    ]


def _actions(order: OrderView, principal: Principal) -> list[dict[str, Any]]:
    """The buttons that the person's role allows; those that the order does not say why."""
    return [
        {"name": it.action, "label": it.label, "allowed": it.allowed, "reason": it.why_not}
        for it in choices(order)
        if it.action in ACTIONS and ACTIONS[it.action][0].granted_to(principal)
    ]


def _line(line: Any, shelf: desk.Shelf | None) -> dict[str, Any]:
    on_hand = shelf.on_hand if shelf else None
    return {
        "sku": line.sku, "description": line.description, "unit": shelf.unit if shelf else "", "ordered": line.quantity,
        "reserved": line.reserved, "shipped": line.shipped, "backordered": backordered(line),
        "unit_price": line.unit_price, "discount_percent": line.discount_percent, "vat_rate": line.vat_rate,
        "net": line.net, "on_hand": on_hand,
        "stock_reserved": shelf.reserved if shelf else 0,
        "available": on_hand - shelf.reserved if shelf and on_hand is not None else 0,
    }  # fmt: skip


def _groups(order: OrderView) -> list[dict[str, Any]]:
    groups = vat_groups(Taxed(line.vat_category, line.vat_rate, line.net.amount_minor) for line in order.lines)
    return [
        {
            "rate": it.vat_rate,
            "net": Money(it.net_minor, order.net.currency),
            "vat": Money(it.vat_minor, order.net.currency),
        }
        for it in groups
    ]


def _hold(hold: Any, principal: Principal, events: list[desk.Event]) -> dict[str, Any]:
    placed_by = next(
        (it.actor for it in events if it.action == "orders.held" and it.recorded_at >= hold.placed_at), "Stockade"
    )
    releasable = may.RELEASE.granted_to(principal)
    return {
        "id": hold.id, "kind": hold.kind, "reason": hold.reason, "placed_at": hold.placed_at, "placed_by": placed_by,
        "releasable": releasable, "release_reason": "" if releasable else "An admin or the owner can release it.",
    }  # fmt: skip


def csv_of(rows: list[DeskRow]) -> bytes:
    """Return orders as CSV (RFC 4180), amounts in major units; a text that a spreadsheet would run is put in quotes.

    Attack: a customer called ``=HYPERLINK(…)`` runs when the file is opened.
    """
    out = io.StringIO()
    write = csv.writer(out).writerow
    write(["number", "customer", "placed_at", "requested_on", "stage", "holds", "payment", "total", "currency"])
    for row in rows:
        places = exponent_of(row.total.currency)
        total = f"{Decimal(row.total.amount_minor).scaleb(-places):.{places}f}"
        texts = [
            row.number,
            row.customer_name,
            row.placed_at.isoformat(),
            row.requested_on or "",
            row.stage,
            " ".join(row.hold_kinds),
        ]
        write([*(_harmless(str(text)) for text in texts), row.payment, total, row.total.currency])
    return out.getvalue().encode()


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _filter(q: str, stage: str, late: str, overdue: str) -> DeskFilter:
    if "\0" in q or (stage and stage not in STAGES):
        raise Invalid("There is no such filter.", field="stage" if stage else "q")
    return DeskFilter(q.strip(), stage, late == "1", overdue == "1")


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    placed_at, order_id = decode_cursor(cursor, (datetime, UUID))
    if placed_at.tzinfo is None:
        raise Invalid("This cursor does not come from a page of ours.", field="after")
    return placed_at, order_id


def _cursor(row: DeskRow) -> str:
    return encode_cursor(row.placed_at, row.id)


ROUTES = [
    show_orders, export_orders, show_order, take_release, *(_action_route(name, *how) for name, how in ACTIONS.items()),
]  # fmt: skip
