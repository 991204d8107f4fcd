"""Members: who works here, and what each may do."""

from uuid import UUID

from stockade.access import inviting
from stockade.access.api import (
    MANAGE_MEMBERS,
    READ_MEMBERS,
    MemberChange,
    NewMember,
    change_member,
)
from stockade.access.permissions import RANK
from stockade.access.routes import opened, verb_of
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.service.members import MemberRow, list_members, read_member
from stockade.kernel.words import N_
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Transaction

ADDRESS = "/members"
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
        "roles": ROLE_LABELS,
    })  # fmt: skip


@page("/members/new", permission=MANAGE_MEMBERS)
async def show_invitation(tx: Transaction, request: AnyRequest) -> Shown:
    """The form that invites."""
    return _invitation(tx, Form({"role": "member"}))


@form("/members/new", permission=MANAGE_MEMBERS)
async def take_invitation(request: AnyRequest, fields: Fields) -> Shown | str:
    """Give somebody a place, and show the link that lets them in: this once."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return _invitation(tx, typed)

    async def invite(tx: Transaction, id: UUID, new: NewMember) -> Shown:
        secret = await inviting.invite(tx, id, email=new.email, name=new.name, role=new.role)
        return _link_page(request, await read_member(tx, id), secret)

    return await submitted_new(
        request, fields, NewMember, invite, again=again, then=lambda made: f"{ADDRESS}/{made}", once=_as_it_is
    )


@page("/members/{member_id:uuid}", permission=READ_MEMBERS)
async def show_member(tx: Transaction, request: AnyRequest, member_id: UUID) -> Shown:
    """One member."""
    return await _member_page(tx, request, member_id)


@form("/members/{member_id:uuid}", permission=MANAGE_MEMBERS)
async def take_member(request: AnyRequest, fields: Fields, member_id: UUID) -> Shown | str:
    """Change a role, end a membership, or take somebody back."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _member_page(tx, request, member_id, typed)

    async def save(tx: Transaction, change: MemberChange) -> MemberRow:
        changed: MemberRow = await verb_of(change_member)(tx, member_id, change)
        return changed

    done = fields.get("done", "")
    told = done if done in TOLD else "changed"
    return await submitted(request, fields, MemberChange, save, again=again, then=f"{ADDRESS}/{member_id}?done={told}")


@form("/members/{member_id:uuid}/link", permission=MANAGE_MEMBERS)
async def take_link(request: AnyRequest, fields: Fields, member_id: UUID) -> Shown | str:
    """Show a fresh link that lets somebody in: this once."""
    async with opened(request) as tx:
        secret = await inviting.fresh_link(tx, member_id)
        member = await read_member(tx, member_id)
    return _link_page(request, member, secret)


def roles_below(principal: Principal) -> dict[str, str]:
    """Return the roles that a principal may grant, the least first."""
    own = RANK.get(principal.role, 0)
    return {role: label for role, label in reversed(ROLE_LABELS.items()) if RANK[role] <= own}


def _invitation(tx: Transaction, typed: Form) -> Shown:
    return Shown("members/new.html", {"form": typed, "roles": roles_below(tx.principal), "role_notes": ROLE_NOTES})


def _as_it_is(shown: Shown) -> Shown:
    return shown


def _link_page(request: AnyRequest, member: MemberRow, secret: str) -> Shown:
    """The page is the only place where the link stands: not in an address, not in a log, and it is not kept."""
    origin = request.app.state.installation.settings.origin
    link = f"{origin}/sign-in/once?token={secret}"
    return Shown("members/link.html", {
        "member": member, "link": link, "hours": int(inviting.LINK_VALID.total_seconds()) // 3600,
    })  # fmt: skip


async def _member_page(tx: Transaction, request: AnyRequest, member_id: UUID, typed: Form | None = None) -> Shown:
    member = await read_member(tx, member_id)
    own = RANK.get(tx.principal.role, 0)
    return Shown("members/one.html", {
        "member": member, "form": typed or Form({"role": member.role}), "roles": roles_below(tx.principal),
        "role_labels": ROLE_LABELS, "role_notes": ROLE_NOTES, "above": RANK[member.role] > own,
        "oneself": member.account_id == tx.principal.actor_id,
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


ROUTES = (show_members, show_invitation, take_invitation, show_member, take_member, take_link)
