"""The policy of reviews: how often, how long, with which reminders, and what becomes of what nobody decided."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from stockade.database.statements import TENANT, param, statement
from stockade.identity.reviews.model import ReviewPolicy
from stockade.identity.reviews.rules import Every
from stockade.kernel.problems import VersionConflict
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


_NAMES = ("every", "days_to_decide", "reminders", "undecided")
_FIELDS = [getattr(ReviewPolicy, name) for name in PolicyRow.__struct_fields__]
_READ = statement(select(*_FIELDS).where(ReviewPolicy.tenant_id == TENANT, ReviewPolicy.id == TENANT), PolicyRow)
_GIVEN = {name: param(name) for name in _NAMES}
_SET = statement(
    insert(ReviewPolicy)
    .values(tenant_id=TENANT, id=TENANT, **_GIVEN)
    .on_conflict_do_update(
        index_elements=(ReviewPolicy.tenant_id, ReviewPolicy.id),
        set_=_GIVEN | {"version": ReviewPolicy.version + 1},
        where=ReviewPolicy.version == param("expected"),
    )
    .returning(*_FIELDS),
    PolicyRow,
)


async def read_policy(tx: Transaction) -> PolicyRow:
    """Return the tenant's policy: every quarter, three weeks, with reminders, nothing removed, unless it set one."""
    row = await _READ.first(tx)
    return row or PolicyRow(tx.tenant_id, "quarter", 21, reminders=True, undecided="nothing", version=0)


async def set_policy(tx: Transaction, change: PolicyChange) -> PolicyRow:
    """Set the policy; ``VersionConflict`` if somebody else did meanwhile."""
    given = {name: getattr(change, name) for name in _NAMES}
    row = await _SET.first(tx, expected=change.expected_version, **given)
    if row is None or (change.expected_version == 0 and row.version != 1):
        raise VersionConflict
    return row
