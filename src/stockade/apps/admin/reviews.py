"""Access reviews: who has what and when it was last used, decided one by one or many at once, and kept as evidence."""

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import QueryParameter

from stockade.access import reviewing
from stockade.access.reviewing import CONFIGURE_REVIEWS, DECIDE, READ_REVIEWS, KeepMany, NewDecision
from stockade.access.routes import opened
from stockade.apps.admin.alerts import held_export
from stockade.apps.admin.exporting import defused, plain
from stockade.apps.admin.forms import Form, submitted
from stockade.apps.admin.members import choices, with_role
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.database.statements import raw
from stockade.identity.reviews import reading, rules
from stockade.identity.reviews.policy import PolicyChange, read_policy, set_policy
from stockade.identity.reviews.reading import ItemRow, ReviewRow
from stockade.identity.suspicion.noting import note_export
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction
from stockade.web.languages import language

ADDRESS = "/reviews"
Filter = Annotated[str | None, QueryParameter(name="show", max_length=20)]
FILTERS = {
    "all": N_("All"), "undecided": N_("Undecided"), "unused": N_("Unused for 90 days"), "people": N_("People"),
    "owners": N_("Owners"), "keys": N_("Keys and tokens"),
}  # fmt: skip
KINDS = {
    "member": N_("Person"), "key": N_("API key"), "scim_token": N_("Directory's token"), "issuer": N_("Trusted issuer"),
}  # fmt: skip
OUTCOMES = {
    "keep": (N_("Kept"), "good"), "change": (N_("Role changed"), "info"), "remove": (N_("Removed"), "bad"),
    "gone": (N_("Ended before"), "hollow"), "last_owner": (N_("Stays: the last owner"), "warn"),
    "none": (N_("Undecided"), "warn"),
}  # fmt: skip
EVERY = {"quarter": N_("Every quarter"), "half_year": N_("Every half year"), "year": N_("Every year")}
UNDECIDED = {
    "nothing": N_("It stays, and the review says that nobody decided"),
    "remove": N_("It is removed when the review ends"),
}
TOLD = {
    "opened": N_("The review is open. Those who can decide get a letter."),
    "decided": N_("The decision is noted."),
    "removed": N_("The access is removed. It is refused from now on."),
    "kept": N_("They keep their access."),
    "closed": N_("The review is closed. It stands here as evidence."),
    "saved": N_("This holds from the next review on."),
}
HEADS = (
    N_("Review"), N_("Kind"), N_("Name"), N_("E-mail address"), N_("Whose"), N_("Role"), N_("Permissions"), N_("Scope"),
    N_("Since"), N_("Last used"), N_("Decision"), N_("Outcome"), N_("Reason"), N_("Decided by"), N_("Decided at"),
)  # fmt: skip
_EXPORTED = raw(
    "insert into desk.export (tenant_id, id, kind, filters, rows) values ($1, $2, 'access_review', $3, $4)",
    "this_tenant id filters rows",
)
_SCOPE = ("prefix", "modules", "read_only", "networks", "expires_at", "regions", "warehouses", "issuer", "audience")


@page(ADDRESS, permission=READ_REVIEWS)
async def show_reviews(tx: Transaction, request: AnyRequest, show: Filter = None) -> Shown:
    """The open review on top, past ones below; without any, when the first one opens."""
    return await _overview(tx, request, show)


@form("/reviews/open", permission=DECIDE)
async def take_opening(request: AnyRequest, fields: Fields) -> Shown | str:
    """Open the review of the running quarter before it opens by itself."""
    async with opened(request) as tx:
        await reviewing.open_now(tx, new_id())
    return f"{ADDRESS}?done=opened"


@page("/reviews/policy", permission=READ_REVIEWS)
async def show_policy(tx: Transaction, request: AnyRequest) -> Shown:
    """How access is reviewed."""
    return await _policy_page(tx)


@form("/reviews/policy", permission=CONFIGURE_REVIEWS)
async def take_policy(request: AnyRequest, fields: Fields) -> Shown | str:
    """Set how access is reviewed."""
    return await submitted(
        request, fields, PolicyChange, set_policy, again=_policy_page, then=f"{ADDRESS}?done=saved", current=read_policy
    )


@page("/reviews/{review_id:uuid}", permission=READ_REVIEWS)
async def show_review(tx: Transaction, request: AnyRequest, review_id: UUID, show: Filter = None) -> Shown:
    """One review, open or closed."""
    return await _review_page(tx, request, review_id, show)


