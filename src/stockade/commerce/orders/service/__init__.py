"""The verbs of orders."""

from stockade.commerce.orders.service.change import change_draft
from stockade.commerce.orders.service.confirm import CustomerArchived, allocate, confirm
from stockade.commerce.orders.service.finish import cancel, close, expire_reservations, mark_invoiced
from stockade.commerce.orders.service.holds import AlreadyHeld, place_hold, release_hold
from stockade.commerce.orders.service.locked import lock_order
from stockade.commerce.orders.service.place import place_order
from stockade.commerce.orders.service.quote import Quote, QuotedLine, quote
from stockade.commerce.orders.service.read import Filter, list_orders, read_order, read_shipment
from stockade.commerce.orders.service.ship import ship, start_picking

__all__ = [
    "AlreadyHeld", "CustomerArchived", "Filter", "Quote", "QuotedLine", "allocate", "cancel", "change_draft", "close",
    "confirm", "expire_reservations", "list_orders", "lock_order", "mark_invoiced", "place_hold", "place_order",
    "quote", "read_order", "read_shipment", "release_hold", "ship", "start_picking",
]  # fmt: skip
