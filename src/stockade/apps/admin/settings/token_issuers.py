"""Trusted issuers as people manage them: whose tokens count on the API, and a test that explains a token."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from stockade.access.fields import Text80
from stockade.access.routes import opened, verb_of
from stockade.access.sign_on import (
    MANAGE,
    READ,
    change_token_issuer,
    trust_token_issuer,
    turn_token_issuer_off,
    turn_token_issuer_on,
)
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.members import ROLE_LABELS
from stockade.apps.admin.reading import typed
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.sso import issuers
from stockade.identity.sso.issuers import IssuerChange, IssuerRow, NewIssuer
from stockade.identity.sso.kinds import Address, Algorithms, AnyAddress, Claim, usual
from stockade.identity.sso.model import GRANTABLE
from stockade.identity.sso.outside import explain
from stockade.kernel.problems import Invalid
from stockade.kernel.words import N_, said
from stockade.tenancy.transaction import Transaction

ADDRESS = "/settings/sign-on/issuers"
Lines = Annotated[str, msgspec.Meta(max_length=20_000)]
TOLD = {
    "saved": N_("The issuer is saved. It holds from the next request on."),
    "off": N_("Its tokens are refused from now on."),
    "on": N_("Its tokens count from now on."),
}


class IssuerForm(msgspec.Struct, frozen=True, kw_only=True):
    """An issuer as it is typed: a line for each role, as in ``boss = admin``, and for each claim that is required."""

    name: Text80
    issuer: Address
    audience: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    algorithms: Algorithms = msgspec.field(default_factory=usual)
    jwks_uri: AnyAddress | None = None
    role: issuers.IssuedRole | None = None
    role_claim: Claim | None = None
    roles: Lines = ""
    required: Lines = ""
    name_claim: Claim = "name"
    expected_version: int = 0


@page(ADDRESS + "/new", permission=MANAGE)
async def show_new_issuer(tx: Transaction, request: AnyRequest) -> Shown:
    """The form of a new issuer."""
    return _page(request, None, Form({"algorithms": ", ".join(usual()), "name_claim": "name", "role": "viewer"}))


@form(ADDRESS + "/new", permission=MANAGE)
async def take_new_issuer(request: AnyRequest, fields: Fields) -> Shown | str:
    """Trust an issuer."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return _page(request, None, typed)

    async def trust(tx: Transaction, id: UUID, given: IssuerForm) -> Any:
        return await verb_of(trust_token_issuer)(tx, id, NewIssuer(**_values(given)))

    return await submitted_new(
        request, fields, IssuerForm, trust, again=again, then=lambda made: f"{ADDRESS}/{made}?done=saved"
    )  # fmt: skip


@page(ADDRESS + "/{issuer_id:uuid}", permission=READ)
async def show_issuer(tx: Transaction, request: AnyRequest, issuer_id: UUID) -> Shown:
    """One issuer."""
    row = await issuers.read_issuer(tx, issuer_id)
    return _page(request, row, _form_of(row))


@form(ADDRESS + "/{issuer_id:uuid}", permission=MANAGE)
async def take_issuer(request: AnyRequest, fields: Fields, issuer_id: UUID) -> Shown | str:
    """Change an issuer as a whole."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return _page(request, await issuers.read_issuer(tx, issuer_id), typed)

    async def save(tx: Transaction, given: IssuerForm) -> Any:
        change = IssuerChange(**_values(given), expected_version=max(given.expected_version, 1))
        return await verb_of(change_token_issuer)(tx, issuer_id, change)

    return await submitted(request, fields, IssuerForm, save, again=again, then=f"{ADDRESS}/{issuer_id}?done=saved")


@form(ADDRESS + "/{issuer_id:uuid}/turn-off", permission=MANAGE)
async def take_issuer_off(request: AnyRequest, fields: Fields, issuer_id: UUID) -> Shown | str:
    """Trust an issuer no more."""
    async with opened(request) as tx:
        await verb_of(turn_token_issuer_off)(tx, issuer_id)
    return f"{ADDRESS}/{issuer_id}?done=off"


@form(ADDRESS + "/{issuer_id:uuid}/turn-on", permission=MANAGE)
async def take_issuer_on(request: AnyRequest, fields: Fields, issuer_id: UUID) -> Shown | str:
    """Trust an issuer again."""
    async with opened(request) as tx:
        await verb_of(turn_token_issuer_on)(tx, issuer_id)
    return f"{ADDRESS}/{issuer_id}?done=on"


@form(ADDRESS + "/{issuer_id:uuid}/test", permission=MANAGE)
async def take_issuer_test(request: AnyRequest, fields: Fields, issuer_id: UUID) -> Shown | str:
    """Explain what a token of the issuer would do, step by step. The token is not kept, and lets nobody in."""
    async with opened(request) as tx:
        row = await issuers.read_issuer(tx, issuer_id)
    found = await explain(request.app.state.provider_keys, row, fields.get("token", "").strip())
    return _page(request, row, _form_of(row), tested=found)


def _values(given: IssuerForm) -> dict[str, Any]:
    values = {name: getattr(given, name) for name in given.__struct_fields__ if name != "expected_version"}
    roles = _pairs(given.roles, "roles", "boss = admin")
    if wrong := set(roles.values()) - set(GRANTABLE):
        raise Invalid(said("{role} is no role that a token can have.", role=min(wrong)), field="roles")
    return values | {"roles": roles, "required": _pairs(given.required, "required", "org_id = org_2abc")}


def _pairs(text: str, field: str, example: str) -> dict[str, str]:
    """Return what lines of a text set equal."""
    found = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name or not value or len(name) > 300 or len(value) > 300:
            raise Invalid(said("Write it like {example}.", example=example), field=field)
        found[name] = value
    return found


def _form_of(row: IssuerRow) -> Form:
    plain = ("name", "issuer", "audience", "jwks_uri", "role", "role_claim", "name_claim")
    values = {name: typed(getattr(row, name), name) for name in plain}
    return Form(values | {
        "algorithms": ", ".join(row.algorithms), "roles": _lines(row.roles), "required": _lines(row.required),
        "expected_version": str(row.version),
    })  # fmt: skip


def _lines(pairs: dict[str, str]) -> str:
    return "\n".join(f"{name} = {value}" for name, value in pairs.items())


def _page(request: AnyRequest, row: IssuerRow | None, typed: Form, *, tested: Any = None) -> Shown:
    return Shown("settings/token_issuer.html", {
        "row": row, "form": typed, "roles": {role: ROLE_LABELS[role] for role in GRANTABLE}, "tested": tested,
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


ROUTES = (
    show_new_issuer, take_new_issuer, show_issuer, take_issuer, take_issuer_off, take_issuer_on, take_issuer_test,
)  # fmt: skip