@page("/reviews/{review_id:uuid}/export", permission=READ_REVIEWS, heavy=True)
async def show_export(tx: Transaction, request: AnyRequest, review_id: UUID) -> Any:
    """Download a review with its decisions as CSV; the export is an entry of the trail."""
    review, items = await reading.read_review(tx, review_id), await reading.list_items(tx, review_id)
    await _EXPORTED.run(tx, id=new_id(), filters={"review": review.period}, rows=len(items))
    judgement = await note_export(tx, len(items))
    if judgement.action in ("step_up", "lock"):
        return held_export()
    translate = language(locale_of(request.scope)).gettext
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([translate(head) for head in HEADS])
    for item in items:
        writer.writerow([defused(plain(value)) for value in _cells(review, item, translate)])
    headers = {"Content-Disposition": f'attachment; filename="access-review-{review.period}.csv"'}
    return Response(text.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


@form("/reviews/{review_id:uuid}/keep", permission=DECIDE)
async def take_keeping(request: AnyRequest, fields: Fields, review_id: UUID) -> Shown | str:
    """Let those that were chosen keep their access."""
    chosen = [text for text in (await request.form()).getall("item", []) if isinstance(text, str)]
    if not chosen:
        raise Invalid(N_("Choose at least one."), field="item")
    given = {"reason": fields.get("reason", "")}
    for place, (item, _, version) in enumerate(text.partition(":") for text in chosen):
        given |= {f"items.{place}.item_id": item, f"items.{place}.expected_version": version}

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _review_page(tx, request, review_id, fields.get("show"), typed)

    async def keep(tx: Transaction, many: KeepMany) -> ReviewRow:
        return await reviewing.keep_many(tx, review_id, many)

    return await submitted(
        request, given, KeepMany, keep, again=again, then=f"{ADDRESS}/{review_id}?done=kept"
    )  # fmt: skip


@form("/reviews/{review_id:uuid}/close", permission=DECIDE)
async def take_close(request: AnyRequest, fields: Fields, review_id: UUID) -> Shown | str:
    """Close a review in which everything is decided."""
    async with opened(request) as tx:
        await reviewing.close(tx, review_id)
    return f"{ADDRESS}/{review_id}?done=closed"


@page("/reviews/{review_id:uuid}/items/{item_id:uuid}", permission=READ_REVIEWS)
async def show_item(tx: Transaction, request: AnyRequest, review_id: UUID, item_id: UUID) -> Shown:
    """One access: what it was when the review opened, and the decision."""
    return await _item_page(tx, review_id, item_id)


@form("/reviews/{review_id:uuid}/items/{item_id:uuid}", permission=DECIDE)
async def take_decision(request: AnyRequest, fields: Fields, review_id: UUID, item_id: UUID) -> Shown | str:
    """Keep, change or remove."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        shown = typed.values | {"role": fields.get("role", "")}
        return await _item_page(tx, review_id, item_id, msgspec.structs.replace(typed, values=shown))

    async def decide(tx: Transaction, decision: NewDecision) -> ItemRow:
        return await reviewing.decide(tx, review_id, item_id, decision)

    async def current(tx: Transaction) -> ItemRow:
        return await reading.read_item(tx, review_id, item_id)

    given = with_role(fields)
    if given.get("decision") != "change":
        given.pop("role", None)
        given.pop("own_role_id", None)
    done = "removed" if given.get("decision") == "remove" else "decided"
    return await submitted(
        request, given, NewDecision, decide, again=again, then=f"{ADDRESS}/{review_id}?done={done}", current=current
    )


async def _overview(tx: Transaction, request: AnyRequest, show: str | None) -> Shown:
    listed = await reading.list_reviews(tx)
    policy, at = await read_policy(tx), now()
    following = rules.next_reviewed(policy.every, rules.Quarter.of(at))
    running = rules.Quarter.of(at).period
    current = next((review for review in listed if review.closed_at is None), None)
    context = {
        "reviews": [review for review in listed if review is not current], "next_at": following.starts_at,
        "next_period": following.period, "policy": policy, "every": EVERY, "undecided": UNDECIDED, "running": running,
        "may_open": all(review.period != running for review in listed), "review": current, "last_day": last_day,
        "told": _told(request),
    }  # fmt: skip
    if current is not None:
        context |= await _listed(tx, current, show, Form())
    return Shown("reviews/overview.html", context)


async def _review_page(
    tx: Transaction, request: AnyRequest, review_id: UUID, show: str | None, typed: Form | None = None
) -> Shown:
    review = await reading.read_review(tx, review_id)
    context = await _listed(tx, review, show, typed or Form())
    return Shown("reviews/review.html", context | {
        "review": review, "undecided": UNDECIDED, "last_day": last_day, "told": _told(request),
    })  # fmt: skip


async def _listed(tx: Transaction, review: ReviewRow, show: str | None, typed: Form) -> dict[str, Any]:
    """Return what the list of a review shows: of an open one what is undecided first, of a closed one everything."""
    items = await reading.list_items(tx, review.id)
    found = {name: [item for item in items if _fits(item, name, review)] for name in FILTERS}
    usual = "undecided" if review.closed_at is None and found["undecided"] else "all"
    chosen = show if show in FILTERS else usual
    days_left = max(0, (review.due_at - timedelta(seconds=1)).date().toordinal() - now().date().toordinal())
    return {
        "items": found[chosen], "chosen": chosen, "filters": FILTERS, "counts": {k: len(v) for k, v in found.items()},
        "kinds": KINDS, "outcomes": OUTCOMES, "outcome": outcome_of, "roles": (await choices(tx)).labels, "form": typed,
        "idle": lambda item: is_idle(item, review), "days_left": days_left,
        "is_over": review.due_at <= now(), "own": lambda item: item.owner_id == tx.principal.actor_id,
        "is_complete": not found["undecided"],
    }  # fmt: skip


async def _item_page(tx: Transaction, review_id: UUID, item_id: UUID, typed: Form | None = None) -> Shown:
    review, item = await reading.read_review(tx, review_id), await reading.read_item(tx, review_id, item_id)
    known = await choices(tx)
    given = typed or Form({"expected_version": str(item.version), "reason": ""})
    return Shown("reviews/item.html", {
        "review": review, "item": item, "form": given, "kinds": KINDS, "outcomes": OUTCOMES,
        "outcome": outcome_of(item), "roles": known.labels, "grantable": known.grantable, "scope": _scope(item),
        "since": date.fromisoformat(item.held["since"][:10]) if item.held.get("since") else None,
        "idle": is_idle(item, review), "own": item.owner_id == tx.principal.actor_id,
        "can_decide": review.closed_at is None and item.stands and item.effect != "removed",
    })  # fmt: skip


async def _policy_page(tx: Transaction, typed: Form | None = None) -> Shown:
    policy = await read_policy(tx)
    return Shown("reviews/policy.html", {
        "policy": policy, "form": typed or Form.of(policy), "every": EVERY, "undecided": UNDECIDED,
    })  # fmt: skip


def outcome_of(item: ItemRow) -> str:
    """Return what came of an item: its decision, or that it needs none."""
    if item.decision == "none":
        return item.effect if item.effect in ("gone", "last_owner") else "none" if item.stands else "gone"
    return item.decision


def is_idle(item: ItemRow, review: ReviewRow) -> bool:
    """Return whether an item was unused for 90 days when its review opened."""
    since = item.held.get("since")
    return rules.is_unused(item.last_used_at, datetime.fromisoformat(since) if since else None, review.opened_at)


def last_day(review: ReviewRow) -> Any:
    """Return the last day on which something can be decided."""
    return (review.due_at - timedelta(seconds=1)).date()


def _fits(item: ItemRow, name: str, review: ReviewRow) -> bool:
    return {
        "all": True,
        "undecided": item.is_open if review.closed_at is None else (item.decision, item.effect) == ("none", "none"),
        "unused": is_idle(item, review), "people": item.kind == "member",
        "owners": item.role == "owner", "keys": item.kind != "member",
    }[name]  # fmt: skip


def _scope(item: ItemRow) -> dict[str, str]:
    return {name: plain(item.held[name]) for name in _SCOPE if item.held.get(name) not in (None, False)}


def _cells(review: ReviewRow, item: ItemRow, translate: Any) -> list[Any]:
    scope = "; ".join(f"{name}: {value}" for name, value in _scope(item).items())
    by = item.decided_by_name or (translate(N_("the policy")) if item.decision == "remove" else "")
    return [
        review.period, translate(KINDS[item.kind]), item.name, item.email, item.owner_name,
        item.held.get("own_role") or item.role, item.held.get("permissions", []), scope, item.held.get("since"),
        item.last_used_at, item.decision, translate(OUTCOMES[outcome_of(item)][0]), item.reason, by, item.decided_at,
    ]  # fmt: skip


def _told(request: AnyRequest) -> str | None:
    asked: Mapping[str, str] = request.query_params
    return TOLD.get(asked.get("done", ""))


ROUTES = (
    show_reviews, take_opening, show_policy, take_policy, show_review, show_export, take_keeping, take_close, show_item,
    take_decision,
)  # fmt: skip
