"""Cookies that nothing but this origin can read, set or be sent (claim B5; RFC 6265bis).

The ``__Host-`` prefix makes the browser itself refuse the cookie unless it is Secure, has Path=/ and no Domain, so that
neither a sibling domain nor plain HTTP can plant one (session fixation).
"""

import re
from typing import Literal

PREFIX = "__Host-"
_NAME = re.compile(r"__Host-[A-Za-z0-9_-]{1,60}")
_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{0,3800}")

Header = tuple[bytes, bytes]


def session_cookie(
    name: str, value: str, max_age_seconds: int, *, same_site: Literal["Lax", "Strict"] = "Lax"
) -> Header:
    """Return the Set-Cookie header of a cookie; ``ValueError`` if its name or value could break out of it."""
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise ValueError("A cookie's name begins with __Host-, and its value has only the characters of RFC 6265.")
    text = f"{name}={value}; Path=/; Max-Age={max_age_seconds}; Secure; HttpOnly; SameSite={same_site}"
    return b"set-cookie", text.encode()


def deleted_cookie(name: str) -> Header:
    """Return the Set-Cookie header that removes a cookie."""
    return session_cookie(name, "", 0)


def read_cookie(header: bytes, name: str) -> str | None:
    """Return the value of one cookie from a Cookie header; None if it is not there, or there twice with two values.

    Attack: an older browser lets a stranger plant a second cookie of the name; which of the two is ours cannot be told.
    """
    wanted = name.encode()
    if wanted not in header:
        return None
    found: bytes | None = None
    for pair in header.split(b";"):
        key, _, value = pair.strip().partition(b"=")
        if key == wanted:
            if found is not None and found != value:
                return None
            found = value
    return None if found is None else found.decode("latin-1")
