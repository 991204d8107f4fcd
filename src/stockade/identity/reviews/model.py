"""Reviews' tables: the review of a quarter, what stood in it with what was decided, and the organisation's policy."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Integer, Text, Uuid, false, func, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from stockade.tenancy.declaration import (
    TenantTable,
    business,
    check,
    column,
    index,
    personal,
    reference,
    stages,
    technical,
    unique,
)
from stockade.tenancy.masks import initials, mail_mask

SUBJECTS = ("member", "key", "scim_token", "issuer")
"""What is reviewed: people's places, keys, directories' tokens, trusted issuers of outside tokens."""
DECISIONS = ("none", "keep", "change", "remove")
EFFECTS = ("none", "changed", "removed", "gone", "last_owner")
"""What came of it: nothing, a changed role, a removal; it was gone already; or it is the last owner's, and stays."""
UNDECIDED = ("nothing", "remove")
EVERY = ("quarter", "half_year", "year")
_CHANGED = "identity.review_policy_changed"
_DECIDED = "identity.access_decided"


class AccessReview(TenantTable, table="identity.access_review", insert_event="identity.review_opened"):
    """The review of a quarter (``period`` as in 2026-Q4). What the policy said at its opening holds to its end.

    It is due at the moment ``due_at``: what is undecided then becomes what ``undecided`` says, and it closes.
    """

    period: Mapped[str] = column(Text, business(), fixed=True)
    opened_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    due_at: Mapped[datetime] = column(DateTime(timezone=True), business(), fixed=True)
    undecided: Mapped[str] = stages(*UNDECIDED, rule=business(), fixed=True)
    reminders: Mapped[bool] = column(Boolean, business(), fixed=True, server_default=true())
    reminded: Mapped[int] = column(Integer, technical(), server_default="0")
    """How many of its letters have left: the opening's, the one a week before, the due day's."""
    closed_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(event="identity.review_closed"))
    closed_by: Mapped[UUID | None] = column(Uuid, business())
    """Who closed it; none: it closed by itself."""

    __constraints__ = (unique("period"), check("reminded", "reminded between 0 and 3"))


class AccessReviewItem(TenantTable, table="identity.access_review_item"):
    """Somebody or something with access: what it had when the review opened, and what was decided about it.

    ``held`` is the snapshot: role, permissions, regions, warehouses, a key's scope. ``decided_by`` none beside a
    decision: the organisation's choice for what nobody decided.
    """

    review_id: Mapped[UUID] = reference(AccessReview, business(), fixed=True)
    kind: Mapped[str] = stages(*SUBJECTS, rule=business(), fixed=True)
    subject_id: Mapped[UUID] = column(Uuid, business(), fixed=True)
    owner_id: Mapped[UUID | None] = column(Uuid, business(), fixed=True)
    """The account whose access it is: the member's own, or that of whoever issued the key or token."""
    name: Mapped[str] = column(Text, personal("access review", mask=initials, erase="pseudonym"), fixed=True)
    email: Mapped[str | None] = column(Text, personal("access review", mask=mail_mask, erase="pseudonym"), fixed=True)
    role: Mapped[str] = column(Text, business(), fixed=True)
    """A system role, ``own`` with the name of the organisation's role in ``held``, or empty for what has none."""
    held: Mapped[dict[str, Any]] = column(JSONB(none_as_null=True), business(), fixed=True)
    last_used_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(), fixed=True)
    decision: Mapped[str] = stages(*DECISIONS, rule=business(event=_DECIDED), server_default="none")
    reason: Mapped[str | None] = column(Text, business())
    decided_by: Mapped[UUID | None] = column(Uuid, business())
    decided_at: Mapped[datetime | None] = column(DateTime(timezone=True), business(event=_DECIDED))
    alone: Mapped[bool] = column(Boolean, business(), server_default=false())
    """Decided by the one whose access it is, since nobody else there could."""
    effect: Mapped[str] = stages(*EFFECTS, rule=business(), server_default="none")
    version: Mapped[int] = column(Integer, technical(), server_default="1")

    __constraints__ = (
        unique("review_id", "kind", "subject_id"),
        check("decided", "(decision = 'none') = (decided_at is null)"),
        check("by_whom", "decision in ('none', 'remove') or decided_by is not null"),
        index("subject_id"),
    )


class ReviewPolicy(TenantTable, table="identity.review_policy"):
    """How an organisation reviews. One row; its id is the tenant's. Without it, the usual holds."""

    every: Mapped[str] = stages(*EVERY, rule=business(event=_CHANGED))
    days_to_decide: Mapped[int] = column(Integer, business(event=_CHANGED), server_default="21")
    reminders: Mapped[bool] = column(Boolean, business(event=_CHANGED), server_default=true())
    undecided: Mapped[str] = stages(*UNDECIDED, rule=business(event=_CHANGED))
    version: Mapped[int] = column(Integer, technical(), server_default="1")

    __constraints__ = (check("single", "id = tenant_id"), check("days", "days_to_decide between 7 and 60"))
