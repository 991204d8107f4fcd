"""What the desk does to an order: each action with the permission that it takes, for one order or for many."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from stockade.access.permissions import Permission
from stockade.commerce.invoicing.api import ISSUE
from stockade.commerce.invoicing.service.issuing import issue_invoice
from stockade.commerce.orders import permissions as may
from stockade.commerce.orders import service
from stockade.commerce.orders.commands import Cancellation, Confirmation, NewShipment
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Transaction

Act = Callable[[Transaction, UUID, int], Awaitable[Any]]


class Action(msgspec.Struct, frozen=True):
    """A verb over an order as its reader has seen it, and what it takes. ``many``: it may be done to many at once."""

    permission: Permission
    act: Act
    many: bool = False


async def _confirm(tx: Transaction, order_id: UUID, version: int) -> None:
    await service.confirm(tx, order_id, Confirmation(expected_version=version))


async def _ship(tx: Transaction, order_id: UUID, version: int) -> None:
    await service.ship(tx, new_id(), NewShipment(order_id=order_id, expected_version=version))


async def _invoice(tx: Transaction, order_id: UUID, version: int) -> None:
    await issue_invoice(tx, new_id(), order_id, expected_version=version)


async def _cancel(tx: Transaction, order_id: UUID, version: int) -> None:
    await service.cancel(tx, order_id, Cancellation(expected_version=version))


ACTIONS: Mapping[str, Action] = {
    "confirm": Action(may.CONFIRM, _confirm, many=True),
    "allocate": Action(may.CONFIRM, service.allocate, many=True),
    "pick": Action(may.SHIP, service.start_picking, many=True),
    "ship": Action(may.SHIP, _ship, many=True),
    "invoice": Action(ISSUE, _invoice, many=True),
    "close": Action(may.CLOSE, service.close, many=True),
    "cancel": Action(may.CANCEL, _cancel),
}
