"""The console: tenants in figures, break-glass accesses, operators."""

from typing import Any
from uuid import UUID

import msgspec
from litestar.response import Redirect

from stockade.access.admission import ACCESS_COOKIE
from stockade.access.routes import verb_of
from stockade.apps.admin.forms import Form
from stockade.apps.admin.navigation import NAVIGATION
from stockade.apps.admin.permission_labels import MODULES
from stockade.apps.admin.reading import Fields
from stockade.apps.platform.own import operator_cookie
from stockade.apps.platform.routes import form, page, submitted
from stockade.apps.platform.show import HOME
from stockade.apps.show import Shown
from stockade.kernel.clock import now
from stockade.kernel.words import N_
from stockade.platform import api
from stockade.platform.accesses import AccessRow, NewAccess
from stockade.platform.model import NEVER_WRITTEN
from stockade.platform.operators import list_operators
from stockade.platform.permissions import APPROVE, MANAGE, OWN, READ, REQUEST
from stockade.platform.routes import Call
from stockade.tenancy.tenants import list_tenants

ACCESSES = f"{HOME}/accesses"
STATES = {
    "waits": (N_("Waits for another operator"), "warn"), "customer": (N_("Waits for the customer"), "warn"),
    "open": (N_("Open now"), "good"), "ended": (N_("Ended"), "hollow"), "late": (N_("Too late: ask anew"), "hollow"),
}  # fmt: skip
TOLD = {
    "asked": N_("Asked for. Another operator approves it."), "approved": N_("The access is approved."),
    "ended": N_("The access has ended."), "suspended": N_("The tenant is suspended."),
    "active": N_("The tenant is active."), "deactivated": N_("The operator is out."),
}  # fmt: skip
WAITS_HOURS = 24


@page(HOME, permission=OWN)
async def show_start(call: Call) -> str:
    """The first page."""
    return f"{HOME}/tenants"


@page(f"{HOME}/tenants", permission=READ)
async def show_tenants(call: Call) -> Shown:
    """Every tenant in figures."""
    return Shown("console/tenants.html", {"tenants": await verb_of(api.tenants)(call)})


@page(f"{HOME}/tenants/{{tenant_id:uuid}}", permission=READ)
async def show_tenant(call: Call, tenant_id: UUID) -> Shown:
    """One tenant in figures, and the accesses to it."""
    tenant = await verb_of(api.tenant)(call, tenant_id)
    return Shown("console/tenant.html", {
        "tenant": tenant, "accesses": stated(await verb_of(api.list_of_tenant)(call, tenant_id)), "states": STATES,
        "names": await _names(call), "told": _told(call),
    })  # fmt: skip


@form(f"{HOME}/tenants/{{tenant_id:uuid}}/state", permission=MANAGE)
async def take_tenant_state(call: Call, fields: Fields, tenant_id: UUID) -> Any:
    """Suspend a tenant, or let it in again."""

    async def change(given: api.TenantState) -> str:
        await verb_of(api.tenant_state)(call, tenant_id, given)
        return f"{HOME}/tenants/{tenant_id}?done={given.state}"

    async def again(_: Form) -> Shown:
        return await verb_of(show_tenant)(call, tenant_id)  # type: ignore[no-any-return]  # a verb's answer

    return await submitted(fields, api.TenantState, change, again)


@page(ACCESSES, permission=READ)
async def show_accesses(call: Call) -> Shown:
    """Every access: those that wait and those that are open first."""
    listed = stated(await verb_of(api.list_all)(call))
    listed.sort(key=lambda item: ("open", "waits", "customer", "late", "ended").index(item[1]))
    return Shown("console/accesses.html", {
        "accesses": listed, "states": STATES, "names": await _names(call), "tenants": await _tenants(call),
        "told": _told(call),
    })  # fmt: skip


@page(f"{ACCESSES}/new", permission=REQUEST)
async def show_request(call: Call) -> Shown:
    """Ask for access: to whom, why, by which ticket, to what, for how long."""
    given = {"tenant_id": call.request.query_params.get("tenant", ""), "minutes": "30"}
    return await _request_page(call, Form(given))


@form(f"{ACCESSES}/new", permission=REQUEST)
async def take_request(call: Call, fields: Fields) -> Any:
    """Ask for access."""

    async def ask(given: NewAccess) -> str:
        made: AccessRow = await verb_of(api.ask)(call, given)
        return f"{ACCESSES}/{made.tenant_id}/{made.id}?done=asked"

    async def again(typed: Form) -> Shown:
        # What was refused of the whole is the list of modules: it has no field of its own to be told at.
        errors = {name or "scope": text for name, text in typed.errors.items()}
        return await _request_page(call, msgspec.structs.replace(typed, errors=errors))

    chosen = sorted(name.removeprefix("module.") for name, value in fields.items() if name.startswith("module."))
    reads = "" if fields.get("writes") else "on"
    return await submitted(dict(fields) | {"scope": " ".join(chosen), "read_only": reads}, NewAccess, ask, again)


