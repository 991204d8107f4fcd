"""The policy: what an alert of each kind leads to, read and set."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from stockade.identity.suspicion.model import SuspicionPolicy
from stockade.identity.suspicion.rules import DEFAULT_POLICY, Policy
from stockade.tenancy.one_row import OneRow
from stockade.tenancy.transaction import Transaction

Choice = Literal["notify", "step_up", "lock"]


class PolicyRow(msgspec.Struct, frozen=True):
    """What each kind leads to; version 0 until somebody has set it."""

    id: UUID
    new_country: str
    new_device: str
    impossible_travel: str
    abnormal_rate: str
    bulk_export: str
    lockout: str
    token_reuse: str
    version: int


class PolicyChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What each kind is to lead to from now on."""

    expected_version: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    new_country: Choice
    new_device: Choice
    impossible_travel: Choice
    abnormal_rate: Choice
    bulk_export: Choice
    lockout: Choice
    token_reuse: Choice


_POLICY = OneRow(SuspicionPolicy, PolicyRow, DEFAULT_POLICY)


async def read_policy(tx: Transaction) -> PolicyRow:
    """Return the tenant's policy, the usual one if it has set none."""
    return await _POLICY.read(tx)


async def set_policy(tx: Transaction, change: PolicyChange) -> PolicyRow:
    """Set the policy; ``VersionConflict`` if somebody else did meanwhile."""
    return await _POLICY.set(tx, change.expected_version, {kind: getattr(change, kind) for kind in _POLICY.names})


def as_rules(row: PolicyRow) -> Policy:
    """Return a policy as the rules read it."""
    return {kind: getattr(row, kind) for kind in DEFAULT_POLICY}
