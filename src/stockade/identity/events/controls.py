"""Security events: made over the wire, and looked for in the trail with the fields that are declared (claim F4)."""

import hashlib
import hmac
import os
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from stockade.identity.credentials import Credentials
from stockade.identity.events.declared import EVENTS, Failed, misfit
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.kernel.ids import new_id
from stockade.web.wire import Line, as_json

_TOKENS, _KEYS = "/api/v1/tokens", "/api/v1/api-keys"
_JSON = {"Content-Type": "application/json"}
_ENTRIES = (
    "select jsonb_build_object('action', action, 'recorded_at', recorded_at, 'actor_id', actor_id, "
    "'actor_kind', actor_kind, 'request_id', request_id, 'address', address, 'subject', subject, "
    "'subject_id', subject_id, 'after', after) from audit.entry where tenant_id = $1 and subject_id = any($2)"
)
_ATTEMPT = (
    "select jsonb_build_object('at', at, 'email_hash', encode(email_hash, 'hex'), 'address', address, "
    "'reason', reason) from identity.attempt where email_hash = $1"
)


@control(
    id="identity.security-events-structured", claims=("F4",), every=timedelta(hours=6), max_age=timedelta(hours=13),
    standards=("OWASP ASVS 5.0 V16.3", "ISO 27001 A.8.15", "SOC 2 CC7.2"),
    statement="A sign-in, a failed one, the issue and the revocation of tokens and of a key are each written down at "
    "once, as an event of a declared kind with its fields.",
)  # fmt: skip
async def security_events_structured(installation: Installation) -> Finding:
    """Sign in and out for tokens, fail to, issue and revoke a key over the wire; then read what was written down."""
    probe_key = getattr(installation, "probe_key", None)
    probe_link = getattr(installation, "probe_link", None)
    if probe_key is None or probe_link is None:
        return Finding(False, "It cannot be checked: the installation gives no key and no link of a probe.")
    email = f"{os.urandom(8).hex()}@controls.invalid"
    async with probe_key("owner") as owner, Line(installation) as line:
        made = [await _session(line, await probe_link()), await _key(line, owner)]
        await _post(line, _TOKENS, {"email": email, "password": os.urandom(9).hex(), "client": "control"})
    if None in made:
        return Finding(False, "It cannot be checked: the probe was given no tokens, or no key.")
    wrong = await _breaches_in_trail(installation, [item for item in made if item is not None])
    wrong += await _breaches_of_failure(installation, email)
    return finding(len(EVENTS) + 1, "kinds of security events", wrong)


async def _session(line: Line, link: str) -> UUID | None:
    """Sign in for tokens and out again; return the session's id."""
    pair: dict[str, Any] = await _post(line, f"{_TOKENS}/link", {"link": link, "client": "control"})
    await line.ask("DELETE", _TOKENS, {"Authorization": f"Bearer {pair.get('access_token')}"})
    found = pair.get("session_id")
    return UUID(found) if isinstance(found, str) else None


async def _key(line: Line, owner: str) -> UUID | None:
    """Issue a key and revoke it; return its id."""
    bearer = {"Authorization": f"Bearer {owner}"}
    headers = bearer | {"Idempotency-Key": new_id().hex}
    issued = await _post(line, _KEYS, {"name": "control", "role": "viewer", "read_only": True}, headers)
    found = issued.get("key", {}).get("id")
    if not isinstance(found, str):
        return None
    await line.ask("POST", f"{_KEYS}/{found}/revoke", bearer)
    return UUID(found)


async def _post(line: Line, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
    return as_json(await line.ask("POST", path, _JSON | (headers or {}), msgspec.json.encode(body)))


async def _breaches_in_trail(installation: Installation, ids: list[UUID]) -> list[str]:
    probe = installation.probes[0]
    async with installation.application.transaction(probe.principal) as tx:
        entries = [row[0] for row in await tx.fetch(_ENTRIES, probe.tenant_id, ids)]
    written = {entry["action"]: entry for entry in entries}
    wrong = [f"{action} was not written down" for action in EVENTS if action not in written]
    found = ((action, misfit(written[action])) for action in EVENTS if action in written)
    return wrong + [f"{action} is not as it is declared: {reason}" for action, reason in found if reason]


async def _breaches_of_failure(installation: Installation, email: str) -> list[str]:
    credentials: Credentials = installation.credentials  # type: ignore[attr-defined]  # the running one has it
    tried = hmac.digest(credentials.hash("attempt"), email.encode(), hashlib.sha256)
    async with installation.platform.main().acquire() as connection:
        row = await connection.fetchval(_ATTEMPT, tried)
    if row is None:
        return ["a failed sign-in was not written down"]
    try:
        msgspec.convert(row, Failed)
    except msgspec.ValidationError as error:
        return [f"a failed sign-in is not as it is declared: {error}"]
    return []
