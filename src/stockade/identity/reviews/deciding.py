"""Decisions, as they are written down: once, by somebody, against the version that they looked at."""

from typing import Literal
from uuid import UUID

from stockade.database.statements import raw
from stockade.identity.reviews.reading import ItemRow, read_item
from stockade.kernel.problems import Conflict, NotFound, Problem, VersionConflict
from stockade.tenancy.transaction import Transaction

Applied = Literal["none", "changed", "removed", "gone", "last_owner"]


class ReviewClosed(Conflict):
    """What was decided in a closed review stands as evidence."""

    type = "/problems/identity/review-closed"
    title = "This review is closed"


class SubjectGone(Conflict):
    """It has no access any more: there is nothing to decide."""

    type = "/problems/identity/access-gone"
    title = "This access has ended already"


class OwnAccess(Problem):
    """Nobody decides on their own access."""

    type = "/problems/identity/own-access"
    title = "Somebody else decides on your access"
    status = 403


_LOCK_REVIEW = raw(
    "select closed_at is not null from identity.access_review where tenant_id = $1 and id = $2 for share",
    "this_tenant id",
    bool,
)
_LOCK_ITEM = raw(
    "select version from identity.access_review_item where tenant_id = $1 and review_id = $2 and id = $3 for update",
    "this_tenant review_id id",
    int,
)
_WRITE = raw(
    "update identity.access_review_item set decision = $3, reason = $4, decided_by = $5, decided_at = now(), "
    "alone = $6, effect = $7, version = version + 1 where tenant_id = $1 and id = $2",
    "this_tenant id decision reason decided_by alone effect",
)
_OTHERS = raw(
    "select exists (select from identity.membership m "
    "left join identity.role r on r.tenant_id = $1 and r.id = m.own_role_id "
    "where m.tenant_id = $1 and m.state = 'active' and m.account_id <> $2 "
    "and (m.role in ('owner', 'admin') or r.permissions @> to_jsonb(array[$3::text])))",
    "this_tenant account_id permission",
    bool,
)


async def lock_open_item(tx: Transaction, review_id: UUID, item_id: UUID, expected_version: int) -> ItemRow:
    """Return an item that can be decided, locked until the transaction ends.

    ``NotFound``, ``ReviewClosed``, ``VersionConflict`` if somebody else decided meanwhile, ``SubjectGone``.
    """
    closed = await _LOCK_REVIEW.one(tx, id=review_id)
    version = await _LOCK_ITEM.first(tx, review_id=review_id, id=item_id)
    if version is None:
        raise NotFound
    if closed:
        raise ReviewClosed
    if version != expected_version:
        raise VersionConflict
    item = await read_item(tx, review_id, item_id)
    if not item.stands:
        raise SubjectGone
    return item


async def require_not_own(tx: Transaction, item: ItemRow, permission: str) -> bool:
    """Raise ``OwnAccess`` for the principal's own place, and for their own keys while anybody else could decide.

    Return whether it is one that only they can decide: that is written down beside the decision.
    """
    if item.owner_id != tx.principal.actor_id:
        return False
    if item.kind == "member" or await others_may(tx, permission):
        raise OwnAccess
    return True


async def others_may(tx: Transaction, permission: str) -> bool:
    """Return whether somebody besides the principal can decide: another owner or admin, or a role that holds it."""
    return await _OTHERS.one(tx, account_id=tx.principal.actor_id, permission=permission)


async def write_decision(
    tx: Transaction, item: ItemRow, decision: str, *, reason: str | None, effect: Applied, alone: bool = False,
    by: UUID | None,
) -> None:  # fmt: skip
    """Write a decision down; ``by`` none: it is the organisation's choice for what nobody decided."""
    await _WRITE.run(tx, id=item.id, decision=decision, reason=reason, decided_by=by, alone=alone, effect=effect)
