"""What an organisation configures about its identity provider, and which of its certificates are good enough."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stockade.identity.saml.refusal import SamlRefused
from stockade.kernel.words import said

Binding = Literal["redirect", "post"]
LEAST_RSA_BITS = 2048
EMAIL_ATTRIBUTES = (
    "email",
    "mail",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)
NAME_ATTRIBUTES = (
    "name",
    "displayName",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
)
GROUP_ATTRIBUTES = (
    "groups",
    "memberOf",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
    "http://schemas.xmlsoap.org/claims/Group",
)
_URI = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
_HTTPS = Annotated[str, msgspec.Meta(pattern=r"^https://[^\s\x00-\x1f]+$", max_length=2000)]
_NAMES = Annotated[tuple[_URI, ...], msgspec.Meta(max_length=20)]


class Connection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An identity provider as it is trusted: its name, where it signs on, and the certificates it signs with.

    ``certificates`` are PEM, or bare base64 as metadata has it; nothing that a response carries is trusted in their
    place. The attributes' names are tried in their order. ``encrypted_only`` refuses what is not encrypted.
    """

    idp_entity_id: _URI
    sso_url: _HTTPS
    sso_binding: Binding = "redirect"
    certificates: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=8)]
    email_attributes: _NAMES = EMAIL_ATTRIBUTES
    name_attributes: _NAMES = NAME_ATTRIBUTES
    group_attributes: _NAMES = GROUP_ATTRIBUTES
    encrypted_only: bool = False


def certificate_of(text: str) -> x509.Certificate:
    """Return a certificate written as PEM or bare base64, if its key is strong enough to be trusted."""
    body = "".join(line for line in text.strip().splitlines() if not line.startswith("-----"))
    try:
        found = x509.load_der_x509_certificate(base64.b64decode("".join(body.split()), validate=True))
        key = found.public_key()
    except (ValueError, binascii.Error, x509.InvalidVersion) as error:
        raise SamlRefused(
            word="no-certificate",
            sentence=said(
                "One of the provider's certificates cannot be read: copy it anew from the provider's metadata."
            ),
        ) from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA_BITS:
        return found
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256:
        return found
    raise SamlRefused(
        word="weak-key",
        sentence=said(
            "The provider's signing key is too weak: let it sign with RSA of {bits} bits or more, or ECDSA of 256.",
            bits=LEAST_RSA_BITS,
        ),
    )


def trusted_certificates(config: Connection, now: datetime) -> list[x509.Certificate]:
    """Return the configured certificates that are valid now; a refusal if there is none."""
    known = [certificate_of(text) for text in config.certificates]
    valid = [one for one in known if one.not_valid_before_utc <= now <= one.not_valid_after_utc]
    if valid:
        return valid
    if not known:
        raise SamlRefused(
            word="no-certificate",
            sentence=said("No certificate of the provider is configured: take it from its metadata."),
        )
    latest = max(one.not_valid_after_utc for one in known)
    raise SamlRefused(
        word="certificate-period",
        sentence=said(
            "No configured certificate of the provider is valid now; the last one ends at {until}: "
            "take the new one from the provider's metadata.",
            until=latest.isoformat(timespec="minutes"),
        ),
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the certificate's SHA-256 as providers show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
