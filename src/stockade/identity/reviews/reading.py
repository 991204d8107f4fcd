"""Reviews as they are read: how far each has come, and what stands in it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.reviews.policy import Undecided
from stockade.tenancy.transaction import Transaction

Kind = Literal["member", "key", "scim_token", "issuer"]
Decision = Literal["none", "keep", "change", "remove"]
Effect = Literal["none", "changed", "removed", "gone", "last_owner"]


class ReviewRow(msgspec.Struct, frozen=True):
    """A review, and how far it has come.

    ``settled`` of ``total`` are decided, or were gone before anybody decided. ``closed_by`` null beside ``closed_at``:
    it closed by itself when it was due.
    """

    id: UUID
    period: str
    opened_at: datetime
    due_at: datetime
    undecided: Undecided
    reminders: bool
    reminded: int
    closed_at: datetime | None
    closed_by: UUID | None
    closed_by_name: str | None
    total: int
    settled: int
    kept: int
    changed: int
    removed: int


class ItemRow(msgspec.Struct, frozen=True):
    """Who or what has access, as it was when the review opened, and what was decided.

    ``owner_name`` is whose access it is. ``stands``: whether it still has access. ``decided_by`` null beside a decision
    is the organisation's choice for what nobody decided; ``alone``: nobody else there could decide.
    """

    id: UUID
    review_id: UUID
    kind: Kind
    subject_id: UUID
    owner_id: UUID | None
    owner_name: str | None
    name: str
    email: str | None
    role: str
    held: dict[str, Any]
    last_used_at: datetime | None
    decision: Decision
    reason: str | None
    decided_by: UUID | None
    decided_by_name: str | None
    decided_at: datetime | None
    alone: bool
    effect: Effect
    version: int
    stands: bool

    @property
    def is_open(self) -> bool:
        """Whether a decision is still wanted."""
        return self.decision == "none" and self.effect == "none" and self.stands


STANDS = """case i.kind
    when 'member' then exists (select from identity.membership m
        where m.tenant_id = $1 and m.id = i.subject_id and m.state = 'active')
    when 'key' then exists (select from identity.api_key k where k.tenant_id = $1 and k.id = i.subject_id
        and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()))
    when 'scim_token' then exists (select from identity.scim_token s
        where s.tenant_id = $1 and s.id = i.subject_id and s.revoked_at is null)
    else exists (select from identity.token_issuer t
        where t.tenant_id = $1 and t.id = i.subject_id and t.state = 'active')
    end"""
"""Whether the subject of the item ``i`` still has access."""
_REVIEWS = f"""
    select r.id, r.period, r.opened_at, r.due_at, r.undecided, r.reminders, r.reminded, r.closed_at, r.closed_by,
        (select p.name from identity.people() p where p.account_id = r.closed_by), c.total, c.settled, c.kept,
        c.changed, c.removed
    from identity.access_review r cross join lateral (
        select count(*) as total,
            count(*) filter (where i.decision <> 'none' or i.effect <> 'none' or (r.closed_at is null and not {STANDS}))
                as settled,
            count(*) filter (where i.decision = 'keep') as kept,
            count(*) filter (where i.effect = 'changed') as changed,
            count(*) filter (where i.effect = 'removed') as removed
        from identity.access_review_item i where i.tenant_id = $1 and i.review_id = r.id
    ) c
    where r.tenant_id = $1
"""
_ALL = raw(f"{_REVIEWS} order by r.opened_at desc, r.id desc limit 200", "this_tenant", ReviewRow)
_ONE = raw(f"{_REVIEWS} and r.id = $2", "this_tenant id", ReviewRow)
_ITEMS = f"""
    select i.id, i.review_id, i.kind, i.subject_id, i.owner_id, o.name, i.name, i.email, i.role, i.held, i.last_used_at,
        i.decision, i.reason, i.decided_by, d.name, i.decided_at, i.alone, i.effect, i.version, {STANDS}
    from identity.access_review_item i
    left join identity.people() o on o.account_id = i.owner_id
    left join identity.people() d on d.account_id = i.decided_by
    where i.tenant_id = $1 and i.review_id = $2
"""
_IN_REVIEW = raw(
    f"{_ITEMS} order by array_position(array['member', 'key', 'scim_token', 'issuer'], i.kind), lower(i.name), i.id",
    "this_tenant review_id",
    ItemRow,
)
_ITEM = raw(f"{_ITEMS} and i.id = $3", "this_tenant review_id id", ItemRow)


async def list_reviews(tx: Transaction) -> list[ReviewRow]:
    """Return the reviews of the organisation, the newest first."""
    return await _ALL.all(tx)


async def read_review(tx: Transaction, review_id: UUID) -> ReviewRow:
    """Return one review, or raise ``NotFound``."""
    return await _ONE.one(tx, id=review_id)


async def list_items(tx: Transaction, review_id: UUID) -> list[ItemRow]:
    """Return what stands in a review: people first, then keys, directories' tokens, issuers."""
    return await _IN_REVIEW.all(tx, review_id=review_id)


async def read_item(tx: Transaction, review_id: UUID, item_id: UUID) -> ItemRow:
    """Return one item of a review, or raise ``NotFound``."""
    return await _ITEM.one(tx, review_id=review_id, id=item_id)
