"""The state of every claim, from the last evidence of its controls: pure rules, without input or output.

    holds   every control of the claim holds, and every result is fresh
    fails   a control of it fails, or what is stored of it does not verify
    stale   a control of it has not run yet, or not within its maximum age
    absent  no control proves it: it is not built yet

The worst counts. A failure does not turn stale: it stays a failure until a check has found otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from stockade.kernel.control import Control
from stockade.trust.claims import Claim, Group
from stockade.trust.evidence import Recorded

State = Literal["holds", "fails", "stale", "absent"]
STATES: tuple[State, ...] = ("holds", "fails", "stale", "absent")
_WORST_FIRST: tuple[State, ...] = ("fails", "stale", "holds")
CLOCK_TOLERANCE = timedelta(minutes=5)
ALTERED = "The stored result does not verify: it was altered, or signed with another key."
NEVER_RUN = "The check has not run yet."


class ControlState(msgspec.Struct, frozen=True):
    """A control with its last evidence; ``said`` is the signed statement, empty if there is none that verifies."""

    control: Control
    state: State
    result: str
    checked_at: datetime | None
    recorded: Recorded | None
    said: Mapping[str, Any]


class ClaimState(msgspec.Struct, frozen=True):
    """A claim with its controls, the one that decides first: the worst, among equals the one checked longest ago."""

    claim: Claim
    state: State
    controls: tuple[ControlState, ...]


class TrustState(msgspec.Struct, frozen=True):
    """Every claim with its state at one moment (aware, UTC)."""

    at: datetime
    groups: tuple[tuple[Group, tuple[ClaimState, ...]], ...]
    controls: tuple[ControlState, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many claims there are in each state."""
        states = [claim.state for claim in self.claims]
        return {state: states.count(state) for state in STATES}

    @property
    def claims(self) -> list[ClaimState]:
        """Every claim, in the order of the page."""
        return [claim for _, claims in self.groups for claim in claims]

    @property
    def newest(self) -> ControlState | None:
        """The control that was checked last."""
        ran = [item for item in self.controls if item.checked_at is not None]
        return max(ran, key=lambda item: item.checked_at or self.at) if ran else None


def judge(
    groups: Sequence[Group], controls: Iterable[Control], found: Mapping[str, Recorded], public_key: bytes, at: datetime
) -> TrustState:
    """Return the state of every claim at a moment. Only what the key has signed is believed."""
    states = tuple(
        state_of(control, found.get(control.id), public_key, at)
        for control in sorted(controls, key=lambda item: item.id)
    )
    judged = tuple(
        (
            group,
            tuple(
                _claim_state(claim, [item for item in states if claim.id in item.control.claims])
                for claim in group.claims
            ),
        )
        for group in groups
    )
    return TrustState(at, judged, states)


def state_of(control: Control, recorded: Recorded | None, public_key: bytes, at: datetime) -> ControlState:
    """Return the state of one control.

    Attack: whoever can write the table, but has no key, copies a column or an older row's. So the state is read from
    the signed statement alone, and a statement from the future, which would stay fresh for long, counts as stale.
    """
    if recorded is None:
        return ControlState(control, "stale", NEVER_RUN, None, None, {})
    if not recorded.is_genuine(public_key):
        return ControlState(control, "fails", ALTERED, None, recorded, {})
    said = recorded.statement
    checked_at = datetime.fromisoformat(said["checked_at"])
    state: State = "fails"
    if said["outcome"] == "holds":
        age = at - checked_at
        state = "holds" if -CLOCK_TOLERANCE <= age <= timedelta(seconds=said["max_age_seconds"]) else "stale"
    return ControlState(control, state, said["summary"], checked_at, recorded, said)


def _claim_state(claim: Claim, controls: list[ControlState]) -> ClaimState:
    if not controls:
        return ClaimState(claim, "absent", ())
    ordered = sorted(controls, key=_urgency)
    return ClaimState(claim, ordered[0].state, tuple(ordered))


def _urgency(item: ControlState) -> tuple[int, float, str]:
    checked = item.checked_at.timestamp() if item.checked_at is not None else 0.0
    return _WORST_FIRST.index(item.state), checked, item.control.id
