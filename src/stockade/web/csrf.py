"""Cross-site request forgery: what a browser does with a session has to come from a page of ours.

Two defences, each of which would do alone:

- a token in the form or header, which another site cannot read: an HMAC over what the visitor's browser proves
  itself by (the session, or before that a visitor's cookie), so that a token of one session is worth nothing in
  another;
- the browser's own word about where the request comes from (``Sec-Fetch-Site``, ``Origin``).

The token is masked anew for each response. Attack (BREACH): a compressed page that repeats a secret and the attacker's
text lets him guess the secret from lengths; there is nothing to guess in a value that never repeats.

Source: OWASP's cheat sheet on the subject (signed double submit bound to the session; Fetch metadata).
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from typing import Any

from stockade.kernel.problems import Problem

FIELD = "csrf_token"
"""The hidden field's name."""
HEADER = b"x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MAC_BYTES = 32


class CsrfRejected(Problem):
    """The request does not come from a page of ours; nothing was changed."""

    type = "/problems/csrf"
    title = "This did not come from a page of ours"
    status = 403


class Csrf:
    """Makes and checks tokens under one key (32 bytes, the same in every process)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, session: str) -> str:
        """Return a token for a response to the holder of ``session`` (the session's or the visitor's secret)."""
        mask = os.urandom(_MAC_BYTES)
        return base64.urlsafe_b64encode(mask + _xor(mask, self._mac(session))).decode()

    def check(self, headers: Iterable[tuple[bytes, bytes]], token: str | None, session: str) -> None:
        """Raise ``CsrfRejected`` unless the token is the session's and the browser names no other origin than ours.

        ``headers`` are the scope's; ``token`` came in the form's field or in ``X-CSRF-Token``.
        """
        given = dict(headers)
        # The browser's word first, as it needs no secret. "same-site" is refused, too: a sibling domain is a stranger.
        if given.get(b"sec-fetch-site", b"none") not in (b"same-origin", b"none"):
            raise CsrfRejected("The browser says that another site sent this.")
        origin = given.get(b"origin")
        # The edge has refused every host that is not ours, so the host is a good witness; "null" equals no host.
        if origin is not None and origin.lower() != b"https://" + given.get(b"host", b"").lower():
            raise CsrfRejected("The browser says that another site sent this.")
        if token is None or not hmac.compare_digest(_unmasked(token), self._mac(session)):
            raise CsrfRejected("The page was open for too long, or in another session: reload it and try again.")

    def check_header(self, scope: Mapping[str, Any], session: str) -> None:
        """Check a request of a script, whose token is in ``X-CSRF-Token``."""
        token = next((value for name, value in scope["headers"] if name == HEADER), None)
        self.check(scope["headers"], None if token is None else token.decode("latin-1"), session)

    def _mac(self, session: str) -> bytes:
        return hmac.digest(self._key, session.encode(), hashlib.sha256)


def _unmasked(token: str) -> bytes:
    """Return the HMAC in a token; of something that is none, bytes that equal no HMAC."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError):
        return b""
    return _xor(raw[:_MAC_BYTES], raw[_MAC_BYTES:]) if len(raw) == 2 * _MAC_BYTES else b""


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left) ^ int.from_bytes(right)).to_bytes(_MAC_BYTES)
