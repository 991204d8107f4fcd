"""The rules of orders, without a database: which action leads from which stage to which, and what it requires.

``TRANSITIONS`` is the only place that says so. Every verb asks it before it acts; pages ask it for the actions to offer
and for the sentence that says why one is not offered.

Fulfilment follows from the lines: an order is shipped when nothing is left to come, invoiced when all that was shipped
is invoiced, cancelled when nothing is left and nothing was shipped.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from stockade.commerce.orders.model import STAGES
from stockade.kernel.problems import Conflict, Invalid
from stockade.kernel.words import said


class NotInThisStage(Conflict):
    """The order's stage does not admit the action; ``stage`` and ``action`` name them."""

    type = "/problems/orders/not-in-this-stage"
    title = "The order is not in a stage that allows this"


class OnHold(Conflict):
    """An open hold keeps the order from going on."""

    type = "/problems/orders/on-hold"
    title = "A hold is open: release it first"


class NothingToShip(Conflict):
    """Nothing of the order is reserved, so nothing can leave."""

    type = "/problems/orders/nothing-to-ship"
    title = "Nothing is reserved for this order: allocate stock first"


class NoBackorder(Conflict):
    """Everything that is still to come is reserved already."""

    type = "/problems/orders/no-backorder"
    title = "Nothing is on backorder"


class NoOpenHold(Conflict):
    """There is no open hold to release."""

    type = "/problems/orders/no-open-hold"
    title = "No hold is open"


class NothingToInvoice(Conflict):
    """Everything that was shipped is invoiced already."""

    type = "/problems/orders/nothing-to-invoice"
    title = "Nothing was shipped that is not invoiced"


class NothingLeft(Conflict):
    """All of the order has left or been cancelled."""

    type = "/problems/orders/nothing-left"
    title = "Nothing is left to cancel"


class LineState(Protocol):
    """How far a line has come, in units."""

    @property
    def position(self) -> int: ...  # noqa: D102  # the class says it
    @property
    def quantity(self) -> int: ...  # noqa: D102
    @property
    def stocked(self) -> bool: ...  # noqa: D102
    @property
    def reserved(self) -> int: ...  # noqa: D102
    @property
    def shipped(self) -> int: ...  # noqa: D102
    @property
    def invoiced(self) -> int: ...  # noqa: D102
    @property
    def cancelled(self) -> int: ...  # noqa: D102


class OrderState(Protocol):
    """What the rules look at: the stage, the lines, and how many holds are open."""

    @property
    def stage(self) -> str: ...  # noqa: D102
    @property
    def lines(self) -> Sequence[LineState]: ...  # noqa: D102
    @property
    def open_holds(self) -> int: ...  # noqa: D102


AnyLine = TypeVar("AnyLine", bound=LineState)


def left(line: LineState) -> int:
    """Return how much of a line is still to come."""
    return line.quantity - line.shipped - line.cancelled


def backordered(line: LineState) -> int:
    """Return how much of a line waits for stock: still to come, and not reserved."""
    return left(line) - line.reserved if line.stocked else 0


def shippable(lines: Iterable[LineState]) -> dict[int, int]:
    """Return what can leave now, by position: what is reserved, and all that is left of what is not kept in stock."""
    ready = {line.position: line.reserved if line.stocked else left(line) for line in lines}
    return {position: quantity for position, quantity in ready.items() if quantity > 0}


class Requirement(msgspec.Struct, frozen=True):
    """What an order must meet besides its stage, and the problem if it does not."""

    problem: type[Conflict]
    met: Callable[[OrderState], bool]


_RELEASED = Requirement(OnHold, lambda order: order.open_holds == 0)
_HELD = Requirement(NoOpenHold, lambda order: order.open_holds > 0)
_READY = Requirement(NothingToShip, lambda order: bool(shippable(order.lines)))
_SHORT = Requirement(NoBackorder, lambda order: any(backordered(line) > 0 for line in order.lines))
_LEFT = Requirement(NothingLeft, lambda order: any(left(line) > 0 for line in order.lines))
_DUE = Requirement(NothingToInvoice, lambda order: any(line.shipped > line.invoiced for line in order.lines))


class Step(msgspec.Struct, frozen=True):
    """Where an action may lead, and what it requires."""

    to: tuple[str, ...]
    requires: tuple[Requirement, ...] = ()


TRANSITIONS: dict[tuple[str, str], Step] = {
    ("draft", "change"): Step(("draft",)),
    ("draft", "confirm"): Step(("confirmed",)),
    ("draft", "cancel"): Step(("cancelled",)),
    ("confirmed", "hold"): Step(("confirmed",)),
    ("confirmed", "release"): Step(("confirmed",), (_HELD,)),
    ("confirmed", "allocate"): Step(("confirmed",), (_SHORT,)),
    ("confirmed", "pick"): Step(("picking",), (_RELEASED, _READY)),
    ("confirmed", "cancel"): Step(("confirmed", "cancelled"), (_LEFT,)),
    ("picking", "hold"): Step(("picking",)),
    ("picking", "release"): Step(("picking",), (_HELD,)),
    ("picking", "allocate"): Step(("picking",), (_SHORT,)),
    ("picking", "ship"): Step(("picking", "shipped", "invoiced"), (_RELEASED, _READY)),
    ("picking", "cancel"): Step(("picking", "shipped", "invoiced", "cancelled"), (_LEFT,)),
    ("picking", "invoice"): Step(("picking",), (_DUE,)),
    ("shipped", "invoice"): Step(("shipped", "invoiced"), (_DUE,)),
    ("invoiced", "close"): Step(("closed",)),
}
"""(stage, action) to the stages that it may lead to. What is not here is refused."""

