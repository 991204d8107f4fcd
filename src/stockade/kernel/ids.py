"""Identifiers: UUIDv7 (RFC 9562 section 5.7), made by the application before the INSERT.

They sort by creation time, so an index on them grows at its right edge, and a row's id is known
before the row exists, so that it can be bound into ciphertext, audit entries and links.
"""

import os
import time
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
ActorId = NewType("ActorId", UUID)

_RANDOM_BITS_AFTER_VARIANT = 62


def new_id() -> UUID:
    """Return a fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    return id_at(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10)))


def id_at(unix_milliseconds: int, random_bits: int) -> UUID:
    """Return the UUIDv7 of a moment and of 74 given bits (imports use it, to get the same id for the same input)."""
    random_a = (random_bits >> _RANDOM_BITS_AFTER_VARIANT) & 0xFFF
    random_b = random_bits & ((1 << _RANDOM_BITS_AFTER_VARIANT) - 1)
    return UUID(int=(unix_milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b)


def milliseconds_of(identifier: UUID) -> int:
    """Return the Unix milliseconds that a UUIDv7 carries."""
    return identifier.int >> 80
