"""Deciding on access: nobody on their own, nobody more than they could do by hand, people alone, while a review is
open. A removal holds from the next request on.
"""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from stockade.access.api import ISSUE_KEYS, MANAGE_MEMBERS, MemberChange, RoleName, change_member
from stockade.access.factors import require_person
from stockade.access.fields import Version
from stockade.access.permissions import Permission, permission
from stockade.access.provisioning import MANAGE_PROVISIONING
from stockade.access.rights import permissions_of
from stockade.access.roles import require_assignable
from stockade.access.routes import verb_of
from stockade.access.sign_on import MANAGE as MANAGE_SIGN_ON
from stockade.identity.reviews import closing, opening
from stockade.identity.reviews.deciding import Applied, lock_open_item, require_not_own, write_decision
from stockade.identity.reviews.reading import ItemRow, ReviewRow, read_item, read_review
from stockade.identity.reviews.removing import remove_subject
from stockade.identity.service.members import read_member
from stockade.identity.signing_in.recent import require_recent
from stockade.kernel.clock import now
from stockade.kernel.problems import Invalid
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

READ_REVIEWS = permission("reviews:read", least="admin")
DECIDE = permission("reviews:decide", least="admin")
CONFIGURE_REVIEWS = permission("reviews:configure", least="owner")
_BY_HAND: dict[str, Permission] = {
    "member": MANAGE_MEMBERS, "key": ISSUE_KEYS, "scim_token": MANAGE_PROVISIONING,
    "issuer": MANAGE_SIGN_ON,
}  # fmt: skip
"""What removing each kind by hand asks for."""
Reason = Annotated[str, msgspec.Meta(max_length=500)]


class NewDecision(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of somebody's or something's access. A removal or a change says why; a change names the role."""

    expected_version: Version
    decision: Literal["keep", "change", "remove"]
    reason: Reason | None = None
    role: RoleName | None = None
    own_role_id: UUID | None = None


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item of a review, as it was looked at."""

    item_id: UUID
    expected_version: Version


class KeepMany(msgspec.Struct, forbid_unknown_fields=True):
    """Several items that keep their access: all of them, or none if one of them cannot."""

    items: Annotated[list[Chosen], msgspec.Meta(min_length=1, max_length=500)]
    reason: Reason | None = None


async def open_now(tx: Transaction, id: UUID) -> ReviewRow:
    """Open the review of the running quarter before its time; ``AlreadyOpened``, ``PeopleOnly``."""
    require_person(tx.principal)
    await opening.open_review(tx, id, now(), permissions_of)
    return await read_review(tx, id)


async def decide(tx: Transaction, review_id: UUID, item_id: UUID, data: NewDecision) -> ItemRow:
    """Decide on one item, and do what was decided.

    ``ReviewClosed``, ``VersionConflict``, ``SubjectGone``, ``OwnAccess``, ``LastOwner``, ``Forbidden`` for what the
    principal could not do by hand, ``StepUpNeeded``.
    """
    item = await lock_open_item(tx, review_id, item_id, data.expected_version)
    require_person(tx.principal)
    alone = await require_not_own(tx, item, DECIDE.name)
    reason = (data.reason or "").strip() or None
    if data.decision != "keep" and reason is None:
        raise Invalid(N_("Say why."), field="reason")
    effect = await _apply(tx, item, data)
    await write_decision(
        tx, item, data.decision, reason=reason, effect=effect, alone=alone, by=tx.principal.actor_id
    )  # fmt: skip
    return await read_item(tx, review_id, item_id)


async def keep_many(tx: Transaction, review_id: UUID, data: KeepMany) -> ReviewRow:
    """Keep several, all or none; as ``decide``."""
    for chosen in sorted(set(data.items), key=lambda item: item.item_id):
        decision = NewDecision(expected_version=chosen.expected_version, decision="keep", reason=data.reason)
        await decide(tx, review_id, chosen.item_id, decision)
    return await read_review(tx, review_id)


async def close(tx: Transaction, review_id: UUID) -> ReviewRow:
    """Close a review in which everything is decided; ``StillUndecided``, ``ReviewClosed``."""
    await read_review(tx, review_id)  # another tenant's is not found, whoever asks
    require_person(tx.principal)
    return await closing.close_review(tx, review_id, now(), DECIDE.name)


async def _apply(tx: Transaction, item: ItemRow, data: NewDecision) -> Applied:
    if data.decision == "keep":
        return item.effect  # a role that was changed before stays one that was changed
    _BY_HAND[item.kind].require(tx.principal)
    await require_recent(tx)
    if data.decision == "change":
        await _change(tx, item, data)
        return "changed"
    if item.kind == "member":
        member = await read_member(tx, item.subject_id)
        await require_assignable(tx, member.role, member.own_role_id)
    await remove_subject(tx, item)
    return "removed"


async def _change(tx: Transaction, item: ItemRow, data: NewDecision) -> None:
    if item.kind != "member":
        raise Invalid(N_("Only a person's role can be changed here: keep it, or remove it."), field="decision")
    if data.role is None:
        raise Invalid(N_("Choose a role."), field="role")
    change = MemberChange(role=data.role, own_role_id=data.own_role_id, state="active")
    await verb_of(change_member)(tx, item.subject_id, change)
