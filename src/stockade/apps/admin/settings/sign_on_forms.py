"""The forms of connections: one for each kind, and how they become a connection and back."""

from typing import Annotated, Any, Literal

import msgspec

from stockade.access.fields import Text80
from stockade.apps.admin.forms import Form
from stockade.apps.admin.reading import typed
from stockade.identity.ldap.directory import GroupRole
from stockade.identity.saml.metadata import read_idp_metadata
from stockade.identity.sso import saml_way
from stockade.identity.sso.connections import ConnectionChange, ConnectionRow, JustInTime, NewConnection
from stockade.identity.sso.kinds import Address, Algorithms, Claim, usual
from stockade.kernel.clock import now
from stockade.kernel.problems import Invalid
from stockade.kernel.words import N_, said

Secret = Annotated[str, msgspec.Meta(max_length=500)]
KINDS = {"oidc": N_("OpenID Connect"), "saml": N_("SAML 2.0"), "ldap": N_("LDAP or Active Directory")}
KIND_NOTES = {
    "oidc": N_("Google, Microsoft Entra, Okta, Keycloak and most others."),
    "saml": N_("Providers that offer nothing newer."),
    "ldap": N_("People type their company account's name and password here."),
}


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    name: Text80
    just_in_time: JustInTime | None = None
    enforced: bool = False
    expected_version: int = 0


class OidcForm(_Common, frozen=True, kw_only=True):
    """An OpenID Connect provider."""

    issuer: Address
    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    secret: Secret | None = None
    algorithms: Algorithms = msgspec.field(default_factory=usual)
    email_claim: Claim = "email"
    verified_claim: Claim = "email_verified"


class SamlForm(_Common, frozen=True, kw_only=True):
    """A SAML provider, by its metadata; left out, what is known of it stays."""

    metadata: Annotated[str, msgspec.Meta(max_length=1_000_000)] | None = None
    encrypted_only: bool = False


class LdapForm(_Common, frozen=True, kw_only=True):
    """A directory. ``roles``: a line for each group, as in ``admin: cn=Managers,ou=Groups,dc=example,dc=com``."""

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 636
    security: Literal["ldaps", "starttls"] = "ldaps"
    ca_pem: Annotated[str, msgspec.Meta(max_length=200_000)] | None = None
    bind_dn: Annotated[str, msgspec.Meta(min_length=3, max_length=1000)]
    secret: Secret | None = None
    user_base: Annotated[str, msgspec.Meta(min_length=3, max_length=1000)]
    user_filter: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    email_attribute: Claim = "mail"
    name_attribute: Claim = "cn"
    group_base: Annotated[str, msgspec.Meta(min_length=3, max_length=1000)]
    nesting: Literal["active_directory", "member", "member_of"] = "member"
    roles: Annotated[str, msgspec.Meta(max_length=20_000)] = ""


COMMANDS: dict[str, type[Any]] = {"oidc": OidcForm, "saml": SamlForm, "ldap": LdapForm}
_COMMON = ("name", "just_in_time", "enforced", "expected_version", "secret")


def new_connection(kind: Any, given: Any) -> NewConnection:
    """Return the connection that a form asks for; ``Invalid``, and what the metadata's reader refuses."""
    secret = saml_way.new_key() if kind == "saml" else given.secret
    return NewConnection(
        kind=kind, name=given.name, settings=_settings(given, {}), secret=secret or None,
        just_in_time=given.just_in_time, enforced=given.enforced,
    )  # fmt: skip


def changed_connection(row: ConnectionRow, given: Any) -> ConnectionChange:
    """Return the change that a form asks for."""
    return ConnectionChange(
        name=given.name, settings=_settings(given, row.settings), secret=getattr(given, "secret", None) or None,
        just_in_time=given.just_in_time, enforced=given.enforced, expected_version=given.expected_version,
    )  # fmt: skip


def form_of(row: ConnectionRow) -> Form:
    """Return a form that holds what a connection holds, but for its secret."""
    held = {name: typed(value, name) for name, value in row.settings.items()}
    if "roles" in row.settings:
        held["roles"] = "\n".join(f"{item['role']}: {item['group_dn']}" for item in row.settings["roles"])
    if "algorithms" in row.settings:
        held["algorithms"] = ", ".join(row.settings["algorithms"])
    return Form(held | {
        "name": row.name, "just_in_time": row.just_in_time or "", "enforced": typed(row.enforced),
        "expected_version": str(row.version),
    })  # fmt: skip


def _settings(given: Any, known: dict[str, Any]) -> dict[str, Any]:
    if isinstance(given, SamlForm):
        return _saml_settings(given, known)
    values = {name: getattr(given, name) for name in given.__struct_fields__ if name not in _COMMON}
    if isinstance(given, LdapForm):
        values["roles"] = [msgspec.to_builtins(item) for item in _roles(given.roles)]
        values["ca_pem"] = given.ca_pem or None
    return values


def _saml_settings(given: SamlForm, known: dict[str, Any]) -> dict[str, Any]:
    if not given.metadata:
        if not known:
            raise Invalid(N_("Paste the provider's metadata, an XML document."), field="metadata")
        return known | {"encrypted_only": given.encrypted_only}
    found = read_idp_metadata(given.metadata.encode(), now=now())
    if found.sso_redirect_url is None:
        raise Invalid(N_("The provider has to take requests by redirect."), field="metadata")
    return {
        "idp_entity_id": found.entity_id, "sso_url": found.sso_redirect_url, "certificates": list(found.certificates),
        "encrypted_only": given.encrypted_only,
    }  # fmt: skip


def _roles(text: str) -> list[GroupRole]:
    """Return the roles that lines of a text give to groups."""
    found = []
    for line in text.splitlines():
        role, colon, group = line.partition(":")
        if not line.strip():
            continue
        if not colon or role.strip() not in ("viewer", "member", "admin"):
            raise Invalid(
                said("Write it like {example}.", example="admin: cn=Managers,ou=Groups,dc=example,dc=com"),
                field="roles",
            )
        found.append(GroupRole(group.strip(), role.strip()))  # type: ignore[arg-type]  # checked just above
    return found
