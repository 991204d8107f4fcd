"""Closing: by hand once everything is decided, or by itself when it is due, with the organisation's choice applied."""

from datetime import datetime
from uuid import UUID

from stockade.database.statements import raw
from stockade.identity.reviews.deciding import ReviewClosed, others_may, write_decision
from stockade.identity.reviews.reading import ItemRow, ReviewRow, list_items, read_review
from stockade.identity.reviews.removing import remove_subject
from stockade.identity.service.members import LastOwner
from stockade.kernel.problems import Conflict, NotFound
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction


class StillUndecided(Conflict):
    """A review closes by hand once everything is decided."""

    type = "/problems/identity/review-undecided"
    title = "Something is not decided yet"


_LOCK = raw(
    "select closed_at is not null from identity.access_review where tenant_id = $1 and id = $2 for update",
    "this_tenant id",
    bool,
)
_DUE = raw(
    "select id from identity.access_review where tenant_id = $1 and closed_at is null and due_at <= $2 "
    "order by id for update",
    "this_tenant at",
    UUID,
)
_CLOSE = raw(
    "update identity.access_review set closed_at = $3, closed_by = $4 where tenant_id = $1 and id = $2",
    "this_tenant id at who",
)
_MARK = raw(
    "update identity.access_review_item set effect = $3, version = version + 1 where tenant_id = $1 and id = $2",
    "this_tenant id effect",
)


async def close_review(tx: Transaction, review_id: UUID, at: datetime, permission: str) -> ReviewRow:
    """Close a review in which everything is decided; ``NotFound``, ``ReviewClosed``, ``StillUndecided``.

    The closer's own place, which nobody else there could decide, is left as it is.
    """
    closed = await _LOCK.first(tx, id=review_id)
    if closed is None:
        raise NotFound
    if closed:
        raise ReviewClosed
    items = await list_items(tx, review_id)
    left = [item for item in items if item.is_open]
    if left and not await others_may(tx, permission):
        left = [item for item in left if (item.kind, item.owner_id) != ("member", tx.principal.actor_id)]
    if left:
        raise StillUndecided(said("{count} are not decided yet.", count=len(left)))
    await _mark_gone(tx, items)
    await _CLOSE.run(tx, id=review_id, at=at, who=tx.principal.actor_id)
    return await read_review(tx, review_id)


async def close_due(tx: Transaction, at: datetime) -> list[UUID]:
    """Close every review whose time is over, with the organisation's choice for what nobody decided; return which."""
    closed = await _DUE.all(tx, at=at)
    for review_id in closed:
        review, items = await read_review(tx, review_id), await list_items(tx, review_id)
        await _mark_gone(tx, items)
        if review.undecided == "remove":
            await remove_undecided(tx, items)
        await _CLOSE.run(tx, id=review_id, at=at, who=None)
    return closed


async def remove_undecided(tx: Transaction, items: list[ItemRow]) -> None:
    """Remove what nobody decided, what was idle longest first: of several owners, the one who works here stays."""
    idle_first = sorted(
        (item for item in items if item.is_open),
        key=lambda item: (item.last_used_at is not None, item.last_used_at and item.last_used_at.timestamp()),
    )
    for item in idle_first:
        try:
            await remove_subject(tx, item)
        except LastOwner:
            await _MARK.run(tx, id=item.id, effect="last_owner")
        else:
            await write_decision(tx, item, "remove", reason=None, effect="removed", by=None)


async def _mark_gone(tx: Transaction, items: list[ItemRow]) -> None:
    for item in items:
        if item.decision == "none" and item.effect == "none" and not item.stands:
            await _MARK.run(tx, id=item.id, effect="gone")
