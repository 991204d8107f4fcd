"""The policy: what an alert of each kind leads to, read and set."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from stockade.database.statements import TENANT, param, statement
from stockade.identity.suspicion.model import KINDS, SuspicionPolicy
from stockade.identity.suspicion.rules import DEFAULT_POLICY, Policy
from stockade.kernel.problems import VersionConflict
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


_FIELDS = [getattr(SuspicionPolicy, name) for name in PolicyRow.__struct_fields__]
_READ = statement(select(*_FIELDS).where(SuspicionPolicy.tenant_id == TENANT, SuspicionPolicy.id == TENANT), PolicyRow)
_GIVEN = {name: param(name) for name in KINDS}
_SET = statement(
    insert(SuspicionPolicy)
    .values(tenant_id=TENANT, id=TENANT, **_GIVEN)
    .on_conflict_do_update(
        index_elements=(SuspicionPolicy.tenant_id, SuspicionPolicy.id),
        set_=_GIVEN | {"version": SuspicionPolicy.version + 1},
        where=SuspicionPolicy.version == param("expected"),
    )
    .returning(*_FIELDS),
    PolicyRow,
)  # fmt: skip


async def read_policy(tx: Transaction) -> PolicyRow:
    """Return the tenant's policy, the usual one if it has set none."""
    row = await _READ.first(tx)
    return row or PolicyRow(id=tx.tenant_id, version=0, **DEFAULT_POLICY)


async def set_policy(tx: Transaction, change: PolicyChange) -> PolicyRow:
    """Set the policy; ``VersionConflict`` if somebody else did meanwhile."""
    given = {name: getattr(change, name) for name in KINDS}
    row = await _SET.first(tx, expected=change.expected_version, **given)
    if row is None or (change.expected_version == 0 and row.version != 1):
        raise VersionConflict
    return row


def as_rules(row: PolicyRow) -> Policy:
    """Return a policy as the rules read it."""
    return {kind: getattr(row, kind) for kind in DEFAULT_POLICY}
