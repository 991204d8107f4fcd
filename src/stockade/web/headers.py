"""The headers of every response: what a browser may do with it, who may frame, cache and read it.

Everything that can be is computed at import, as bytes: this runs for each response.

Sources: CSP Level 3, Trusted Types, RFC 6797 (HSTS), Fetch (CORS, CORP), HTML (COOP), RFC 9111 (caching), OWASP's
secure headers project; the ``RateLimit-*`` names are those of the IETF draft's versions 00 to 06, which clients know.
"""

import base64
import os
from collections.abc import Iterable
from typing import Any

from stockade.web.limits import Verdict

Header = tuple[bytes, bytes]

STRICT_TRANSPORT = b"max-age=31536000; includeSubDomains"
"""A year (claim D2)."""
API_POLICY = b"default-src 'none'; frame-ancestors 'none'"
PERMISSIONS = (
    b"accelerometer=(), camera=(), display-capture=(), encrypted-media=(), geolocation=(), gyroscope=(), "
    b"magnetometer=(), microphone=(), midi=(), payment=(), screen-wake-lock=(), usb=(), xr-spatial-tracking=()"
)
_PAGE_POLICY_AFTER_NONCE = (
    b"; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    b"frame-ancestors 'none'; base-uri 'none'; object-src 'none'; "
    # Attack: script that is injected as a string into a DOM sink. Only htmx's own policy may make markup, and its
    # hx-csp extension acts on elements with the page's nonce alone.
    b"require-trusted-types-for 'script'; trusted-types htmx"
)
NO_STORE: Header = (b"cache-control", b"no-store")

_ALWAYS: tuple[Header, ...] = (
    (b"strict-transport-security", STRICT_TRANSPORT),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not no-referrer: under that, browsers send "Origin: null" with our own forms, and csrf.py would refuse them.
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", PERMISSIONS),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_ALWAYS_FOR_API: tuple[Header, ...] = (*_ALWAYS, (b"content-security-policy", API_POLICY))
_OURS = frozenset(name for name, _ in _ALWAYS_FOR_API) | {
    b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset", b"x-request-id",
    b"access-control-allow-origin", b"access-control-allow-credentials",
}  # fmt: skip
"""What the application cannot say: the edge alone does, so that no route can weaken it."""

VARY_ORIGIN: Header = (b"vary", b"Origin")
_EXPOSED: Header = (
    b"access-control-expose-headers",
    b"Idempotency-Replayed, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id",
)
PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Idempotency-Key, Stockade-Tenant"),
    (b"access-control-max-age", b"600"),
)
"""What an allowed origin may send. Never with credentials: another site acts with a key of its own, not by cookie."""


def nonce_of(state: dict[str, Any]) -> str:
    """Return this response's nonce (128 random bits, base64), made when first asked for; ``state`` is the scope's."""
    nonce: str | None = state.get("nonce")
    if nonce is None:
        nonce = state["nonce"] = base64.b64encode(os.urandom(16)).decode()
    return nonce


def page_policy(nonce: str | None) -> bytes:
    """Return the Content-Security-Policy of a page; one that asked for no nonce runs no script at all."""
    source = b"'none'" if nonce is None else b"'nonce-" + nonce.encode() + b"'"
    return b"default-src 'none'; script-src " + source + _PAGE_POLICY_AFTER_NONCE


def secured(headers: Iterable[Header], state: dict[str, Any], limit: Verdict, request_id: bytes) -> list[Header]:
    """Return a response's headers with all of ours in the place of any that the application gave.

    What is authenticated (``state["actor_id"]``) or sets a cookie is never stored, whatever the application said; the
    rest is not stored unless it said otherwise.
    """
    kept: list[Header] = []
    kind = b""
    cache: Header | None = None
    private = state.get("actor_id") is not None
    for header in headers:
        name = header[0].lower()
        if name == b"cache-control":
            cache = header
            continue
        if name in _OURS:
            continue
        if name == b"content-type":
            kind = header[1]
        elif name == b"set-cookie":
            private = True
        kept.append(header)
    if kind.startswith(b"text/html"):
        kept += _ALWAYS
        kept.append((b"content-security-policy", page_policy(state.get("nonce"))))
    else:
        kept += _ALWAYS_FOR_API
    kept += (
        NO_STORE if private or cache is None else cache,
        (b"x-request-id", request_id),
        (b"ratelimit-limit", b"%d" % limit.limit),
        (b"ratelimit-remaining", b"%d" % limit.remaining),
        (b"ratelimit-reset", b"%d" % limit.reset_seconds),
    )
    return kept


def readable_by(origin: bytes) -> tuple[Header, ...]:
    """Return the headers that let one listed origin read the response: named, never a wildcard."""
    return ((b"access-control-allow-origin", origin), _EXPOSED)
