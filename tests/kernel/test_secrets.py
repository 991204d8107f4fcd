"""Secrets: made for development, demanded in production, readable by nobody else."""

from pathlib import Path

import pytest

from stockade.kernel.problems import Refusal
from stockade.kernel.secrets import NAMES, Keyring


def test_development_makes_a_missing_secret_once_and_for_us_alone(tmp_path: Path) -> None:
    first = Keyring(tmp_path, production=False, environ={}).secret("pin")
    assert Keyring(tmp_path, production=False, environ={}).secret("pin") == first
    assert (tmp_path / "secrets" / "pin").stat().st_mode & 0o777 == 0o600


def test_production_makes_no_secret_by_itself(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="missing"):
        Keyring(tmp_path, production=True, environ={}).secret("pin")


def test_production_refuses_a_development_secret(tmp_path: Path) -> None:
    Keyring(tmp_path, production=False, environ={}).secret("pin")
    with pytest.raises(Refusal, match="development"):
        Keyring(tmp_path, production=True, environ={}).secret("pin")


def test_generated_secrets_are_fit_for_production(tmp_path: Path) -> None:
    Keyring(tmp_path, production=False, environ={}).secret("pin")
    assert Keyring(tmp_path, production=False, environ={}).generate(force=True) == list(NAMES)
    assert all(len(Keyring(tmp_path, production=True, environ={}).secret(name)) == 32 for name in NAMES)


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    Keyring(tmp_path, production=False, environ={}).secret("pin")
    given = Keyring(tmp_path, production=True, environ={"STOCKADE_SECRET_PIN": "ab" * 32})
    assert given.secret("pin") == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize("text", ["short", "zz" * 32, "ab" * 31])
def test_a_malformed_secret_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Refusal, match="64 hexadecimal digits"):
        Keyring(tmp_path, production=False, environ={"STOCKADE_SECRET_PIN": text}).secret("pin")


def test_derived_keys_differ_by_purpose(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path, production=False, environ={})
    assert keyring.derive("database", "role a") != keyring.derive("database", "role b")
