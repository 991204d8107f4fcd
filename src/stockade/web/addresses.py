"""Whence a request comes: the address behind proxies that are trusted, and what it counts as for limits."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import msgspec

from stockade.kernel.problems import Refusal

_KNOWN_AT_ONCE = 4096
_NETWORK_BYTES = 8


class Source(msgspec.Struct, frozen=True):
    """An address: its canonical text, what the limits know it by, and whether it is this host itself."""

    text: str
    key: bytes
    loopback: bool


NOWHERE = Source("", b"a", False)
"""Where a request comes from that names no address (over a local socket, say)."""


@lru_cache(_KNOWN_AT_ONCE)
def source_of(text: str) -> Source | None:
    """Return what an address in text is; None if it is none.

    An IPv6 address counts as its /64: whoever has one of them has all 2^64, and could else never be limited.
    """
    address = _parsed(text)
    if address is None:
        return None
    key = address.packed if isinstance(address, IPv4Address) else address.packed[:_NETWORK_BYTES]
    return Source(str(address), b"a" + key, address.is_loopback)


def listed(addresses: Sequence[str]) -> Callable[[str], bool]:
    """Return what tells whether an address is among some addresses and networks (``10.0.0.0/8``).

    ``Refusal`` if one of them is neither.
    """
    try:
        networks = [ip_network(entry, strict=False) for entry in addresses]
    except ValueError as error:
        raise Refusal(f"The settings list an address that is none: {error}.") from None

    @lru_cache(_KNOWN_AT_ONCE)
    def is_listed(text: str) -> bool:
        address = _parsed(text)
        return address is not None and any(address in network for network in networks)

    return is_listed


def behind_proxies(peer: str, forwarded: Sequence[bytes], trusted: Callable[[str], bool]) -> str:
    """Return the address that a request comes from, given its peer and its X-Forwarded-For headers in order.

    Attack: a client writes the header itself, to be somebody else. So only trusted peers are believed, from the right,
    where each proxy appends the peer that it saw; the first one that is not trusted is the client.
    """
    hops = [hop.strip() for line in forwarded for hop in line.decode("latin-1").split(",")]
    while hops and trusted(peer):
        hop = hops.pop()
        if source_of(hop) is None:
            break
        peer = hop
    return peer


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address
    return address
