"""Metadata: ours for the identity provider, and the provider's read.

A provider's metadata is believed because of how it came: uploaded by an administrator, or fetched over HTTPS from the
address that the administrator gave. Its own signature would be by a key that nobody here knows yet.
"""

import base64
from collections.abc import Sequence
from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from stockade.identity.saml.connection import Binding, certificate_of
from stockade.identity.saml.document import (
    EMAIL_FORMAT,
    NAMESPACES,
    PERSISTENT_FORMAT,
    POST,
    REDIRECT,
    SAMLP,
    Element,
    children,
    moment,
    parsed,
    qualified,
    text_of,
)
from stockade.identity.saml.encryption import GCM, OAEP_MGF1
from stockade.identity.saml.refusal import SamlRefused
from stockade.kernel.words import said

MOST_METADATA = 1024 * 1024
_USED = {"md": NAMESPACES["md"], "ds": NAMESPACES["ds"]}


class IdpMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's metadata says: how it is called, where it signs on, and what it signs with (PEM)."""

    entity_id: str
    sso_redirect_url: str | None
    sso_post_url: str | None
    certificates: tuple[str, ...]

    @property
    def sign_on(self) -> tuple[str, Binding]:
        """The address to use and its binding: the redirect if there is one."""
        if self.sso_redirect_url is not None:
            return self.sso_redirect_url, "redirect"
        assert self.sso_post_url is not None
        return self.sso_post_url, "post"


def sp_metadata(*, entity_id: str, acs_url: str, encryption_certificates: Sequence[x509.Certificate] = ()) -> bytes:
    """Return our metadata; with certificates the provider can encrypt for us."""
    root = etree.Element(qualified("md", "EntityDescriptor"), nsmap=_USED, entityID=entity_id)
    role = etree.SubElement(
        root, qualified("md", "SPSSODescriptor"), protocolSupportEnumeration=SAMLP, AuthnRequestsSigned="false",
        WantAssertionsSigned="true",
    )  # fmt: skip
    for certificate in encryption_certificates:
        key = etree.SubElement(role, qualified("md", "KeyDescriptor"), use="encryption")
        data = etree.SubElement(etree.SubElement(key, qualified("ds", "KeyInfo")), qualified("ds", "X509Data"))
        der = certificate.public_bytes(Encoding.DER)
        etree.SubElement(data, qualified("ds", "X509Certificate")).text = base64.b64encode(der).decode()
        for algorithm in (*sorted(GCM, reverse=True), OAEP_MGF1):
            etree.SubElement(key, qualified("md", "EncryptionMethod"), Algorithm=algorithm)
    for name_format in (EMAIL_FORMAT, PERSISTENT_FORMAT):
        etree.SubElement(role, qualified("md", "NameIDFormat")).text = name_format
    etree.SubElement(
        role, qualified("md", "AssertionConsumerService"), Binding=POST, Location=acs_url, index="0", isDefault="true"
    )
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def read_idp_metadata(xml: bytes, *, now: datetime) -> IdpMetadata:
    """Return what the metadata of one identity provider says; ``SamlRefused`` if it cannot be used."""
    if len(xml) > MOST_METADATA:
        raise SamlRefused(
            word="too-large",
            sentence=said("The metadata is larger than 1 MiB: give that of your provider alone, not a federation's."),
        )
    entity, role = _provider_in(parsed(xml))
    for element in (entity.getroottree().getroot(), entity, role):
        _check_period(element, now)
    redirect, post = _location(role, REDIRECT), _location(role, POST)
    if redirect is None and post is None:
        raise SamlRefused(word="metadata", sentence=said("The metadata names no https address to sign on at."))
    name = (entity.get("entityID") or "").strip()
    if not 1 <= len(name) <= 1024:
        raise SamlRefused(word="metadata", sentence=said("The metadata does not name its entity id."))
    return IdpMetadata(
        entity_id=name, sso_redirect_url=redirect, sso_post_url=post, certificates=_signing_certificates(role, now)
    )


def _provider_in(root: Element) -> tuple[Element, Element]:
    found = [
        (entity, role)
        for entity in root.iter(qualified("md", "EntityDescriptor"))
        for role in children(entity, "md:IDPSSODescriptor")
        if SAMLP in (role.get("protocolSupportEnumeration") or "").split()
    ]
    if len(found) != 1:
        raise SamlRefused(
            word="metadata",
            sentence=said(
                "The metadata describes {count} identity providers of SAML 2.0 instead of one.", count=len(found)
            ),
        )
    return found[0]


def _check_period(element: Element, now: datetime) -> None:
    until = element.get("validUntil")
    if until is None:
        return
    try:
        ended = moment(until) <= now
    except ValueError:
        ended = True
    if ended:
        raise SamlRefused(
            word="metadata", sentence=said("The metadata was good until {until}: fetch it anew.", until=until[:40])
        )


def _location(role: Element, binding: str) -> str | None:
    for found in children(role, "md:SingleSignOnService"):
        address = (found.get("Location") or "").strip()
        if found.get("Binding") == binding and address.startswith("https://") and len(address.split()) == 1:
            return address
    return None


def _signing_certificates(role: Element, now: datetime) -> tuple[str, ...]:
    """Return the certificates for signing, without those that have ended, each once and in the metadata's order."""
    found: dict[str, None] = {}
    for key in children(role, "md:KeyDescriptor"):
        if key.get("use") in (None, "signing"):
            for element in children(key, "ds:KeyInfo/ds:X509Data/ds:X509Certificate"):
                certificate = certificate_of(text_of(element))
                if certificate.not_valid_after_utc > now:
                    found[certificate.public_bytes(Encoding.PEM).decode()] = None
    if not found:
        raise SamlRefused(
            word="metadata", sentence=said("The metadata holds no certificate for signatures that is valid.")
        )
    return tuple(found)
