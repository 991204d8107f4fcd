"""An authenticator in software: makes ES256 credentials and signs with them, honestly or as an attack wants it.

Controls and tests attack with it. Its keys live as long as the object; it is no way for a person to sign in.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40
MODEL = UUID("5f0c9f9e-6f0c-4b3a-9a53-3e8a4f0f2b11")


@dataclass
class Authenticator:
    """One credential, the origin that its browser is at, and its counter (None: it keeps none, and says 0)."""

    origin: str
    host: str
    counter: int | None = 0
    model: UUID = MODEL
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_handle: bytes = b""
    verifies: bool = True
    maker: Any = None
    """A certificate (DER) of its maker and the key for it: then its proof carries them."""

    def create(self, options: str, **lies: Any) -> dict[str, Any]:
        """Answer the options of an enrolment."""
        asked = json.loads(options)
        self.user_handle = base64url_to_bytes(asked["user"]["id"])
        client_data = self._client_data("webauthn.create", asked["challenge"], lies)
        data = self._authenticator_data(ATTESTED, lies) + self._attested_credential()
        proof: dict[str, Any] = {"fmt": "none", "attStmt": {}}
        if self.maker is not None:
            certificate, maker_key = self.maker
            signature = maker_key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
            proof = {"fmt": "packed", "attStmt": {"alg": -7, "sig": signature, "x5c": [certificate]}}
        response = {
            "clientDataJSON": bytes_to_base64url(client_data),
            "attestationObject": bytes_to_base64url(encode_cbor(proof | {"authData": data})),
            "transports": ["internal", "hybrid"],
        }
        return self._answer(response)

    def get(self, options: str, **lies: Any) -> dict[str, Any]:
        """Answer the options of a sign-in."""
        asked = json.loads(options)
        if self.counter is not None:
            self.counter += 1
        client_data = self._client_data("webauthn.get", asked["challenge"], lies)
        data = self._authenticator_data(0, lies)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": bytes_to_base64url(client_data), "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signature),
            "userHandle": bytes_to_base64url(lies.get("user_handle", self.user_handle)),
        }  # fmt: skip
        return self._answer(response)

    def clone(self) -> "Authenticator":
        """A copy, counter and all."""
        return replace(self)

    def _client_data(self, kind: str, challenge: str, lies: dict[str, Any]) -> bytes:
        said = {
            "type": kind, "challenge": lies.get("challenge", challenge), "origin": lies.get("origin", self.origin),
            "crossOrigin": lies.get("cross_origin", False),
        }  # fmt: skip
        return json.dumps(said).encode()

    def _authenticator_data(self, flags: int, lies: dict[str, Any]) -> bytes:
        host = lies.get("host", self.host)
        flags |= USER_PRESENT | (USER_VERIFIED if lies.get("verifies", self.verifies) else 0)
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + (self.counter or 0).to_bytes(4)

    def _attested_credential(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        public = encode_cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
        return self.model.bytes + len(self.credential_id).to_bytes(2) + self.credential_id + public

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        identifier = bytes_to_base64url(self.credential_id)
        return {
            "id": identifier, "rawId": identifier, "type": "public-key", "response": response,
            "clientExtensionResults": {},
        }  # fmt: skip
