"""Foreign hashes: those that the real libraries make are accepted and checked; nothing malformed or absurd is."""

import base64
import hashlib
import itertools
import os
import struct

import bcrypt
import pytest
from argon2 import PasswordHasher, Type

from stockade.identity.passwords import foreign
from stockade.identity.passwords.foreign import ForeignHashRefused, accepted
from stockade.identity.passwords.hashing import LONGEST, hash_password, verify_hash

PASSWORD = "Grüße, meine 4 Enten"


def by_bcrypt(prefix: bytes = b"2b", rounds: int = 10) -> str:
    """A hash by the bcrypt library."""
    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds, prefix)).decode()


def by_django(rounds: int = 10_000, salt: str = "Zk3TzM9ZlkHW") -> str:
    """A hash in the form of ``django.contrib.auth.hashers.PBKDF2PasswordHasher``."""
    key = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt.encode(), rounds)
    return f"pbkdf2_sha256${rounds}${salt}${base64.b64encode(key).decode()}"


def by_django_bcrypt_sha256() -> str:
    """A hash in the form of ``BCryptSHA256PasswordHasher``."""
    inner = hashlib.sha256(PASSWORD.encode()).hexdigest().encode()
    return "bcrypt_sha256$" + bcrypt.hashpw(inner, bcrypt.gensalt(10)).decode()


def by_argon2(kind: Type = Type.ID, memory_kib: int = 8192) -> str:
    """A hash by the Argon2 library."""
    return PasswordHasher(time_cost=2, memory_cost=memory_kib, parallelism=8, type=kind).hash(PASSWORD)


def by_aspnet(kind: int = 2, rounds: int = 10_000, *, salt: bytes = b"", marker: int = 1, key_length: int = 32) -> str:
    """A hash in the form of ASP.NET Core Identity's ``PasswordHasher``, version 3."""
    salt = salt or os.urandom(16)
    name = {0: "sha1", 1: "sha256", 2: "sha512"}.get(kind, "sha256")
    key = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), salt, rounds, key_length)
    return base64.b64encode(struct.pack(">BIII", marker, kind, rounds, len(salt)) + salt + key).decode()


GOOD = {
    "bcrypt 2a": by_bcrypt(b"2a"),
    "bcrypt 2b of cost 12": by_bcrypt(b"2b", 12),
    "bcrypt 2y, as PHP writes it": by_bcrypt().replace("$2b$", "$2y$"),
    "Django PBKDF2": by_django(),
    "Django bcrypt": "bcrypt$" + by_bcrypt(),
    "Django bcrypt_sha256": by_django_bcrypt_sha256(),
    "Django argon2": "argon2" + by_argon2(),
    "argon2i": by_argon2(Type.I),
    "ASP.NET with SHA-256": by_aspnet(1),
    "ASP.NET with SHA-512": by_aspnet(2, 100_000),
}


@pytest.mark.parametrize("name", GOOD)
async def test_a_hash_of_each_known_form_lets_its_password_in_and_is_replaced(name: str) -> None:
    kept = accepted(GOOD[name])
    right, better = await verify_hash(PASSWORD, kept)
    assert right
    assert better is not None or kept.startswith("$argon2id$")
    assert better is None or better.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await verify_hash(PASSWORD + "!", kept) == (False, None)


async def test_an_argon2id_hash_of_another_cost_is_replaced() -> None:
    right, better = await verify_hash(PASSWORD, accepted("argon2" + by_argon2()))
    assert right
    assert "m=65536" in (better or "")


@pytest.mark.parametrize(
    "given",
    [
        "", "password", "5f4dcc3b5aa765d61d8327deb882cf99", "$1$abc$def", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
        "pbkdf2_sha1$10000$saltsalt$" + "A" * 27 + "=", by_django()[:-2], by_django() + "\n$x", by_django(9_999),
        "pbkdf2_sha256$2000001$saltsalt$" + "A" * 43 + "=", "pbkdf2_sha256$99999999999$saltsalt$" + "A" * 43 + "=",
        by_bcrypt()[:-1], by_bcrypt() + "a", by_bcrypt().replace("$2b$", "$2x$"),
        by_bcrypt().replace("$10$", "$04$"), by_bcrypt().replace("$10$", "$31$"),
        "bcrypt_sha256$" + by_bcrypt().replace("$10$", "$20$"), "bcrypt_sha256$", by_argon2(Type.D),
        by_argon2().replace("m=8192", "m=9999999"), by_argon2().replace("t=2", "t=999"),
        by_argon2().replace("p=8", "p=200"), by_argon2().replace("v=19", "v=16"), by_argon2().rpartition("$")[0],
        by_aspnet(0), by_aspnet(3), by_aspnet(rounds=1_000), by_aspnet(marker=0), by_aspnet(key_length=16),
        "AQAAAA", "AQAAAAAAAA==", "AQAAAA" + "!" * 60,
        base64.b64encode(struct.pack(">BIII", 1, 2, 10_000, 2**32 - 1) + b"x" * 60).decode(),
        "$2b$10$" + "é" * 53, "x" * 1_000_000,
    ],
    ids=itertools.count(),  # the texts differ in each process
)  # fmt: skip
def test_what_is_malformed_unknown_or_absurdly_costly_is_refused(given: str) -> None:
    with pytest.raises(ForeignHashRefused) as refused:
        accepted(given)
    assert not given or given not in str(refused.value)


@pytest.mark.parametrize(
    "stored", ["", "rubbish", "$2b$31$" + "a" * 53, "$argon2id$", by_django(2_000_001)], ids=itertools.count()
)
async def test_what_stands_in_the_table_and_would_not_be_accepted_lets_nobody_in(stored: str) -> None:
    assert await verify_hash(PASSWORD, stored) == (False, None)


async def test_a_longer_password_than_bcrypt_reads_is_cut_off_as_its_makers_did() -> None:
    long = "ab" * 60
    kept = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(10)).decode()
    assert (await verify_hash(long, kept))[0]


async def test_a_password_with_a_nul_is_wrong_and_no_error() -> None:
    assert await verify_hash("a\0b", GOOD["bcrypt 2a"]) == (False, None)


async def test_a_password_that_is_longer_than_any_is_wrong_even_if_it_begins_right() -> None:
    whole = "x" * LONGEST
    stored = await hash_password(whole)
    assert (await verify_hash(whole, stored))[0]
    assert await verify_hash(whole + "y", stored) == (False, None)


def test_without_the_bounds_an_absurd_hash_would_be_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "BCRYPT_ROUNDS", range(4, 32))
    assert accepted(by_bcrypt().replace("$10$", "$31$"))
