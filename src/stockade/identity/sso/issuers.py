"""Trusted issuers: whose tokens an organisation takes on its API, and what they may do there."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.sso.kinds import Address, Algorithms, AnyAddress, Claim, usual
from stockade.kernel.problems import Conflict, Invalid, VersionConflict
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction, on_violation

IssuedRole = Literal["viewer", "member", "admin"]
Value = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class IssuerNameTaken(Conflict):
    """Another issuer of this organisation has the name."""

    type = "/problems/identity/issuer-name-taken"
    title = "Another issuer has this name"


on_violation("token_issuer_tenant_id_name_key", IssuerNameTaken)


class NewIssuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose tokens count, and for what.

    ``issuer`` and ``audience`` are what a token says in ``iss`` and ``aud``. ``jwks_uri``: where the keys are; without,
    the issuer's discovery document says it. ``role`` is what every token may do; without one, ``role_claim`` (parts
    apart by dots) holds a value or a list, and ``roles`` says what each stands for. ``required`` are claims with the
    value that they must have: where several organisations share an issuer, the one that names the organisation.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    issuer: Address
    audience: Value
    algorithms: Algorithms = msgspec.field(default_factory=usual)
    jwks_uri: AnyAddress | None = None
    role: IssuedRole | None = None
    role_claim: Claim | None = None
    roles: Annotated[dict[Value, IssuedRole], msgspec.Meta(max_length=100)] = {}
    required: Annotated[dict[Claim, Value], msgspec.Meta(max_length=20)] = {}
    name_claim: Claim = "name"


class IssuerChange(NewIssuer, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an issuer is from now on, as a whole."""

    expected_version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class IssuerRow(msgspec.Struct, frozen=True):
    """A trusted issuer."""

    id: UUID
    name: str
    issuer: str
    audience: str
    algorithms: list[str]
    jwks_uri: str | None
    role: IssuedRole | None
    role_claim: str | None
    roles: dict[str, str]
    required: dict[str, str]
    name_claim: str
    state: Literal["active", "off"]
    version: int
    created_at: datetime


_FIELDS = "name issuer audience algorithms jwks_uri role role_claim roles required name_claim"
_COLUMNS = _FIELDS.replace(" ", ", ")
_READ = f"select id, {_COLUMNS}, state, version, created_at from identity.token_issuer where tenant_id = $1"
_ALL = raw(f"{_READ} order by state, name, id", "this_tenant", IssuerRow)
_ONE = raw(f"{_READ} and id = $2", "this_tenant id", IssuerRow)
_INSERT = raw(
    f"insert into identity.token_issuer (tenant_id, id, {_COLUMNS}) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    f"this_tenant id {_FIELDS}",
)
_SET = ", ".join(f"{name} = ${place}" for place, name in enumerate(_FIELDS.split(), 3))
_CHANGE = raw(
    f"update identity.token_issuer set {_SET}, version = version + 1 "
    "where tenant_id = $1 and id = $2 and version = $13",
    f"this_tenant id {_FIELDS} expected",
)
_SET_STATE = raw(
    "update identity.token_issuer set state = $3, version = version + 1 "
    "where tenant_id = $1 and id = $2 and state <> $3",
    "this_tenant id state",
)


async def list_issuers(tx: Transaction) -> list[IssuerRow]:
    """Return the issuers that the organisation trusts, those that are off last."""
    return await _ALL.all(tx)


async def read_issuer(tx: Transaction, id: UUID) -> IssuerRow:
    """Return one issuer, or raise ``NotFound``."""
    return await _ONE.one(tx, id=id)


async def trust_issuer(tx: Transaction, id: UUID, new: NewIssuer) -> IssuerRow:
    """Trust an issuer from now on; ``Invalid``, ``IssuerNameTaken``."""
    await _INSERT.run(tx, id=id, **_checked(new))
    return await read_issuer(tx, id)


async def change_issuer(tx: Transaction, id: UUID, change: IssuerChange) -> IssuerRow:
    """Change an issuer as a whole; tokens are read by it from the next request on. ``VersionConflict``, ``Invalid``."""
    await read_issuer(tx, id)
    if not await _CHANGE.run(tx, id=id, expected=change.expected_version, **_checked(change)):
        raise VersionConflict
    return await read_issuer(tx, id)


async def set_issuer_state(tx: Transaction, id: UUID, state: Literal["active", "off"]) -> IssuerRow:
    """Trust an issuer again, or no more from the next request on. ``NotFound``."""
    await _SET_STATE.run(tx, id=id, state=state)
    return await read_issuer(tx, id)


def roles_given(given: NewIssuer) -> set[str]:
    """Return every role that tokens may come to."""
    return {role for role in (given.role, *given.roles.values()) if role is not None}


def _checked(given: NewIssuer) -> dict[str, object]:
    if (given.role is None) == (given.role_claim is None):
        raise Invalid(N_("Say what every token may do, or which claim says it: one of the two."), field="role")
    if given.role_claim is not None and not given.roles:
        raise Invalid(N_("Say which role each value of the claim stands for."), field="roles")
    return {name: getattr(given, name) for name in _FIELDS.split()}
