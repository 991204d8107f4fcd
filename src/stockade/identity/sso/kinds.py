"""What a connection of each kind is configured with, and who comes out of a sign-in by it."""

from typing import Annotated, Any, Literal

import msgspec

from stockade.identity.ldap.directory import Directory
from stockade.identity.saml import connection as saml
from stockade.kernel.problems import Invalid
from stockade.kernel.words import said

Kind = Literal["oidc", "saml", "ldap"]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Signatures that only the holder of a private key can make; HMAC and "none" cannot be chosen."""
Address = Annotated[
    str,
    msgspec.Meta(
        min_length=9, max_length=500, pattern=r"^https://[^\s?#@\\]+$", examples=["https://login.example.com"]
    ),
]
AnyAddress = Annotated[
    str,
    msgspec.Meta(
        min_length=9, max_length=1000, pattern=r"^https://[^\s#@\\]+$", examples=["https://login.example.com/keys"]
    ),
]
Claim = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:/#-]+$")]
Algorithms = Annotated[list[Algorithm], msgspec.Meta(min_length=1, max_length=10)]


def usual() -> list[Algorithm]:
    """Return the signatures that count unless others are chosen."""
    return ["RS256", "ES256", "EdDSA", "Ed25519"]


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An OpenID Connect provider: its issuer, who we are to it, and the signatures that count.

    ``verified_claim`` is what says that the address was checked there (Entra: ``xms_edov``).
    """

    issuer: Address
    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=300, pattern=r"^[\x20-\x7e]+$")]
    algorithms: Algorithms = msgspec.field(default_factory=usual)
    email_claim: Claim = "email"
    verified_claim: Claim = "email_verified"


SETTINGS: dict[str, type[msgspec.Struct]] = {"oidc": OidcSettings, "saml": saml.Connection, "ldap": Directory}
"""What is configured for each kind."""


class Identified(msgspec.Struct, frozen=True):
    """Whom a provider named: its own id of the person, the proved address in lower case, and a name.

    ``role`` is what the provider's groups give, None if it has no say in that. ``may_enter`` is False for somebody
    whom the provider knows and whose groups give no place here.
    """

    subject: str
    email: str
    name: str
    role: str | None = None
    may_enter: bool = True


def settings_of(kind: str, given: dict[str, Any]) -> Any:
    """Return a connection's settings as its kind's struct; ``Invalid`` if they are not."""
    if kind not in SETTINGS:
        raise Invalid(said("This installation has no sign-on of the kind {kind}.", kind=kind), field="kind")
    try:
        made = msgspec.convert(given, SETTINGS[kind])
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from None
    if isinstance(made, saml.Connection) and made.sso_binding != "redirect":
        # A form of ours that posts to another site is refused by the page's own policy (form-action).
        raise Invalid(said("The provider has to take requests by redirect."), field="metadata")
    return made
