"""Places: the country of an address, and how far apart two countries are at the least. Offline, from vendored data.

A country is a circle around its mainland: two countries are as far apart as their circles. Neighbours are at distance
nought, so that nobody is suspected for crossing a border, and Poland and Japan are some 7,000 km apart.
"""

import math
from functools import cache
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import maxminddb

_DATA = Path(__file__).parent / "data"
EARTH_RADIUS_KM = 6371.0


def country_of(address: str) -> str | None:
    """Return the ISO 3166-1 code of an address's country; None for a private, unknown or malformed address."""
    try:
        given = ip_address(address)
    except ValueError:
        return None
    if isinstance(given, IPv6Address) and given.ipv4_mapped is not None:
        given = given.ipv4_mapped
    found = _reader().get(given)
    code = found.get("country_code") if isinstance(found, dict) else None
    return code if isinstance(code, str) and len(code) == 2 else None


def least_km(one: str, other: str) -> float | None:
    """Return the least distance between two countries in kilometres; None if one of them is not in the table."""
    if one not in _circles() or other not in _circles():
        return None
    (one_at, one_radius), (other_at, other_radius) = _circles()[one], _circles()[other]
    return max(0.0, _distance(one_at, other_at) - one_radius - other_radius)


@cache
def _reader() -> maxminddb.Reader:
    """The database, mapped into memory: processes share it."""
    return maxminddb.open_database(_DATA / "geo-whois-asn-country.mmdb")


@cache
def _circles() -> dict[str, tuple[tuple[float, float], float]]:
    rows = [line.split("\t") for line in (_DATA / "countries.tsv").read_text().splitlines()[1:]]
    return {
        code: ((math.radians(float(north)), math.radians(float(east))), float(km)) for code, north, east, km in rows
    }


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance (haversine)."""
    north, east = other[0] - one[0], other[1] - one[1]
    square = math.sin(north / 2) ** 2 + math.cos(one[0]) * math.cos(other[0]) * math.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(square)))
