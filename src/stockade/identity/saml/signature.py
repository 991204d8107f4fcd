"""Signatures: where they may stand, what they may look like, and that a configured certificate made them.

The shape is checked before any cryptography: one reference, to the very element that the signature stands in; nothing
but the enveloped transform and canonicalisation without comments, so that neither XSLT nor XPath ever runs; algorithms
of SHA-256 or better with a public key. ``signxml`` then verifies, and what it returns, parsed anew from the bytes that
were signed, is all that is read. So a document with its signed element moved elsewhere (signature wrapping, eight
variants in Somorovsky et al., "On Breaking SAML", 2012) has nothing to offer.
"""

from collections import Counter
from datetime import datetime
from typing import cast

from cryptography import x509
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from stockade.identity.saml.connection import Connection, certificate_of, fingerprint, trusted_certificates
from stockade.identity.saml.document import DSIG, NCNAME, SAML, Element, children, qualified
from stockade.identity.saml.refusal import SamlRefused
from stockade.kernel.words import said

SIGNATURES = frozenset({
    SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512,
    SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512,
    SignatureMethod.SHA256_RSA_MGF1, SignatureMethod.SHA384_RSA_MGF1, SignatureMethod.SHA512_RSA_MGF1,
})  # fmt: skip
DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
CANONICAL = frozenset({
    CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0.value,
    CanonicalizationMethod.CANONICAL_XML_1_0.value,
    CanonicalizationMethod.CANONICAL_XML_1_1.value,
})  # fmt: skip
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_PLACES = {"Response": "./", "Assertion": f"./{{{SAML}}}Assertion/"}


def signature_in(owner: Element) -> Element | None:
    """Return the signature that stands directly in an element; two are refused."""
    found = children(owner, "ds:Signature")
    if len(found) > 1:
        raise SamlRefused(
            word="misplaced-signature", sentence=said("One element of the response carries two signatures.")
        )
    return found[0] if found else None


def check_places(root: Element, *owners: Element) -> None:
    """Refuse signatures anywhere but directly in ``owners``, and ids that stand for two elements."""
    for found in root.iter(qualified("ds", "Signature")):
        if not any(found.getparent() is owner for owner in owners):
            raise SamlRefused(
                word="misplaced-signature",
                sentence=said(
                    "A signature stands where none belongs: this response was put together by somebody else."
                ),
            )
    ids = Counter(
        value
        for element in root.iter(etree.Element)
        for name, value in element.attrib.items()
        if etree.QName(name).localname.lower() == "id"
    )
    if any(count > 1 for count in ids.values()):
        raise SamlRefused(
            word="ambiguous-id",
            sentence=said("Two elements have the same id: this response was put together by somebody else."),
        )


def verified(root: Element, owner: Element, config: Connection, now: datetime) -> Element:
    """Return what was signed of ``owner``, parsed from the signed bytes; ``owner`` is the root or its assertion.

    Only certificates of the configuration count. What the signature says about its own key is never used.
    """
    signature = signature_in(owner)
    assert signature is not None
    _check_shape(signature, owner)
    trusted = trusted_certificates(config, now)
    here = "Response" if owner is root else etree.QName(owner).localname
    for certificate in trusted:
        signed = _verified_by(certificate, root, _PLACES[here], now)
        if signed is not None:
            break
    else:
        raise _refusal_of(signature, trusted)
    if signed.tag != owner.tag or signed.get("ID") != owner.get("ID"):
        raise SamlRefused(word="signature", sentence=said("The signature covers something else than it stands in."))
    return signed


def _verified_by(certificate: x509.Certificate, root: Element, place: str, now: datetime) -> Element | None:
    config = SignatureConfiguration(
        location=place, expect_references=1, signature_methods=SIGNATURES, digest_algorithms=DIGESTS,
        ignore_ambiguous_key_info=True, verification_time=now,
    )  # fmt: skip
    try:
        result = XMLVerifier().verify(root, x509_cert=certificate, id_attribute="ID", expect_config=config)
    except (SignXMLException, etree.LxmlError, ValueError, TypeError, KeyError):
        return None
    return cast(VerifyResult, result).signed_xml


def _refusal_of(signature: Element, trusted: list[x509.Certificate]) -> SamlRefused:
    """Say whether an unknown certificate was used, which an administrator can mend, or something was changed."""
    known = {fingerprint(one) for one in trusted}
    for carried in signature.findall(f"{{{DSIG}}}KeyInfo/{{{DSIG}}}X509Data/{{{DSIG}}}X509Certificate"):
        try:
            other = fingerprint(certificate_of(carried.text or ""))
        except SamlRefused:
            continue
        if other not in known:
            return SamlRefused(
                word="not-pinned",
                sentence=said(
                    "The response names a certificate that is not configured here (SHA-256 {fingerprint}): if the "
                    "provider changed its certificate, take the new one from its metadata.",
                    fingerprint=other,
                ),
            )
    return SamlRefused(
        word="signature",
        sentence=said(
            "The signature is not by a configured certificate, or what it covers was changed: compare the certificate "
            "with the provider's metadata."
        ),
    )


def _check_shape(signature: Element, owner: Element) -> None:
    """Refuse every signature that is not an enveloped one, over its own parent, in a few known algorithms."""
    references = children(signature, "ds:SignedInfo/ds:Reference")
    identity = owner.get("ID") or ""
    if not NCNAME.fullmatch(identity):
        raise SamlRefused(word="signature-shape", sentence=said("What is signed has no proper id."))
    if len(references) != 1 or references[0].get("URI") != f"#{identity}":
        raise SamlRefused(
            word="signature-shape", sentence=said("The signature does not refer to the element that it stands in.")
        )
    if len(list(signature.iter(qualified("ds", "Reference")))) != 1 or children(signature, "ds:Object"):
        raise SamlRefused(word="signature-shape", sentence=said("The signature carries more than a signature."))
    _check_algorithms(signature)
    _check_transforms(signature)


def _check_algorithms(signature: Element) -> None:
    methods = [found.get("Algorithm") for found in signature.iter(qualified("ds", "SignatureMethod"))]
    digests = [found.get("Algorithm") for found in signature.iter(qualified("ds", "DigestMethod"))]
    for used, allowed in ((methods, {one.value for one in SIGNATURES}), (digests, {one.value for one in DIGESTS})):
        if len(used) != 1 or used[0] not in allowed:
            raise SamlRefused(
                word="algorithm",
                sentence=said(
                    "The provider signs with {algorithm}: let it sign with RSA or ECDSA, and SHA-256 or better.",
                    algorithm=_shown(used[0] if used else None),
                ),
            )


def _check_transforms(signature: Element) -> None:
    methods = [found.get("Algorithm") for found in signature.iter(qualified("ds", "CanonicalizationMethod"))]
    transforms = [found.get("Algorithm") for found in signature.iter(qualified("ds", "Transform"))]
    canonical = [name for name in transforms if name != ENVELOPED]
    if len(methods) != 1 or transforms.count(ENVELOPED) != 1 or len(canonical) > 1:
        raise SamlRefused(
            word="transform", sentence=said("The signature is not an enveloped one with one canonicalisation.")
        )
    for name in (*methods, *canonical):
        if name not in CANONICAL:
            raise SamlRefused(
                word="transform",
                sentence=said(
                    "The signature uses the transform {algorithm}: let the provider use exclusive canonicalisation.",
                    algorithm=_shown(name),
                ),
            )


def _shown(name: str | None) -> str:
    return (name or "-").rsplit("/", 1)[-1][:80]
