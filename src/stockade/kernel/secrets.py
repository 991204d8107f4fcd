"""Secrets: 32 bytes each, from the environment or from files that only the installation's user can read.

A secret ``pin`` is looked for in ``STOCKADE_SECRET_PIN`` (64 hex digits), in the file that ``STOCKADE_SECRET_PIN_FILE``
names, and in ``$STOCKADE_HOME/secrets/pin``. In development a missing one is made and marked as such; the production
profile refuses a marked one and never makes one by itself (``stockade secrets generate`` does).
"""

import hashlib
import hmac
import os
import secrets as random
from collections.abc import Mapping
from pathlib import Path

from stockade.kernel.files import write_whole
from stockade.kernel.problems import Refusal

SECRET_BYTES = 32
DEVELOPMENT_MARK = "development "
NAMES = ("pin", "database", "credential", "session", "evidence")
"""pin: signs tenant pins. database: logins of the roles. credential: hashes API keys and session tokens.
session: CSRF tokens. evidence: the Ed25519 seed that signs control results."""


class Keyring:
    """Reads the secrets of one installation; keeps nothing but what was asked for."""

    def __init__(self, home: Path, *, production: bool, environ: Mapping[str, str] = os.environ) -> None:
        self.folder = home / "secrets"
        self.production = production
        self._environ = environ

    def secret(self, name: str) -> bytes:
        """Return the 32 bytes of a secret.

        Raises ``Refusal`` if it is missing, malformed or, in production, a development one.
        """
        text = self._find(name)
        if text is None:
            if self.production:
                raise Refusal(
                    f"The secret {name!r} is missing: set STOCKADE_SECRET_{name.upper()}_FILE "
                    "or run 'stockade secrets generate'."
                )
            text = self._make(name, mark=DEVELOPMENT_MARK)
        if text.startswith(DEVELOPMENT_MARK):
            if self.production:
                raise Refusal(
                    f"The secret {name!r} was made for development: replace it by 'stockade secrets generate --force'."
                )
            text = text.removeprefix(DEVELOPMENT_MARK)
        return _parse(name, text)

    def derive(self, name: str, purpose: str) -> bytes:
        """Return 32 bytes bound to a purpose: HMAC-SHA256 of it under the secret (one secret, many keys)."""
        return hmac.digest(self.secret(name), purpose.encode(), hashlib.sha256)

    def generate(self, *, force: bool = False) -> list[str]:
        """Write a production secret for each name that has none (or, forced, for every one).

        Returns the names written.
        """
        made = []
        for name in NAMES:
            found = self._find(name)
            if found is None or force or found.startswith(DEVELOPMENT_MARK):
                self._make(name, mark="")
                made.append(name)
        return made

    def replace(self, name: str, value: bytes) -> None:
        """Write another value to a secret's file; ``Refusal`` if the secret does not come from that file."""
        upper = name.upper()
        if self._environ.get(f"STOCKADE_SECRET_{upper}") or self._environ.get(f"STOCKADE_SECRET_{upper}_FILE"):
            raise Refusal(f"The secret {name!r} comes from the environment: replace it where it is kept.")
        self._write(name, ("" if self.production else DEVELOPMENT_MARK) + value.hex())

    def _find(self, name: str) -> str | None:
        if text := self._environ.get(f"STOCKADE_SECRET_{name.upper()}"):
            return text.strip()
        path = Path(self._environ.get(f"STOCKADE_SECRET_{name.upper()}_FILE") or self.folder / name)
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refusal(f"The secret file {path} cannot be read: {error.strerror}.") from None

    def _make(self, name: str, *, mark: str) -> str:
        text = mark + random.token_hex(SECRET_BYTES)
        self._write(name, text)
        return text

    def _write(self, name: str, text: str) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.folder / name, f"{text}\n".encode(), mode=0o600)


def _parse(name: str, text: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != SECRET_BYTES:
        raise Refusal(f"The secret {name!r} must be {SECRET_BYTES * 2} hexadecimal digits.")
    return value
