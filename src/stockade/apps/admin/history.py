"""The trail in words: what a person reads in an order's history."""

from typing import Any

from stockade.commerce.desk.order import Event


def told_of(event: Event) -> dict[str, Any] | None:
    """Return an entry of the trail as the timeline shows it; None for what nobody wants to read there."""
    words = _WORDS.get(event.action) or _WORDS.get(f"{event.action} {event.subject}")
    if words is None:
        return None
    text, detail = words(event.before or {}, event.after or {})
    return {"at": event.recorded_at, "actor": event.actor, "text": text, "detail": detail}


def timeline_of(events: list[Event]) -> list[dict[str, Any]]:
    """Return entries of the trail as a timeline shows them."""
    return [entry for event in events if (entry := told_of(event)) is not None]


def _changed(what: str, name: str) -> Any:
    return lambda before, after: (
        f"{what} of line {after.get('position')} changed",
        f"{before.get(name)} → {after.get(name)}",
    )


_WORDS: dict[str, Any] = {
    "insert orders.sales_order": lambda before, after: ("Order placed", after.get("number")),
    "insert orders.line": lambda before, after: (f"{len(after.get('rows', []))} lines entered", None),
    "orders.stage_changed": lambda before, after: (after.get("stage", "").capitalize(), f"was {before.get('stage')}"),
    "orders.held": lambda before, after: (f"{after.get('kind', '').capitalize()} hold placed", after.get("reason")),
    "orders.hold_released": lambda before, after: ("Hold released", None),
    "orders.shipped": lambda before, after: (f"Shipment {after.get('number')} left", after.get("carrier")),
    "orders.discount_changed": _changed("Discount", "discount_percent"),
    "orders.price_changed": _changed("Price", "unit_price"),
    "invoicing.issued": lambda before, after: (
        f"{'Credit note' if after.get('kind') == 'credit_note' else 'Invoice'} {after.get('number')} issued",
        after.get("note"),
    ),
}  # fmt: skip
"""Action (with its subject, where the action alone says too little) to a text and a detail."""
