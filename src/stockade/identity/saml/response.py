"""A response of the identity provider: accepted whole, or refused with the reason.

Only what a configured certificate signed is read (see ``signature``), and all of it has to be meant for us, now, in
answer to the request of this very browser: SAML 2.0 core (3.3) and profiles (4.1.4), read strictly. Responses
that nobody asked for are refused: with them a stranger could sign a victim in as himself (login CSRF).
"""

from datetime import datetime, timedelta

import msgspec

from stockade.identity.saml.connection import Connection, trusted_certificates
from stockade.identity.saml.document import (
    EMAIL_FORMAT,
    NCNAME,
    Element,
    children,
    decoded,
    parsed,
    qualified,
    text_of,
)
from stockade.identity.saml.encryption import Keys, decrypted, unreadable
from stockade.identity.saml.refusal import SamlRefused
from stockade.identity.saml.signature import check_places, signature_in, verified
from stockade.identity.saml.statements import attributes_of, email_of, one_value
from stockade.identity.saml.subject import Expected, accepted_until, check_conditions, check_issuer, name_id_of, time_in
from stockade.kernel.words import said

SKEW = timedelta(seconds=60)
"""How far the provider's clock and ours may differ."""
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


class Assertion(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed in, as the provider says it.

    ``email`` is in lower case. ``attributes`` are all that were sent, by name. ``not_on_or_after`` is the moment from
    which ``verify`` itself refuses the assertion, skew included: until then it has to be remembered.
    """

    assertion_id: str
    name_id: str
    name_id_format: str | None
    email: str
    name: str | None
    groups: tuple[str, ...]
    attributes: dict[str, tuple[str, ...]]
    not_on_or_after: datetime
    session_index: str | None


def verify(
    response_base64: str,
    config: Connection,
    *,
    request_id: str | None,
    now: datetime,
    acs_url: str,
    sp_entity_id: str,
    decryption_key: Keys | None = None,
) -> Assertion:
    """Return what a response says if everything about it is right; ``SamlRefused`` says what is not.

    ``request_id`` is the id of the request that this browser was sent with, None if it was not. Whoever calls this has
    to remember the assertion's id (``seen.remember``): a second use of it is not recognisable here.
    """
    expected = Expected(config, request_id, now, acs_url, sp_entity_id, SKEW)
    root = parsed(decoded(response_base64))
    _check_envelope(root, expected)
    return _read(_signed_assertion(root, expected, decryption_key), expected)


def _check_envelope(root: Element, expected: Expected) -> None:
    """Check what the response says of itself, before its signature: nothing of it is used further."""
    if root.tag != qualified("samlp", "Response") or root.get("Version") != "2.0":
        raise SamlRefused(word="not-a-response", sentence=said("What arrived is not a response of SAML 2.0."))
    if not NCNAME.fullmatch(root.get("ID") or ""):
        raise SamlRefused(word="not-a-response", sentence=said("The response has no proper id."))
    _check_status(root)
    if expected.request_id is None:
        raise SamlRefused(
            word="unsolicited",
            sentence=said(
                "This browser did not ask for it, or asked too long ago: begin at our sign-in page, not at the "
                "provider's portal; there, use our sign-in page's address as a link."
            ),
        )
    if root.get("InResponseTo") != expected.request_id:
        raise SamlRefused(
            word="in-response-to",
            sentence=said(
                "The response does not answer this browser's request: begin again at our sign-in page; sign-on begun "
                "at the provider is not accepted."
            ),
        )
    if root.get("Destination") != expected.acs_url:
        raise SamlRefused(
            word="destination",
            sentence=said(
                "The response is addressed to {found} instead of {expected}: correct the address of the assertion "
                "consumer service (ACS) at the provider.",
                found=(root.get("Destination") or "-")[:200],
                expected=expected.acs_url,
            ),
        )
    if children(root, "saml:Issuer"):
        check_issuer(root, expected)


def _check_status(root: Element) -> None:
    """Refuse what is not a success, in the provider's own words."""
    codes = children(root, "samlp:Status/samlp:StatusCode")
    if len(codes) == 1 and codes[0].get("Value") == _SUCCESS:
        return
    nested = children(codes[0], "samlp:StatusCode") if codes else []
    message = children(root, "samlp:Status/samlp:StatusMessage")
    shown = [found.get("Value", "").rsplit(":", 1)[-1] for found in (*codes, *nested)]
    raise SamlRefused(
        word="status",
        sentence=said(
            "The provider refused the sign-on ({code}): {message} See the provider's own log.",
            code=", ".join(shown)[:200] or "-",
            message=text_of(message[0])[:300] if message else "",
        ),
    )


def _signed_assertion(root: Element, expected: Expected, key: Keys | None) -> Element:
    """Return the one assertion, out of the bytes that were signed."""
    plain = list(root.iter(qualified("saml", "Assertion")))
    hidden = list(root.iter(qualified("saml", "EncryptedAssertion")))
    if len(plain) + len(hidden) > 1:
        raise SamlRefused(word="several-assertions", sentence=said("The response holds more than one assertion."))
    if not plain and not hidden:
        raise SamlRefused(
            word="no-assertion", sentence=said("The response holds no assertion: let the provider send one.")
        )
    (found,) = (*plain, *hidden)
    if found.getparent() is not root:
        raise SamlRefused(
            word="misplaced-signature", sentence=said("The assertion does not stand directly in the response.")
        )
    check_places(root, root, *plain)
    response = verified(root, root, expected.config, expected.now) if signature_in(root) is not None else None
    if hidden:
        return _encrypted_assertion(found, expected, key)
    if expected.config.encrypted_only:
        raise SamlRefused(
            word="encryption", sentence=said("The assertion is not encrypted, but this connection demands it.")
        )
    if signature_in(found) is not None:
        return verified(root, found, expected.config, expected.now)
    if response is None:
        raise SamlRefused(
            word="unsigned",
            sentence=said("Neither the response nor its assertion is signed: let the provider sign the assertion."),
        )
    (assertion,) = children(response, "saml:Assertion")
    return assertion


def _encrypted_assertion(encrypted: Element, expected: Expected, key: Keys | None) -> Element:
    """Decrypt, then verify the signature inside, which has to be there whatever the response's own covers."""
    trusted_certificates(expected.config, expected.now)  # what is wrong with the configuration is told as such
    inside = decrypted(encrypted, key)
    try:
        check_places(inside, inside)
        nested = [*inside.iter(qualified("saml", "Assertion")), *inside.iter(qualified("saml", "EncryptedAssertion"))]
        if len(nested) == 1 and signature_in(inside) is not None:
            return verified(inside, inside, expected.config, expected.now)
    except SamlRefused as refused:
        raise unreadable() from refused
    raise unreadable()


def _read(assertion: Element, expected: Expected) -> Assertion:
    """Read a signed assertion, and refuse it where it is not meant for us, now."""
    identity = assertion.get("ID") or ""
    if assertion.get("Version") != "2.0" or not NCNAME.fullmatch(identity):
        raise SamlRefused(word="no-assertion", sentence=said("The assertion is not one of SAML 2.0 with a proper id."))
    check_issuer(assertion, expected)
    name_id, name_id_format = name_id_of(assertion)
    until = min(accepted_until(assertion, expected), check_conditions(assertion, expected))
    attributes = attributes_of(assertion)
    return Assertion(
        assertion_id=identity,
        name_id=name_id,
        name_id_format=name_id_format,
        email=email_of(attributes, expected.config, name_id if name_id_format == EMAIL_FORMAT else None),
        name=one_value(attributes, expected.config.name_attributes),
        groups=next((attributes[name] for name in expected.config.group_attributes if name in attributes), ()),
        attributes=attributes,
        not_on_or_after=until,
        session_index=_session(assertion, expected),
    )


def _session(assertion: Element, expected: Expected) -> str | None:
    """Return the provider's name of the session; a sign-on without an authentication is none."""
    found = children(assertion, "saml:AuthnStatement")
    if len(found) != 1:
        raise SamlRefused(
            word="authentication", sentence=said("The assertion does not say, once, how the person was authenticated.")
        )
    until = found[0].get("SessionNotOnOrAfter")
    if until is not None and time_in(until) + SKEW <= expected.now:
        raise SamlRefused(word="expired", sentence=said("The session at the provider has ended: sign in there again."))
    index: str | None = found[0].get("SessionIndex")
    return index
