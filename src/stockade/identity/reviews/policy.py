"""The policy of reviews: how often, how long, with which reminders, and what becomes of what nobody decided."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from stockade.identity.reviews.model import ReviewPolicy
from stockade.identity.reviews.rules import Every
from stockade.tenancy.one_row import OneRow
from stockade.tenancy.transaction import Transaction

Undecided = Literal["nothing", "remove"]


class PolicyRow(msgspec.Struct, frozen=True):
    """The policy; version 0 until somebody has set it."""

    id: UUID
    every: Every
    days_to_decide: int
    reminders: bool
    undecided: Undecided
    version: int


class PolicyChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds from the next review on: an open one keeps what it was opened with."""

    expected_version: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    every: Every
    days_to_decide: Annotated[int, msgspec.Meta(ge=7, le=60)]
    reminders: bool
    undecided: Undecided


_POLICY = OneRow(
    ReviewPolicy, PolicyRow, {"every": "quarter", "days_to_decide": 21, "reminders": True, "undecided": "nothing"}
)


async def read_policy(tx: Transaction) -> PolicyRow:
    """Return the tenant's policy: every quarter, three weeks, with reminders, nothing removed, unless it set one."""
    return await _POLICY.read(tx)


async def set_policy(tx: Transaction, change: PolicyChange) -> PolicyRow:
    """Set the policy; ``VersionConflict`` if somebody else did meanwhile."""
    return await _POLICY.set(tx, change.expected_version, {name: getattr(change, name) for name in _POLICY.names})
