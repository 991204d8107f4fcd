"""Reading XML that strangers sent: bounded, UTF-8, without document types, entities or processing instructions.

There is one parser, and one way to read a text: as a whole. Parts of a text that a comment separates belong together;
to read the first part alone is how ``admin@firm.example<!---->.evil.example`` becomes somebody else.
"""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from stockade.identity.saml.refusal import SamlRefused
from stockade.kernel.words import said

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
NAMESPACES = {"saml": SAML, "samlp": SAMLP, "md": METADATA, "ds": DSIG, "xenc": XENC, "xenc11": XENC11}
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PERSISTENT_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
MOST_BASE64 = 512 * 1024
"""The longest response that is read, in characters of base64; ordinary ones have less than 20,000."""
NCNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,255}", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)", re.ASCII)
Element = Any
"""An element of ``lxml``, which has no types."""


def decoded(text: str) -> bytes:
    """Return what a form's base64 holds; white space is allowed, nothing else beside the alphabet."""
    if len(text) > MOST_BASE64:
        raise SamlRefused(
            word="too-large",
            sentence=said(
                "The response is longer than {most} characters: let the provider send fewer groups.", most=MOST_BASE64
            ),
        )
    try:
        return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SamlRefused(
            word="not-base64", sentence=said("The response is not base64: let the provider use the binding HTTP-POST.")
        ) from error


def parsed(data: bytes) -> Element:
    """Return the root of a document; a document type is refused before the parser sees it."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SamlRefused(word="not-xml", sentence=said("What the provider sent is not XML in UTF-8.")) from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise SamlRefused(
            word="document-type", sentence=said("What the provider sent has a document type (DTD), which SAML forbids.")
        )
    # The encoding is ours, whatever the declaration says: in UTF-7 a document type would not look like one above.
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root: Element = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SamlRefused(word="not-xml", sentence=said("What the provider sent is not well-formed XML.")) from error
    info = root.getroottree().docinfo
    if info.internalDTD is not None or info.externalDTD is not None or info.doctype:
        raise SamlRefused(
            word="document-type", sentence=said("What the provider sent has a document type (DTD), which SAML forbids.")
        )
    for _odd in root.getroottree().getroot().iter(etree.Entity, etree.ProcessingInstruction):
        raise SamlRefused(
            word="document-type", sentence=said("What the provider sent has entities or processing instructions.")
        )
    return root


def children(element: Element, path: str) -> list[Element]:
    """Return the direct children of a qualified name, as in ``saml:Issuer``."""
    found: list[Element] = element.findall(path, NAMESPACES)
    return found


def text_of(element: Element) -> str:
    """Return an element's text as a whole, whatever comments stand in it; nested elements are refused."""
    if any(isinstance(child.tag, str) for child in element):
        raise SamlRefused(
            word="attributes",
            sentence=said(
                "The provider puts elements where text belongs, in {name}: let it send plain text.",
                name=etree.QName(element).localname,
            ),
        )
    return str(element.xpath("string()")).strip()


def moment(text: str) -> datetime:
    """Return a time of SAML, which is in UTC; ``ValueError`` if it is none."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError("not a time in UTC")
    micro = int((found[2] or "0")[:6].ljust(6, "0"))
    return datetime.fromisoformat(found[1]).replace(microsecond=micro, tzinfo=UTC)


def written(at: datetime) -> str:
    """Write a time down as SAML does."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def qualified(prefix: str, name: str) -> str:
    """Return a name as lxml spells it."""
    return f"{{{NAMESPACES[prefix]}}}{name}"
