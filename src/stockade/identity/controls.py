"""API keys: issued over the wire, looked for in the database, changed, and revoked (claim C5)."""

import hashlib
import os
from datetime import timedelta
from typing import Any

import msgspec

from stockade.kernel.control import Finding, Installation, control, finding
from stockade.web.wire import Line, Reply, as_json

_PATH = "/api/v1/api-keys"
_ROW = (
    "select to_jsonb(k)::text, k.secret_hash, k.prefix from identity.api_key k "
    "where k.tenant_id = $1 and k.id::text = $2"
)
_HASH_BYTES = 32


@control(
    id="identity.api-keys-kept-as-hmac", claims=("C5",), every=timedelta(hours=1), max_age=timedelta(hours=3),
    needs_key=True, standards=("OWASP ASVS 5.0 V11.4", "ISO 27001 A.5.17", "SOC 2 CC6.1"),
    statement="A freshly issued API key is random, shown in one answer only, in the database a keyed hash of 32 bytes "
    "and nothing else, worth nothing under another organisation's id, unable to write if it is read-only, and "
    "refused once revoked.",
)  # fmt: skip
async def api_keys_kept_as_hmac(installation: Installation) -> Finding:
    """Issue a read-only key through the API as a probe's owner, look at it from every side, and revoke it."""
    wrong: list[str] = []
    async with installation.probe_key("owner") as owner, Line(installation) as line:
        issued = await _issue(line, owner)
        secret, key_id = issued.get("secret"), issued.get("key", {}).get("id")
        if not isinstance(secret, str) or not isinstance(key_id, str):
            return Finding(False, "It cannot be checked: the probe's owner was not given a key.")
        row = await _row(installation, key_id)
        if row is None:
            return Finding(False, "The key that was issued is not in the probe's own table.")
        wrong += _breaches_at_rest(secret, *row)
        wrong += await _breaches_in_use(installation, line, owner, secret, key_id)
    return finding(8, "properties of an API key", wrong)


async def _issue(line: Line, owner: str) -> dict[str, Any]:
    body = msgspec.json.encode({"name": "control", "role": "owner", "read_only": True})
    first = await _ask(line, "POST", _PATH, owner, body, once := os.urandom(16).hex())
    again = await _ask(line, "POST", _PATH, owner, body, once)
    answer = as_json(first)
    if as_json(again).get("secret") is not None:
        return {}
    return answer if isinstance(answer.get("key"), dict) else {}


async def _row(installation: Installation, key_id: str) -> tuple[str, bytes, str] | None:
    """Read the key's row as the application's role."""
    probe = installation.probes[0]
    async with installation.application.transaction(probe.principal) as tx:
        found = await tx.fetchrow(_ROW, probe.tenant_id, key_id)
    return (str(found[0]), bytes(found[1]), str(found[2])) if found else None


def _breaches_at_rest(secret: str, row: str, hashed: bytes, prefix: str) -> list[str]:
    random = secret.rpartition("_")[2] if len(secret.split("_")) == 4 else secret[-43:]
    wrong = []
    if len(hashed) != _HASH_BYTES:
        wrong.append(f"the stored hash has {len(hashed)} bytes")
    plain = {hashlib.sha256(text.encode()).digest() for text in (secret, random)}
    if hashed in plain:
        wrong.append("the stored hash has no key: whoever reads the table can test guesses")
    if random in row or random.encode().hex() in row:
        wrong.append("the key itself is in the table")
    if not secret.startswith(prefix) or len(random) < 43:
        wrong.append("the key is not what its prefix says, or too short to be random")
    return wrong


async def _breaches_in_use(installation: Installation, line: Line, owner: str, secret: str, key_id: str) -> list[str]:
    wrong = []
    own, other = (probe.tenant_id.hex for probe in installation.probes)
    listing = await _ask(line, "GET", _PATH, secret)
    if listing.status != 200:
        wrong.append(f"a good key is refused with {listing.status}, so that refusals prove nothing")
    if secret.encode() in listing.body or b'"secret"' in listing.body:
        wrong.append("the key is shown again")
    if (status := (await _ask(line, "GET", _PATH, secret.replace(own, other))).status) != 401:
        wrong.append(f"under another organisation's id it is answered with {status}")
    if (status := (await _ask(line, "POST", f"{_PATH}/{key_id}/revoke", secret, b"{}")).status) != 403:
        wrong.append(f"a read-only key that writes is answered with {status}")
    if (status := (await _ask(line, "POST", f"{_PATH}/{key_id}/revoke", owner)).status) != 200:
        wrong.append(f"revoking it is answered with {status}")
    if (status := (await _ask(line, "GET", _PATH, secret)).status) != 401:
        wrong.append(f"after it was revoked it is answered with {status}")
    return wrong


async def _ask(line: Line, method: str, path: str, key: str, body: bytes = b"", once: str = "") -> Reply:
    headers = {"Authorization": f"Bearer {key}"}
    if body:
        headers["Content-Type"] = "application/json"
    if once:
        headers["Idempotency-Key"] = once
    return await line.ask(method, path, headers, body)
