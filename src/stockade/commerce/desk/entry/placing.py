"""Placing an entry: the draft goes, the order comes, in one transaction, once."""

from uuid import UUID

import msgspec

from stockade.commerce.desk.entry.drafts import KnownVersion, key_of, take_draft
from stockade.commerce.orders import permissions as may
from stockade.commerce.orders import service
from stockade.commerce.orders.commands import Confirmation, NewOrder
from stockade.commerce.orders.rules import backordered
from stockade.commerce.orders.views import HoldView, OrderView
from stockade.idempotency.service import claim
from stockade.identity.service.members import list_members
from stockade.kernel.ids import new_id
from stockade.kernel.money import Money
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Transaction


class Placing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The order that a draft came to; ``confirm`` makes it binding at once, which needs ``orders:confirm``."""

    expected_version: KnownVersion
    order: NewOrder
    confirm: bool = False


class PlacedLine(msgspec.Struct, frozen=True):
    """What became of a line: of ``quantity`` pieces, so many are ``reserved``, and so many wait for stock."""

    position: int
    sku: str
    name: str
    quantity: int
    reserved: int
    backordered: int


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """The order as it stands. ``repeated``: it was placed before, by a request whose answer was lost. ``releasers`` are
    the names of those who may release its holds; ``may_release`` whether the reader is one of them."""

    order_id: UUID
    number: str
    stage: str
    gross: Money
    lines: list[PlacedLine]
    holds: list[HoldView]
    releasers: list[str]
    may_release: bool
    repeated: bool


async def place_entry(tx: Transaction, draft_id: UUID, placing: Placing) -> Placed:
    """Make the order of a draft, and confirm it if that is asked for; the draft is gone with it.

    The draft's id is the key: whatever comes twice, a second Enter or a request that was sent again, gets the order
    that the first one made. Raises what ``take_draft``, ``place_order`` and ``confirm`` raise.
    """
    if placing.confirm:
        may.CONFIRM.require(tx.principal)
    made = await claim(tx, key_of(draft_id), "place entry", str(draft_id), new_id())
    if made.replayed:
        return await _placed(tx, await service.read_order(tx, made.id), repeated=True)
    await take_draft(tx, draft_id, placing.expected_version)
    order = await service.place_order(tx, made.id, placing.order)
    if placing.confirm:
        order = await service.confirm(tx, made.id, Confirmation(expected_version=order.version))
    return await _placed(tx, order, repeated=False)


async def _placed(tx: Transaction, order: OrderView, *, repeated: bool) -> Placed:
    lines = [
        PlacedLine(
            line.position, line.sku, line.description, line.quantity, line.reserved,
            backordered(line) if order.stage != "draft" else 0,
        )
        for line in order.lines
    ]  # fmt: skip
    holds = [hold for hold in order.holds if hold.released_at is None]
    return Placed(
        order_id=order.id, number=order.number, stage=order.stage, gross=order.gross, lines=lines, holds=holds,
        releasers=await _releasers(tx) if holds else [], may_release=may.RELEASE.granted_to(tx.principal),
        repeated=repeated,
    )  # fmt: skip


async def _releasers(tx: Transaction) -> list[str]:
    """Return the names of those who may release a hold."""
    return [
        member.name
        for member in await list_members(tx)
        if member.state == "active"
        and may.RELEASE.granted_to(
            Principal(
                tenant_id=tx.tenant_id, actor_id=member.account_id, kind=tx.principal.kind, role=member.role
            )
        )
    ]  # fmt: skip
