"""The signed pin: who acts for which tenant, until when, from where.

The database verifies it; nobody else can make one.

Layout, 110 bytes, sent as hex in the transaction-local setting ``stockade.pin``:

    key id 1 | tenant 16 | actor 16 | kind 1 | backend pid 4 | expiry 8 (Unix ms) | request 16 | address 16
    | HMAC-SHA256 32

The upper four bits of ``kind`` say which rows of the tenant the actor is limited to (``Limits``); policies read them.

The key's HMAC pads lie in a table that only its keeper reads (RFC 2104 with core ``sha256``; no extension needed).
The backend's pid is inside the MAC, because sessions of one role see each other's current statement: a pin that is read
there is worthless in any other session. Behind a transaction pooler the pid is not known; such pins carry 0 and are
only ever sent as bound values, which ``pg_stat_activity`` does not show.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from ipaddress import IPv4Address, IPv6Address, ip_address
from uuid import UUID

PIN_SETTING = "stockade.pin"
PAYLOAD_BYTES = 78
PIN_BYTES = PAYLOAD_BYTES + 32
_BLOCK_BYTES = 64
NOBODY = UUID(int=0)
NOWHERE = bytes(16)
REQUEST_SECONDS = 60
"""How long a request's pin is valid: longer than any request may last, far shorter than a shift."""


class ActorKind(IntEnum):
    """Who acts. ``IMPORT`` writes one audit entry a document; being signed, injected SQL cannot claim it."""

    SYSTEM = 0
    USER = 1
    API_KEY = 2
    JOB = 3
    IMPORT = 4
    CONTROL = 5
    OPERATOR = 6


class Limits(IntFlag):
    """Which records of a tenant a role is limited to; part of the signed pin, so that nobody can lift them by SQL."""

    NONE = 0
    OWN_CUSTOMERS = 0x10
    OWN_REGION = 0x20
    OWN_WAREHOUSES = 0x40


_CUSTOMERS = {"all": Limits.NONE, "own": Limits.OWN_CUSTOMERS, "region": Limits.OWN_REGION}
_WAREHOUSES = {"all": Limits.NONE, "own": Limits.OWN_WAREHOUSES}


def limits_of(customers: str, warehouses: str) -> Limits:
    """Return the limits of a role: of customers all, its own or its region's; of warehouses all or its own."""
    return _CUSTOMERS[customers] | _WAREHOUSES[warehouses]


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs pins with one key; ``key_id`` tells the database which one."""

    key_id: int
    secret: bytes

    @classmethod
    def of(cls, secret: bytes) -> "Signer":
        """The signer of a 32-byte secret; its id is the first byte of the secret's SHA-256."""
        return cls(hashlib.sha256(secret).digest()[0], secret)

    @property
    def pads(self) -> tuple[bytes, bytes]:
        """The inner and outer pad of the key (RFC 2104), as the database keeps them."""
        block = self.secret.ljust(_BLOCK_BYTES, b"\0")
        return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)

    def pin(
        self, tenant: UUID, actor: UUID, kind: ActorKind, *, pid: int, request: UUID = NOBODY, address: bytes = NOWHERE,
        valid_seconds: float = REQUEST_SECONDS, limits: int = 0,
    ) -> str:  # fmt: skip
        """Return a pin as hex; ``address`` is a packed IPv6 (or mapped IPv4) address, ``pid`` 0 behind a pooler."""
        expiry = int((time.time() + valid_seconds) * 1000)
        payload = b"".join(
            (
                self.key_id.to_bytes(1), tenant.bytes, actor.bytes, (kind | limits).to_bytes(1), pid.to_bytes(4),
                expiry.to_bytes(8), request.bytes, address,
            )
        )  # fmt: skip
        return (payload + hmac.digest(self.secret, payload, hashlib.sha256)).hex()


def pack_address(text: str) -> bytes:
    """Return an IP address as the 16 bytes of IPv6, IPv4 mapped (RFC 4291 section 2.5.5.2); something else as zeros."""
    try:
        address = ip_address(text)
    except ValueError:
        return NOWHERE
    if isinstance(address, IPv4Address):
        return IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed).packed
    return address.packed
