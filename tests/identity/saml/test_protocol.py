"""Signing in by SAML: what is accepted, what we send, what we publish, and what we read of a provider."""

import base64
import zlib
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree
from tests.identity.saml.provider import (
    ACS,
    ENTITY,
    IDP,
    MINUTES,
    NOW,
    REQUEST,
    VICTIM,
    Provider,
    certificate_for,
    checked,
    encrypted,
    new_key,
    one,
    pem,
)

from stockade.identity.saml import request
from stockade.identity.saml.document import EMAIL_FORMAT, NAMESPACES, POST, REDIRECT, moment, written
from stockade.identity.saml.metadata import MOST_METADATA, read_idp_metadata, sp_metadata
from stockade.identity.saml.refusal import SamlRefused
from stockade.identity.saml.response import Assertion

EXPECTED = Assertion(
    assertion_id="_assertion-1",
    name_id=VICTIM,
    name_id_format=EMAIL_FORMAT,
    email=VICTIM,
    name="Ada King",
    groups=("sellers", "staff"),
    attributes={"displayName": ("Ada King",), "groups": ("sellers", "staff")},
    not_on_or_after=NOW + MINUTES + timedelta(seconds=60),
    session_index="_session-1",
)


@pytest.mark.parametrize("parts", [(True, False), (False, True), (True, True)])
def test_a_signature_of_the_response_or_its_assertion_or_both_is_enough(parts: tuple[bool, bool]) -> None:
    idp = Provider()
    signed = idp.signed(idp.response(), response=parts[0], assertion=parts[1])
    assert checked(signed, idp.connection()) == EXPECTED


@pytest.mark.parametrize(
    "how", [{"algorithm": "rsa-sha512", "digest": "sha512"}, {"algorithm": "sha256-rsa-MGF1"}, {"digest": "sha384"}]
)
def test_strong_algorithms_are_accepted(how: dict[str, str]) -> None:
    idp = Provider()
    assert checked(idp.signed(idp.response(), **how), idp.connection()) == EXPECTED


def test_elliptic_curves_and_bare_certificates_are_accepted() -> None:
    idp = Provider(ec.generate_private_key(ec.SECP256R1()))
    bare = "".join(pem(idp.certificate).splitlines()[1:-1])
    signed = idp.signed(idp.response(), algorithm="ecdsa-sha256")
    assert checked(signed, idp.connection(certificates=(bare,))) == EXPECTED


def test_a_provider_may_change_its_key_with_both_configured_meanwhile() -> None:
    old, new = Provider(new_key("old")), Provider(new_key("new"))
    config = old.connection(certificates=(pem(old.certificate), pem(new.certificate)))
    for idp in (old, new):
        assert checked(idp.signed(idp.response()), config) == EXPECTED


@pytest.mark.parametrize("algorithm", ["aes256-gcm", "aes256-cbc"])
def test_encrypted_assertions_are_read_with_either_of_our_keys(algorithm: str) -> None:
    idp, ours, older = Provider(), new_key("ours"), new_key("older")
    config = idp.connection(encrypted_only=True)
    for key in (ours, older):
        root = encrypted(idp.signed(idp.response()), key.public_key(), algorithm=algorithm)
        assert checked(root, config, decryption_key=(ours, older)) == EXPECTED
    outside = idp.signed(root, response=True, assertion=False)
    assert checked(outside, config, decryption_key=older) == EXPECTED
    for given, word in ((None, "encryption-key"), (new_key("third"), "encryption")):
        with pytest.raises(SamlRefused) as refused:
            checked(root, config, decryption_key=given)
        assert refused.value.word == word


def test_an_organisation_can_demand_encryption() -> None:
    idp = Provider()
    with pytest.raises(SamlRefused) as refused:
        checked(idp.signed(idp.response()), idp.connection(encrypted_only=True))
    assert refused.value.word == "encryption"


def test_the_address_comes_from_the_configured_attribute_in_lower_case() -> None:
    idp = Provider()
    root = idp.response(name_id="Somebody.Else@firm.example")
    one(root, ".//saml:Attribute[@Name='displayName']").set("Name", "upn")
    one(root, ".//saml:Attribute[@Name='upn']/saml:AttributeValue").text = "Ada@Firm.Example"
    found = checked(idp.signed(root), idp.connection(email_attributes=("upn",)))
    assert (found.email, found.name) == ("ada@firm.example", None)


def test_a_name_that_does_not_say_it_is_an_address_is_none() -> None:
    idp = Provider()
    root = idp.response()
    one(root, ".//saml:NameID").set("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
    with pytest.raises(SamlRefused) as refused:
        checked(idp.signed(root), idp.connection())
    assert refused.value.word == "email"
    assert "displayName, groups" in refused.value.detail


def test_the_request_names_us_and_where_to_answer() -> None:
    made_id = request.new_request_id()
    assert made_id != request.new_request_id()
    config = Provider().connection(sso_url="https://idp.example/sso?tenant=1")
    made = request.authn_request(config, id=made_id, now=NOW, acs_url=ACS, sp_entity_id=ENTITY, force_authn=True)
    address = urlsplit(request.redirect_url(config, made, "state"))
    query = parse_qs(address.query)
    assert (query["tenant"], query["RelayState"]) == (["1"], ["state"])
    sent = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -zlib.MAX_WBITS)
    assert sent == made == base64.b64decode(request.post_fields(made)["SAMLRequest"])
    root = etree.fromstring(made)
    assert dict(root.attrib) == {
        "ID": made_id, "Version": "2.0", "IssueInstant": "2026-05-04T12:00:00Z", "Destination": config.sso_url,
        "ProtocolBinding": POST, "AssertionConsumerServiceURL": ACS, "ForceAuthn": "true",
    }  # fmt: skip
    assert one(root, "saml:Issuer").text == ENTITY
    with pytest.raises(ValueError):
        request.post_fields(made, "x" * 81)


