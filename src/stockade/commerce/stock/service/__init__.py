"""The verbs of stock."""

from stockade.commerce.stock.service.levels import LevelView, LowStock, list_levels, list_low_stock
from stockade.commerce.stock.service.moves import (
    MoveView,
    adjust,
    list_moves,
    make_moves,
    read_move,
    read_moves_of,
    receive,
    reverse,
    transfer,
)
from stockade.commerce.stock.service.reservations import (
    ReservationRow,
    consume,
    release,
    release_expired,
    reserve,
    set_expiry,
)
from stockade.commerce.stock.service.warehouses import (
    CodeTaken,
    WarehouseView,
    create_warehouse,
    list_warehouses,
    read_warehouse,
)

__all__ = [
    "CodeTaken", "LevelView", "LowStock", "MoveView", "ReservationRow", "WarehouseView", "adjust", "consume",
    "create_warehouse", "list_levels", "list_low_stock", "list_moves", "list_warehouses", "make_moves", "read_move",
    "read_moves_of", "read_warehouse", "receive", "release", "release_expired", "reserve", "reverse", "set_expiry",
    "transfer",
]  # fmt: skip
