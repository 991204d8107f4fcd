"""The platform's surface for operators: sign-in, tenants in figures, and break-glass access."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from stockade.kernel.problems import NotFound
from stockade.platform import accesses
from stockade.platform.accesses import AccessRow, NewAccess, Use, as_operator
from stockade.platform.operators import (
    Authenticator,
    OperatorRow,
    choose_password,
    deactivate_another,
    list_operators,
    offer_authenticator,
    sign_in_operator,
    sign_out_operator,
    take_authenticator,
)
from stockade.platform.permissions import ANYBODY, APPROVE, MANAGE, OWN, READ, REQUEST
from stockade.platform.routes import Call, route
from stockade.platform.tenants import TenantHealth, counting, list_health, read_health, set_state
from stockade.tenancy.tenants import list_tenants
from stockade.web.problems import TooManyRequests

Short = Annotated[str, msgspec.Meta(max_length=1024, pattern=r"^[^\x00]*$")]


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """Password and code, always both."""

    email: Short
    password: Short
    code: Short


class Bearer(msgspec.Struct):
    """A token, shown in this answer only."""

    token: str


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """The operator's next password, and the present one unless that was made for the first sign-in."""

    password: Short
    present: Short = ""


class AuthenticatorTaken(msgspec.Struct, forbid_unknown_fields=True):
    """The offered authenticator, its code, and the present password."""

    sealed: Short
    password: Short
    code: Short


class TenantState(msgspec.Struct, forbid_unknown_fields=True):
    """What a tenant is to be from now on."""

    state: Literal["active", "suspended"]


class Done(msgspec.Struct):
    """That it was done."""

    done: bool = True


@route("POST", "/sign-in", permission=ANYBODY)
async def sign_in(call: Call, data: SignIn) -> Bearer:
    """Sign in by password and authenticator."""
    state, address = call.state, call.request.scope["state"]["address"]
    per_minute = state.installation.settings.sign_in_attempts_per_minute
    verdict = state.limiter.hit(b"operator " + address.encode(), per_minute)
    if not verdict.allowed:
        raise TooManyRequests("Too many attempts from here.", retry_after=verdict.retry_after_seconds)
    token = await sign_in_operator(
        call.platform, state.credentials, state.sealer, email=data.email, password=data.password, code=data.code,
        address=address,
    )  # fmt: skip
    return Bearer(token)


@route("POST", "/sign-out", permission=OWN)
async def sign_out(call: Call) -> Done:
    """End the session."""
    assert call.acting is not None
    await sign_out_operator(call.platform, call.acting)
    return Done()


@route("POST", "/password", permission=OWN)
async def new_password(call: Call, data: NewPassword) -> Done:
    """Choose a password; the one for the first sign-in lets in to do this only."""
    assert call.acting is not None
    breached = call.state.installation.settings.breached_passwords
    await choose_password(call.platform, call.acting, data.password, data.present, breached=breached)
    return Done()


@route("POST", "/authenticator", permission=OWN)
async def new_authenticator(call: Call) -> Authenticator:
    """Offer a new authenticator; nothing has changed until its code comes back."""
    assert call.acting is not None
    return await offer_authenticator(call.platform, call.state.sealer, call.acting)


@route("POST", "/authenticator/confirm", permission=OWN)
async def confirm_authenticator(call: Call, data: AuthenticatorTaken) -> Done:
    """Put the offered authenticator in the place of the present one."""
    assert call.acting is not None
    await take_authenticator(
        call.platform, call.state.sealer, call.acting, sealed=data.sealed, password=data.password, code=data.code
    )
    return Done()


@route("GET", "/operators", permission=READ)
async def operators(call: Call) -> list[OperatorRow]:
    """List the operators."""
    return await list_operators(call.platform)


@route("POST", "/operators/{operator_id:uuid}/deactivate", permission=MANAGE)
async def deactivate(call: Call, operator_id: UUID) -> Done:
    """Take another operator out; sessions and accesses of theirs end with the next request."""
    assert call.acting is not None
    await deactivate_another(call.platform, call.acting, operator_id)
    return Done()


