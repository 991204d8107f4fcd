"""Providers' keys (JWKS, RFC 7517): fetched, kept for a while, fetched anew when a token names one that is not there.

Keys rotate without a restart: an unknown key id fetches at once. Attack: tokens with made-up key ids would make us ask
the provider without end; so fetches for one address come out of a small bucket, one at a time. A key that the provider
has withdrawn is forgotten when what is kept grows old.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from stockade.identity.sso.reaching import ProviderUnreachable, Reach
from stockade.kernel.words import said

FRESH_SECONDS = 300.0
"""How long keys are taken from memory; the longest that a withdrawn one still counts while its provider answers."""
STALE_SECONDS = 3600.0
"""How long they still count while the provider does not answer."""
BURST = 4
REFILL_SECONDS = 15.0
MOST_PROVIDERS = 2_000
MOST_KEYS = 50
Key = RSAKey | ECKey | OKPKey
_TYPES: dict[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_LEAST_RSA_BITS = 2048


class _Held:
    """What is known of one address: the keys or the document that were there, and how often it may be asked."""

    def __init__(self) -> None:
        self.keys: dict[str | None, Key] = {}
        self.document: dict[str, Any] = {}
        self.at = time.monotonic() - 2 * STALE_SECONDS
        self.failed_at = time.monotonic() - 2 * REFILL_SECONDS
        self.left = float(BURST)
        self.refilled = time.monotonic()
        self.lock = asyncio.Lock()

    @property
    def age(self) -> float:
        """How old what is known is, in seconds."""
        return time.monotonic() - self.at

    def take(self) -> bool:
        """Take one fetch out of the bucket, if there is one and the last one did not just fail."""
        now = time.monotonic()
        self.left = min(float(BURST), self.left + (now - self.refilled) / REFILL_SECONDS)
        self.refilled = now
        if self.left < 1 or now - self.failed_at < REFILL_SECONDS:
            return False
        self.left -= 1
        return True


class Keys:
    """The keys and the discovery documents of every provider that was asked for some, by address."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self._held: OrderedDict[str, _Held] = OrderedDict()

    async def find(self, address: str, key_id: str | None) -> Key | None:
        """Return the key that a token names, None if the provider has none such.

        A token without a key id has a key only where the provider has a single one.
        ``ProviderUnreachable`` if the provider's keys are not known and cannot be fetched.
        """
        held = self._of(address)
        await self._refresh(address, held, lambda: held.age < FRESH_SECONDS and bool(_chosen(held.keys, key_id)))
        return _chosen(held.keys, key_id)

    async def document(self, address: str) -> dict[str, Any]:
        """Return a discovery document, kept as long as keys are; ``ProviderUnreachable``."""
        held = self._of(address)
        await self._refresh(address, held, lambda: held.age < FRESH_SECONDS)
        return held.document

    def forget(self, *addresses: str) -> None:
        """Forget what is known of some addresses: somebody who configures wants to see what is there now."""
        for address in addresses:
            self._held.pop(address, None)

    def _of(self, address: str) -> _Held:
        held = self._held.setdefault(address, _Held())
        self._held.move_to_end(address)
        if len(self._held) > MOST_PROVIDERS:
            self._held.popitem(last=False)
        return held

    async def _refresh(self, address: str, held: _Held, answers: Callable[[], bool]) -> None:
        """Fetch what is not known or too old, one at a time and not too often."""
        if not answers():
            async with held.lock:
                if not answers() and held.take():
                    await self._fetch(address, held)
        if held.age > STALE_SECONDS:
            raise ProviderUnreachable(said("{address} was asked a moment ago and did not answer.", address=address))

    async def _fetch(self, address: str, held: _Held) -> None:
        try:
            found = await self.reach.json(address)
        except ProviderUnreachable:
            held.failed_at = time.monotonic()
            if held.age > STALE_SECONDS:
                raise
            return
        held.document, held.keys, held.at = found, read(found), time.monotonic()


def read(document: dict[str, Any]) -> dict[str | None, Key]:
    """Return the keys of a key set that can verify a signature, by id. Symmetric, private, small and unreadable ones
    are left out: with a symmetric one, whoever reads the set could sign."""
    listed = document.get("keys")
    kept: dict[str | None, Key] = {}
    for entry in (listed if isinstance(listed, list) else [])[:MOST_KEYS]:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or any(part in entry for part in _PRIVATE):
            continue
        kind = _TYPES.get(str(entry.get("kty")))
        try:
            key = None if kind is None else kind.import_key(entry)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if key is None or (isinstance(key, RSAKey) and key.raw_value.key_size < _LEAST_RSA_BITS):
            continue
        key_id = entry.get("kid")
        kept[key_id if isinstance(key_id, str) else None] = key
    return kept


def _chosen(keys: dict[str | None, Key], key_id: str | None) -> Key | None:
    if key_id is not None:
        return keys.get(key_id)
    return next(iter(keys.values())) if len(keys) == 1 else None
