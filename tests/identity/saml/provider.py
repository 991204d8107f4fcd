"""An identity provider of our own making that signs what it is told to: for attacks, and for what is to be accepted."""

import base64
import copy
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml import XMLSigner
from signxml.algorithms import SignatureConstructionMethod

from stockade.identity.saml.connection import Connection
from stockade.identity.saml.document import NAMESPACES, written
from stockade.identity.saml.refusal import SamlRefused
from stockade.identity.saml.response import Assertion, verify

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ACS = "https://stockade.example/sign-in/saml/acs"
ENTITY = "https://stockade.example/sign-in/saml/metadata"
IDP = "https://idp.example/metadata"
REQUEST = "_request-1"
VICTIM = "admin@firm.example"
MINUTES = timedelta(minutes=5)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_TEMPLATE = """<samlp:Response xmlns:samlp="{samlp}" xmlns:saml="{saml}" ID="_response-1" Version="2.0"
 IssueInstant="{issued}" Destination="{destination}" InResponseTo="{request}"><saml:Issuer>{issuer}</saml:Issuer>
 <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>
 <saml:Assertion ID="_assertion-1" Version="2.0" IssueInstant="{issued}"><saml:Issuer>{issuer}</saml:Issuer>
 <saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{name_id}</saml:NameID>
 <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
 Recipient="{recipient}" InResponseTo="{confirmed}" NotOnOrAfter="{until}"/></saml:SubjectConfirmation></saml:Subject>
 <saml:Conditions NotBefore="{begin}" NotOnOrAfter="{end}"><saml:AudienceRestriction>
 <saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
 <saml:AuthnStatement AuthnInstant="{issued}" SessionIndex="_session-1"/>
 <saml:AttributeStatement><saml:Attribute Name="displayName"><saml:AttributeValue>Ada King</saml:AttributeValue>
 </saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>sellers</saml:AttributeValue>
 <saml:AttributeValue>staff</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"""


class _AnyAlgorithm(XMLSigner):
    """Signs with SHA-1 too, as an old provider does."""

    def check_deprecated_methods(self) -> None:
        """Let it pass."""


@cache
def new_key(kind: str = "provider") -> rsa.RSAPrivateKey:
    """A key, made once for each name."""
    return rsa.generate_private_key(65537, 2048)


