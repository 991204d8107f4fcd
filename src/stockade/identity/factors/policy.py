"""The policy of factors: what an organisation demands of its people when they sign in."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from stockade.database.statements import Statement, raw
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, VersionConflict
from stockade.kernel.words import said
from stockade.tenancy.transaction import Database, Transaction

Roots = Annotated[str, msgspec.Meta(max_length=64_000)]
Models = Annotated[list[UUID], msgspec.Meta(max_length=200)]


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is demanded; without a row in the table it is this struct's defaults, at version 0.

    ``attestation_roots`` are certificates in PEM. ``aaguids`` are the models of authenticators that are allowed;
    none listed: any. ``cloned``: what becomes of a passkey whose count does not rise.
    """

    second_factor_required: bool = False
    passwords_allowed: bool = True
    attestation: Literal["none", "direct"] = "none"
    attestation_roots: Roots = ""
    aaguids: Models = []
    cloned: Literal["refuse", "revoke"] = "revoke"
    version: int = 0


class Demanded(msgspec.Struct, frozen=True):
    """The part of a policy that the sign-in reads before anybody is signed in."""

    second_factor_required: bool = False
    passwords_allowed: bool = True


class _Row(msgspec.Struct, frozen=True):
    second_factor_required: bool
    passwords_allowed: bool
    attestation: Literal["none", "direct"]
    attestation_roots: str
    aaguids: list[str]
    cloned: Literal["refuse", "revoke"]
    version: int


_COLUMNS = "second_factor_required, passwords_allowed, attestation, attestation_roots, aaguids, cloned"
_NAMES = _COLUMNS.replace(",", "")
_READ = raw(f"select {_COLUMNS}, version from identity.factor_policy where tenant_id = $1", "this_tenant", _Row)
_MAKE: Statement[int] = raw(
    f"insert into identity.factor_policy (tenant_id, {_COLUMNS}, id) values ($1, $2, $3, $4, $5, $6, $7, $8) "
    "on conflict (tenant_id) do nothing returning version",
    f"this_tenant {_NAMES} id",
    int,
)
_SAVE: Statement[int] = raw(
    "update identity.factor_policy set second_factor_required = $2, passwords_allowed = $3, attestation = $4, "
    "attestation_roots = $5, aaguids = $6, cloned = $7, version = version + 1 "
    "where tenant_id = $1 and version = $8 returning version",
    f"this_tenant {_NAMES} version",
    int,
)
_DEMANDED = "select second_factor_required, passwords_allowed from identity.demanded_factors($1)"
_ADMITTED = "select identity.passkey_admitted($1, $2)"


async def read_policy(tx: Transaction) -> Policy:
    """Return the pinned organisation's policy."""
    row = await _READ.first(tx)
    return Policy() if row is None else msgspec.convert(msgspec.structs.asdict(row), Policy)


async def save_policy(tx: Transaction, wanted: Policy) -> Policy:
    """Save the policy read at ``wanted.version``; ``VersionConflict`` if somebody else was faster, ``Invalid``."""
    _check(wanted)
    given = msgspec.structs.asdict(wanted) | {"aaguids": [str(model) for model in wanted.aaguids]}
    version = given.pop("version")
    saved = await (_SAVE.first(tx, version=version, **given) if version else _MAKE.first(tx, id=new_id(), **given))
    if saved is None:
        raise VersionConflict
    return msgspec.structs.replace(wanted, version=saved)


async def demanded_of(database: Database, tenant_id: UUID) -> Demanded:
    """Return what an organisation demands of a sign-in, as the gate reads it."""
    async with database.gate().acquire() as connection:
        row = await connection.fetchrow(_DEMANDED, tenant_id)
    return Demanded() if row is None else Demanded(*row)


async def passkey_admitted(database: Database, tenant_id: UUID, passkey_id: UUID) -> bool:
    """Whether a passkey, wherever it was enrolled, meets what one organisation demands of passkeys."""
    async with database.gate().acquire() as connection:
        return bool(await connection.fetchval(_ADMITTED, tenant_id, passkey_id))


def roots_of(text: str) -> Sequence[bytes]:
    """Return the certificates of a PEM text, one by one; ``Invalid`` if there is none or one cannot be read."""
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise Invalid(said("These are not certificates in PEM form."), field="attestation_roots") from None
    return [certificate.public_bytes(Encoding.PEM) for certificate in found]


def _check(wanted: Policy) -> None:
    if wanted.attestation == "direct":
        roots_of(wanted.attestation_roots)
    elif wanted.aaguids:
        raise Invalid(
            said("Only an attested passkey proves its model: demand attestation to limit the models."), field="aaguids"
        )
