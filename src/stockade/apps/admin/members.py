"""Members: who works here, and what each may do."""

from uuid import UUID

import msgspec

from stockade.access import inviting
from stockade.access.api import (
    MANAGE_MEMBERS,
    READ_MEMBERS,
    MemberChange,
    NewMember,
    change_member,
    place_of,
)
from stockade.access.permissions import Forbidden
from stockade.access.rights import grantable_roles, require_grantable
from stockade.access.roles import RoleView, list_roles
from stockade.access.routes import opened, verb_of
from stockade.access.ways_in import post_of
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.stock.service.warehouses import list_warehouses
from stockade.identity.service.keys import ApiKeyRow
from stockade.identity.service.members import MemberRow, list_members, read_member
from stockade.kernel.words import N_
from stockade.tenancy.pin import limits_of
from stockade.tenancy.transaction import Transaction

ADDRESS = "/members"
MOST_WAREHOUSES = 200
ROLE_LABELS = {"owner": N_("Owner"), "admin": N_("Admin"), "member": N_("Member"), "viewer": N_("Viewer")}
ROLE_NOTES = {
    "owner": N_("Everything, the bank account and other owners too."),
    "admin": N_("Settings, members, API keys, prices, credit notes."),
    "member": N_("Daily work: orders, customers, stock, invoices, payments."),
    "viewer": N_("Looks at everything that is not confidential, changes nothing."),
}
TOLD = {
    "changed": N_("The role is changed."),
    "ended": N_("This person has no access any more, from now on."),
    "back": N_("This person is a member again."),
}


@page(ADDRESS, permission=READ_MEMBERS)
async def show_members(tx: Transaction, request: AnyRequest) -> Shown:
    """Everybody who is or was a member."""
    return Shown("members/list.html", {
        "members": sorted(await list_members(tx), key=lambda member: (member.state != "active", member.name.lower())),
        "roles": (await choices(tx)).labels,
    })  # fmt: skip


@page("/members/new", permission=MANAGE_MEMBERS)
async def show_invitation(tx: Transaction, request: AnyRequest) -> Shown:
    """The form that invites."""
    return await _invitation(tx, Form({"role": "member"}))


@form("/members/new", permission=MANAGE_MEMBERS)
async def take_invitation(request: AnyRequest, fields: Fields) -> Shown | str:
    """Give somebody a place, and show the link that lets them in: this once."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _invitation(tx, _as_chosen(typed))

    async def invite(tx: Transaction, id: UUID, new: NewMember) -> Shown:
        secret = await inviting.invite(
            tx, id, email=new.email, name=new.name, place=place_of(new), post=post_of(request)
        )
        return _link_page(request, await read_member(tx, id), secret, invited=True)

    return await submitted_new(
        request, with_role(fields), NewMember, invite, again=again, then=lambda made: f"{ADDRESS}/{made}", once=as_it_is
    )


@page("/members/{member_id:uuid}", permission=READ_MEMBERS)
async def show_member(tx: Transaction, request: AnyRequest, member_id: UUID) -> Shown:
    """One member."""
    return await _member_page(tx, request, member_id)


@form("/members/{member_id:uuid}", permission=MANAGE_MEMBERS)
async def take_member(request: AnyRequest, fields: Fields, member_id: UUID) -> Shown | str:
    """Change a role, end a membership, or take somebody back."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _member_page(tx, request, member_id, _as_chosen(typed))

    async def save(tx: Transaction, change: MemberChange) -> MemberRow:
        changed: MemberRow = await verb_of(change_member)(tx, member_id, change)
        return changed

    done = fields.get("done", "")
    told = done if done in TOLD else "changed"
    return await submitted(
        request, with_role(fields), MemberChange, save, again=again, then=f"{ADDRESS}/{member_id}?done={told}"
    )


@form("/members/{member_id:uuid}/link", permission=MANAGE_MEMBERS)
async def take_link(request: AnyRequest, fields: Fields, member_id: UUID) -> Shown | str:
    """Show a fresh link that lets somebody in: this once."""
    async with opened(request) as tx:
        secret = await inviting.fresh_link(tx, member_id, post_of(request))
        member = await read_member(tx, member_id)
    return _link_page(request, member, secret)


