"""The request that begins a sign-on: made here, kept beside the browser by its id, sent by redirect or by a form."""

import base64
import secrets
import zlib
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from lxml import etree

from stockade.identity.saml.connection import Connection
from stockade.identity.saml.document import NAMESPACES, POST, qualified, written

MOST_RELAY_STATE = 80
"""Bytes of relay state that a provider has to bring back (SAML 2.0 bindings, section 3.4.3)."""


def new_request_id() -> str:
    """Return an id that nobody can guess: the answer has to name it."""
    return f"_{secrets.token_hex(20)}"


def authn_request(
    config: Connection, *, id: str, now: datetime, acs_url: str, sp_entity_id: str, force_authn: bool = False
) -> bytes:
    """Return the AuthnRequest; ``force_authn`` asks the provider to have the person prove anew who they are."""
    used = {"samlp": NAMESPACES["samlp"], "saml": NAMESPACES["saml"]}
    root = etree.Element(
        qualified("samlp", "AuthnRequest"), nsmap=used, ID=id, Version="2.0", IssueInstant=written(now),
        Destination=config.sso_url, ProtocolBinding=POST, AssertionConsumerServiceURL=acs_url,
    )  # fmt: skip
    if force_authn:
        root.set("ForceAuthn", "true")
    etree.SubElement(root, qualified("saml", "Issuer")).text = sp_entity_id
    etree.SubElement(root, qualified("samlp", "NameIDPolicy"), AllowCreate="true")
    return bytes(etree.tostring(root, xml_declaration=False, encoding="utf-8"))


def redirect_url(config: Connection, request: bytes, relay_state: str | None = None) -> str:
    """Return the address to send the browser to (HTTP-Redirect: deflated, base64, in the query)."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = squeezed.compress(request) + squeezed.flush()
    fields = {"SAMLRequest": base64.b64encode(body).decode(), **_relayed(relay_state)}
    return f"{config.sso_url}{'&' if urlsplit(config.sso_url).query else '?'}{urlencode(fields)}"


def post_fields(request: bytes, relay_state: str | None = None) -> dict[str, str]:
    """Return the fields of a form to post to the provider's ``sso_url`` (HTTP-POST)."""
    return {"SAMLRequest": base64.b64encode(request).decode(), **_relayed(relay_state)}


def _relayed(state: str | None) -> dict[str, str]:
    if state is None:
        return {}
    if len(state.encode()) > MOST_RELAY_STATE:
        raise ValueError(f"relay state has more than {MOST_RELAY_STATE} bytes")
    return {"RelayState": state}
