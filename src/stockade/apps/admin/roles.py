"""Roles that a company makes itself: what they may do, which records they see, and how the panel looks to them."""

from uuid import UUID

import msgspec

from stockade.access.api import (
    MANAGE_ROLES,
    READ_ROLES,
    archive_own_role,
    change_own_role,
    make_own_role,
    restore_own_role,
)
from stockade.access.fields import ExpectedVersion
from stockade.access.permissions import PUBLIC, Forbidden
from stockade.access.rights import held_by, permissions_of
from stockade.access.roles import (
    NewRole,
    RoleChange,
    RoleView,
    grantable_permissions,
    list_roles,
    read_role,
)
from stockade.access.routes import opened, verb_of
from stockade.access.viewing import end_view, view_as
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.members import ROLE_LABELS, ROLE_NOTES, choices
from stockade.apps.admin.permission_labels import MODULES, VERBS
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.model import ROLES
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

ADDRESS = "/roles"
CUSTOMER_ROWS = {
    "all": N_("All customers"), "own": N_("Customers that the person is responsible for"),
    "region": N_("Customers in the person's region"),
}  # fmt: skip
WAREHOUSE_ROWS = {"all": N_("All warehouses"), "own": N_("Warehouses that the person works in")}
TOLD = {
    "saved": N_("The role is saved. It holds from the next request of everybody who has it."),
    "archived": N_("The role is archived."), "restored": N_("The role can be given again."),
}  # fmt: skip


class Group(msgspec.Struct, frozen=True):
    """The permissions of one module, as the editor shows them: name, label, and whether the viewer may give it."""

    name: str
    label: str
    permissions: tuple[tuple[str, str, bool], ...]


@page(ADDRESS, permission=READ_ROLES)
async def show_roles(tx: Transaction, request: AnyRequest) -> Shown:
    """The system's roles and the company's own."""
    return Shown("roles/list.html", {
        "own": await list_roles(tx), "system": [(role, ROLE_LABELS[role], ROLE_NOTES[role]) for role in ROLES],
        "grantable": (await choices(tx)).grantable, "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


@page("/roles/new", permission=MANAGE_ROLES)
async def show_new_role(tx: Transaction, request: AnyRequest) -> Shown:
    """The editor, filled with what another role has."""
    like = request.query_params.get("like", "member")
    held = permissions_of(like) if like in ROLES else permissions_of("member")
    given = {f"permissions.{name}": "on" for name in held & held_by(tx.principal)}
    return _editor(tx, None, Form({"customers": "all", "warehouses": "all"} | given))


@form("/roles/new", permission=MANAGE_ROLES)
async def take_new_role(request: AnyRequest, fields: Fields) -> Shown | str:
    """Make a role."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return _editor(tx, None, _ticked(typed, fields))

    return await submitted_new(
        request, _listed(fields), NewRole, verb_of(make_own_role), again=again,
        then=lambda made: f"{ADDRESS}/{made}?done=saved",
    )  # fmt: skip


@page("/roles/{role_id:uuid}", permission=READ_ROLES)
async def show_role(tx: Transaction, request: AnyRequest, role_id: UUID) -> Shown:
    """One role: who has it, and the editor."""
    role = await read_role(tx, role_id)
    return _editor(tx, role, _form_of(role), TOLD.get(request.query_params.get("done", "")))


@form("/roles/{role_id:uuid}", permission=MANAGE_ROLES)
async def take_role(request: AnyRequest, fields: Fields, role_id: UUID) -> Shown | str:
    """Change a role as a whole."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return _editor(tx, await read_role(tx, role_id), _ticked(typed, fields))

    async def save(tx: Transaction, change: RoleChange) -> RoleView:
        changed: RoleView = await verb_of(change_own_role)(tx, role_id, change)
        return changed

    return await submitted(
        request, _listed(fields), RoleChange, save, again=again, then=f"{ADDRESS}/{role_id}?done=saved",
        current=lambda tx: read_role(tx, role_id),
    )  # fmt: skip


@form("/roles/{role_id:uuid}/archive", permission=MANAGE_ROLES)
async def take_archive(request: AnyRequest, fields: Fields, role_id: UUID) -> Shown | str:
    """Archive a role that nobody has."""
    return await _put(request, fields, role_id, archive_own_role, "archived")


@form("/roles/{role_id:uuid}/restore", permission=MANAGE_ROLES)
async def take_restore(request: AnyRequest, fields: Fields, role_id: UUID) -> Shown | str:
    """Take a role back out of the archive."""
    return await _put(request, fields, role_id, restore_own_role, "restored")


@form("/view-as", permission=READ_ROLES)
async def take_view(request: AnyRequest, fields: Fields) -> str:
    """See what a role sees, in this session, until it is ended; nothing can be changed meanwhile."""
    async with opened(request) as tx:
        await view_as(tx, fields.get("role", ""))
    return "/"


@form("/view-as/end", permission=PUBLIC)
async def take_view_end(request: AnyRequest, fields: Fields) -> str:
    """See with one's own eyes again. Open to whatever role is being looked through."""
    if request.scope["state"].get("principal") is None:
        raise Forbidden
    async with opened(request) as tx:
        await end_view(tx)
    return ADDRESS


async def _put(request: AnyRequest, fields: Fields, role_id: UUID, verb: object, done: str) -> Shown | str:
    async def again(tx: Transaction, typed: Form) -> Shown:
        role = await read_role(tx, role_id)
        return _editor(tx, role, msgspec.structs.replace(typed, values=_form_of(role).values))

    async def act(tx: Transaction, read: ExpectedVersion) -> RoleView:
        changed: RoleView = await verb_of(verb)(tx, role_id, read)  # type: ignore[arg-type]  # one of the two routes
        return changed

    return await submitted(request, fields, ExpectedVersion, act, again=again, then=f"{ADDRESS}/{role_id}?done={done}")


def _editor(tx: Transaction, role: RoleView | None, filled: Form, told: str | None = None) -> Shown:
    held = held_by(tx.principal)
    groups: dict[str, list[tuple[str, str, bool]]] = {}
    for name in grantable_permissions():
        module, _, verb = name.partition(":")
        groups.setdefault(module, []).append((name, VERBS.get(verb, verb), name in held))
    return Shown("roles/role.html", {
        "role": role, "form": filled, "customer_rows": CUSTOMER_ROWS, "warehouse_rows": WAREHOUSE_ROWS, "told": told,
        "groups": [Group(module, MODULES.get(module, module), tuple(listed)) for module, listed in groups.items()],
    })  # fmt: skip


def _form_of(role: RoleView) -> Form:
    held = {f"permissions.{name}": "on" for name in role.permissions}
    return Form({
        "name": role.name, "note": role.note, "customers": role.customers, "warehouses": role.warehouses,
        "expected_version": str(role.version), **held,
    })  # fmt: skip


def _listed(fields: Fields) -> dict[str, str]:
    """Return the fields with what was ticked as a list."""
    names = [key.partition(".")[2] for key in fields if key.startswith("permissions.")]
    return dict(fields) | {"permissions": " ".join(names)}


def _ticked(typed: Form, fields: Fields) -> Form:
    ticked = {key: "on" for key in fields if key.startswith("permissions.")}
    return msgspec.structs.replace(typed, values=typed.values | ticked)


ROUTES = (
    show_roles, show_new_role, take_new_role, show_role, take_role, take_archive, take_restore, take_view,
    take_view_end,
)  # fmt: skip