def certificate_for(key: Key, *, begin: datetime | None = None, end: datetime | None = None) -> x509.Certificate:
    """A self-signed certificate."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp.example")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(x509.random_serial_number()).not_valid_before(begin or NOW - timedelta(days=30))
    return built.not_valid_after(end or NOW + timedelta(days=365)).sign(key, hashes.SHA256())


def pem(certificate: x509.Certificate) -> str:
    """As PEM."""
    return certificate.public_bytes(Encoding.PEM).decode()


@dataclass
class Provider:
    """Signs with ``key``; what it says can be changed by name."""

    key: Key = field(default_factory=new_key)
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        self.certificate = certificate_for(self.key)

    def connection(self, **changes: object) -> Connection:
        """How an organisation has configured it."""
        given = {
            "idp_entity_id": IDP,
            "sso_url": "https://idp.example/sso",
            "certificates": (pem(self.certificate),),
        }
        return Connection(**(given | changes))

    def response(self, **changes: str) -> etree._Element:
        """An unsigned response; every part has a name."""
        said = {
            "issued": written(NOW), "destination": ACS, "request": REQUEST, "confirmed": REQUEST, "issuer": IDP,
            "status": "Success", "name_id": VICTIM, "recipient": ACS, "audience": ENTITY,
            "begin": written(NOW - MINUTES), "end": written(NOW + MINUTES), "until": written(NOW + MINUTES),
        }  # fmt: skip
        return etree.fromstring(_TEMPLATE.format(**NAMESPACES, **(said | changes)))

    def signed(
        self, root: etree._Element, *, response: bool = False, assertion: bool = True, **how: str
    ) -> etree._Element:
        """Sign the assertion, the response, or both."""
        if assertion:
            root = self.replaced(root, lambda found: self.sign(found, **how))
        return self.sign(root, **how) if response else root

    @staticmethod
    def replaced(root: etree._Element, change: Callable[[etree._Element], etree._Element]) -> etree._Element:
        """A copy of the response with another assertion."""
        root = copy.deepcopy(root)
        found = one(root, "saml:Assertion")
        place = list(root).index(found)
        root.remove(found)
        root.insert(place, change(etree.fromstring(etree.tostring(found, with_tail=False))))
        return root

    def sign(
        self, element: etree._Element, *, algorithm: str = "rsa-sha256", digest: str = "sha256", c14n: str | None = None
    ) -> etree._Element:
        """The element with an enveloped signature, after its issuer."""
        signer = _AnyAlgorithm(
            method=SignatureConstructionMethod.enveloped, signature_algorithm=algorithm, digest_algorithm=digest,
            c14n_algorithm=c14n or "http://www.w3.org/2001/10/xml-exc-c14n#",
        )  # fmt: skip
        if algorithm.startswith("hmac"):
            made = signer.sign(element, key=pem(self.certificate).encode(), reference_uri=f"#{element.get('ID')}")
        else:
            made = signer.sign(element, key=self.key, cert=[self.certificate], reference_uri=f"#{element.get('ID')}")
        signature = one(made, "ds:Signature")
        made.remove(signature)
        made.insert(1, signature)
        return made


def one(root: etree._Element, path: str) -> etree._Element:
    """The one element at a path."""
    (found,) = root.findall(path, NAMESPACES)
    return found


def posted(root: etree._Element | bytes) -> str:
    """As a browser posts it."""
    return base64.b64encode(root if isinstance(root, bytes) else etree.tostring(root)).decode()


def checked(root: etree._Element | bytes, config: Connection, **changes: object) -> Assertion:
    """What our service provider makes of it."""
    given = {"request_id": REQUEST, "now": NOW, "acs_url": ACS, "sp_entity_id": ENTITY}
    return verify(posted(root), config, **(given | changes))


def refusal(root: etree._Element | bytes, idp: Provider, **changes: object) -> str:
    """The word that it is refused with; that it is refused at all is the claim."""
    with pytest.raises(SamlRefused) as refused:
        checked(root, idp.connection(), **changes)
    assert refused.value.detail.endswith("."), "a sentence for the administrator"
    return refused.value.word


def encrypted(root: etree._Element, key: rsa.RSAPublicKey, *, algorithm: str = "aes256-gcm") -> etree._Element:
    """The response with its assertion encrypted, as whoever knows the public key can."""
    content_key = os.urandom(32)

    def change(found: etree._Element) -> etree._Element:
        plain = etree.tostring(found)
        if algorithm == "aes256-gcm":
            nonce = os.urandom(12)
            data, where = nonce + AESGCM(content_key).encrypt(nonce, plain, None), NAMESPACES["xenc11"]
        else:
            vector = os.urandom(16)
            sealing = Cipher(AES(content_key), CBC(vector)).encryptor()
            pad = 16 - len(plain) % 16
            data, where = vector + sealing.update(plain + bytes(pad - 1) + bytes([pad])), NAMESPACES["xenc"]
        wrapped = key.encrypt(content_key, OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None))
        return etree.fromstring(
            f'<saml:EncryptedAssertion xmlns:saml="{NAMESPACES["saml"]}" xmlns:xenc="{NAMESPACES["xenc"]}" '
            f'xmlns:ds="{NAMESPACES["ds"]}"><xenc:EncryptedData Type="{NAMESPACES["xenc"]}Element">'
            f'<xenc:EncryptionMethod Algorithm="{where}{algorithm}"/><ds:KeyInfo><xenc:EncryptedKey>'
            f'<xenc:EncryptionMethod Algorithm="{NAMESPACES["xenc"]}rsa-oaep-mgf1p"/><xenc:CipherData>'
            f"<xenc:CipherValue>{base64.b64encode(wrapped).decode()}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>"
            f"<xenc:CipherData><xenc:CipherValue>{base64.b64encode(data).decode()}</xenc:CipherValue></xenc:CipherData>"
            f"</xenc:EncryptedData></saml:EncryptedAssertion>"
        )

    return Provider.replaced(root, change)
