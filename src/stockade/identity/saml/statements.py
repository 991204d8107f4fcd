"""What the provider says about a person: the attributes, and which of them are address, name and groups."""

import re

from stockade.identity.saml.connection import Connection
from stockade.identity.saml.document import Element, children, text_of
from stockade.identity.saml.refusal import SamlRefused
from stockade.kernel.words import said

MOST_VALUES = 2000
_EMAIL = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
Attributes = dict[str, tuple[str, ...]]


def attributes_of(assertion: Element) -> Attributes:
    """Return every attribute's values, empty ones left out; one that is sent twice has all its values."""
    found: dict[str, list[str]] = {}
    if children(assertion, "saml:AttributeStatement/saml:EncryptedAttribute"):
        raise SamlRefused(
            word="attributes", sentence=said("The provider encrypts single attributes: let it encrypt the assertion.")
        )
    values = 0
    for attribute in children(assertion, "saml:AttributeStatement/saml:Attribute"):
        for value in children(attribute, "saml:AttributeValue"):
            values += 1
            if text := text_of(value):
                found.setdefault(attribute.get("Name") or "", []).append(text)
    if values > MOST_VALUES:
        raise SamlRefused(
            word="attributes",
            sentence=said("The provider sends more than {most} values: let it send fewer groups.", most=MOST_VALUES),
        )
    return {name: tuple(texts) for name, texts in found.items()}


def one_value(attributes: Attributes, names: tuple[str, ...]) -> str | None:
    """Return the first value of the first of these attributes that was sent."""
    return next((attributes[name][0] for name in names if name in attributes), None)


def email_of(attributes: Attributes, config: Connection, name_id: str | None) -> str:
    """Return the person's one address in lower case: an attribute's, or the NameID that says it is one.

    Only ASCII is taken: the lower case of the sign of Kelvin is an ordinary ``k``, and somebody else's address.
    """
    named = next((attributes[name] for name in config.email_attributes if name in attributes), None)
    candidates = named if named is not None else (() if name_id is None else (name_id,))
    if len(candidates) != 1:
        raise SamlRefused(
            word="email",
            sentence=said(
                "The provider does not send exactly one e-mail address: let it send the attribute {wanted}. "
                "It sent: {sent}.",
                wanted=config.email_attributes[0] if config.email_attributes else "email",
                sent=", ".join(sorted(attributes))[:300] or "-",
            ),
        )
    (address,) = candidates
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise SamlRefused(
            word="email",
            sentence=said("What the provider sends as e-mail address is none: {found}.", found=address[:100]),
        )
    return address.lower()
