"""For whom an assertion is, from whom, and when: subject, confirmation, conditions and issuer."""

from datetime import datetime, timedelta
from typing import NamedTuple

from lxml import etree

from stockade.identity.saml.connection import Connection
from stockade.identity.saml.document import SAML, Element, children, moment, text_of
from stockade.identity.saml.refusal import SamlRefused
from stockade.kernel.words import said

_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
_KNOWN_CONDITIONS = frozenset(f"{{{SAML}}}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction"))
MOST_NAME_ID = 1024


class Expected(NamedTuple):
    """What a response has to fit: the connection, the request, the moment, and us."""

    config: Connection
    request_id: str | None
    now: datetime
    acs_url: str
    sp_entity_id: str
    skew: timedelta


def check_issuer(element: Element, expected: Expected) -> None:
    """Refuse a response or assertion that somebody else issued than the configured provider."""
    found = children(element, "saml:Issuer")
    name = text_of(found[0]) if len(found) == 1 else ""
    if name != expected.config.idp_entity_id or found[0].get("Format") not in (None, _ENTITY):
        raise SamlRefused(
            word="issuer",
            sentence=said(
                "The issuer is {found} instead of {expected}: take the entity id from the provider's metadata.",
                found=name[:200] or "-",
                expected=expected.config.idp_entity_id,
            ),
        )


def name_id_of(assertion: Element) -> tuple[str, str | None]:
    """Return the subject's name and its format."""
    subjects = children(assertion, "saml:Subject")
    names = children(subjects[0], "saml:NameID") if len(subjects) == 1 else []
    name = text_of(names[0]) if len(names) == 1 else ""
    if not name or len(name) > MOST_NAME_ID:
        raise SamlRefused(
            word="subject", sentence=said("The assertion names nobody: let the provider send a NameID, not encrypted.")
        )
    return name, names[0].get("Format")


def accepted_until(assertion: Element, expected: Expected) -> datetime:
    """Return the moment from which no bearer confirmation accepts us any more; a refusal if none does now."""
    found = [
        one for one in children(assertion, "saml:Subject/saml:SubjectConfirmation") if one.get("Method") == _BEARER
    ]
    if not found:
        raise SamlRefused(
            word="confirmation", sentence=said("The assertion has no bearer confirmation: let the provider send one.")
        )
    ends: list[datetime] = []
    refusals: list[SamlRefused] = []
    for one in found:
        try:
            ends.append(_confirmed_until(one, expected))
        except SamlRefused as refused:
            refusals.append(refused)
    if not ends:
        raise refusals[0]
    return max(ends)


def _confirmed_until(confirmation: Element, expected: Expected) -> datetime:
    datas = children(confirmation, "saml:SubjectConfirmationData")
    if len(datas) != 1:
        raise SamlRefused(
            word="confirmation", sentence=said("The bearer confirmation does not say for whom and until when it is.")
        )
    (data,) = datas
    if data.get("Recipient") != expected.acs_url:
        raise SamlRefused(
            word="recipient",
            sentence=said(
                "The assertion is for the recipient {found} instead of {expected}: correct the recipient at "
                "the provider.",
                found=(data.get("Recipient") or "-")[:200],
                expected=expected.acs_url,
            ),
        )
    if data.get("InResponseTo") != expected.request_id:
        raise SamlRefused(
            word="in-response-to",
            sentence=said("The assertion does not answer this browser's request: begin again at our sign-in page."),
        )
    if data.get("NotOnOrAfter") is None:
        raise SamlRefused(
            word="confirmation", sentence=said("The bearer confirmation does not say until when it is good.")
        )
    return _within(data, expected)


def check_conditions(assertion: Element, expected: Expected) -> datetime:
    """Check that the conditions hold now and that the assertion is for us; return until when."""
    found = children(assertion, "saml:Conditions")
    if len(found) != 1:
        raise SamlRefused(
            word="conditions",
            sentence=said("The assertion has no conditions: let the provider send time and audience."),
        )
    (conditions,) = found
    if any(child.tag not in _KNOWN_CONDITIONS for child in conditions.iterchildren(etree.Element)):
        raise SamlRefused(word="conditions", sentence=said("The assertion has a condition that is not known here."))
    restrictions = children(conditions, "saml:AudienceRestriction")
    for restriction in restrictions:
        named = [text_of(one) for one in children(restriction, "saml:Audience")]
        if expected.sp_entity_id not in named:
            raise _other_audience(named, expected)
    if not restrictions:
        raise _other_audience([], expected)
    return _within(conditions, expected)


def _other_audience(named: list[str], expected: Expected) -> SamlRefused:
    return SamlRefused(
        word="audience",
        sentence=said(
            "The assertion is for the audience {found} instead of {expected}: correct our entity id at the provider.",
            found=", ".join(named)[:200] or "-",
            expected=expected.sp_entity_id,
        ),
    )


def _within(element: Element, expected: Expected) -> datetime:
    """Check NotBefore and NotOnOrAfter; return the moment from which we refuse, skew included."""
    begin, end = element.get("NotBefore"), element.get("NotOnOrAfter")
    if begin is not None and expected.now < time_in(begin) - expected.skew:
        raise SamlRefused(
            word="not-yet-valid",
            sentence=said(
                "The assertion is good from {begin} only, and here it is {now}: set both clocks by NTP.",
                begin=begin[:40],
                now=expected.now.isoformat(timespec="seconds"),
            ),
        )
    if end is None:
        return datetime.max.replace(tzinfo=expected.now.tzinfo)
    until = time_in(end) + expected.skew
    if until <= expected.now:
        raise SamlRefused(
            word="expired",
            sentence=said(
                "The assertion was good until {end}, and here it is {now}: sign in again, and set both clocks by NTP.",
                end=end[:40],
                now=expected.now.isoformat(timespec="seconds"),
            ),
        )
    return until


def time_in(text: str) -> datetime:
    """Return a time that the provider wrote, which has to be in UTC."""
    try:
        return moment(text)
    except (ValueError, OverflowError) as error:
        raise SamlRefused(
            word="conditions",
            sentence=said("The provider writes a time that is none in UTC: {found}.", found=text[:40]),
        ) from error
