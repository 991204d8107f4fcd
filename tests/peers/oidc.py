"""npm's oidc-provider as a counterpart: started on loopback, told who signs in, and its keys rotated."""

import ipaddress
import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HERE = Path(__file__).parent
NODE = shutil.which("node")
SECRET = "a secret of forty-three characters, or so"


def missing() -> str:
    """Why it cannot be started here; empty if it can."""
    if NODE is None:
        return "node is not installed"
    found = (HERE / "node_modules" / "oidc-provider").is_dir()
    return "" if found else "oidc-provider is not installed (npm ci in tests/peers)"


@dataclass
class OidcPeer:
    """The running provider."""

    issuer: str
    authority: Path

    def browser(self) -> httpx.AsyncClient:
        """A fresh browser of somebody, as far as the provider is concerned."""
        return httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(self.authority)), trust_env=False)

    async def control(self, **wanted: Any) -> None:
        """Say who signs in next (``person``), rotate its keys (``rotate``), change how it behaves (``options``)."""
        async with self.browser() as client:
            assert (await client.post(f"{self.issuer}/control", content=json.dumps(wanted))).status_code == 200

    async def let_in(self, address: str) -> str:
        """Go through the provider from where it was asked; return where it sends the browser back to."""
        async with self.browser() as client:
            for _ in range(10):
                answer = await client.get(address)
                assert answer.status_code in (302, 303), f"{address}: {answer.status_code} {answer.text[:300]}"
                address = str(answer.url.join(answer.headers["location"]))
                if not address.startswith(self.issuer):
                    return address
        raise AssertionError("The provider leads in a circle.")

    async def program_token(self, audience: str) -> str:
        """An access token of a program (client credentials), for an audience."""
        fields = {"grant_type": "client_credentials", "scope": "api", "resource": audience}
        async with self.browser() as client:
            answer = await client.post(
                f"{self.issuer}/token", data=fields, auth=("program", "another+secret+of+many+characters")
            )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@contextmanager
def oidc_peer(folder: Path, redirect: str) -> Iterator[OidcPeer]:
    """Run it for the length of the block."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key)
    authority = folder / "provider.pem"
    authority.write_text(certificate)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    config = {"cert": certificate, "key": private, "redirect": redirect}
    with subprocess.Popen(
        [NODE or "node", str(HERE / "oidc_provider.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018
        process.stdin.write(json.dumps(config) + "\n")
        process.stdin.flush()
        port = next(line for line in process.stdout if line.strip().isdigit()).strip()
        try:
            yield OidcPeer(f"https://127.0.0.1:{port}", authority)
        finally:
            process.stdin.close()
            process.wait(10)


def _certificate(key: ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    built = built.not_valid_after(now + timedelta(days=2))
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    built = built.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
