"""Security: one's own passkeys, authenticator app and recovery codes."""

import base64
from uuid import UUID

from stockade.access.factors import (
    MANAGE_OWN,
    READ_OWN,
    OneTimeCode,
    PasskeyName,
    require_person,
    sealer_of,
)
from stockade.access.routes import opened
from stockade.apps.admin.forms import Form, submitted
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.admin.sign_in import local_path
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.factors import passkeys, recovery, totp
from stockade.identity.factors.held import own_factors
from stockade.identity.factors.passkeys import Passkey
from stockade.identity.factors.totp import Begun
from stockade.identity.mailed.addresses import own_address
from stockade.identity.service import sessions
from stockade.identity.signing_in import recent
from stockade.identity.signing_in.flow import FactorRefused
from stockade.identity.suspicion.rules import family_of
from stockade.kernel.words import N_, Said, said
from stockade.tenancy.transaction import Transaction

ADDRESS = "/security"
TOLD = {
    "enrolled": N_("The passkey is enrolled. You can sign in with it from now on."),
    "renamed": N_("The passkey has its new name."),
    "revoked": N_("The passkey is revoked. It signs nobody in from now on."),
    "app": N_("The authenticator app is set up."),
    "removed": N_("The authenticator app is removed."),
    "ended": N_("The session has ended."),
    "letter": N_("A letter is on its way to the new address. Until you open its link, nothing changes."),
    "address": N_("You sign in with the new address from now on."),
    "others": N_("Every other session of yours has ended."),
}
METHODS = {
    "password": N_("Password"), "link": N_("Sign-in link"), "passkey": N_("Passkey"), "sso": N_("Single sign-on"),
    "totp": N_("Authenticator app"), "recovery": N_("Recovery code"),
}  # fmt: skip
STATES = {
    "active": (N_("Active"), "good"),
    "revoked": (N_("Revoked"), "hollow"),
    "cloned": (N_("Copied?"), "bad"),
}


@page(ADDRESS, permission=READ_OWN)
async def show_security(tx: Transaction, request: AnyRequest) -> Shown:
    """One's own factors."""
    return await _security(tx, request, Form())


@form("/security/passkeys/{passkey_id:uuid}", permission=MANAGE_OWN)
async def take_passkey_name(request: AnyRequest, fields: Fields, passkey_id: UUID) -> Shown | str:
    """Call a passkey something else."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        await passkeys.read_passkey(tx, passkey_id)
        return await _security(tx, request, typed)

    async def rename(tx: Transaction, wanted: PasskeyName) -> Passkey:
        return await passkeys.rename_passkey(tx, passkey_id, wanted.name)

    return await submitted(request, fields, PasskeyName, rename, again=again, then=f"{ADDRESS}?done=renamed")


@form("/security/passkeys/{passkey_id:uuid}/revoke", permission=MANAGE_OWN)
async def take_passkey_revocation(request: AnyRequest, fields: Fields, passkey_id: UUID) -> Shown | str:
    """Revoke a passkey."""
    async with opened(request) as tx:
        await passkeys.revoke_passkey(tx, passkey_id)
    return f"{ADDRESS}?done=revoked"


@form("/security/totp", permission=MANAGE_OWN)
async def take_totp_beginning(request: AnyRequest, fields: Fields) -> Shown | str:
    """Begin to set up an app. The answer is the page itself, so that no address ever holds the seed."""
    async with opened(request) as tx:
        require_person(tx.principal)
        begun = await totp.begin(tx, sealer_of(request))
    return _totp_page(begun, Form())


@form("/security/totp/confirm", permission=MANAGE_OWN)
async def take_totp_code(request: AnyRequest, fields: Fields) -> Shown | str:
    """Confirm the app with a code of its."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        begun = await totp.read_begun(tx, sealer_of(request))
        return await _security(tx, request, typed) if begun is None else _totp_page(begun, typed)

    async def confirm(tx: Transaction, typed: OneTimeCode) -> None:
        require_person(tx.principal)
        await totp.confirm(tx, sealer_of(request), typed.code)

    return await submitted(request, fields, OneTimeCode, confirm, again=again, then=f"{ADDRESS}?done=app")


