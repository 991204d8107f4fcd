"""Access reviews through the API: what stands in them, decisions, and the organisation's policy."""

from uuid import UUID

from stockade.access import reviewing
from stockade.access.factors import PeopleOnly
from stockade.access.permissions import Forbidden
from stockade.access.reviewing import CONFIGURE_REVIEWS, DECIDE, READ_REVIEWS, KeepMany, NewDecision
from stockade.access.routes import create, get, post, put
from stockade.identity.reviews import policy, reading
from stockade.identity.reviews.closing import StillUndecided
from stockade.identity.reviews.deciding import OwnAccess, ReviewClosed, SubjectGone
from stockade.identity.reviews.opening import AlreadyOpened
from stockade.identity.reviews.policy import PolicyChange, PolicyRow
from stockade.identity.reviews.reading import ItemRow, ReviewRow
from stockade.identity.service.members import LastOwner
from stockade.identity.signing_in.recent import StepUpNeeded
from stockade.kernel.problems import VersionConflict
from stockade.tenancy.transaction import Transaction

_REFUSALS = [PeopleOnly, ReviewClosed, SubjectGone, OwnAccess, VersionConflict, Forbidden]


@get("/access-reviews", permission=READ_REVIEWS)
async def list_access_reviews(tx: Transaction) -> list[ReviewRow]:
    """List the reviews of who has access, the newest first, with how far each has come."""
    return await reading.list_reviews(tx)


@get("/access-reviews/{review_id:uuid}", permission=READ_REVIEWS)
async def read_access_review(tx: Transaction, review_id: UUID) -> ReviewRow:
    """Read how far a review has come."""
    return await reading.read_review(tx, review_id)


@create("/access-reviews", permission=DECIDE, read=read_access_review, problems=[AlreadyOpened, PeopleOnly])
async def open_access_review(tx: Transaction, id: UUID) -> ReviewRow:
    """Open the review of the running quarter before it opens by itself."""
    return await reviewing.open_now(tx, id)


@get("/access-reviews/{review_id:uuid}/items", permission=READ_REVIEWS)
async def list_access_review_items(tx: Transaction, review_id: UUID) -> list[ItemRow]:
    """List who and what had access when the review opened, when it was last used, and what was decided."""
    await reading.read_review(tx, review_id)
    return await reading.list_items(tx, review_id)


@get("/access-reviews/{review_id:uuid}/items/{item_id:uuid}", permission=READ_REVIEWS)
async def read_access_review_item(tx: Transaction, review_id: UUID, item_id: UUID) -> ItemRow:
    """Read one of them."""
    return await reading.read_item(tx, review_id, item_id)


@post("/access-reviews/{review_id:uuid}/items/{item_id:uuid}/decide", permission=DECIDE,
      problems=[*_REFUSALS, LastOwner, StepUpNeeded])  # fmt: skip
async def decide_on_access(tx: Transaction, review_id: UUID, item_id: UUID, data: NewDecision) -> ItemRow:
    """Keep, change or remove access. A removal holds from the next request on."""
    return await reviewing.decide(tx, review_id, item_id, data)


@post("/access-reviews/{review_id:uuid}/keep", permission=DECIDE, problems=_REFUSALS)
async def keep_access(tx: Transaction, review_id: UUID, data: KeepMany) -> ReviewRow:
    """Let several keep their access: all of them, or none if one cannot be decided."""
    return await reviewing.keep_many(tx, review_id, data)


@post("/access-reviews/{review_id:uuid}/close", permission=DECIDE, problems=[PeopleOnly, ReviewClosed, StillUndecided])
async def close_access_review(tx: Transaction, review_id: UUID) -> ReviewRow:
    """Close a review in which everything is decided; it stands as evidence from then on."""
    return await reviewing.close(tx, review_id)


@get("/access-review-policy", permission=READ_REVIEWS)
async def read_access_review_policy(tx: Transaction) -> PolicyRow:
    """Read how often access is reviewed, and what becomes of what nobody decides."""
    return await policy.read_policy(tx)


@put("/access-review-policy", permission=CONFIGURE_REVIEWS, problems=[VersionConflict])
async def set_access_review_policy(tx: Transaction, data: PolicyChange) -> PolicyRow:
    """Set how access is reviewed, from the next review on."""
    return await policy.set_policy(tx, data)


ROUTES = [
    list_access_reviews, read_access_review, open_access_review, list_access_review_items, read_access_review_item,
    decide_on_access, keep_access, close_access_review, read_access_review_policy, set_access_review_policy,
]  # fmt: skip
