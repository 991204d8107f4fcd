"""Signed tokens of providers (JWT, RFC 7519 and 8725): the signature by the provider's own key, the times, the claims.

The algorithm is one of those that were chosen for the provider, the key comes from the provider's key set alone: what a
token's header says about keys (``jwk``, ``jku``, ``x5u``) is not looked at, and its ``kid`` is a name to look up in
memory, never a path or an address.
"""

import base64
import binascii
import math
import re
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError

from stockade.identity.sso.keys import Keys
from stockade.kernel.words import N_, said

SKEW_SECONDS = 60
MOST_TEXT = 16_384
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class NotGenuine(Exception):
    """A token that counts for nothing; the text says why, for whoever configures."""


def claims_unverified(text: str) -> dict[str, Any]:
    """Return what a token claims, to find out who may verify it; ``NotGenuine`` if it is no token."""
    return parts_unverified(text)[1]


async def verify(keys: Keys, text: str, *, jwks_uri: str, algorithms: Sequence[str]) -> dict[str, Any]:
    """Return the claims of a token that the provider signed; ``NotGenuine``, ``ProviderUnreachable``."""
    header, _ = parts_unverified(text)
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise NotGenuine(said("It is signed by {algorithm}, which is not among those chosen.", algorithm=algorithm))
    if "crit" in header or (key_id is not None and (not isinstance(key_id, str) or len(key_id) > 500)):
        raise NotGenuine(N_("Its header asks for what is not understood here."))
    key = await keys.find(jwks_uri, key_id)
    if key is None:
        raise NotGenuine(said("The provider has no key {key_id}.", key_id=key_id or "-"))
    try:
        return dict(jwt.decode(text, key, algorithms=[algorithm]).claims)
    except (JoseError, ValueError, TypeError, KeyError):
        raise NotGenuine(N_("Its signature is not the provider's.")) from None


def check_times(claims: dict[str, Any], at: float | None = None) -> float:
    """Return when a token ends (Unix seconds), a minute of skew included; ``NotGenuine`` outside its time."""
    now = time.time() if at is None else at
    expires, begins, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None:
        raise NotGenuine(N_("It does not say when it expires."))
    if expires + SKEW_SECONDS <= now:
        raise NotGenuine(N_("It has expired."))
    if (begins or 0) > now + SKEW_SECONDS or (issued or 0) > now + SKEW_SECONDS:
        raise NotGenuine(N_("It is not valid yet: compare the clocks."))
    return expires + SKEW_SECONDS


def audiences(claims: dict[str, Any]) -> list[str]:
    """Return whom a token is meant for."""
    found = claims.get("aud")
    listed = found if isinstance(found, list) else [found]
    return [item for item in listed[:20] if isinstance(item, str)]


def _moment(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or abs(value) > 1e11:
        raise NotGenuine(said("Its {name} is no time.", name=name))
    return float(value)


def parts_unverified(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a token's header and claims as they stand there; ``NotGenuine`` if it is no token."""
    if len(text) > MOST_TEXT or not _FORM.fullmatch(text):
        raise NotGenuine(N_("It is no signed token."))
    header, payload, _ = text.split(".")
    return _decoded(header), _decoded(payload)


def _decoded(part: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NotGenuine(N_("It is no signed token."))
    return found
