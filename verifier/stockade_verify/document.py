"""The document and its evidence: formats, signatures, and what they add up to.

Everything signed is canonical JSON: keys sorted, no spaces, UTF-8, texts and integers only (the subset of RFC 8785 that
leaves nothing to choose). Signatures are Ed25519 (RFC 8032), hashes SHA-256, both in hexadecimal digits.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

DOCUMENT_TYPE = "stockade/claims/1"
STATEMENT_TYPE = "stockade/evidence/1"
CLOCK_TOLERANCE = timedelta(minutes=5)
_WORST_FIRST = ("fails", "stale", "holds")


class NotGenuine(Exception):
    """The document proves nothing; the message says why."""


@dataclass(frozen=True)
class Claim:
    """A claim with its state at the moment of checking, which control decides, and when that was checked."""

    id: str
    statement: str
    state: str
    control: str | None
    checked_at: datetime | None


def verify(text: bytes, key: bytes, at: datetime) -> list[Claim]:
    """Return every claim with its state at a moment (aware); ``NotGenuine`` unless all is signed by the key and agrees.

    States are worked out here, from the evidence alone: what the document says of them has only to agree as of when it
    was made, so that an old document does not pass for a fresh one.
    """
    document = _read(text)
    _check_signature(document, key)
    evidence = _check_evidence(document, key)
    made_at = datetime.fromisoformat(document["made_at"])
    for claim in document["claims"]:
        told = _judge(claim, evidence, made_at)
        if told.state != claim["state"]:
            raise NotGenuine(
                f"The claim {claim['id']} is said to be {claim['state']!r}, but its evidence says {told.state!r}."
            )
    if made_at - at > CLOCK_TOLERANCE:
        raise NotGenuine("The document was made in the future: check this machine's clock.")
    return [_judge(claim, evidence, at) for claim in document["claims"]]


def canonical(value: Any) -> bytes:
    """Return a value as canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _read(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_without_repetition)
    except ValueError as error:
        raise NotGenuine(f"It is not JSON: {error}.") from None
    if not isinstance(document, dict) or document.get("type") != DOCUMENT_TYPE:
        raise NotGenuine(f"It is not a document of the type {DOCUMENT_TYPE}.")
    return document


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Attack: a name that is there twice is read as the first by some programs and as the last by others."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name is there twice")
    return made


def _check_signature(document: Mapping[str, Any], key: bytes) -> None:
    signed = {name: value for name, value in document.items() if name != "signature"}
    if not _verifies(key, document.get("signature"), canonical(signed)):
        raise NotGenuine("The signature of the document is not that of the key.")
    if document.get("public_key") != key.hex() or document.get("installation") != hashlib.sha256(key).hexdigest():
        raise NotGenuine("The document names another key than the one that signed it.")


def _check_evidence(document: Mapping[str, Any], key: bytes) -> dict[str, Mapping[str, Any]]:
    """Return the statement of each control whose evidence is right; an altered one is an error of its own."""
    found: dict[str, Mapping[str, Any]] = {}
    for item in document["evidence"]:
        statement, name = item["statement"], item["control"]
        message = canonical(statement)
        if statement.get("type") != STATEMENT_TYPE or statement.get("control") != name or name in found:
            raise NotGenuine(f"The evidence of {name} is that of something else, or there twice.")
        if hashlib.sha256(message).hexdigest() != item["evidence_hash"]:
            raise NotGenuine(f"The hash of the evidence of {name} is not its own: it was altered.")
        if not _verifies(key, item["signature"], message):
            raise NotGenuine(f"The evidence of {name} is not signed by the key.")
        found[name] = statement
    return found


def _judge(claim: Mapping[str, Any], evidence: Mapping[str, Mapping[str, Any]], at: datetime) -> Claim:
    controls: Sequence[Mapping[str, Any]] = claim["controls"]
    if not controls:
        return Claim(claim["id"], claim["statement"], "absent", None, None)
    judged = sorted(
        (_WORST_FIRST.index(state), when, name)
        for name, state, when in (_state(item, evidence, at) for item in controls)
    )
    worst, when, name = judged[0]
    for item in controls:
        statement = evidence.get(item["id"])
        if statement is not None and claim["id"] not in statement["claims"]:
            raise NotGenuine(f"The evidence of {item['id']} does not prove the claim {claim['id']}.")
        if statement is not None and hashlib.sha256(canonical(statement)).hexdigest() != item["evidence_hash"]:
            raise NotGenuine(f"The claim {claim['id']} names other evidence of {item['id']} than the document holds.")
    checked_at = datetime.fromisoformat(when) if when else None
    return Claim(claim["id"], claim["statement"], _WORST_FIRST[worst], name, checked_at)


def _state(item: Mapping[str, Any], evidence: Mapping[str, Mapping[str, Any]], at: datetime) -> tuple[str, str, str]:
    """Return a control's id, its state at a moment, and when it was checked."""
    statement = evidence.get(item["id"])
    if statement is None:
        return item["id"], "stale", ""
    when: str = statement["checked_at"]
    if statement["outcome"] != "holds":
        return item["id"], "fails", when
    age = at - datetime.fromisoformat(when)
    fresh = -CLOCK_TOLERANCE <= age <= timedelta(seconds=statement["max_age_seconds"])
    return item["id"], "holds" if fresh else "stale", when


def _verifies(key: bytes, signature: Any, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
