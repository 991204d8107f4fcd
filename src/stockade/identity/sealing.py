"""Sealing: secrets that must be read back (an authenticator's seed, a provider's password) lie encrypted and bound to
their place.

AES-256-GCM (NIST SP 800-38D) under a key that the database never sees. The associated data names table, column, tenant
or account, and row: a sealed value that is copied elsewhere does not open there. Without the key nothing is written.
"""

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x01"
_NONCE_BYTES = 12
Place = str | UUID


class NotOpened(Exception):
    """The sealed value was changed, stands in another place, or was sealed under another key."""


class Sealer:
    """Seals and opens under one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, *place: Place) -> bytes:
        """Return version (1 byte), nonce (12 bytes) and ciphertext with its tag, bound to a place."""
        nonce = os.urandom(_NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, plain, _bound_to(place))

    def open(self, sealed: bytes, *place: Place) -> bytes:
        """Return what was sealed in this place; ``NotOpened`` for anything else."""
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != VERSION or not text:
            raise NotOpened
        try:
            return self._cipher.decrypt(nonce, text, _bound_to(place))
        except InvalidTag:
            raise NotOpened from None


def _bound_to(place: tuple[Place, ...]) -> bytes:
    if not place:
        raise ValueError("A sealed value has a place: table, column, row.")
    parts = [str(part).encode() for part in place]
    return VERSION + b"".join(len(part).to_bytes(4) + part for part in parts)