@page(f"{ACCESSES}/{{tenant_id:uuid}}/{{access_id:uuid}}", permission=READ)
async def show_access(call: Call, tenant_id: UUID, access_id: UUID) -> Shown:
    """One access, and each request under it."""
    access = await verb_of(api.one)(call, tenant_id, access_id)
    return Shown("console/access.html", {
        "access": access, "state": state_of(access), "states": STATES, "names": await _names(call),
        "tenants": await _tenants(call), "uses": await verb_of(api.uses)(call, tenant_id, access_id),
        "mine": access.operator_id == call.operator_id, "told": _told(call),
    })  # fmt: skip


@form(f"{ACCESSES}/{{tenant_id:uuid}}/{{access_id:uuid}}/approve", permission=APPROVE)
async def take_approval(call: Call, fields: Fields, tenant_id: UUID, access_id: UUID) -> str:
    """Approve another operator's request."""
    await verb_of(api.approve)(call, tenant_id, access_id)
    return f"{ACCESSES}/{tenant_id}/{access_id}?done=approved"


@form(f"{ACCESSES}/{{tenant_id:uuid}}/{{access_id:uuid}}/end", permission=REQUEST)
async def take_end(call: Call, fields: Fields, tenant_id: UUID, access_id: UUID) -> str:
    """End an access, or refuse one that waits."""
    await verb_of(api.end)(call, tenant_id, access_id)
    return f"{ACCESSES}/{tenant_id}/{access_id}?done=ended"


@form(f"{ACCESSES}/{{tenant_id:uuid}}/{{access_id:uuid}}/enter", permission=REQUEST)
async def take_entrance(call: Call, fields: Fields, tenant_id: UUID, access_id: UUID) -> Any:
    """Open the customer's panel under one's own approved access."""
    access: AccessRow = await verb_of(api.one)(call, tenant_id, access_id)
    bearer = await verb_of(api.enter)(call, tenant_id, access_id)
    left = 0 if access.expires_at is None else int((access.expires_at - now()).total_seconds())
    # It outlives the access a little, so that the next click says why nothing answers any more.
    cookie = operator_cookie(ACCESS_COOKIE, bearer.token, max(left, 0) + 3600)
    return Redirect(first_page(access.scope), status_code=303, cookies=[cookie])


@page(f"{HOME}/operators", permission=READ)
async def show_operators(call: Call) -> Shown:
    """Who runs the platform."""
    listed = await verb_of(api.operators)(call)
    return Shown("console/operators.html", {"operators": listed, "own_id": call.operator_id, "told": _told(call)})


@form(f"{HOME}/operators/{{operator_id:uuid}}/deactivate", permission=MANAGE)
async def take_operator_out(call: Call, fields: Fields, operator_id: UUID) -> str:
    """Take another operator out."""
    await verb_of(api.deactivate)(call, operator_id)
    return f"{HOME}/operators?done=deactivated"


def state_of(access: AccessRow) -> str:
    """Return whether an access waits, and for whom, is open, or over."""
    present = now()
    if access.ended_at is not None or (access.expires_at is not None and access.expires_at <= present):
        return "ended"
    if access.starts_at is not None:
        return "open"
    if (present - access.requested_at).total_seconds() > WAITS_HOURS * 3600:
        return "late"
    return "waits" if access.approved_at is None else "customer"


def stated(accesses: list[AccessRow]) -> list[tuple[AccessRow, str]]:
    """Return accesses with their states."""
    return [(access, state_of(access)) for access in accesses]


def first_page(scope: list[str]) -> str:
    """Return the first page of the panel that an access shows; without any, one that everybody may see."""
    for group in NAVIGATION:
        for entry in group.entries:
            if entry.permission and entry.permission.partition(":")[0] in scope and entry.address != "/":
                return entry.address
    return "/trust"


async def _request_page(call: Call, typed: Form) -> Shown:
    modules = {name: label for name, label in MODULES.items() if name != "support"}
    return Shown("console/request.html", {
        "form": typed, "modules": modules, "tenants": await _tenants(call),
        "never_written": sorted({*NEVER_WRITTEN} & {*modules}),
    })  # fmt: skip


async def _names(call: Call) -> dict[UUID, str]:
    return {operator.id: operator.name for operator in await list_operators(call.platform)}


async def _tenants(call: Call) -> dict[str, str]:
    return {str(tenant.id): tenant.name for tenant in await list_tenants(call.platform) if not tenant.is_probe}


def _told(call: Call) -> str | None:
    return TOLD.get(call.request.query_params.get("done", ""))


ROUTES = (
    show_start, show_tenants, show_tenant, take_tenant_state, show_accesses, show_request, take_request, show_access,
    take_approval, take_end, take_entrance, show_operators, take_operator_out,
)  # fmt: skip