@form("/security/totp/remove", permission=MANAGE_OWN)
async def take_totp_removal(request: AnyRequest, fields: Fields) -> Shown | str:
    """Remove the app."""
    async with opened(request) as tx:
        require_person(tx.principal)
        await totp.remove(tx)
    return f"{ADDRESS}?done=removed"


@form("/security/recovery-codes", permission=MANAGE_OWN)
async def take_recovery_codes(request: AnyRequest, fields: Fields) -> Shown | str:
    """Make new recovery codes and show them: this once."""
    async with opened(request) as tx:
        require_person(tx.principal)
        codes = await recovery.regenerate(tx)
    return Shown("security/codes.html", {"codes": codes})


@form("/security/sessions/{session_id:uuid}/end", permission=MANAGE_OWN)
async def take_session_end(request: AnyRequest, fields: Fields, session_id: UUID) -> Shown | str:
    """End one of one's own sessions."""
    async with opened(request) as tx:
        require_person(tx.principal)
        await sessions.end_own_session(tx, session_id)
    return f"{ADDRESS}?done=ended"


@form("/security/sessions/end-others", permission=MANAGE_OWN)
async def take_sessions_end(request: AnyRequest, fields: Fields) -> Shown | str:
    """End every session of one's own but this one."""
    async with opened(request) as tx:
        require_person(tx.principal)
        await sessions.end_other_sessions(tx)
    return f"{ADDRESS}?done=others"


@page("/security/prove", permission=READ_OWN)
async def show_prove(tx: Transaction, request: AnyRequest) -> Shown:
    """The page that asks for a code before something sensitive."""
    return _prove_page(Form({"next": local_path(request.query_params.get("next", ADDRESS))}))


@form("/security/prove", permission=READ_OWN)
async def take_proof(request: AnyRequest, fields: Fields) -> Shown | str:
    """Take the code, and go back to where it was asked for."""
    following = local_path(fields.get("next", "") or ADDRESS)
    try:
        async with opened(request) as tx:
            require_person(tx.principal)
            await recent.prove(tx, request.app.state.database, sealer_of(request), fields.get("code", "")[:40])
    except FactorRefused as refused:
        return _prove_page(Form({"next": following}, {"code": refused.title}), refused.status)
    return following


def _prove_page(typed: Form, status: int = 200) -> Shown:
    return Shown("security/prove.html", {"form": typed}, status)


def state_of(passkey: Passkey) -> str:
    """Return whether a passkey is active, revoked, or may have been copied."""
    if passkey.cloned_at is not None:
        return "cloned"
    return "active" if passkey.revoked_at is None else "revoked"


async def _security(tx: Transaction, request: AnyRequest, typed: Form) -> Shown:
    listed = [(passkey, state_of(passkey)) for passkey in await passkeys.list_passkeys(tx)]
    listed.sort(key=lambda item: (item[0].revoked_at is not None, -item[0].created_at.timestamp()))
    return Shown("security/own.html", {
        "passkeys": listed, "states": STATES, "held": await own_factors(tx), "form": typed,
        "email": await own_address(tx), "methods": METHODS,
        "sessions": [(it, _used_by(it)) for it in await sessions.list_own_sessions(tx)],
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


def _used_by(session: sessions.SessionRow) -> str | Said:
    """Return what a session is used by, as its person calls it: the program's name, or the browser's family."""
    if session.client or not session.user_agent:
        return session.client or N_("unknown")
    browser, _, system = family_of(session.user_agent).partition(" on ")
    if "another" in browser + system:
        return session.user_agent
    return said("{browser} on {system}", browser=browser, system=system)


def _totp_page(begun: Begun, typed: Form) -> Shown:
    picture = "data:image/svg+xml;base64," + base64.b64encode(begun.svg.encode()).decode()
    return Shown("security/totp.html", {"begun": begun, "picture": picture, "form": typed})


ROUTES = (
    show_security, take_passkey_name, take_passkey_revocation, take_totp_beginning, take_totp_code, take_totp_removal,
    take_recovery_codes, take_session_end, take_sessions_end, show_prove, take_proof,
)  # fmt: skip
