"""What an order's page shows, made of what was read: pure, so that the page's template only draws."""

from typing import Any
from uuid import UUID

from stockade.commerce.desk import order as desk
from stockade.commerce.desk.acting import ACTIONS
from stockade.commerce.orders import permissions as may
from stockade.commerce.orders.amounts import Taxed, vat_groups
from stockade.commerce.orders.model import STAGES
from stockade.commerce.orders.rules import backordered, choices, left, shippable
from stockade.commerce.orders.views import OrderView
from stockade.kernel.clock import today
from stockade.kernel.money import Money
from stockade.kernel.words import N_
from stockade.tenancy.principal import Principal

TOLD = {
    "confirm": N_("The order is confirmed."), "allocate": N_("What has arrived is reserved."),
    "pick": N_("Picking has started."), "ship": N_("The shipment has left."), "invoice": N_("The invoice is issued."),
    "close": N_("The order is closed."), "cancel": N_("What had not left is cancelled."),
    "release": N_("The hold is released."), "hold": N_("The order is on hold."), "edit": N_("The draft is saved."),
    "note": N_("The note is written."), "note-back": N_("The note is taken back. Write it again if that was a slip."),
    "placed": N_("The order is placed."),
}  # fmt: skip
"""What was just done, by the word in the address."""
ACTION_LABELS = {
    "confirm": N_("Confirm"), "allocate": N_("Allocate stock"), "pick": N_("Start picking"), "ship": N_("Ship"),
    "invoice": N_("Invoice"), "close": N_("Close"), "cancel": N_("Cancel"),
}  # fmt: skip
METHOD_LABELS = {
    "bank_transfer": N_("Bank transfer"), "card": N_("Card"), "cash": N_("Cash"), "cheque": N_("Cheque"),
    "direct_debit": N_("Direct debit"), "import": N_("Imported"),
}  # fmt: skip


def context_of(
    order: OrderView, stock: dict[UUID, desk.Shelf], invoices: list[desk.Document], terms: desk.Terms,
    events: list[desk.Event], principal: Principal,
) -> dict[str, Any]:  # fmt: skip
    """Return what ``orders/order.html`` draws of an order and what surrounds it."""
    steps = _steps(order, principal)
    ready = shippable(order.lines)
    return {
        "order": order, "head": _head(order, invoices, terms), "progress": _progress(order, events), "steps": steps,
        "main_step": next((step for step in steps if step["allowed"] and step["name"] != "cancel"), None),
        "lines": [_line(line, stock.get(line.product_id), ready) for line in order.lines],
        "vat_groups": _groups(order), "invoices": invoices, "terms": terms, "methods": METHOD_LABELS,
        "holds": [_hold(hold, events) for hold in order.holds if hold.released_at is None],
        "may_release": may.RELEASE.granted_to(principal),
        "may_hold": may.HOLD.granted_to(principal) and order.stage in ("confirmed", "picking"),
        "may_ship_parts": may.SHIP.granted_to(principal) and order.stage == "picking" and bool(ready),
    }  # fmt: skip


def _head(order: OrderView, invoices: list[desk.Document], terms: desk.Terms) -> dict[str, Any]:
    open_stage = order.stage in ("draft", "confirmed", "picking")
    billed = [it.payment for it in invoices if it.kind == "invoice"]
    payment = next((state for state in ("overdue", "part_paid", "open", "paid") if state in billed), "none")
    agreed = order.delivery
    place = (
        [agreed.recipient, agreed.street, f"{agreed.postcode} {agreed.city}", agreed.country]
        if agreed is not None
        else terms.delivery
    )
    return {
        "late": order.requested_on is not None and order.requested_on < today() and open_stage, "payment": payment,
        "delivery": "\n".join(place) if place else None,
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


def _steps(order: OrderView, principal: Principal) -> list[dict[str, Any]]:
    """Return the actions that the person's role allows; those that the order does not allow say why."""
    return [
        {"name": it.action, "label": ACTION_LABELS[it.action], "allowed": it.allowed, "reason": it.why_not}
        for it in choices(order)
        if it.action in ACTIONS and ACTIONS[it.action].permission.granted_to(principal)
    ]


def _line(line: Any, shelf: desk.Shelf | None, ready: dict[int, int]) -> dict[str, Any]:
    on_hand = shelf.on_hand if shelf else None
    return {
        "position": line.position, "product_id": line.product_id, "sku": line.sku, "description": line.description,
        "unit": shelf.unit if shelf else "", "ordered": line.quantity, "reserved": line.reserved,
        "shipped": line.shipped, "cancelled": line.cancelled, "backordered": backordered(line), "left": left(line),
        "ready": ready.get(line.position, 0), "unit_price": line.unit_price,
        "discount_percent": line.discount_percent, "vat_rate": line.vat_rate, "net": line.net, "on_hand": on_hand,
        "stock_reserved": shelf.reserved if shelf else 0,
        "available": on_hand - shelf.reserved if shelf and on_hand is not None else 0,
    }  # fmt: skip


def _groups(order: OrderView) -> list[dict[str, Any]]:
    groups = vat_groups(Taxed(line.vat_category, line.vat_rate, line.net.amount_minor) for line in order.lines)
    currency = order.net.currency
    return [
        {"rate": it.vat_rate, "net": Money(it.net_minor, currency), "vat": Money(it.vat_minor, currency)}
        for it in groups
    ]


def _hold(hold: Any, events: list[desk.Event]) -> dict[str, Any]:
    placed_by = next(
        (it.actor for it in events if it.action == "orders.held" and it.recorded_at >= hold.placed_at), "Stockade"
    )
    return {
        "id": hold.id, "kind": hold.kind, "reason": hold.reason, "placed_at": hold.placed_at, "placed_by": placed_by,
    }  # fmt: skip
