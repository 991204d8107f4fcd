"""Sign-on: the organisation's own connections, their domains, who is who there, and a test that explains a failure."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from stockade.access.rights import require_role
from stockade.access.routes import opened
from stockade.access.sign_on import MANAGE, READ
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.members import ROLE_LABELS
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.admin.settings.sign_on_forms import (
    COMMANDS,
    KIND_NOTES,
    KINDS,
    changed_connection,
    form_of,
    new_connection,
)
from stockade.apps.admin.sso import begun
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.ldap.connecting import library
from stockade.identity.ldap.directory import DirectoryLibraryMissing
from stockade.identity.signing_in.recent import require_recent
from stockade.identity.sso import connections, domains, issuers, saml_way
from stockade.identity.sso.connections import ConnectionRow
from stockade.identity.sso.examining import STEP_NAMES, examine
from stockade.identity.sso.model import GRANTABLE
from stockade.identity.sso.oidc import CALLBACK
from stockade.kernel.problems import NotFound, Problem
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

ADDRESS = "/settings/sign-on"
STATES = {"draft": (N_("Draft"), "hollow"), "active": (N_("Active"), "good"), "off": (N_("Off"), "hollow")}
TOLD = {
    "saved": N_("The sign-on is saved."),
    "active": N_("People of its domains can sign in by it now."),
    "off": N_("Nobody signs in by it any more. Sessions that are open stay open."),
    "added": N_("The domain is added. It counts once it is proved."),
    "verified": N_("The domain is proved."),
    "removed": N_("The domain is removed."),
    "unlinked": N_("Whoever next comes with that address is this person."),
}


class NewDomain(msgspec.Struct, frozen=True):
    """A domain to add."""

    domain: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]


@page(ADDRESS, permission=READ)
async def show_sign_on(tx: Transaction, request: AnyRequest) -> Shown:
    """Every connection, and the issuers whose tokens count on the API."""
    return Shown("settings/sign_on.html", {
        "connections": await connections.list_connections(tx), "issuers": await issuers.list_issuers(tx),
        "states": STATES, "kinds": KINDS, "kind_notes": _offered(), "told": _told(request),
    })  # fmt: skip


@page(ADDRESS + "/new/oidc", permission=MANAGE)
async def show_new_oidc(tx: Transaction, request: AnyRequest) -> Shown:
    """The form of a new OpenID Connect provider."""
    standing = {"algorithms": ", ".join(COMMANDS["oidc"](name="-", issuer="-", client_id="-").algorithms)}
    return _new(request, "oidc", Form(standing | {"email_claim": "email", "verified_claim": "email_verified"}))


@page(ADDRESS + "/new/saml", permission=MANAGE)
async def show_new_saml(tx: Transaction, request: AnyRequest) -> Shown:
    """The form of a new SAML provider."""
    return _new(request, "saml", Form({}))


@page(ADDRESS + "/new/ldap", permission=MANAGE)
async def show_new_ldap(tx: Transaction, request: AnyRequest) -> Shown:
    """The form of a new directory."""
    if "ldap" not in _offered():
        raise DirectoryLibraryMissing
    standing = {"port": "636", "email_attribute": "mail", "name_attribute": "cn"}
    people = "(&(objectClass=person)(|(uid={username})(mail={username})))"
    return _new(request, "ldap", Form(standing | {"user_filter": people}))


@form(ADDRESS + "/new/oidc", permission=MANAGE)
async def take_new_oidc(request: AnyRequest, fields: Fields) -> Shown | str:
    """Add an OpenID Connect provider."""
    return await _add(request, fields, "oidc")


@form(ADDRESS + "/new/saml", permission=MANAGE)
async def take_new_saml(request: AnyRequest, fields: Fields) -> Shown | str:
    """Add a SAML provider."""
    return await _add(request, fields, "saml")


@form(ADDRESS + "/new/ldap", permission=MANAGE)
async def take_new_ldap(request: AnyRequest, fields: Fields) -> Shown | str:
    """Add a directory."""
    return await _add(request, fields, "ldap")


@page(ADDRESS + "/{connection_id:uuid}", permission=READ)
async def show_connection(tx: Transaction, request: AnyRequest, connection_id: UUID) -> Shown:
    """One connection."""
    return await _one(tx, request, connection_id)


@form(ADDRESS + "/{connection_id:uuid}", permission=MANAGE)
async def take_connection(request: AnyRequest, fields: Fields, connection_id: UUID) -> Shown | str:
    """Change a connection as a whole."""
    async with opened(request) as tx:
        kind = (await connections.read_connection(tx, connection_id)).kind

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _one(tx, request, connection_id, typed)

    async def save(tx: Transaction, given: Any) -> ConnectionRow:
        row = await connections.read_connection(tx, connection_id)
        await _require(tx, given.just_in_time, row.just_in_time)
        return await connections.change_connection(
            tx, request.app.state.sealer, connection_id, changed_connection(row, given)
        )

    return await submitted(
        request, fields, COMMANDS[kind], save, again=again, then=f"{ADDRESS}/{connection_id}?done=saved"
    )  # fmt: skip


@form(ADDRESS + "/{connection_id:uuid}/state", permission=MANAGE)
async def take_state(request: AnyRequest, fields: Fields, connection_id: UUID) -> Shown | str:
    """Activate a connection, or turn it off."""
    wanted: connections.State = "active" if fields.get("state") == "active" else "off"
    async with opened(request) as tx:
        row = await connections.read_connection(tx, connection_id)
        await _require(tx, row.just_in_time)
        await connections.set_connection_state(tx, connection_id, wanted)
    return f"{ADDRESS}/{connection_id}?done={wanted}"


@form(ADDRESS + "/{connection_id:uuid}/domains", permission=MANAGE)
async def take_domain(request: AnyRequest, fields: Fields, connection_id: UUID) -> Shown | str:
    """Add a domain that the connection speaks for, once it is proved."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _one(tx, request, connection_id, domain=typed)

    async def add(tx: Transaction, id: UUID, new: NewDomain) -> Any:
        await connections.read_connection(tx, connection_id)
        return await domains.add_domain(tx, id, domain=new.domain, connection_id=connection_id)

    then = f"{ADDRESS}/{connection_id}?done=added"
    return await submitted_new(request, fields, NewDomain, add, again=again, then=lambda made: then)


