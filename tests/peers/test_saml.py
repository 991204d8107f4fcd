"""Signing in by a real SAML identity provider: npm's samlp, over HTTPS, by redirect and form."""

import base64
import ipaddress
import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from stockade.identity.saml.connection import Connection
from stockade.identity.saml.metadata import read_idp_metadata
from stockade.identity.saml.refusal import SamlRefused
from stockade.identity.saml.request import authn_request, new_request_id, redirect_url
from stockade.identity.saml.response import Assertion, verify

HERE = Path(__file__).parent
NODE = shutil.which("node")
REASON = (
    "node is not installed" if NODE is None
    else "" if (HERE / "node_modules" / "samlp").is_dir() else "samlp is not installed (npm ci in tests/peers)"
)  # fmt: skip
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON or "it is installed")
ACS = "https://stockade.example/sign-in/saml/acs"
ENTITY = "https://stockade.example/sign-in/saml/metadata"
ISSUER = "urn:idp.example"


class Peer(msgspec.Struct):
    """The running provider: how it is reached and configured, and our key that it encrypts for."""

    client: httpx.Client
    config: Connection
    key: rsa.RSAPrivateKey


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    built = built.not_valid_after(now + timedelta(days=2))
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    built = built.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _private(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="session")
def peer() -> Iterator[Peer]:
    theirs, other, ours = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    certificate = _certificate(theirs)
    given = {
        "issuer": ISSUER, "acs": ACS, "key": _private(theirs), "cert": certificate, "otherKey": _private(other),
        "otherCert": _certificate(other), "spCert": _certificate(ours),
        "spKey": ours.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    }  # fmt: skip
    assert NODE is not None
    running = subprocess.Popen(
        [NODE, str(HERE / "saml_provider.js")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(json.dumps(given) + "\n")
        running.stdin.flush()
        base = f"https://127.0.0.1:{int(running.stdout.readline())}"
        with httpx.Client(base_url=base, verify=ssl.create_default_context(cadata=certificate)) as client:
            found = read_idp_metadata(client.get("/metadata").content, now=datetime.now(UTC))
            address, binding = found.sign_on
            config = Connection(
                idp_entity_id=found.entity_id, sso_url=address, sso_binding=binding, certificates=found.certificates
            )
            yield Peer(client, config, ours)
    finally:
        running.terminate()
        running.wait(10)


def answer(peer: Peer, way: str = "assertion") -> tuple[str, str]:
    """Go to the provider as a browser does; return the request's id and the form's response."""
    config = msgspec.structs.replace(peer.config, sso_url=str(peer.client.base_url.join(f"/sso/{way}")))
    asked = new_request_id()
    made = authn_request(config, id=asked, now=datetime.now(UTC), acs_url=ACS, sp_entity_id=ENTITY)
    page = peer.client.get(redirect_url(config, made, "relay-1"))
    assert page.status_code == 200, page.text
    assert re.search(r'name="RelayState" value="([^"]*)"', page.text)
    assert re.search(r'action="([^"]*)"', page.text)[1] == ACS  # type: ignore[index]
    found = re.search(r'name="SAMLResponse"\s+value="([^"]*)"', page.text)
    assert found is not None
    return asked, unescape(found[1])


def sign_in(peer: Peer, way: str, **changes: object) -> Assertion:
    asked, text = answer(peer, way)
    given = {
        "request_id": asked, "now": datetime.now(UTC), "acs_url": ACS, "sp_entity_id": ENTITY,
        "decryption_key": peer.key,
    }  # fmt: skip
    return verify(text, peer.config, **(given | changes))


def test_its_metadata_is_read(peer: Peer) -> None:
    assert peer.config.idp_entity_id == ISSUER
    assert peer.config.sso_url == f"{peer.client.base_url}/sso/assertion"
    assert (peer.config.sso_binding, len(peer.config.certificates)) == ("redirect", 1)


@pytest.mark.parametrize("way", ["assertion", "response", "both", "prefixed", "encrypted", "encrypted-gcm"])
def test_a_person_signs_in(peer: Peer, way: str) -> None:
    found = sign_in(peer, way)
    assert (found.name_id, found.email, found.name) == ("ada-1", "ada@firm.example", "Ada King & Söhne <Łódź>")
    assert found.attributes["http://schemas.passportjs.com/groups"] == ("sellers", "staff")
    assert found.not_on_or_after > datetime.now(UTC)


@pytest.mark.parametrize(("way", "word"), [
    ("sha1", "algorithm"), ("unsigned", "unsigned"), ("audience", "audience"), ("recipient", "recipient"),
    ("unsolicited", "in-response-to"), ("rotated", "not-pinned"), ("failed", "status"),
    ("encrypted-unsigned", "encryption"),
])  # fmt: skip
def test_what_the_provider_does_wrong_is_told(peer: Peer, way: str, word: str) -> None:
    with pytest.raises(SamlRefused) as refused:
        sign_in(peer, way)
    assert refused.value.word == word


def test_an_answer_to_another_browser_is_refused(peer: Peer) -> None:
    for asked in (None, new_request_id()):
        with pytest.raises(SamlRefused):
            sign_in(peer, "assertion", request_id=asked)


def test_an_answer_grows_old(peer: Peer) -> None:
    with pytest.raises(SamlRefused) as refused:
        sign_in(peer, "assertion", now=datetime.now(UTC) + timedelta(seconds=370))
    assert refused.value.word == "expired"


def test_twin_the_changed_certificate_is_accepted_once_it_is_configured(peer: Peer) -> None:
    with pytest.raises(SamlRefused) as refused:
        sign_in(peer, "rotated")
    asked, text = answer(peer, "rotated")
    carried = re.search(r"<X509Certificate>([^<]+)</X509Certificate>", base64.b64decode(text).decode())
    assert carried is not None
    config = msgspec.structs.replace(peer.config, certificates=(*peer.config.certificates, carried[1]))
    found = verify(
        text, config, request_id=asked, now=datetime.now(UTC), acs_url=ACS, sp_entity_id=ENTITY, decryption_key=None
    )
    assert found.email == "ada@firm.example"
    assert "SHA-256" in refused.value.detail
