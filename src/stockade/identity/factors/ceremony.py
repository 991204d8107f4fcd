"""The ceremony: what WebAuthn (W3C, Level 2) demands of an answer, on the library's checks.

The relying party is the installation's canonical name; the one origin is its own, and no frame of another's. A
challenge is random, kept as a hash, and taken out of the table before its answer is looked at.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import base64url_to_bytes, parse_attestation_object
from webauthn.helpers.structs import AttestationFormat

from stockade.kernel.problems import Problem
from stockade.kernel.settings import Settings

Answer = dict[str, Any]
Result = TypeVar("Result")
CHALLENGE_BYTES = 32
TIMEOUT_MILLISECONDS = 300_000


class PasskeyRefused(Problem):
    """The one answer to everything that can be wrong with a passkey's signature."""

    type = "/problems/identity/passkey-refused"
    title = "This passkey was not accepted"
    status = 401


class Party(msgspec.Struct, frozen=True):
    """The relying party: the host that passkeys are bound to, and the one origin that may ask for them."""

    host: str
    origin: str

    @classmethod
    def of(cls, settings: Settings) -> "Party":
        """The installation, by its canonical name."""
        return cls(settings.names[0], settings.origin)


class Enrolled(msgspec.Struct, frozen=True):
    """A new credential whose answer was verified; ``attested``: a root of the organisation's vouches for its model."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: UUID
    attested: bool
    backed_up: bool


class Signed(msgspec.Struct, frozen=True):
    """A verified signature: its count, and whether the key lies in more than one place."""

    sign_count: int
    backed_up: bool


def new_challenge() -> bytes:
    """Return 256 random bits."""
    return secrets.token_bytes(CHALLENGE_BYTES)


def hashed(value: bytes | str) -> bytes:
    """Return the hash that stands in the table for a challenge or a browser's secret, both random."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).digest()


def challenge_of(answer: Answer) -> bytes:
    """Return the challenge that an answer says it answers; ``PasskeyRefused`` for what is no answer."""
    return _tried(lambda: _bytes(_client_data(answer)["challenge"]))


def credential_of(answer: Answer) -> bytes:
    """Return the id of the credential that signed."""
    return _tried(lambda: _bytes(answer["rawId"]))


def holder_of(answer: Answer) -> bytes:
    """Return the user handle: whose the authenticator says the credential is. A discoverable one always says it."""
    return _tried(lambda: _bytes(answer["response"]["userHandle"]))


def verify_enrolment(party: Party, answer: Answer, challenge: bytes, roots: Sequence[bytes]) -> Enrolled:
    """Verify a new credential. ``PasskeyRefused``: another origin, challenge or host, no verified user, a bad proof.

    With ``roots`` it has to come with a chain of certificates (format ``packed``) that ends in one of them.
    """

    def verify() -> Enrolled:
        _refuse_frames(answer)
        verified = verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=party.host, expected_origin=party.origin,
            require_user_verification=True,
            pem_root_certs_bytes_by_fmt={AttestationFormat.PACKED: list(roots)} if roots else None,
        )  # fmt: skip
        if roots:
            # A proof of the key by itself (self attestation) has no certificate, and the library does not miss it.
            proof = parse_attestation_object(verified.attestation_object)
            if proof.fmt != AttestationFormat.PACKED or not proof.att_stmt.x5c:
                raise ValueError("No certificate of its maker comes with it.")
        return Enrolled(
            verified.credential_id, verified.credential_public_key, verified.sign_count, UUID(verified.aaguid),
            attested=bool(roots), backed_up=verified.credential_backed_up,
        )  # fmt: skip

    return _tried(verify)


def verify_signature(party: Party, answer: Answer, challenge: bytes, public_key: bytes) -> Signed:
    """Verify a signature. ``PasskeyRefused``: another origin, challenge or host, no verified user, another key.

    The count is not compared here: the database does it, in the statement that keeps the new one.
    """

    def verify() -> Signed:
        _refuse_frames(answer)
        verified = verify_authentication_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=party.host, expected_origin=party.origin,
            credential_public_key=public_key, credential_current_sign_count=0, require_user_verification=True,
        )  # fmt: skip
        return Signed(verified.new_sign_count, verified.credential_backed_up)

    return _tried(verify)


def _tried(work: Callable[[], Result]) -> Result:
    """Do what reads a stranger's bytes: whatever the parsers make of them, it is one refusal."""
    try:
        return work()
    except Exception:  # noqa: BLE001  # the library's parsers raise anything (KeyError, struct.error, …) on hostile input
        raise PasskeyRefused from None


def _client_data(answer: Answer) -> dict[str, Any]:
    return msgspec.json.decode(_bytes(answer["response"]["clientDataJSON"]), type=dict[str, Any])


def _refuse_frames(answer: Answer) -> None:
    """Refuse an answer that was given inside a frame of somebody else's page."""
    if _client_data(answer).get("crossOrigin", False) is not False:
        raise ValueError("It was given in a frame.")


def _bytes(text: str) -> bytes:
    return base64url_to_bytes(text)