@form(ADDRESS + "/domains/{domain_id:uuid}/verify", permission=MANAGE)
async def take_verification(request: AnyRequest, fields: Fields, domain_id: UUID) -> Shown | str:
    """Look the domain's record up, and take the domain as proved if it is there."""
    async with opened(request) as tx:
        await require_recent(tx)
        row = await domains.read_domain(tx, domain_id)
    try:
        seen = await domains.txt_records(row.domain)
        async with opened(request) as tx:
            await domains.verify_domain(tx, domain_id, seen)
    except (domains.DomainNotProved, domains.DomainLookUpFailed) as problem:
        async with opened(request) as tx:
            shown = await _one(tx, request, row.connection_id, failed=problem)
        return msgspec.structs.replace(shown, status=problem.status)
    return f"{ADDRESS}/{row.connection_id}?done=verified"


@form(ADDRESS + "/domains/{domain_id:uuid}/remove", permission=MANAGE)
async def take_removal(request: AnyRequest, fields: Fields, domain_id: UUID) -> Shown | str:
    """Remove a domain."""
    async with opened(request) as tx:
        row = await domains.read_domain(tx, domain_id)
        await domains.remove_domain(tx, domain_id)
    return f"{ADDRESS}/{row.connection_id}?done=removed"


@form(ADDRESS + "/{connection_id:uuid}/linked/{linked_id:uuid}/unlink", permission=MANAGE)
async def take_unlinking(request: AnyRequest, fields: Fields, connection_id: UUID, linked_id: UUID) -> Shown | str:
    """Forget who somebody is at the provider."""
    async with opened(request) as tx:
        await require_recent(tx)
        await connections.unlink(tx, connection_id, linked_id)
    return f"{ADDRESS}/{connection_id}?done=unlinked"