@route("GET", "/tenants", permission=READ)
async def tenants(call: Call) -> list[TenantHealth]:
    """List the tenants in figures."""
    return await list_health(call.platform, call.state.database)


@route("GET", "/tenants/{tenant_id:uuid}", permission=READ)
async def tenant(call: Call, tenant_id: UUID) -> TenantHealth:
    """Read one tenant in figures."""
    return await read_health(call.platform, call.state.database, tenant_id)


@route("POST", "/tenants/{tenant_id:uuid}/state", permission=MANAGE)
async def tenant_state(call: Call, tenant_id: UUID, data: TenantState) -> Done:
    """Suspend a tenant, or let it in again."""
    await set_state(call.platform, tenant_id, call.operator_id, data.state)
    return Done()


@route("POST", "/accesses", permission=REQUEST)
async def ask(call: Call, data: NewAccess) -> AccessRow:
    """Ask for break-glass access to a tenant."""
    await _require_tenant(call, data.tenant_id)
    async with call.platform.transaction(as_operator(data.tenant_id, call.operator_id)) as tx:
        return await accesses.request_access(tx, call.operator_id, data)


@route("GET", "/accesses", permission=READ)
async def list_all(call: Call) -> list[AccessRow]:
    """List the accesses to all tenants."""
    return await accesses.list_every_access(call.platform)


@route("GET", "/tenants/{tenant_id:uuid}/accesses/{access_id:uuid}", permission=READ)
async def one(call: Call, tenant_id: UUID, access_id: UUID) -> AccessRow:
    """Read one access."""
    async with call.platform.transaction(as_operator(tenant_id, call.operator_id)) as tx:
        return await accesses.read_access(tx, access_id)


@route("GET", "/tenants/{tenant_id:uuid}/accesses/{access_id:uuid}/uses", permission=READ)
async def uses(call: Call, tenant_id: UUID, access_id: UUID) -> list[Use]:
    """List what was asked for under an access, the latest first."""
    async with call.state.database.transaction(counting(tenant_id)) as tx:
        await accesses.read_access(tx, access_id)
        return await accesses.list_uses(tx, access_id)


@route("GET", "/tenants/{tenant_id:uuid}/accesses", permission=READ)
async def list_of_tenant(call: Call, tenant_id: UUID) -> list[AccessRow]:
    """List the accesses to a tenant."""
    async with call.platform.transaction(as_operator(tenant_id, call.operator_id)) as tx:
        return await accesses.list_accesses(tx)


@route("POST", "/tenants/{tenant_id:uuid}/accesses/{access_id:uuid}/approve", permission=APPROVE)
async def approve(call: Call, tenant_id: UUID, access_id: UUID) -> AccessRow:
    """Approve another operator's request."""
    async with call.platform.transaction(as_operator(tenant_id, call.operator_id)) as tx:
        return await accesses.approve_access(tx, access_id, call.operator_id)


@route("POST", "/tenants/{tenant_id:uuid}/accesses/{access_id:uuid}/enter", permission=REQUEST)
async def enter(call: Call, tenant_id: UUID, access_id: UUID) -> Bearer:
    """Enter the tenant under one's own approved access."""
    async with call.platform.transaction(as_operator(tenant_id, call.operator_id)) as tx:
        return Bearer(await accesses.enter(tx, call.state.credentials, access_id, call.operator_id))


@route("POST", "/tenants/{tenant_id:uuid}/accesses/{access_id:uuid}/end", permission=REQUEST)
async def end(call: Call, tenant_id: UUID, access_id: UUID) -> AccessRow:
    """End an access."""
    async with call.platform.transaction(as_operator(tenant_id, call.operator_id)) as tx:
        return await accesses.end_access(tx, access_id, call.operator_id)


async def _require_tenant(call: Call, tenant_id: UUID) -> None:
    if tenant_id not in {tenant.id for tenant in await list_tenants(call.platform)}:
        raise NotFound


ROUTES = [
    sign_in, sign_out, new_password, new_authenticator, confirm_authenticator, operators, deactivate, tenants, tenant,
    tenant_state, ask, list_all, list_of_tenant, one, uses, approve, enter, end,
]  # fmt: skip
