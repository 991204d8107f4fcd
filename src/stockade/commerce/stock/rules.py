"""The rules of stock, without a database: what a shelf can promise, how demand shares it, what a move may do.

A shelf is one product in one warehouse. Quantities are whole units.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from stockade.kernel.problems import Conflict, Invalid
from stockade.kernel.words import said

IRREVERSIBLE = frozenset({"shipment", "reversal", "transfer"})
"""Shipped goods come back as a return, what a reversal undid is moved anew, a transfer is brought back by another."""

Shelf = tuple[UUID, UUID]
"""Warehouse and product: a level's key, in the order in which levels are locked."""


class NotEnoughStock(Conflict):
    """More would leave than is there and not promised to somebody else."""

    type = "/problems/stock/not-enough"
    title = "There is not enough stock"


class NotReversible(Conflict):
    """The move has been reversed already, or is of a kind that is not corrected by a reversal."""

    type = "/problems/stock/not-reversible"
    title = "This move cannot be reversed"


class Demand(msgspec.Struct, frozen=True):
    """What a line of an order wants of a shelf; ``whole``: all of it or nothing."""

    order_id: UUID
    position: int
    warehouse_id: UUID
    product_id: UUID
    quantity: int
    whole: bool = False

    @property
    def shelf(self) -> Shelf:
        """Where it is taken from."""
        return self.warehouse_id, self.product_id


class Change(msgspec.Struct, frozen=True):
    """A move to be made: a quantity that comes (positive) or goes (negative)."""

    id: UUID
    warehouse_id: UUID
    product_id: UUID
    quantity: int
    reason: str
    source_id: UUID | None = None
    note: str | None = None

    @property
    def shelf(self) -> Shelf:
        """Where it happens."""
        return self.warehouse_id, self.product_id


def needed(demands: Iterable[Demand]) -> dict[Shelf, int]:
    """Return the demand for each shelf: two lines that share an item each pass alone, and must not both pass."""
    total: dict[Shelf, int] = defaultdict(int)
    for demand in demands:
        total[demand.shelf] += demand.quantity
    return dict(total)


def share_out(
    demands: Sequence[Demand], available: Mapping[Shelf, int], *, all_or_nothing: bool = False
) -> list[Demand]:
    """Return what each demand gets of what is available; earlier demands are served first, empty ones are left out.

    With ``all_or_nothing`` the answer is everything or an empty list. A ``whole`` demand that is not covered takes
    nothing from those behind it.
    """
    if all_or_nothing and any(quantity > available.get(shelf, 0) for shelf, quantity in needed(demands).items()):
        return []
    left = dict(available)
    granted = []
    for demand in demands:
        quantity = min(demand.quantity, max(0, left.get(demand.shelf, 0)))
        if quantity > 0 and not (demand.whole and quantity < demand.quantity):
            left[demand.shelf] -= quantity
            granted.append(msgspec.structs.replace(demand, quantity=quantity))
    return granted


def sum_of(changes: Iterable[Change]) -> dict[Shelf, int]:
    """Return by how much each shelf changes."""
    total: dict[Shelf, int] = defaultdict(int)
    for change in changes:
        total[change.shelf] += change.quantity
    return dict(total)


def reversal_of(move: Change, *, id: UUID, note: str | None) -> Change:
    """Return the move that undoes another one; ``NotReversible`` if it is not undone that way."""
    if move.reason in IRREVERSIBLE:
        raise NotReversible(
            said("A {reason} is not reversed: record what really happened as a new move.", reason=move.reason)
        )
    return msgspec.structs.replace(
        move, id=id, quantity=-move.quantity, reason="reversal", source_id=move.id, note=note
    )


def checked_reason(reason: str, quantity: int) -> str:
    """Return the reason of an adjustment if its sign fits: damage only takes away, a return or an opening only adds."""
    if quantity == 0:
        raise Invalid("A move of nothing is no move.", field="quantity")
    if reason == "damage" and quantity > 0:
        raise Invalid("Damage takes stock away: give a negative quantity.", field="quantity")
    if reason in ("return", "opening") and quantity < 0:
        raise Invalid(
            said("A move for the reason {reason} adds stock: give a positive quantity.", reason=reason),
            field="quantity",
        )
    return reason


class CountClosed(Conflict):
    """The count was approved or cancelled."""

    type = "/problems/stock/count-closed"
    title = "This count is closed"


class NothingCounted(Conflict):
    """A count without an entry has nothing to approve."""

    type = "/problems/stock/nothing-counted"
    title = "Nothing has been counted yet"


class CountUnsettled(Conflict):
    """Goods moved between two entries of products that differ; ``products`` says which."""

    type = "/problems/stock/count-unsettled"
    title = "Some products moved while they were counted"


class CountedLine(Protocol):
    """What a count found of a product: None if nobody has counted it, and what the books said at that moment."""

    @property
    def counted(self) -> int | None: ...  # noqa: D102  # the class says it
    @property
    def booked_then(self) -> int | None: ...  # noqa: D102
    @property
    def left_out(self) -> bool: ...  # noqa: D102
    @property
    def moved_meanwhile(self) -> bool: ...  # noqa: D102


AnyCounted = TypeVar("AnyCounted", bound=CountedLine)


def difference(line: CountedLine) -> int | None:
    """Return by how much a line is to be corrected; None if nobody has counted it.

    What was found is compared with what the books said when it was found (at the last entry): goods that came or went
    before that are in both, goods that came or went since then are in neither, and stay as they were booked.
    """
    if line.counted is None or line.booked_then is None:
        return None
    return line.counted - line.booked_then


def corrections(lines: Iterable[AnyCounted]) -> list[AnyCounted]:
    """Return the lines whose difference is booked when the count is approved."""
    return [line for line in lines if not line.left_out and difference(line) not in (None, 0)]


def unsettled(lines: Iterable[AnyCounted]) -> list[AnyCounted]:
    """Return the corrections that would be guesses: their goods moved between their first and their last entry, and
    nobody can know whether they came from a place that had been counted already."""
    return [line for line in corrections(lines) if line.moved_meanwhile]