ACTIONS: dict[str, str] = {
    "change": "Change", "confirm": "Confirm", "hold": "Put on hold", "release": "Release the hold",
    "allocate": "Allocate stock", "pick": "Start picking", "ship": "Ship", "invoice": "Invoice", "close": "Close",
    "cancel": "Cancel",
}  # fmt: skip
"""Every action, and what a page calls it."""


class Choice(msgspec.Struct, frozen=True):
    """An action on an order: whether it is possible now and, when not, a sentence why."""

    action: str
    label: str
    allowed: bool
    why_not: str = ""


def refusal(order: OrderState, action: str) -> Conflict | None:
    """Return why an action is not possible now, or None if it is."""
    step = TRANSITIONS.get((order.stage, action))
    if step is None:
        return NotInThisStage(_outside(order.stage, action), stage=order.stage, action=action)
    for requirement in step.requires:
        if not requirement.met(order):
            return requirement.problem(stage=order.stage, action=action)
    return None


def require(order: OrderState, action: str) -> Step:
    """Return the action's step, or raise why it is not possible now."""
    refused = refusal(order, action)
    if refused is not None:
        raise refused
    return TRANSITIONS[order.stage, action]


def choices(order: OrderState) -> list[Choice]:
    """Return every action with whether it is possible, for pages."""
    made = []
    for action, label in ACTIONS.items():
        refused = refusal(order, action)
        why = "" if refused is None else f"{(refused.detail or refused.title).rstrip('.')}."
        made.append(Choice(action, label, refused is None, why))
    return made


def stage_after(stage: str, lines: Iterable[LineState]) -> str:
    """Return the stage that follows from the lines once something was shipped, invoiced or cancelled."""
    known = list(lines)
    if any(left(line) > 0 for line in known):
        return stage
    if not any(line.shipped for line in known):
        return "cancelled"
    return "invoiced" if all(line.invoiced >= line.shipped for line in known) else "shipped"


def plan_shipment(lines: Iterable[LineState], wanted: Mapping[int, int] | None) -> dict[int, int]:
    """Return what leaves by position: what is wanted, or (None) all that can; never more than is reserved.

    What is not kept in stock (postage, services) leaves in whole with the first shipment, named or not.
    """
    known = list(lines)
    ready = shippable(known)
    if wanted is None:
        return ready
    for position, quantity in wanted.items():
        if quantity > ready.get(position, 0):
            raise Invalid(
                said(
                    "Of line {position}, {value} can be shipped now.", position=position, value=ready.get(position, 0)
                ),
                field="lines",
            )
    implied = {line.position: left(line) for line in known if not line.stocked and left(line) > 0}
    return implied | dict(wanted)


def plan_cancellation(lines: Iterable[LineState], positions: Sequence[int] | None) -> dict[int, int]:
    """Return how much of which position is cancelled: all that is left of the named ones, or of all of them."""
    remaining = {line.position: left(line) for line in lines}
    for position in positions or ():
        if remaining.get(position, 0) == 0:
            raise Invalid(said("Nothing is left of line {position}.", position=position), field="positions")
    chosen = remaining if positions is None else {position: remaining[position] for position in positions}
    return {position: quantity for position, quantity in chosen.items() if quantity > 0}


def plan_invoice(lines: Iterable[LineState], positions: Mapping[int, int]) -> dict[int, int]:
    """Return what is invoiced by position; ``Invalid`` if it is more than was shipped and not invoiced."""
    due = {line.position: line.shipped - line.invoiced for line in lines}
    for position, quantity in positions.items():
        if not 0 < quantity <= due.get(position, 0):
            raise Invalid(
                said("Of line {position}, {value} can be invoiced now.", position=position, value=due.get(position, 0)),
                field="lines",
            )
    return dict(positions)


def fulfilment(lines: Iterable[LineState]) -> str:
    """Return how far delivery has come, as a word: open, partial or complete."""
    known = list(lines)
    if not any(left(line) > 0 for line in known):
        return "complete"
    return "partial" if any(line.shipped for line in known) else "open"


def _outside(stage: str, action: str) -> str:
    """Say in which stages an action is possible."""
    stages = [name for name in STAGES if (name, action) in TRANSITIONS]
    where = " or ".join(stages)
    return f"{ACTIONS.get(action, action)}: possible while an order is {where}, and this one is {stage}."