def test_our_metadata_says_where_and_with_which_key() -> None:
    ours = certificate_for(new_key("ours"))
    root = etree.fromstring(sp_metadata(entity_id=ENTITY, acs_url=ACS, encryption_certificates=[ours]))
    assert root.get("entityID") == ENTITY
    service = one(root, "md:SPSSODescriptor/md:AssertionConsumerService")
    assert (service.get("Binding"), service.get("Location")) == (POST, ACS)
    assert one(root, "md:SPSSODescriptor").get("WantAssertionsSigned") == "true"
    assert one(root, ".//ds:X509Certificate").text in pem(ours).replace("\n", "")
    assert root.find(".//md:KeyDescriptor", NAMESPACES).get("use") == "encryption"


def idp_metadata(*, keys: str | None = None, more: str = "", location: str = "https://idp.example/sso") -> bytes:
    """A provider's metadata; ``keys`` in the place of its one key for everything."""
    body = "".join(pem(Provider().certificate).splitlines()[1:-1])
    described = f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    keys = f"<md:KeyDescriptor>{described}</md:KeyDescriptor>" * 2 if keys is None else keys
    return (
        f'<md:EntityDescriptor xmlns:md="{NAMESPACES["md"]}" xmlns:ds="{NAMESPACES["ds"]}" entityID="{IDP}" {more}>'
        f'<md:IDPSSODescriptor protocolSupportEnumeration="{NAMESPACES["samlp"]}">{keys}'
        f'<md:SingleSignOnService Binding="{POST}" Location="{location}/post"/>'
        f'<md:SingleSignOnService Binding="{REDIRECT}" Location="{location}"/>'
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    ).encode()


def test_a_provider_is_read_from_its_metadata() -> None:
    found = read_idp_metadata(idp_metadata(more=f'validUntil="{written(NOW + MINUTES)}"'), now=NOW)
    assert (found.entity_id, found.sso_post_url) == (IDP, "https://idp.example/sso/post")
    assert found.sign_on == ("https://idp.example/sso", "redirect")
    assert len(found.certificates) == 1
    within = f'<md:EntitiesDescriptor xmlns:md="{NAMESPACES["md"]}">'.encode()
    assert read_idp_metadata(within + idp_metadata() + b"</md:EntitiesDescriptor>", now=NOW).entity_id == IDP


@pytest.mark.parametrize(("xml", "word"), [
    (b"<!DOCTYPE x>" + idp_metadata(), "document-type"), (b"hello", "not-xml"),
    (b" " * (MOST_METADATA + 1), "too-large"),
    (sp_metadata(entity_id=ENTITY, acs_url=ACS), "metadata"), (idp_metadata(location="http://idp.example"), "metadata"),
    (idp_metadata(more=f'validUntil="{written(NOW)}"'), "metadata"), (idp_metadata(keys=""), "metadata"),
    (idp_metadata().replace(b"<md:KeyDescriptor>", b'<md:KeyDescriptor use="encryption">'), "metadata"),
    (idp_metadata().replace(b"X509Certificate>", b"X509Certificate>AAAA", 1), "no-certificate"),
    (idp_metadata(more='validUntil="sometime"'), "metadata"), (idp_metadata().replace(IDP.encode(), b" "), "metadata"),
])  # fmt: skip
def test_metadata_that_cannot_be_used_is_refused_with_its_reason(xml: bytes, word: str) -> None:
    with pytest.raises(SamlRefused) as refused:
        read_idp_metadata(xml, now=NOW)
    assert refused.value.word == word


def test_what_a_refusal_says_to_programs_and_administrators() -> None:
    idp = Provider()
    with pytest.raises(SamlRefused) as refused:
        checked(idp.signed(idp.response(audience="https://other.example")), idp.connection())
    document = refused.value.document()
    assert (document["status"], document["type"]) == (403, "/problems/identity/saml-refused")
    assert document["reason"] == "audience"
    assert "https://other.example instead of https://stockade.example" in document["detail"]


@pytest.mark.parametrize("text", ["2026-05-04T12:00:00Z", "2026-05-04T12:00:00.0000000Z", "2026-05-04T12:00:00+00:00"])
def test_times_are_read_as_providers_write_them(text: str) -> None:
    assert moment(text) == NOW


@pytest.mark.parametrize(
    "text", ["", "2026-05-04", "2026-05-04T12:00:00", "2026-13-04T12:00:00Z", "2026-05-04T12:00:00+02:00"]
)
def test_a_time_that_is_not_in_utc_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        moment(text)


def test_the_request_that_is_answered_is_the_one_that_was_sent() -> None:
    idp = Provider()
    asked = request.new_request_id()
    signed = idp.signed(idp.response(request=asked, confirmed=asked))
    assert checked(signed, idp.connection(), request_id=asked) == EXPECTED
    with pytest.raises(SamlRefused):
        checked(signed, idp.connection(), request_id=REQUEST)
