"""A provider in memory: it answers where a real one would be asked, signs what it is told to, and rotates its keys."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from stockade.identity.sso.reaching import ProviderUnreachable, Reach

AUDIENCE = "https://stockade.test/api"
_MADE = {"RS256": lambda: RSAKey.generate_key(2048), "ES256": lambda: ECKey.generate_key("P-256"),
         "EdDSA": lambda: OKPKey.generate_key("Ed25519")}  # fmt: skip


@dataclass
class Provider:
    """An issuer, its private keys by id, and how often it was asked for them."""

    issuer: str
    algorithm: str = "RS256"
    keys: dict[str, Any] = field(default_factory=dict)
    asked: int = 0
    answers: bool = True

    def rotate(self, key_id: str) -> None:
        """Sign by a fresh key from now on, and forget the ones before."""
        self.keys = {key_id: _MADE[self.algorithm]()}

    def claims(self, **more: Any) -> dict[str, Any]:
        """Claims that count, but for what is said otherwise; None leaves one out."""
        now = int(time.time())
        standing = {"iss": self.issuer, "aud": AUDIENCE, "sub": "user-1", "name": "Ada", "iat": now, "exp": now + 300}
        return {name: value for name, value in (standing | more).items() if value is not None}

    def token(self, *, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """A token, by the newest key unless one is given."""
        key_id, own = next(iter(self.keys.items()))
        heads = {"alg": self.algorithm, "kid": key_id} | (header or {})
        heads = {name: value for name, value in heads.items() if value is not None}
        return str(jwt.encode(heads, self.claims(**claims), key or own, algorithms=[heads["alg"]]))

    def answer(self, address: str) -> dict[str, Any] | None:
        """What it answers at an address of its own."""
        if address == f"{self.issuer}/jwks":
            self.asked += 1
            public = [key.as_dict(private=False) | {"kid": kid, "use": "sig"} for kid, key in self.keys.items()]
            return {"keys": public}
        if address == f"{self.issuer}/.well-known/openid-configuration":
            return {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/jwks",
            }  # fmt: skip
        return None


def listening(monkeypatch: pytest.MonkeyPatch, *providers: Provider) -> None:
    """Let some providers answer in the place of the network."""

    async def answer(self: Reach, address: str) -> dict[str, Any]:
        for provider in providers:
            found = provider.answer(address) if provider.answers else None
            if found is not None:
                return found
        raise ProviderUnreachable(address)

    monkeypatch.setattr(Reach, "json", answer)


def by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None = None) -> str:
    """A token as whoever forges makes it: with an HMAC by any bytes (no library would), or with no signature at all."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    return f"{signed}.{'' if secret is None else part(hmac.digest(secret, signed.encode(), hashlib.sha256))}"
