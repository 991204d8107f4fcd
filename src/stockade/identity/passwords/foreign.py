"""Hashes that other systems made: which are accepted, how costly they may be, and how a password is checked by them.

bcrypt (``$2a$``, ``$2b$``, ``$2y$``), Django's ``pbkdf2_sha256``, ``argon2``, ``bcrypt`` and ``bcrypt_sha256``, plain
Argon2id, and ASP.NET Core Identity's version 3 (PBKDF2 with HMAC-SHA256 or HMAC-SHA512). They are good for one sign-in:
it puts Argon2id of ours in their place.

Attack: a hash whose work takes minutes or gigabytes, imported to stop every sign-in. So the cost is bounded, above as
well as below, when the hash is read, and nothing is computed of one that lies outside.
"""

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Callable

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

BCRYPT_ROUNDS = range(10, 15)
ROUNDS = range(10_000, 2_000_001)
"""Iterations of PBKDF2."""
ARGON2_MEMORY_KIB = range(8_192, 131_073)
ARGON2_PASSES = range(1, 9)
ARGON2_LANES = range(1, 17)
BCRYPT_BYTES = 72
"""bcrypt reads no more of a password; those who made the hash cut it off there."""
LONGEST_HASH = 400
ASPNET = "aspnet_v3$"
_DJANGO = "pbkdf2_sha256$"
_BCRYPT_SHA256 = "bcrypt_sha256$"
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}\Z")
_ARGON2 = re.compile(
    r"\$argon2(id|i)\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$[A-Za-z0-9+/]{11,88}\$[A-Za-z0-9+/]{22,88}\Z"
)
_PBKDF2 = re.compile(r"pbkdf2_sha256\$(\d{1,8})\$([^$\s]{8,128})\$([A-Za-z0-9+/]{43}=)\Z")
_HASHES = {1: "sha256", 2: "sha512"}
"""ASP.NET's numbers of what it can be HMAC of; 0 is SHA-1, which is refused."""
_HEADER = struct.Struct(">BIII")
_CHECKER = PasswordHasher()


class ForeignHashRefused(ValueError):
    """The hash is of no known form, or its cost lies outside of what is accepted; it says no part of the hash."""


def accepted(given: str) -> str:
    """Return a hash as it is kept; ``ForeignHashRefused`` if it is of no known form, malformed or out of bounds."""
    text = given.strip()
    if len(text) > LONGEST_HASH or not text.isascii():
        raise ForeignHashRefused("it is of no known form")
    if text.startswith("bcrypt$$2"):
        text = text.removeprefix("bcrypt$")
    elif text.startswith("argon2$argon2"):
        text = text.removeprefix("argon2")
    elif text.startswith("AQAAAA"):
        text = ASPNET + text
    for begins, read in _READERS.items():
        if text.startswith(begins):
            read(text)
            return text
    raise ForeignHashRefused("it is of no known form")


def is_foreign(stored: str) -> bool:
    """Whether a stored hash is one that another system made, and not Argon2id."""
    return not stored.startswith("$argon2id$")


def verify_foreign(password: str, stored: str) -> bool:
    """Check a password by a foreign hash; False for a wrong one, and for a hash that would not be accepted now."""
    try:
        kept = accepted(stored.removeprefix(ASPNET))
    except ForeignHashRefused:
        return False
    secret = password.encode()
    if kept.startswith(_DJANGO):
        rounds, salt, wanted = _pbkdf2(kept)
        return hmac.compare_digest(hashlib.pbkdf2_hmac("sha256", secret, salt.encode(), rounds), wanted)
    if kept.startswith(ASPNET):
        name, rounds, packed_salt, wanted = _aspnet(kept)
        return hmac.compare_digest(hashlib.pbkdf2_hmac(name, secret, packed_salt, rounds, len(wanted)), wanted)
    if kept.startswith(_BCRYPT_SHA256):
        return _by_bcrypt(hashlib.sha256(secret).hexdigest().encode(), kept.removeprefix(_BCRYPT_SHA256))
    if kept.startswith("$argon2"):
        return _by_argon2(secret, kept)
    return _by_bcrypt(secret[:BCRYPT_BYTES], kept)


def _by_bcrypt(secret: bytes, kept: str) -> bool:
    return b"\0" not in secret and bcrypt.checkpw(secret, kept.encode())


def _by_argon2(secret: bytes, kept: str) -> bool:
    try:
        return _CHECKER.verify(kept, secret)
    except (Argon2Error, InvalidHashError):
        return False


def _bcrypt(text: str) -> None:
    found = _BCRYPT.match(text)
    if found is None:
        raise ForeignHashRefused("it is no complete bcrypt hash")
    _within(int(found[1]), BCRYPT_ROUNDS)


def _bcrypt_sha256(text: str) -> None:
    _bcrypt(text.removeprefix(_BCRYPT_SHA256))


def _argon2(text: str) -> None:
    found = _ARGON2.match(text)
    if found is None:
        raise ForeignHashRefused("it is no complete Argon2 hash")
    memory_kib, passes, lanes = (int(number) for number in found.groups()[1:])
    _within(memory_kib, ARGON2_MEMORY_KIB)
    _within(passes, ARGON2_PASSES)
    _within(lanes, ARGON2_LANES)


def _pbkdf2(text: str) -> tuple[int, str, bytes]:
    found = _PBKDF2.match(text)
    if found is None:
        raise ForeignHashRefused("it is no complete hash of Django's")
    _within(int(found[1]), ROUNDS)
    return int(found[1]), found[2], base64.b64decode(found[3])


def _aspnet(text: str) -> tuple[str, int, bytes, bytes]:
    """Version 3: a byte 1; what it is HMAC of, iterations and the salt's length, each as four bytes; salt; key."""
    try:
        raw = base64.b64decode(text.removeprefix(ASPNET), validate=True)
        marker, kind, rounds, salt_length = _HEADER.unpack_from(raw)
    except (binascii.Error, ValueError, struct.error):
        raise ForeignHashRefused("it is no complete hash of ASP.NET's") from None
    salt, key = raw[_HEADER.size : _HEADER.size + salt_length], raw[_HEADER.size + salt_length :]
    if marker != 1 or kind not in _HASHES or not 16 <= salt_length <= 64 or not 32 <= len(key) <= 64:
        raise ForeignHashRefused("it is no hash of ASP.NET's third version with SHA-256 or SHA-512")
    _within(rounds, ROUNDS)
    return _HASHES[kind], rounds, salt, key


def _within(cost: int, bounds: range) -> None:
    if cost not in bounds:
        raise ForeignHashRefused(f"its cost is {cost}, and {bounds.start} to {bounds.stop - 1} is accepted")


_READERS: dict[str, Callable[[str], object]] = {
    "$2": _bcrypt, _BCRYPT_SHA256: _bcrypt_sha256, _DJANGO: _pbkdf2, ASPNET: _aspnet, "$argon2": _argon2,
}  # fmt: skip
