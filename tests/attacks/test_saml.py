"""Attacks on signing in by SAML: each is refused for its own reason, and its twin shows that it would have worked."""

import base64
from datetime import timedelta

import pytest
from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from tests.identity.saml.provider import (
    ACS,
    ENTITY,
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
    posted,
    refusal,
)
from tests.identity.saml.wrapping import EVIL, OF_RESPONSES, VARIANTS, names_read_naively, wrapped

from stockade.identity.saml import connection, document, encryption, response, signature, statements
from stockade.identity.saml.document import DSIG
from stockade.identity.saml.refusal import SamlRefused
from stockade.identity.saml.response import verify


@pytest.fixture
def idp() -> Provider:
    return Provider()


def naively_verified(root: etree._Element, idp: Provider, **how: object) -> None:
    XMLVerifier().verify(
        root, x509_cert=idp.certificate, validate_schema=False, id_attribute="ID",
        expect_config=SignatureConfiguration(location=".//", verification_time=NOW, **how),
    )  # fmt: skip


@pytest.mark.parametrize("same_id", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_signature_wrapping_is_refused(idp: Provider, variant: int, same_id: bool) -> None:
    signed = idp.signed(idp.response(), response=variant in OF_RESPONSES, assertion=variant not in OF_RESPONSES)
    assert checked(signed, idp.connection()).email == VICTIM
    assert refusal(wrapped(signed, variant, same_id=same_id), idp) in ("several-assertions", "misplaced-signature")


@pytest.mark.parametrize("variant", VARIANTS)
def test_twin_a_reader_who_looks_for_the_assertion_by_name_lets_the_wrapped_one_in(idp: Provider, variant: int) -> None:
    signed = idp.signed(idp.response(), response=variant in OF_RESPONSES, assertion=variant not in OF_RESPONSES)
    attack = wrapped(signed, variant)
    naively_verified(attack, idp)
    assert EVIL in names_read_naively(attack)


@pytest.mark.parametrize("variant", VARIANTS)
def test_wrapping_is_refused_by_what_is_read_even_where_counting_assertions_is_forgotten(
    idp: Provider, variant: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second line: without any check of places the signed bytes are still all that is read."""
    signed = idp.signed(idp.response(), response=variant in OF_RESPONSES, assertion=variant not in OF_RESPONSES)
    monkeypatch.setattr(signature, "check_places", lambda *_: None)
    attack = wrapped(signed, variant)
    for owner in (attack, *attack.findall("saml:Assertion", document.NAMESPACES)):
        if signature.signature_in(owner) is None:
            continue
        try:
            read = signature.verified(attack, owner, idp.connection(), NOW)
        except SamlRefused:
            continue
        assert EVIL not in etree.tostring(read).decode()


@pytest.mark.parametrize("signing", [{"assertion": True}, {"assertion": False, "response": True}])
def test_a_comment_in_the_name_does_not_cut_it(idp: Provider, signing: dict[str, bool]) -> None:
    whole = f"{VICTIM}.attacker.example"
    signed = idp.signed(idp.response(name_id=whole), **signing)
    injected = etree.tostring(signed).replace(whole.encode(), f"{VICTIM}<!-- -->.attacker.example".encode())
    assert checked(injected, idp.connection()).email == whole
    # The twin: the signature holds with the comment, and the text before it is the victim's.
    naively_verified(etree.fromstring(injected), idp)
    assert one(etree.fromstring(injected), ".//saml:NameID").text == VICTIM


def test_what_is_not_signed_is_refused(idp: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    unsigned = idp.response(name_id=EVIL)
    assert refusal(unsigned, idp) == "unsigned"
    monkeypatch.setattr(response, "_signed_assertion", lambda root, *_: one(root, "saml:Assertion"))
    assert checked(unsigned, idp.connection()).email == EVIL


@pytest.mark.parametrize("both", [False, True])
def test_an_assertion_swapped_in_a_signed_response_is_refused(idp: Provider, both: bool) -> None:
    signed = idp.signed(idp.response(), response=True, assertion=both)
    other = idp.signed(idp.response(name_id=EVIL), assertion=both)
    swapped = idp.replaced(signed, lambda _: one(other, "saml:Assertion"))
    assert checked(signed, idp.connection()).email == VICTIM
    assert refusal(swapped, idp) == "signature"
    if both:  # the twin: by its own signature alone the other assertion is good
        swapped.remove(one(swapped, "ds:Signature"))
        assert checked(swapped, idp.connection()).email == EVIL


def test_a_changed_word_is_refused(idp: Provider) -> None:
    signed = idp.signed(idp.response())
    assert refusal(etree.tostring(signed).replace(VICTIM.encode(), EVIL.encode()), idp) == "signature"


@pytest.mark.parametrize("algorithm", [
    "http://www.w3.org/TR/1999/REC-xslt-19991116", "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "http://www.w3.org/2002/06/xmldsig-filter2", "http://www.w3.org/2000/09/xmldsig#base64",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
])  # fmt: skip
def test_transforms_are_refused_before_anything_runs(
    idp: Provider, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = idp.signed(idp.response())
    transforms = one(signed, ".//ds:Transforms")
    added = etree.SubElement(transforms, f"{{{DSIG}}}Transform", Algorithm=algorithm)
    etree.SubElement(added, "{http://www.w3.org/1999/XSL/Transform}stylesheet", version="1.0")
    ran: list[object] = []
    monkeypatch.setattr(signature, "_verified_by", lambda *given: ran.append(given))
    assert refusal(signed, idp) == "transform"
    assert not ran


def test_comments_that_are_signed_are_refused(idp: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    with_comments = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
    signed = idp.signed(idp.response(), c14n=with_comments)
    assert refusal(signed, idp) == "transform"
    monkeypatch.setattr(signature, "CANONICAL", signature.CANONICAL | {with_comments})
    assert checked(signed, idp.connection()).email == VICTIM


@pytest.mark.parametrize(
    ("how", "allowed"),
    [
        ({"algorithm": "rsa-sha1"}, ("SIGNATURES", SignatureMethod.RSA_SHA1)),
        ({"digest": "sha1"}, ("DIGESTS", DigestAlgorithm.SHA1)),
        ({"algorithm": "rsa-sha224"}, ("SIGNATURES", SignatureMethod.RSA_SHA224)),
    ],
)
def test_weak_algorithms_are_refused(
    idp: Provider, how: dict[str, str], allowed: tuple[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = idp.signed(idp.response(), **how)
    assert refusal(signed, idp) == "algorithm"
    name, weak = allowed
    monkeypatch.setattr(signature, name, getattr(signature, name) | {weak})
    assert checked(signed, idp.connection()).email == VICTIM


def test_the_public_certificate_is_no_hmac_key(idp: Provider) -> None:
    forged = idp.signed(idp.response(name_id=EVIL), algorithm="hmac-sha256")
    assert refusal(forged, idp) == "algorithm"
    # The twin: a verifier that lets the signature choose takes the public certificate as a shared secret.
    XMLVerifier().verify(
        forged, hmac_key=pem(idp.certificate).encode(), id_attribute="ID",
        expect_config=SignatureConfiguration(location=".//", require_x509=False),
    )  # fmt: skip


def test_a_key_that_the_signature_brings_along_is_not_trusted(idp: Provider) -> None:
    stranger = Provider(new_key("stranger"))
    forged = stranger.signed(stranger.response(name_id=EVIL))
    assert refusal(forged, idp) == "not-pinned"
    assert checked(forged, stranger.connection()).email == EVIL


def test_the_pinned_certificate_in_key_info_does_not_lend_trust(idp: Provider) -> None:
    stranger = Provider(new_key("stranger"))
    stranger.certificate = idp.certificate
    assert refusal(stranger.signed(stranger.response(name_id=EVIL)), idp) == "signature"


@pytest.mark.parametrize("added", [
    '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    '<!DOCTYPE r SYSTEM "file:///etc/passwd">', '<?xml version="1.0"?><!DOCTYPE r>',
])  # fmt: skip
def test_document_types_are_refused_before_they_are_parsed(
    idp: Provider, added: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = added.encode() + etree.tostring(idp.signed(idp.response()))
    monkeypatch.setattr(document.etree, "fromstring", pytest.fail)
    assert refusal(signed, idp) == "document-type"


def test_a_document_type_in_another_encoding_is_refused(idp: Provider) -> None:
    text = etree.tostring(idp.signed(idp.response())).decode()
    assert refusal(f'<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE r>{text}'.encode("utf-16"), idp) == "not-xml"
    seven = '<?xml version="1.0" encoding="UTF-7"?>' + "+ADwAIQ-DOCTYPE r+AD4-" + text
    assert refusal(seven.encode(), idp) == "not-xml"


def test_two_assertions_are_refused_although_both_are_signed(idp: Provider) -> None:
    first, second = idp.response(), idp.response(name_id=EVIL)
    one(second, "saml:Assertion").set("ID", "_assertion-2")
    root = idp.signed(first)
    root.append(one(idp.signed(second), "saml:Assertion"))
    assert refusal(root, idp) == "several-assertions"


@pytest.mark.parametrize("algorithm", ["aes256-gcm", "aes256-cbc"])
def test_who_can_encrypt_is_not_believed_without_a_signature_inside(idp: Provider, algorithm: str) -> None:
    ours = new_key("ours")
    good = encrypted(idp.signed(idp.response()), ours.public_key(), algorithm=algorithm)
    assert checked(good, idp.connection(), decryption_key=ours).email == VICTIM
    forged = encrypted(idp.response(name_id=EVIL), ours.public_key(), algorithm=algorithm)
    assert refusal(forged, idp, decryption_key=ours) == "encryption"
    stranger = Provider(new_key("stranger"))
    forged = encrypted(stranger.signed(stranger.response(name_id=EVIL)), ours.public_key(), algorithm=algorithm)
    assert refusal(forged, idp, decryption_key=ours) == "encryption"


def test_twin_without_the_signature_inside_everybody_who_can_encrypt_is_believed(
    idp: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = new_key("ours")
    monkeypatch.setattr(response, "_encrypted_assertion", lambda found, _, key: encryption.decrypted(found, key))
    forged = encrypted(idp.response(name_id=EVIL), ours.public_key())
    assert checked(forged, idp.connection(), decryption_key=ours).email == EVIL


def test_a_signed_response_does_not_vouch_for_an_encrypted_assertion_without_its_own_signature(idp: Provider) -> None:
    ours = new_key("ours")
    root = encrypted(idp.response(), ours.public_key())
    assert refusal(idp.signed(root, response=True, assertion=False), idp, decryption_key=ours) == "encryption"


def test_nothing_tells_apart_how_a_changed_ciphertext_failed(idp: Provider) -> None:
    """A padding oracle: the attacker changes the ciphertext's blocks and watches which error comes."""
    ours = new_key("ours")
    good = encrypted(idp.signed(idp.response()), ours.public_key(), algorithm="aes256-cbc")
    value = good.findall(".//xenc:CipherValue", document.NAMESPACES)[1]
    data = base64.b64decode(value.text or "")
    answers = set()
    for place in (0, 20, len(data) // 2, len(data) - 17, len(data) - 1):
        value.text = base64.b64encode(data[:place] + bytes([data[place] ^ 0x11]) + data[place + 1 :]).decode()
        with pytest.raises(SamlRefused) as refused:
            checked(good, idp.connection(), decryption_key=ours)
        answers.add((refused.value.word, str(refused.value)))
    assert answers == {("encryption", str(encryption.unreadable()))}


def test_certificates_count_in_their_time_and_strength_only(idp: Provider) -> None:
    signed = idp.signed(idp.response())
    ended = pem(certificate_for(idp.key, end=NOW - timedelta(days=1)))
    with pytest.raises(SamlRefused) as refused:
        checked(signed, idp.connection(certificates=(ended,)))
    assert refused.value.word == "certificate-period"
    assert checked(signed, idp.connection(certificates=(ended, pem(idp.certificate)))).email == VICTIM


def test_a_weak_key_cannot_be_configured(idp: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = idp.signed(idp.response())
    monkeypatch.setattr(connection, "LEAST_RSA_BITS", 4096)
    assert refusal(signed, idp) == "weak-key"


def test_an_address_that_becomes_another_in_lower_case_is_refused(
    idp: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    kelvin = "\N{KELVIN SIGN}"  # its lower case is an ordinary k
    signed = idp.signed(idp.response(name_id=f"{kelvin}ing@firm.example"))
    assert refusal(signed, idp) == "email"
    monkeypatch.setattr(statements, "_EMAIL", statements.re.compile(r"\S+@\S+"))
    assert checked(signed, idp.connection()).email == "king@firm.example"


@pytest.mark.parametrize("text", ["a@b@c.example", "a b@c.example", "a@-c.example", "a@", "a", "a\u0000@c.example"])
def test_what_is_no_address_is_refused(idp: Provider, text: str) -> None:
    if "\u0000" in text:
        assert refusal(etree.tostring(idp.response()).replace(VICTIM.encode(), text.encode()), idp) == "not-xml"
    else:
        assert refusal(idp.signed(idp.response(name_id=text)), idp) == "email"


def test_too_much_is_refused_before_it_is_read(idp: Provider) -> None:
    assert refusal(b"<" * document.MOST_BASE64, idp) == "too-large"
    with pytest.raises(SamlRefused) as refused:
        verify("!" * 10, idp.connection(), request_id=REQUEST, now=NOW, acs_url=ACS, sp_entity_id=ENTITY)
    assert refused.value.word == "not-base64"


def test_whatever_is_left_out_ends_in_a_refusal_or_changes_nothing_of_what_is_read(idp: Provider) -> None:
    """Each element and attribute in turn. Key infos are never used; of two signatures one may go."""
    whole = idp.signed(idp.response(), response=True)
    read = checked(whole, idp.connection())
    accepted = []
    places = [(number, None) for number in range(1, len(list(whole.iter())))]
    attributes = [(number, name) for number, found in enumerate(whole.iter()) for name in found.attrib]
    for number, name in (*places, *attributes):
        root = etree.fromstring(etree.tostring(whole))
        found = list(root.iter())[number]
        if name is None:
            found.getparent().remove(found)
        else:
            del found.attrib[name]
        try:
            assert checked(root, idp.connection()) == read
        except SamlRefused:
            continue
        accepted.append(etree.QName(list(whole.iter())[number]).localname)
    assert set(accepted) <= {"Signature", "KeyInfo", "X509Data", "X509Certificate"}
    assert len(accepted) < 8 < len(places)


def test_the_form_is_what_the_browser_posts(idp: Provider) -> None:
    text = posted(idp.signed(idp.response()))
    folded = "\r\n".join(text[place : place + 76] for place in range(0, len(text), 76))
    found = verify(folded, idp.connection(), request_id=REQUEST, now=NOW, acs_url=ACS, sp_entity_id=ENTITY)
    assert found.email == VICTIM
