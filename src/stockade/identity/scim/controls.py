"""Provisioning: a directory's client adds a person and removes them; it holds at the next request (B10, C7)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec

from stockade.identity.credentials import Credentials, new_session_token
from stockade.identity.scim.resources import PREFIX, User
from stockade.identity.scim.tokens import issue_token, revoke_token
from stockade.identity.scim.users import read_user
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.kernel.ids import new_id
from stockade.web.wire import Line, Reply, as_json

_PERSON = "provisioned@control.invalid"
_READ = "/api/v1/customers"
_SESSION = (
    "insert into identity.session (tenant_id, id, token_hash, account_id, method, user_agent, expires_at) "
    "values ($1, $2, $3, $4, 'link', 'control', now() + interval '5 minutes')"
)


@control(
    id="identity.deprovisioning-at-once", claims=("B10", "C7"), every=timedelta(hours=6), max_age=timedelta(hours=13),
    standards=("ISO 27001 A.5.16", "ISO 27001 A.5.18", "SOC 2 CC6.2", "SOC 2 CC6.3"),
    statement="A person whom a directory deactivates by SCIM 2.0 is refused at the next request of the session that "
    "was open; the directory's token opens nothing but provisioning, no other credential opens that, and it is "
    "refused itself once revoked.",
)  # fmt: skip
async def deprovisioning_at_once(installation: Installation) -> Finding:
    """Provision a person of a probe, open a session for them, deactivate them, and ask again with it."""
    credentials = getattr(installation, "credentials", None)
    if credentials is None:
        return Finding(False, "It cannot be checked: the installation makes no token of a probe.")
    async with Line(installation) as line:
        async with _token(installation, credentials) as token:
            wrong = await _breaches(installation, line, credentials, token)
        if (status := (await _ask(line, "GET", f"{PREFIX}/Users", token)).status) != 401:
            wrong.append(f"a revoked token is answered with {status}")
        async with installation.probe_key("owner") as owner:
            if (status := (await _ask(line, "GET", f"{PREFIX}/Users", owner)).status) != 403:
                wrong.append(f"an owner's API key is answered with {status} where only a directory may be")
    return finding(6, "properties of provisioning", wrong)


@asynccontextmanager
async def _token(installation: Installation, credentials: Credentials) -> AsyncIterator[str]:
    principal, token_id = installation.probes[0].principal, new_id()
    async with installation.application.transaction(principal) as tx:
        text = await issue_token(tx, credentials, id=token_id, name="control")
    try:
        yield text
    finally:
        async with installation.application.transaction(principal) as tx:
            await revoke_token(tx, token_id)


async def _breaches(installation: Installation, line: Line, credentials: Credentials, token: str) -> list[str]:
    made = await _ask(line, "POST", f"{PREFIX}/Users", token, {"schemas": [str(User.__schema__)], "userName": _PERSON})
    if made.status != 201:
        return [f"a directory that adds a person is answered with {made.status}"]
    user = as_json(made)["id"]
    session = await _session(installation, credentials, user)
    wrong = []
    try:
        if (status := await _enter(line, session)) != 200:
            wrong.append(f"a person with a place is refused with {status}, so that refusals prove nothing")
        off = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": False}],
        }
        if (status := (await _ask(line, "PATCH", f"{PREFIX}/Users/{user}", token, off)).status) != 200:
            wrong.append(f"a directory that deactivates a person is answered with {status}")
        if (status := await _enter(line, session)) != 401:
            wrong.append(f"after a person was deactivated, their session is answered with {status}")
        if (status := (await _ask(line, "GET", _READ, token)).status) != 403:
            wrong.append(f"the directory's token is answered with {status} outside provisioning")
    finally:
        await _ask(line, "DELETE", f"{PREFIX}/Users/{user}", token)
    return wrong


async def _session(installation: Installation, credentials: Credentials, user: Any) -> str:
    probe = installation.probes[0]
    text = new_session_token(probe.tenant_id)
    async with installation.application.transaction(probe.principal) as tx:
        account_id = (await read_user(tx, user)).account_id
        await tx.execute(_SESSION, probe.tenant_id, new_id(), credentials.hash(text), account_id)
    return text


async def _enter(line: Line, session: str) -> int:
    return (await line.ask("GET", _READ, {"Cookie": f"__Host-session={session}"}, b"")).status


async def _ask(line: Line, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Reply:
    headers = {"Authorization": f"Bearer {token}"} | ({"Content-Type": "application/scim+json"} if body else {})
    return await line.ask(method, path, headers, msgspec.json.encode(body) if body else b"")
