"""The country of an address, from the vendored table, which is the one that its record names."""

import hashlib
import tomllib
from pathlib import Path

import pytest

from stockade.identity.suspicion import places
from stockade.identity.suspicion.places import country_of

DATA = Path(places.__file__).parent / "data"


@pytest.mark.parametrize(("address", "country"), [
    ("8.8.8.8", "US"), ("::ffff:8.8.8.8", "US"), ("194.29.130.1", "PL"), ("2a00:1450::1", "IE"), ("127.0.0.1", None),
    ("10.1.2.3", None), ("::1", None), ("fe80::1", None), ("not an address", None), ("", None),
])  # fmt: skip
def test_the_country_of_an_address(address: str, country: str | None) -> None:
    assert country_of(address) == country


def test_the_files_are_those_that_the_record_names() -> None:
    record = tomllib.loads((DATA / "VENDORED.toml").read_text())
    named = {name: digest for package in record["package"] for name, digest in package["files"].items()}
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in DATA.iterdir()
        if path.name != "VENDORED.toml"
    }
    assert named == there