class Choices(msgspec.Struct, frozen=True):
    """The roles of a company: what each is called and does, and which of them somebody may give.

    A role of the system stands under its name, one that the company made under ``own:<id>``.
    """

    labels: dict[str, str]
    notes: dict[str, str]
    grantable: dict[str, str]


async def choices(tx: Transaction) -> Choices:
    """Return the roles that there are, and those that the principal may give."""
    own = await list_roles(tx)
    labels = ROLE_LABELS | {f"own:{role.id}": role.name for role in own}
    notes = ROLE_NOTES | {f"own:{role.id}": role.note for role in own}
    given = [*grantable_roles(tx.principal)]
    given += [f"own:{role.id}" for role in own if role.state == "active" and _may_give(tx, role)]
    return Choices(labels, notes, {name: labels[name] for name in given})


def key_of(held: MemberRow | ApiKeyRow) -> str:
    """Return the name under which a role stands among the choices."""
    return held.role if held.own_role_id is None else f"own:{held.own_role_id}"


def with_role(fields: Fields) -> dict[str, str]:
    """Return the fields with the chosen role taken apart, and what was ticked as lists."""
    role, _, own_id = fields.get("role", "").partition(":")
    made = dict(fields) | {"role": role, "own_role_id": own_id}
    for name in ("warehouses", "modules"):
        if f"{name}_asked" in fields:
            made[name] = " ".join(key.partition(".")[2] for key in fields if key.startswith(f"{name}."))
    return made


def _as_chosen(typed: Form) -> Form:
    """Return a form with the role put together again."""
    own_id = typed.values.get("own_role_id")
    role = f"own:{own_id}" if own_id else typed.values.get("role", "")
    return msgspec.structs.replace(typed, values=typed.values | {"role": role})


def _may_give(tx: Transaction, role: RoleView) -> bool:
    try:
        require_grantable(tx.principal, frozenset(role.permissions), limits_of(role.customers, role.warehouses))
    except Forbidden:
        return False
    return True


async def _invitation(tx: Transaction, typed: Form) -> Shown:
    known = await choices(tx)
    return Shown("members/new.html", {
        "form": typed, "roles": known.grantable, "role_notes": known.notes,
        "warehouses": await list_warehouses(tx, count=MOST_WAREHOUSES),
    })  # fmt: skip


def as_it_is(shown: Shown) -> Shown:
    """Return a page that shows a secret once, from the answer that makes it."""
    return shown


def _link_page(request: AnyRequest, member: MemberRow, secret: str, *, invited: bool = False) -> Shown:
    """The page is the only place where the link stands: not in an address, not in a log, and it is not kept."""
    origin = request.app.state.installation.settings.origin
    link = f"{origin}/sign-in/once?token={secret}"
    return Shown("members/link.html", {
        "member": member, "link": link, "hours": int(inviting.LINK_VALID.total_seconds()) // 3600,
        "mails": post_of(request) is not None, "invited": invited,
    })  # fmt: skip


async def _member_page(tx: Transaction, request: AnyRequest, member_id: UUID, typed: Form | None = None) -> Shown:
    member = await read_member(tx, member_id)
    known = await choices(tx)
    standing = {"role": key_of(member), "regions": ", ".join(member.regions)}
    standing |= {f"warehouses.{item}": "on" for item in member.warehouses}
    return Shown("members/one.html", {
        "member": member, "form": typed or Form(standing), "roles": known.grantable, "role_key": key_of(member),
        "role_labels": known.labels, "role_notes": known.notes, "above": key_of(member) not in known.grantable,
        "oneself": member.account_id == tx.principal.actor_id,
        "warehouses": await list_warehouses(tx, count=MOST_WAREHOUSES),
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


ROUTES = (show_members, show_invitation, take_invitation, show_member, take_member, take_link)
