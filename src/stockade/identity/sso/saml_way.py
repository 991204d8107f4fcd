"""The way by SAML: from a connection to the protocol of ``identity.saml``, and back to whom the provider named.

The provider's answer comes by a post from its own site, where no cookie of ours is sent. So it is only laid down there,
unread; the browser is sent on, comes by a GET with its cookie, and then the answer is verified: it has to answer the
very request that this browser began.
"""

from datetime import timedelta
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from stockade.identity.saml import seen
from stockade.identity.saml.metadata import sp_metadata
from stockade.identity.saml.request import authn_request, redirect_url
from stockade.identity.saml.response import Assertion, verify
from stockade.identity.sso.attempts import Attempt
from stockade.identity.sso.connections import Held
from stockade.identity.sso.kinds import Identified
from stockade.identity.sso.steps import Steps
from stockade.kernel.clock import now
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

KEY_BITS = 3072
KEY_VALID = timedelta(days=3650)
_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


def answer_address(origin: str, connection_id: UUID) -> str:
    """Return where the provider posts its answers (the assertion consumer service)."""
    return f"{origin}/sign-in/saml/{connection_id}"


def entity_id(origin: str, connection_id: UUID) -> str:
    """Return what we are called at the provider; our metadata is there, too."""
    return f"{answer_address(origin, connection_id)}/metadata"


def new_key() -> str:
    """Return a fresh private key and its certificate (PEM), that a provider encrypts for."""
    key = rsa.generate_private_key(65537, KEY_BITS)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Stockade")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now() - timedelta(hours=1))
    certificate = made.not_valid_after(now() + KEY_VALID).sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (private + certificate.public_bytes(Encoding.PEM)).decode()


def metadata(connection: Held, origin: str) -> bytes:
    """Return our metadata for a connection's provider."""
    return sp_metadata(
        entity_id=entity_id(origin, connection.id), acs_url=answer_address(origin, connection.id),
        encryption_certificates=[_certificate(connection.secret)] if connection.secret else [],
    )  # fmt: skip


def begin(connection: Held, origin: str, attempt: Attempt) -> str:
    """Return the provider's address for a sign-in that begins."""
    config = connection.configured()
    request = authn_request(
        config, id=attempt.request_id, now=now(), acs_url=answer_address(origin, connection.id),
        sp_entity_id=entity_id(origin, connection.id),
    )  # fmt: skip
    return redirect_url(config, request, attempt.state)


async def finish(
    database: Database, connection: Held, origin: str, attempt: Attempt, answer: bytes, steps: Steps
) -> Identified:  # fmt: skip
    """Return whom the provider named; ``SamlRefused`` says what is wrong with its answer."""
    steps.begin("signature")
    assertion = verify(
        answer.decode("ascii", "replace"), connection.configured(), request_id=attempt.request_id, now=now(),
        acs_url=answer_address(origin, connection.id), sp_entity_id=entity_id(origin, connection.id),
        decryption_key=_key(connection.secret) if connection.secret else None,
    )  # fmt: skip
    async with database.transaction(Principal.system(connection.tenant_id)) as tx:
        await seen.remember(tx, assertion.assertion_id, assertion.not_on_or_after)
    steps.passed()
    steps.begin("email")
    steps.passed(assertion.email)
    return _identified(assertion)


def _identified(assertion: Assertion) -> Identified:
    """A transient name differs each time; the address stands for the person then."""
    lasting = assertion.name_id_format != _TRANSIENT
    subject = assertion.name_id if lasting else f"email {assertion.email}"
    return Identified(subject[:1024], assertion.email, assertion.name or assertion.email)


def _key(secret: str) -> rsa.RSAPrivateKey:
    found = load_pem_private_key(secret.partition(_CERTIFICATE)[0].encode(), None)
    assert isinstance(found, rsa.RSAPrivateKey)
    return found


def _certificate(secret: str) -> x509.Certificate:
    _, begin_mark, rest = secret.partition(_CERTIFICATE)
    return x509.load_pem_x509_certificate((begin_mark + rest).encode())
