"""Operators' access, as the customer sees it: who looks in, why, at what, until when; and the button that ends it."""

import contextlib
from typing import Any
from uuid import UUID

from litestar.response import Redirect

from stockade.access.admission import ACCESS_COOKIE
from stockade.access.permissions import PUBLIC
from stockade.access.routes import opened, verb_of
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.admin.sign_in import cookie_of
from stockade.apps.show import AnyRequest, Shown
from stockade.kernel.clock import now
from stockade.kernel.words import N_
from stockade.platform import accesses
from stockade.platform.accesses import AccessRow
from stockade.platform.customer_api import (
    MANAGE,
    READ,
    Terms,
    approve_operator_access,
    end_operator_access,
    set_operator_terms,
)
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Transaction, Unauthenticated

ADDRESS = "/operator-access"
STATES = {
    "waits": (N_("Waits for another operator"), "hollow"), "yours": (N_("Waits for you"), "warn"),
    "open": (N_("Open now"), "bad"), "over": (N_("Over"), "hollow"),
}  # fmt: skip
TOLD = {
    "approved": N_("The access is approved."), "ended": N_("The access has ended."),
    "terms": N_("The terms are saved."),
}  # fmt: skip


@page(ADDRESS, permission=READ)
async def show_accesses(tx: Transaction, request: AnyRequest) -> Shown:
    """Every access that operators asked for, and the company's terms."""
    listed = [(item, state_of(item)) for item in await accesses.list_accesses(tx)]
    return Shown("operator_access/list.html", {
        "accesses": listed, "states": STATES, "operators": await accesses.operator_names(tx),
        "needs_approval": await accesses.needs_approval(tx), "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


@page("/operator-access/{access_id:uuid}", permission=READ)
async def show_access(tx: Transaction, request: AnyRequest, access_id: UUID) -> Shown:
    """One access, with each request that was made under it."""
    access = await accesses.read_access(tx, access_id)
    return Shown("operator_access/one.html", {
        "access": access, "state": state_of(access), "states": STATES, "uses": await accesses.list_uses(tx, access_id),
        "operators": await accesses.operator_names(tx), "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


@form("/operator-access/{access_id:uuid}/approve", permission=MANAGE)
async def take_approval(request: AnyRequest, fields: Fields, access_id: UUID) -> str:
    """Approve an access that waits for the company."""
    async with opened(request) as tx:
        await verb_of(approve_operator_access)(tx, access_id)
    return f"{ADDRESS}/{access_id}?done=approved"


@form("/operator-access/{access_id:uuid}/end", permission=MANAGE)
async def take_end(request: AnyRequest, fields: Fields, access_id: UUID) -> str:
    """End an access."""
    async with opened(request) as tx:
        await verb_of(end_operator_access)(tx, access_id)
    return f"{ADDRESS}/{access_id}?done=ended"


@form("/operator-access/terms", permission=MANAGE)
async def take_terms(request: AnyRequest, fields: Fields) -> str:
    """Save whether an access waits for the company's approval."""
    async with opened(request) as tx:
        await verb_of(set_operator_terms)(tx, Terms(bool(fields.get("needs_approval"))))
    return f"{ADDRESS}?done=terms"


@form(f"{ADDRESS}/leave", permission=PUBLIC)
async def take_leave(request: AnyRequest, fields: Fields) -> Any:
    """End the access that this browser looks in by, at the operator's own wish, and forget it."""
    principal = request.scope["state"].get("principal")
    if principal is None or principal.kind is not ActorKind.OPERATOR:
        raise Unauthenticated
    platform = await request.app.state.platform.opened()
    with contextlib.suppress(accesses.AccessRefused):  # It has ended already; then only the cookie is left to remove.
        async with platform.transaction(accesses.as_operator(principal.tenant_id, principal.actor_id)) as tx:
            await accesses.end_access(tx, principal.credential_id, principal.actor_id)
    return Redirect("/platform/accesses?done=ended", status_code=303, cookies=[cookie_of(ACCESS_COOKIE, "", 0)])


def state_of(access: AccessRow) -> str:
    """Return whether an access waits for an operator or for the company, is open, or over."""
    if access.ended_at is not None or (access.expires_at is not None and access.expires_at <= now()):
        return "over"
    if access.starts_at is not None:
        return "open"
    return "yours" if access.needs_customer and access.approved_at is not None else "waits"


ROUTES = (show_accesses, show_access, take_approval, take_end, take_terms, take_leave)
