"""Responses that are signed, but not for us, not now, or not asked for: refused, and accepted without the check."""

from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

import pytest
from lxml import etree
from tests.identity.saml.provider import (
    IDP,
    MINUTES,
    NOW,
    VICTIM,
    Provider,
    checked,
    one,
    refusal,
)

from stockade.identity.saml import document, response, subject
from stockade.identity.saml.document import written


@pytest.fixture
def idp() -> Provider:
    return Provider()


PAST, FUTURE = written(NOW - MINUTES), written(NOW + MINUTES)


@pytest.mark.parametrize(("changes", "word"), [
    ({"audience": "https://other.example"}, "audience"), ({"recipient": "https://other.example/acs"}, "recipient"),
    ({"destination": "https://other.example/acs"}, "destination"), ({"destination": ""}, "destination"),
    ({"issuer": "https://other.example"}, "issuer"), ({"issuer": f"{IDP}/"}, "issuer"),
    ({"end": PAST}, "expired"), ({"until": PAST}, "expired"), ({"begin": FUTURE}, "not-yet-valid"),
    ({"request": "_request-2"}, "in-response-to"), ({"confirmed": "_request-2"}, "in-response-to"),
    ({"status": "Responder"}, "status"), ({"until": "soon"}, "conditions"), ({"name_id": ""}, "subject"),
])  # fmt: skip
def test_what_is_signed_but_not_for_us_now_is_refused(idp: Provider, changes: dict[str, str], word: str) -> None:
    assert refusal(idp.signed(idp.response(**changes), response=True), idp) == word


@pytest.mark.parametrize(("path", "attribute", "word"), [
    (".", "InResponseTo", "in-response-to"), (".", "Destination", "destination"),
    (".//saml:SubjectConfirmationData", "InResponseTo", "in-response-to"),
    (".//saml:SubjectConfirmationData", "Recipient", "recipient"),
    (".//saml:SubjectConfirmationData", "NotOnOrAfter", "confirmation"),
])  # fmt: skip
def test_what_is_left_out_is_not_waived(idp: Provider, path: str, attribute: str, word: str) -> None:
    root = idp.response()
    del one(root, path).attrib[attribute]
    assert refusal(idp.signed(root, response=True), idp) == word


@pytest.mark.parametrize(("path", "word"), [
    ("saml:Assertion/saml:Issuer", "issuer"), (".//saml:SubjectConfirmation", "confirmation"),
    (".//saml:SubjectConfirmationData", "confirmation"), (".//saml:Conditions", "conditions"),
    (".//saml:AudienceRestriction", "audience"), (".//saml:AuthnStatement", "authentication"),
    ("samlp:Status", "status"), ("saml:Assertion", "no-assertion"),
])  # fmt: skip
def test_elements_that_are_left_out_are_not_waived(idp: Provider, path: str, word: str) -> None:
    root = idp.response()
    found = one(root, path)
    found.getparent().remove(found)
    signed = idp.signed(root, response=True, assertion=word != "no-assertion")
    assert refusal(signed, idp) == word


def test_every_restriction_of_the_audience_has_to_name_us(idp: Provider) -> None:
    root = idp.response()
    conditions = one(root, ".//saml:Conditions")
    other = etree.SubElement(conditions, f"{{{document.SAML}}}AudienceRestriction")
    etree.SubElement(other, f"{{{document.SAML}}}Audience").text = "https://other.example"
    assert refusal(idp.signed(root), idp) == "audience"


def test_a_condition_that_nobody_knows_is_refused(idp: Provider) -> None:
    root = idp.response()
    etree.SubElement(one(root, ".//saml:Conditions"), f"{{{document.SAML}}}Condition")
    assert refusal(idp.signed(root), idp) == "conditions"


def test_nobody_is_signed_in_by_a_response_that_this_browser_did_not_ask_for(idp: Provider) -> None:
    root = idp.response()
    for path in (".", ".//saml:SubjectConfirmationData"):
        del one(root, path).attrib["InResponseTo"]
    assert refusal(idp.signed(root), idp, request_id=None) == "unsolicited"
    assert refusal(idp.signed(idp.response()), idp, request_id=None) == "unsolicited"
    assert refusal(idp.signed(root), idp, request_id="") == "in-response-to"


@pytest.mark.parametrize(("module", "name", "change", "word"), [
    (subject, "check_conditions", {"audience": "https://other.example"}, "audience"),
    (subject, "accepted_until", {"recipient": "https://other.example/acs"}, "recipient"),
    (subject, "accepted_until", {"confirmed": "_request-2"}, "in-response-to"),
    (subject, "accepted_until", {"until": PAST}, "expired"),
    (subject, "check_conditions", {"begin": FUTURE}, "not-yet-valid"),
    (response, "_check_envelope", {"destination": "https://other.example/acs"}, "destination"),
    (response, "_check_envelope", {"request": "_request-2"}, "in-response-to"),
])  # fmt: skip
def test_twin_without_the_check_the_stray_response_is_accepted(
    idp: Provider, module: ModuleType, name: str, change: dict[str, str], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = idp.signed(idp.response(**change))
    assert refusal(stray, idp) == word
    assert hasattr(module, name)
    forgotten: Callable[..., object] = lambda *_: NOW + MINUTES  # noqa: E731  # it stands for a moment and for nothing
    monkeypatch.setattr(response, name, forgotten)
    assert checked(stray, idp.connection()).email == VICTIM


def test_clocks_may_differ_by_a_minute_and_no_more(idp: Provider) -> None:
    signed = idp.signed(idp.response())
    ended = NOW + MINUTES
    accepted = checked(signed, idp.connection(), now=ended + timedelta(seconds=59))
    assert accepted.not_on_or_after == ended + timedelta(seconds=60)
    assert refusal(signed, idp, now=ended + timedelta(seconds=60)) == "expired"
    assert checked(signed, idp.connection(), now=NOW - MINUTES - timedelta(seconds=60))
    assert refusal(signed, idp, now=NOW - MINUTES - timedelta(seconds=61)) == "not-yet-valid"
