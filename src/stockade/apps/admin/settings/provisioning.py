"""Provisioning: the tokens of the organisation's directories, and what their groups stand for."""

from typing import Annotated
from uuid import UUID

import msgspec

from stockade.access.provisioning import MANAGE_PROVISIONING, READ_PROVISIONING
from stockade.access.rights import permissions_of, require_grantable
from stockade.access.routes import opened
from stockade.apps.admin.forms import Form, submitted_new
from stockade.apps.admin.members import ROLE_LABELS, as_it_is
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.scim.groups import list_groups, map_group
from stockade.identity.scim.model import GRANTABLE
from stockade.identity.scim.resources import PREFIX
from stockade.identity.scim.tokens import issue_token, list_tokens, revoke_token
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

ADDRESS = "/settings/provisioning"
TOLD = {
    "revoked": N_("The token is revoked. The directory is refused from now on."),
    "mapped": N_("The group's members have its role from now on."),
}


class NewToken(msgspec.Struct, frozen=True):
    """A token to be issued: what the directory is called."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


@page(ADDRESS, permission=READ_PROVISIONING)
async def show_provisioning(tx: Transaction, request: AnyRequest) -> Shown:
    """The tokens and the groups."""
    return await _page(tx, request, Form({}))


@form(ADDRESS, permission=MANAGE_PROVISIONING)
async def take_token(request: AnyRequest, fields: Fields) -> Shown | str:
    """Issue a token and show it: this once. Its groups may make admins, so nobody with less than that issues one."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _page(tx, request, typed)

    async def issue(tx: Transaction, id: UUID, new: NewToken) -> Shown:
        require_grantable(tx.principal, permissions_of(GRANTABLE[0]))
        secret = await issue_token(tx, request.app.state.credentials, id=id, name=new.name)
        return Shown("settings/provisioning_issued.html", {
            "name": new.name, "secret": secret, "base": request.app.state.installation.settings.origin + PREFIX,
        })  # fmt: skip

    return await submitted_new(
        request, fields, NewToken, issue, again=again, then=lambda made: ADDRESS, once=as_it_is
    )  # fmt: skip


@form(ADDRESS + "/tokens/{token_id:uuid}/revoke", permission=MANAGE_PROVISIONING)
async def take_token_revocation(request: AnyRequest, fields: Fields, token_id: UUID) -> Shown | str:
    """Revoke a token."""
    async with opened(request) as tx:
        await revoke_token(tx, token_id)
    return f"{ADDRESS}?done=revoked"


@form(ADDRESS + "/groups/{group_id:uuid}", permission=MANAGE_PROVISIONING)
async def take_group_role(request: AnyRequest, fields: Fields, group_id: UUID) -> Shown | str:
    """Say what role a group stands for: one that whoever says so could give, and never an owner's."""
    role = fields.get("role", "")
    async with opened(request) as tx:
        if role in GRANTABLE:
            require_grantable(tx.principal, permissions_of(role))
        await map_group(tx, group_id, role if role in GRANTABLE else None)
    return f"{ADDRESS}?done=mapped"


async def _page(tx: Transaction, request: AnyRequest, typed: Form) -> Shown:
    return Shown("settings/provisioning.html", {
        "tokens": await list_tokens(tx), "groups": await list_groups(tx), "form": typed,
        "roles": {role: ROLE_LABELS[role] for role in GRANTABLE},
        "base": request.app.state.installation.settings.origin + PREFIX,
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


ROUTES = (show_provisioning, take_token, take_token_revocation, take_group_role)
