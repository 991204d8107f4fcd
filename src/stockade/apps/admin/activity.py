"""What happened lately, in words: entries of the trail as the dashboard tells them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from stockade.commerce.desk.dashboard import Happened
from stockade.kernel.money import Money
from stockade.kernel.words import said

Values = Mapping[str, Any]


class Told(msgspec.Struct, frozen=True):
    """One thing that happened: when, by whom, what (translated where it is shown), and where its record is."""

    at: datetime
    actor: str
    text: str
    symbol: str
    address: str


class _Kind(msgspec.Struct, frozen=True):
    """A kind of entry: who may hear of it, its icon, where its record is, and what is said of its label and values."""

    permission: str
    symbol: str
    address: str
    tell: Callable[[str, Values], str]


def told_of(entry: Happened, may: Callable[[str], bool]) -> Told | None:
    """Return an entry in words; None for one that there are no words for, or that is not for the reader."""
    kind = _KINDS.get(entry.action) or _KINDS.get(f"{entry.action} {entry.subject}")
    if kind is None or not may(kind.permission):
        return None
    if not (text := kind.tell(entry.label or "", entry.after or {})):
        return None
    address = kind.address.format(id=entry.record_id) if kind.address else ""
    return Told(entry.recorded_at, entry.actor, text, kind.symbol, address)


_STAGES: Mapping[str, Callable[[str], str]] = {
    "draft": lambda number: said("Order {number} is a draft again", number=number),
    "confirmed": lambda number: said("Order {number} confirmed", number=number),
    "picking": lambda number: said("Picking of order {number} started", number=number),
    "shipped": lambda number: said("Order {number} shipped", number=number),
    "invoiced": lambda number: said("Order {number} invoiced", number=number),
    "closed": lambda number: said("Order {number} closed", number=number),
    "cancelled": lambda number: said("Order {number} cancelled", number=number),
}


def _issued(label: str, after: Values) -> str:
    number = after.get("number", "")
    if after.get("kind") == "credit_note":
        return said("Credit note {number} issued", number=number)
    return said("Invoice {number} issued", number=number)


def _paid(label: str, after: Values) -> str:
    amount = Money(int(after.get("amount_minor", 0)), str(after.get("currency", "EUR")))
    return said("Payment of {amount} recorded", amount=amount)


def _archived(label: str, after: Values) -> str:
    if after.get("state") == "archived":
        return said("Product {sku} archived", sku=label)
    return said("Product {sku} restored", sku=label)


_IMPORTS: Mapping[str, Callable[[], str]] = {
    "finished": lambda: said("An import has finished"),
    "stopped": lambda: said("An import was stopped"),
    "refused": lambda: said("A file could not be imported"),
    "running": lambda: said("An import was started"),
}


def _imported(label: str, after: Values) -> str:
    tell = _IMPORTS.get(after.get("state", ""))
    return tell() if tell else ""


_ORDER, _PRODUCT = "/orders/{id}", "/products/{id}"
_KINDS: Mapping[str, _Kind] = {
    "orders.stage_changed": _Kind(
        "orders:read", "clipboard-check", _ORDER,
        lambda label, after: _STAGES.get(after.get("stage", ""), _STAGES["draft"])(label),
    ),
    "orders.held": _Kind(
        "orders:read", "circle-pause", _ORDER, lambda label, after: said("Order {number} put on hold", number=label)
    ),
    "orders.hold_released": _Kind(
        "orders:read", "circle-play", _ORDER, lambda label, after: said("Hold on order {number} released", number=label)
    ),
    "orders.shipped": _Kind(
        "orders:read", "truck", _ORDER,
        lambda label, after: said("Shipment {number} left", number=after.get("number", "")),
    ),
    "invoicing.issued": _Kind("invoices:read", "receipt", "/invoices/{id}", _issued),
    "receivables.paid": _Kind("payments:read", "banknote", "/payments/{id}", _paid),
    "catalog.state_changed": _Kind("catalog:read", "archive", _PRODUCT, _archived),
    "desk.exported": _Kind(
        "orders:read", "download", "",
        lambda label, after: said("{n} rows exported: {kind}", n=after.get("rows", 0), kind=after.get("kind", "")),
    ),
    "imports.state_changed": _Kind("imports:read", "import", "/imports/{id}", _imported),
    "insert orders.sales_order": _Kind(
        "orders:read", "clipboard-list", _ORDER,
        lambda label, after: said("Order {number} placed", number=after.get("number", "")),
    ),
    "insert parties.customer": _Kind(
        "parties:read", "user-plus", "/customers/{id}",
        lambda label, after: said("Customer {number} added", number=after.get("number", "")),
    ),
    "insert catalog.product": _Kind(
        "catalog:read", "package-plus", _PRODUCT,
        lambda label, after: said("Product {sku} added", sku=after.get("sku", "")),
    ),
}  # fmt: skip
"""Action (with its subject, where the action alone says too little) to what is said of it."""
