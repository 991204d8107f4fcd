"""API keys: for programs that work with this company's data."""

from datetime import UTC, date, datetime, time
from uuid import UUID

import msgspec

from stockade.access.api import (
    ISSUE_KEYS,
    READ_KEYS,
    IssuedKey,
    KeyChange,
    NewKey,
    Rotation,
    change_api_key,
    issue_api_key,
    rotate_api_key,
)
from stockade.access.rights import held_by
from stockade.access.routes import opened, verb_of
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.members import as_it_is, choices, key_of, with_role
from stockade.apps.admin.permission_labels import MODULES
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.service import keys
from stockade.identity.service.keys import ApiKeyRow
from stockade.kernel.clock import now, today
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

ADDRESS = "/keys"
TOLD = {"revoked": N_("The key is revoked. It is refused from now on."), "changed": N_("The key is changed.")}
STATES = {
    "active": (N_("Active"), "good", ""),
    "expired": (N_("Expired"), "hollow", ""),
    "revoked": (N_("Revoked"), "hollow", ""),
}


@page(ADDRESS, permission=READ_KEYS)
async def show_keys(tx: Transaction, request: AnyRequest) -> Shown:
    """Every key, those in use first."""
    listed = [(key, state_of(key)) for key in await keys.list_keys(tx)]
    listed.sort(key=lambda item: (item[1] != "active", -item[0].created_at.timestamp()))
    return Shown("keys/list.html", {
        "keys": listed, "states": STATES, "roles": (await choices(tx)).labels,
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


@page("/keys/new", permission=ISSUE_KEYS)
async def show_new_key(tx: Transaction, request: AnyRequest) -> Shown:
    """The form that issues a key."""
    return await _new_key(tx, Form({"role": "viewer"}))


@form("/keys/new", permission=ISSUE_KEYS)
async def take_new_key(request: AnyRequest, fields: Fields) -> Shown | str:
    """Issue a key and show it: this once. The answer is the page itself, so that no address ever holds the key."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        given = typed.values | {"expires_at": fields.get("expires_at", ""), "role": fields.get("role", "")}
        return await _new_key(tx, msgspec.structs.replace(typed, values=given))

    async def issue(tx: Transaction, id: UUID, new: NewKey) -> Shown:
        issued: IssuedKey = await verb_of(issue_api_key)(tx, id, request, new)
        return await _issued(tx, issued)

    return await submitted_new(
        request,
        _with_expiry(with_role(fields)),
        NewKey,
        issue,
        again=again,
        then=lambda made: f"{ADDRESS}/{made}",
        once=as_it_is,
    )


@page("/keys/{key_id:uuid}", permission=READ_KEYS)
async def show_key(tx: Transaction, request: AnyRequest, key_id: UUID) -> Shown:
    """One key: what it is called and may do."""
    return await _key_page(tx, request, key_id)


@form("/keys/{key_id:uuid}", permission=ISSUE_KEYS)
async def take_key(request: AnyRequest, fields: Fields, key_id: UUID) -> Shown | str:
    """Change what a key is called, where it may come from, and how often."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _key_page(tx, request, key_id, typed)

    async def save(tx: Transaction, change: KeyChange) -> ApiKeyRow:
        changed: ApiKeyRow = await verb_of(change_api_key)(tx, key_id, change)
        return changed

    return await submitted(request, fields, KeyChange, save, again=again, then=f"{ADDRESS}/{key_id}?done=changed")


@form("/keys/{key_id:uuid}/rotate", permission=ISSUE_KEYS)
async def take_rotation(request: AnyRequest, fields: Fields, key_id: UUID) -> Shown | str:
    """Issue a key in the place of this one, and show it: this once."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _key_page(tx, request, key_id, typed)

    async def rotate(tx: Transaction, id: UUID, asked: Rotation) -> Shown:
        issued: IssuedKey = await verb_of(rotate_api_key)(tx, id, request, key_id, asked)
        return await _issued(tx, issued)

    return await submitted_new(
        request, fields, Rotation, rotate, again=again, then=lambda made: f"{ADDRESS}/{made}", once=as_it_is
    )


@form("/keys/{key_id:uuid}/revoke", permission=ISSUE_KEYS)
async def take_revocation(request: AnyRequest, fields: Fields, key_id: UUID) -> Shown | str:
    """Revoke a key."""
    async with opened(request) as tx:
        await keys.revoke_key(tx, key_id)
    return f"{ADDRESS}?done=revoked"


def state_of(key: ApiKeyRow) -> str:
    """Return whether a key is active, expired or revoked."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now() else "active"


def _with_expiry(fields: Fields) -> dict[str, str]:
    """Return the fields with the day of expiry as the moment at which that day ends in UTC; what is no day as it is."""
    day = fields.get("expires_at", "").strip()
    try:
        end = datetime.combine(date.fromisoformat(day), time(23, 59, 59), UTC).isoformat()
    except ValueError:
        end = day
    return dict(fields) | {"expires_at": end}


async def _issued(tx: Transaction, issued: IssuedKey) -> Shown:
    return Shown("keys/issued.html", {
        "key": issued.key, "secret": issued.secret, "roles": (await choices(tx)).labels, "role": key_of(issued.key),
    })  # fmt: skip


async def _key_page(tx: Transaction, request: AnyRequest, key_id: UUID, typed: Form | None = None) -> Shown:
    key = await keys.read_key(tx, key_id)
    known = await choices(tx)
    standing = {
        "name": key.name, "networks": "\n".join(key.networks or ()), "per_minute": str(key.per_minute or ""),
        "overlap_hours": "24",
    }  # fmt: skip
    return Shown("keys/one.html", {
        "key": key, "modules": MODULES, "state": state_of(key), "states": STATES,
        "roles": known.labels, "role": key_of(key), "form": typed or Form(standing),
        "above": key_of(key) not in known.grantable,
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


async def _new_key(tx: Transaction, typed: Form) -> Shown:
    held = {name.partition(":")[0] for name in held_by(tx.principal)}
    return Shown("keys/new.html", {
        "form": typed, "roles": (await choices(tx)).grantable, "today": today(),
        "modules": {name: label for name, label in MODULES.items() if name in held},
    })  # fmt: skip


ROUTES = (show_keys, show_new_key, take_new_key, show_key, take_key, take_rotation, take_revocation)
