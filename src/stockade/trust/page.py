"""What the public sees: the context of the trust page, and the same as a signed document.

Both come from one reading of the evidence, kept for a few seconds, so that a busy page costs the database nothing and
the signature on the page is that of the document served beside it. Ages are told as of the moment of telling.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from stockade.kernel.clock import now
from stockade.tenancy.transaction import Database
from stockade.trust.build import commit, version
from stockade.trust.claims import all_groups
from stockade.trust.collect import collect
from stockade.trust.evidence import ALGORITHM, EvidenceSigner, canonical, latest, moment_text
from stockade.trust.state import ClaimState, ControlState, TrustState, judge

DOCUMENT_TYPE = "stockade/claims/1"
KEPT_SECONDS = 3.0
DOCUMENT_PATH = "/trust/claims.json"
_OPENSSL_HEADER = "302a300506032b6570032100"
"""What makes 32 raw bytes an Ed25519 public key in DER (RFC 8410 section 4)."""


class _Published(msgspec.Struct, frozen=True):
    until: float
    public_key: bytes
    state: TrustState
    document: dict[str, Any]


_PUBLISHED: WeakKeyDictionary[Database, _Published] = WeakKeyDictionary()


async def trust_state(database: Database, signer: EvidenceSigner, at: datetime | None = None) -> TrustState:
    """Read the last evidence of every control, in one statement, and return every claim's state."""
    controls = collect()
    found = await latest(database, list(controls))
    return judge(all_groups(), controls.values(), found, signer.public_key, at or now())


async def page_context(
    database: Database, signer: EvidenceSigner, *, origin: str = "https://localhost:8443"
) -> dict[str, Any]:
    """Return what ``trust.html`` asks for, besides what every page is given; ``origin`` is where the document is."""
    published = await _published(database, signer)
    state, at = published.state, now()
    newest = state.newest
    said: Mapping[str, Any] = newest.said if newest is not None else {}
    return {
        "groups": [
            {"letter": group.letter, "title": group.title, "claims": [_line(claim, at) for claim in claims]}
            for group, claims in state.groups
        ],
        "counts": state.counts,
        "run": {
            "finished_at": newest.checked_at if newest is not None else None,
            "version": said.get("version", version()),
            "commit": said.get("commit", commit()),
        },
        "signing": _signing(signer, published.document) if newest is not None else None,
        "steps": verification_steps(signer, origin),
    }


async def claims_json(database: Database, signer: EvidenceSigner) -> bytes:
    """Return the signed document as canonical JSON, for ``application/json``."""
    return canonical((await _published(database, signer)).document)


def claims_document(state: TrustState, signer: EvidenceSigner) -> dict[str, Any]:
    """Return the document: every claim with its state, every control's evidence whole, and one signature over all.

    ``signature`` is over the canonical JSON of everything else. Whoever checks it needs nothing but the public key.
    """
    document: dict[str, Any] = {
        "type": DOCUMENT_TYPE,
        "made_at": moment_text(state.at),
        "installation": signer.fingerprint,
        "algorithm": ALGORITHM,
        "public_key": signer.public_key.hex(),
        "version": version(),
        "commit": commit(),
        "counts": state.counts,
        "claims": [_entry(claim) for claim in state.claims],
        "evidence": [_evidence(item) for item in state.controls if item.recorded is not None],
    }
    return document | {"signature": signer.sign(canonical(document)).hex()}


def verification_steps(signer: EvidenceSigner, origin: str) -> list[dict[str, str | None]]:
    """Return how a stranger checks the document: with the verifier of the source, and with nothing but stock tools."""
    key = signer.public_key.hex()
    split = (
        "python3 -c \"import json; d = json.load(open('claims.json')); "
        "open('claims.sig', 'wb').write(bytes.fromhex(d.pop('signature'))); "
        "open('claims.bin', 'wb')"
        ".write(json.dumps(d, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode()); "
        f"open('claims.pub', 'wb').write(bytes.fromhex('{_OPENSSL_HEADER}{key}'))\""
    )
    check = "openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey claims.pub -in claims.bin -sigfile claims.sig"
    return [
        {
            "text": "Fetch the document. (A certificate of the local authority has to be named to curl with --cacert.)",
            "command": f"curl --fail --silent --show-error --output claims.json {origin}{DOCUMENT_PATH}",
        },
        {
            "text": "Check it and every result in it with the small tool in the folder verifier of the source, which "
            "shares no code with the platform (pip install ./verifier). Compare the key with the one in your contract.",
            "command": f"stockade-verify claims.json --key {key}",
        },
        {
            "text": "Or with stock tools alone: take apart what was signed, the signature and the key …",
            "command": split,
        },
        {"text": "… and have OpenSSL 3 check the signature of the whole.", "command": check},
    ]


async def _published(database: Database, signer: EvidenceSigner) -> _Published:
    kept = _PUBLISHED.get(database)
    if kept is None or kept.until < time.monotonic() or kept.public_key != signer.public_key:
        state = await trust_state(database, signer)
        kept = _Published(time.monotonic() + KEPT_SECONDS, signer.public_key, state, claims_document(state, signer))
        _PUBLISHED[database] = kept
    return kept


def _line(claim: ClaimState, at: datetime) -> dict[str, Any]:
    """A claim as the page shows it; its age is that of the control that decides."""
    first = claim.controls[0] if claim.controls else None
    checked_at = first.checked_at if first is not None else None
    return {
        "id": claim.claim.id,
        "statement": claim.claim.statement,
        "state": claim.state,
        "checked_at": checked_at,
        "age_seconds": max((at - checked_at).total_seconds(), 0.0) if checked_at is not None else None,
        "max_age_seconds": first.control.max_age.total_seconds() if first is not None else None,
        "control": ", ".join(item.control.id for item in claim.controls) or None,
        "how": " ".join(item.control.statement for item in claim.controls) or None,
        "result": _result(claim),
        "standards": list(dict.fromkeys(name for item in claim.controls for name in item.control.standards)),
        "evidence_hash": _hash(first),
    }


def _result(claim: ClaimState) -> str | None:
    """What is not as promised if anything is, else what every control found."""
    told = [item for item in claim.controls if item.state == claim.state]
    return " ".join(item.result for item in told) or None


def _entry(claim: ClaimState) -> dict[str, Any]:
    """A claim in the document; ``control``, ``checked_at`` and ``evidence_hash`` are those of the one that decides."""
    first = claim.controls[0] if claim.controls else None
    return {
        "id": claim.claim.id,
        "group": claim.claim.group,
        "statement": claim.claim.statement,
        "state": claim.state,
        "checked_at": moment_text(first.checked_at) if first is not None and first.checked_at is not None else None,
        "max_age_seconds": round(first.control.max_age.total_seconds()) if first is not None else None,
        "control": first.control.id if first is not None else None,
        "controls": [
            {"id": item.control.id, "state": item.state, "evidence_hash": _hash(item)} for item in claim.controls
        ],
        "evidence_hash": _hash(first),
    }


def _evidence(item: ControlState) -> dict[str, Any]:
    assert item.recorded is not None
    return {
        "control": item.control.id,
        "evidence_hash": item.recorded.evidence_hash.hex(),
        "signature": item.recorded.signature.hex(),
        "statement": item.recorded.statement,
    }


def _hash(item: ControlState | None) -> str | None:
    return item.recorded.evidence_hash.hex() if item is not None and item.recorded is not None else None


def _signing(signer: EvidenceSigner, document: dict[str, Any]) -> dict[str, str]:
    return {"algorithm": ALGORITHM, "fingerprint": signer.fingerprint, "signature": document["signature"]}
