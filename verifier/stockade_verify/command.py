"""The command: ``stockade-verify claims.json --key KEY``. Exit code 0, 1 or 2, as the README says."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stockade_verify.document import Claim, NotGenuine, verify

ALL_HOLD, NOT_AS_PROMISED, PROVES_NOTHING = 0, 1, 2
_KEY_BYTES = 32


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a document, print what it says, and return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        claims = verify(_content(given.document), read_key(given.key), given.at or datetime.now(UTC))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return _refuse(f"The document does not have the form that it should ({type(error).__name__}: {error}).")
    except NotGenuine as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename} cannot be read: {error.strerror}.")
    sys.stdout.write((_as_json(claims) if given.json else _as_text(claims)) + "\n")
    return NOT_AS_PROMISED if any(claim.state in ("fails", "stale") for claim in claims) else ALL_HOLD


def read_key(text: str) -> bytes:
    """Return the 32 bytes of a key: 64 hexadecimal digits, or a file with them or with a PEM public key."""
    path = Path(text)
    if len(text) != 2 * _KEY_BYTES or path.is_file():
        content = path.read_bytes()
        if content.lstrip().startswith(b"-----"):
            return _from_pem(content)
        text = content.decode("ascii", "replace").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise NotGenuine("The key must be 64 hexadecimal digits, or a file that holds them or a PEM public key.")
    return key


def _from_pem(content: bytes) -> bytes:
    key = serialization.load_pem_public_key(content)
    if not isinstance(key, Ed25519PublicKey):
        raise NotGenuine("The key is not an Ed25519 key.")
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stockade-verify",
        description="Check the signed claims of a Stockade installation, offline.",
        epilog="Exit code 0: genuine, and every built claim holds; 1: genuine, but a claim fails or is stale; "
        "2: it proves nothing.",
    )
    parser.add_argument("document", help="the file from /trust/claims.json, or - for standard input")
    parser.add_argument("--key", required=True, help="the installation's public key: 64 hexadecimal digits, or a file")
    parser.add_argument("--at", type=_moment, help="judge as of this moment (ISO 8601 with an offset) instead of now")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("a moment needs an offset, as in 2026-01-31T12:00:00Z")
    return moment


def _content(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def _refuse(reason: str) -> int:
    sys.stderr.write(f"stockade-verify: {reason}\n")
    return PROVES_NOTHING


def _as_json(claims: Sequence[Claim]) -> str:
    return json.dumps([asdict(claim) for claim in claims], default=lambda moment: moment.isoformat(), indent=2)


def _as_text(claims: Sequence[Claim]) -> str:
    lines = [f"{claim.id:4} {claim.state:7} {_when(claim):20} {claim.statement}" for claim in claims]
    states = [claim.state for claim in claims]
    counts = ", ".join(f"{states.count(state)} {state}" for state in ("holds", "fails", "stale", "absent"))
    return "\n".join([*lines, "", f"The signatures are right. {counts}."])


def _when(claim: Claim) -> str:
    return f"{claim.checked_at:%Y-%m-%d %H:%M:%SZ}" if claim.checked_at else "-"


if __name__ == "__main__":
    raise SystemExit(main())
