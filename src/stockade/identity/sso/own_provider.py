"""An identity provider of the controls' own, inside this process.

It signs as real ones do, rightly or wrongly, and the very code that reads real ones reads it. Nothing of it can be
reached from outside, and no organisation can configure it: its names end in ``.invalid`` (RFC 2606).
"""

import base64
import copy
import hashlib
import secrets
import time
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.jwk import ECKey
from lxml import etree
from signxml.algorithms import SignatureConstructionMethod
from signxml.signer import XMLSigner

from stockade.identity.saml.connection import Connection
from stockade.identity.saml.document import NAMESPACES, written
from stockade.identity.sso.oidc import DISCOVERY
from stockade.identity.sso.reaching import ProviderUnreachable, Reach
from stockade.kernel.clock import now
from stockade.kernel.words import said

ISSUER = "https://provider.stockade.invalid"
VALID = timedelta(minutes=5)
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_RESPONSE = """<samlp:Response xmlns:samlp="{samlp}" xmlns:saml="{saml}" ID="{response_id}" Version="2.0"
 IssueInstant="{begin}" Destination="{recipient}" InResponseTo="{request}"><saml:Issuer>{issuer}</saml:Issuer>
 <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
 <saml:Assertion ID="{assertion_id}" Version="2.0" IssueInstant="{begin}"><saml:Issuer>{issuer}</saml:Issuer>
 <saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{email}</saml:NameID>
 <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
 Recipient="{recipient}" InResponseTo="{request}" NotOnOrAfter="{end}"/></saml:SubjectConfirmation></saml:Subject>
 <saml:Conditions NotBefore="{begin}" NotOnOrAfter="{end}"><saml:AudienceRestriction>
 <saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
 <saml:AuthnStatement AuthnInstant="{begin}" SessionIndex="_1"/></saml:Assertion></samlp:Response>"""


class OwnProvider(Reach):
    """Speaks OpenID Connect and SAML. ``claims`` is what its next ID token says; its token endpoint checks PKCE."""

    def __init__(self) -> None:
        super().__init__()
        self.saml_key = ec.generate_private_key(ec.SECP256R1())
        self.claims: dict[str, Any] = {}
        self.challenge = ""
        self.signing = self.rotate()

    def rotate(self) -> ECKey:
        """Sign by a new key from now on, and publish that one alone."""
        self.signing = ECKey.generate_key("P-256", {"kid": secrets.token_hex(8)}, private=True)
        return self.signing

    async def json(self, address: str) -> dict[str, Any]:
        """What stands at its addresses."""
        if address == ISSUER + DISCOVERY:
            ends = {name: f"{ISSUER}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            return {"issuer": ISSUER} | ends
        if address == f"{ISSUER}/jwks_uri":
            return {"keys": [self.signing.as_dict(private=False)]}
        raise ProviderUnreachable(said("There is no host {host}.", host=urlsplit(address).hostname))

    def transport(self) -> httpx.AsyncBaseTransport:
        """The way to its token endpoint, which needs no network."""
        return _TokenEndpoint(self)

    def began(self, address: str) -> dict[str, str]:
        """Take the browser's visit; return what it was asked with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.challenge = asked.get("code_challenge", "")
        return asked

    def token(self, claims: dict[str, Any], key: ECKey | None = None) -> str:
        """A token with some claims, signed by its own key or another one, for five minutes."""
        said_too = {"iss": ISSUER, "iat": int(time.time()), "exp": int(time.time()) + int(VALID.total_seconds())}
        header = {"alg": "ES256", "kid": self.signing.kid}
        return jwt.encode(header, said_too | claims, key or self.signing, algorithms=["ES256"])

    def connection(self) -> Connection:
        """How an organisation would trust its SAML."""
        return Connection(
            idp_entity_id=ISSUER, sso_url=f"{ISSUER}/sso",
            certificates=(self.certificate().public_bytes(Encoding.PEM).decode(),),
        )  # fmt: skip

    def certificate(self) -> x509.Certificate:
        """The certificate of its SAML key."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "provider.stockade.invalid")])
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.saml_key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now() - timedelta(hours=1))
        return made.not_valid_after(now() + timedelta(hours=1)).sign(self.saml_key, hashes.SHA256())

    def response(self, said_there: dict[str, str], *, signed: bool = True) -> Any:
        """A SAML response about somebody, its assertion signed unless that is left out."""
        at, ids = now(), {"response_id": f"_{secrets.token_hex(16)}", "assertion_id": f"_{secrets.token_hex(16)}"}
        usual = {"issuer": ISSUER, "begin": written(at - VALID), "end": written(at + VALID)}
        root = etree.fromstring(_RESPONSE.format(**NAMESPACES, **(ids | usual | said_there)))
        (assertion,) = root.findall("saml:Assertion", NAMESPACES)
        if signed:
            root.remove(assertion)
            root.append(self._signed(assertion))
        return root

    def _signed(self, assertion: Any) -> Any:
        signer = XMLSigner(
            method=SignatureConstructionMethod.enveloped, signature_algorithm="ecdsa-sha256", c14n_algorithm=_EXCLUSIVE
        )
        alone = copy.deepcopy(assertion)
        alone.tail = None
        made = signer.sign(
            alone, key=self.saml_key, cert=[self.certificate()], reference_uri=f"#{assertion.get('ID')}"
        )  # fmt: skip
        (signature,) = made.findall("ds:Signature", NAMESPACES)
        made.remove(signature)
        made.insert(1, signature)
        return made


class _TokenEndpoint(httpx.AsyncBaseTransport):
    """Exchanges any code for the provider's next ID token, to whoever began the sign-in (RFC 7636)."""

    def __init__(self, provider: OwnProvider) -> None:
        self.provider = provider

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request for a token."""
        fields = parse_qs((await request.aread()).decode())
        hashed = hashlib.sha256(fields.get("code_verifier", [""])[0].encode()).digest()
        if base64.urlsafe_b64encode(hashed).rstrip(b"=").decode() != self.provider.challenge:
            return httpx.Response(400, json={"error": "invalid_grant"}, request=request)
        answer = {"access_token": "none", "token_type": "Bearer", "id_token": self.provider.token(self.provider.claims)}
        return httpx.Response(200, json=answer, request=request)


def posted(root: Any) -> bytes:
    """A response as a browser posts it."""
    return base64.b64encode(etree.tostring(root))
