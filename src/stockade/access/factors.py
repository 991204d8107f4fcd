"""One's own factors through the API: passkeys, an authenticator app, recovery codes; and what the organisation demands.

Factors are a person's: a key of the organisation's has none, and manages nobody's.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from stockade.access.fields import Text80
from stockade.access.permissions import permission
from stockade.access.routes import AnyRequest, create, get, patch, post, put
from stockade.identity.factors import passkeys, policy, recovery, totp
from stockade.identity.factors.ceremony import Party
from stockade.identity.factors.held import Held, own_factors
from stockade.identity.factors.passkeys import (
    ModelNotAllowed,
    Passkey,
    PasskeyKnown,
    PasskeyNotEnrolled,
    TooManyPasskeys,
)
from stockade.identity.factors.policy import Policy
from stockade.identity.factors.totp import Begun
from stockade.identity.sealing import Sealer
from stockade.kernel.problems import Invalid, NotFound, Problem, VersionConflict
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Transaction

READ_OWN = permission("security:read", least="viewer")
MANAGE_OWN = permission("security:own", least="viewer", changes=True)
READ_POLICY = permission("sign_in_policy:read", least="admin")
SET_POLICY = permission("sign_in_policy:set", least="admin")


class PeopleOnly(Problem):
    """Factors belong to people; this is a program's key."""

    type = "/problems/people-only"
    title = "Only a person who is signed in may do this"
    status = 403


class PasskeyOptions(msgspec.Struct, frozen=True):
    """What ``navigator.credentials.create`` takes as its ``publicKey``, in WebAuthn's own JSON."""

    publicKey: dict[str, Any]  # noqa: N815  # WebAuthn's name


class NewPasskey(msgspec.Struct, forbid_unknown_fields=True):
    """The browser's answer to the options (``PublicKeyCredential.toJSON()``), and what to call the passkey."""

    name: Text80
    answer: dict[str, Any]


class PasskeyName(msgspec.Struct, forbid_unknown_fields=True):
    """What to call a passkey from now on."""

    name: Text80


class OneTimeCode(msgspec.Struct, forbid_unknown_fields=True):
    """The six digits that an authenticator app shows."""

    code: Annotated[str, msgspec.Meta(min_length=6, max_length=12, pattern=r"^[0-9 ]+$")]


class RecoveryCodes(msgspec.Struct, frozen=True):
    """New codes, each good once. They are in this answer and nowhere else."""

    codes: list[str]


@get("/me/factors", permission=READ_OWN)
async def read_own_factors(tx: Transaction) -> Held:
    """Count one's own factors. A key has none."""
    return await own_factors(tx)


@get("/me/passkeys", permission=READ_OWN)
async def list_own_passkeys(tx: Transaction) -> list[Passkey]:
    """List one's own passkeys, oldest first; revoked ones, too. A key has none."""
    return await passkeys.list_passkeys(tx)


@post("/me/passkeys/options", permission=MANAGE_OWN, problems=[PeopleOnly, TooManyPasskeys])
async def ask_for_passkey(tx: Transaction, request: AnyRequest) -> PasskeyOptions:
    """Begin to enrol a passkey in this browser. The options are good for five minutes and one answer."""
    require_person(tx.principal)
    options = await passkeys.begin_enrolment(tx, party_of(request), browser_of(request))
    return PasskeyOptions(msgspec.json.decode(options))


@create(
    "/me/passkeys", permission=MANAGE_OWN, read=passkeys.read_passkey,
    problems=[PeopleOnly, PasskeyNotEnrolled, ModelNotAllowed, PasskeyKnown, TooManyPasskeys],
)  # fmt: skip
async def enrol_passkey(tx: Transaction, id: UUID, request: AnyRequest, data: NewPasskey) -> Passkey:
    """Enrol the passkey that answered the options."""
    require_person(tx.principal)
    return await passkeys.finish_enrolment(
        tx, party_of(request), browser_of(request), data.answer, data.name, id
    )  # fmt: skip


@patch("/me/passkeys/{passkey_id:uuid}", permission=MANAGE_OWN)
async def rename_own_passkey(tx: Transaction, passkey_id: UUID, data: PasskeyName) -> Passkey:
    """Call a passkey something else."""
    return await passkeys.rename_passkey(tx, passkey_id, data.name)


@post("/me/passkeys/{passkey_id:uuid}/revoke", permission=MANAGE_OWN)
async def revoke_own_passkey(tx: Transaction, passkey_id: UUID) -> Passkey:
    """Revoke a passkey. It signs nobody in from now on, and does not come back."""
    await passkeys.revoke_passkey(tx, passkey_id)
    return await passkeys.read_passkey(tx, passkey_id)


@post("/me/totp", permission=MANAGE_OWN, problems=[PeopleOnly])
async def begin_own_totp(tx: Transaction, request: AnyRequest) -> Begun:
    """Begin to set up an authenticator app. The one before stays good until a code confirms the new one."""
    require_person(tx.principal)
    return await totp.begin(tx, sealer_of(request))


@post("/me/totp/confirm", permission=MANAGE_OWN, problems=[PeopleOnly, Invalid, NotFound])
async def confirm_own_totp(tx: Transaction, request: AnyRequest, data: OneTimeCode) -> Held:
    """Confirm the authenticator app with the code that it shows."""
    require_person(tx.principal)
    await totp.confirm(tx, sealer_of(request), data.code)
    return await own_factors(tx)


@post("/me/totp/remove", permission=MANAGE_OWN, problems=[PeopleOnly, NotFound])
async def remove_own_totp(tx: Transaction) -> Held:
    """Remove the authenticator app."""
    require_person(tx.principal)
    await totp.remove(tx)
    return await own_factors(tx)


@post("/me/recovery-codes", permission=MANAGE_OWN, problems=[PeopleOnly])
async def make_own_recovery_codes(tx: Transaction) -> RecoveryCodes:
    """Make ten new recovery codes. Those before are worth nothing from now on."""
    require_person(tx.principal)
    return RecoveryCodes(await recovery.regenerate(tx))


@get("/sign-in-policy", permission=READ_POLICY)
async def read_sign_in_policy(tx: Transaction) -> Policy:
    """Read what the organisation demands of its people's factors."""
    return await policy.read_policy(tx)


@put("/sign-in-policy", permission=SET_POLICY, problems=[VersionConflict])
async def set_sign_in_policy(tx: Transaction, data: Policy) -> Policy:
    """Say what the organisation demands of its people's factors, from their next sign-in on."""
    return await policy.save_policy(tx, data)


def require_person(principal: Principal) -> None:
    """Raise ``PeopleOnly`` for anybody but a person with a session."""
    if principal.kind is not ActorKind.USER:
        raise PeopleOnly


def party_of(request: AnyRequest) -> Party:
    """Return the relying party that the application is."""
    found: Party = request.app.state.party
    return found


def sealer_of(request: AnyRequest) -> Sealer:
    """Return what seals the seeds of authenticator apps."""
    found: Sealer = request.app.state.sealer
    return found


def browser_of(request: AnyRequest) -> str:
    """Return what only this browser knows: its session's token."""
    return str(request.scope["state"]["credential"])


ROUTES = [
    read_own_factors, list_own_passkeys, ask_for_passkey, enrol_passkey, rename_own_passkey, revoke_own_passkey,
    begin_own_totp, confirm_own_totp, remove_own_totp, make_own_recovery_codes, read_sign_in_policy, set_sign_in_policy,
]  # fmt: skip