@form(ADDRESS + "/{connection_id:uuid}/test", permission=MANAGE)
async def take_test(request: AnyRequest, fields: Fields, connection_id: UUID) -> Shown | str:
    """Test what can be seen from here, and explain each step. A directory's person is looked up, without a password."""
    async with opened(request) as tx:
        held = await connections.held_connection(tx, request.app.state.sealer, connection_id)
    found = await examine(request.app.state.provider_keys, held, username=fields.get("username", "")[:256] or None)
    async with opened(request) as tx:
        return await _one(tx, request, connection_id, tested=found)


@page(ADDRESS + "/{connection_id:uuid}/try", permission=MANAGE)
async def begin_try(tx: Transaction, request: AnyRequest, connection_id: UUID) -> Any:
    """Begin a sign-in that lets nobody in and explains each step. A draft can be tried, too."""
    row = await connections.read_connection(tx, connection_id)
    if row.kind == "ldap":
        raise NotFound
    held = await connections.held_connection(tx, request.app.state.sealer, connection_id)
    try:
        return await begun(request, held, "", "test")
    except Problem as problem:
        return msgspec.structs.replace(await _one(tx, request, connection_id, failed=problem), status=problem.status)


async def _add(request: AnyRequest, fields: Fields, kind: str) -> Shown | str:
    async def again(tx: Transaction, typed: Form) -> Shown:
        return _new(request, kind, typed)

    async def add(tx: Transaction, id: UUID, given: Any) -> ConnectionRow:
        await _require(tx, given.just_in_time)
        return await connections.add_connection(tx, request.app.state.sealer, id, new_connection(kind, given))

    return await submitted_new(
        request, fields, COMMANDS[kind], add, again=again, then=lambda made: f"{ADDRESS}/{made}?done=saved"
    )  # fmt: skip


async def _require(tx: Transaction, *roles: str | None) -> None:
    """A fresh proof, and no role that whoever configures does not have."""
    await require_recent(tx)
    for role in roles:
        if role is not None:
            require_role(tx.principal, role)


def _new(request: AnyRequest, kind: str, typed: Form) -> Shown:
    return Shown("settings/sign_on_new.html", {
        "kind": kind, "kinds": KINDS, "form": typed, "roles": _roles(), "row": None,
        "callback": _origin(request) + CALLBACK, "told": None,
    })  # fmt: skip


async def _one(
    tx: Transaction, request: AnyRequest, connection_id: UUID, typed: Form | None = None, *, domain: Form | None = None,
    tested: list[Any] | None = None, failed: Problem | None = None,
) -> Shown:  # fmt: skip
    row = await connections.read_connection(tx, connection_id)
    origin = _origin(request)
    return Shown("settings/sign_on_one.html", {
        "row": row, "kind": row.kind, "kinds": KINDS, "states": STATES, "form": typed or form_of(row),
        "roles": _roles(), "domain_form": domain or Form({}), "tested": tested, "labels": STEP_NAMES,
        "failed": failed, "linked": await connections.list_linked(tx, connection_id),
        "domains": [it for it in await domains.list_domains(tx) if it.connection_id == connection_id],
        "callback": origin + CALLBACK, "answer_address": saml_way.answer_address(origin, connection_id),
        "entity_id": saml_way.entity_id(origin, connection_id), "told": _told(request),
    })  # fmt: skip


def _offered() -> dict[str, str]:
    """Return the kinds that this installation can do: a directory only where the LDAP library is installed."""
    try:
        library()
    except DirectoryLibraryMissing:
        return {kind: note for kind, note in KIND_NOTES.items() if kind != "ldap"}
    return KIND_NOTES


def _roles() -> dict[str, str]:
    return {role: ROLE_LABELS[role] for role in GRANTABLE}


def _origin(request: AnyRequest) -> str:
    return str(request.app.state.installation.settings.origin)


def _told(request: AnyRequest) -> str | None:
    return TOLD.get(request.query_params.get("done", ""))


ROUTES = (
    show_sign_on, show_new_oidc, show_new_saml, show_new_ldap, take_new_oidc, take_new_saml, take_new_ldap,
    show_connection, take_connection, take_state, take_domain, take_verification, take_removal, take_unlinking,
    take_test, begin_try,
)  # fmt: skip
