"""A directory as an organisation configures it, whom it answers with, and everything that can be wrong.

A sign-in that is refused always reads the same to whoever tries; ``reason`` is for the log and the trail. Only an
expired password is told, and only when the directory itself says so in answer to the right one.
"""

from typing import Annotated, Literal

import msgspec

from stockade.kernel.problems import Invalid, Problem
from stockade.kernel.words import said

Security = Literal["ldaps", "starttls"]
Nesting = Literal["active_directory", "member", "member_of"]
Reason = Literal["empty", "malformed", "unknown", "ambiguous", "password", "locked", "disabled", "incomplete"]
Role = Literal["owner", "admin", "member", "viewer"]
MOST_NAME = 256
_DN = Annotated[str, msgspec.Meta(min_length=3, max_length=1000)]
_ATTRIBUTE = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9;-]{0,63}$")]
_HOST = Annotated[
    str, msgspec.Meta(pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])$")
]
PLACEHOLDER = "{username}"


class GroupRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The role that members of a group get. The group is named whole: a bare name could be made elsewhere anew."""

    group_dn: _DN
    role: Role


class Directory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the directory is, how it is asked, and what its groups mean here.

    ``ca_pem`` are the authorities to trust, those of the system if it is None. ``nesting`` says how groups in groups
    are followed: ``active_directory`` by its own matching rule, ``member`` from a group's list upwards, ``member_of``
    from the person's own attribute upwards. Times are seconds; ``bind_password`` is sealed wherever it is kept.
    """

    host: _HOST
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 636
    security: Security = "ldaps"
    ca_pem: Annotated[str, msgspec.Meta(max_length=200_000)] | None = None
    bind_dn: _DN
    bind_password: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    user_base: _DN
    user_filter: Annotated[str, msgspec.Meta(max_length=1000)] = (
        "(&(objectClass=person)(|(uid={username})(mail={username})))"
    )
    email_attribute: _ATTRIBUTE = "mail"
    name_attribute: _ATTRIBUTE = "cn"
    group_base: _DN
    nesting: Nesting = "member"
    nesting_depth: Annotated[int, msgspec.Meta(ge=1, le=20)] = 8
    roles: tuple[GroupRole, ...] = ()
    default_role: Role | None = None
    timeout_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=30)] = 5.0

    def __repr__(self) -> str:
        return f"Directory({self.host}:{self.port})"  # never the password


class Person(msgspec.Struct, frozen=True):
    """Who signed in: the address in lower case, the name, the groups' names whole (nested ones too), and the entry."""

    email: str
    name: str
    groups: tuple[str, ...]
    dn: str


class DirectoryRefused(Problem):
    """The one answer to everything that can be wrong with a sign-in by the directory."""

    type = "/problems/identity/directory-refused"
    title = "This name and password do not go together"
    status = 401

    def __init__(self, *, reason: Reason) -> None:
        super().__init__()
        self.reason: Reason = reason


class DirectoryPasswordExpired(Problem):
    """The password was right and has expired, or must be changed first; only the directory can change it."""

    type = "/problems/identity/directory-password-expired"
    title = "Your directory password has expired: change it where you manage your company account, then sign in again"
    status = 403


class DirectoryUnreachable(Problem):
    """The directory does not answer, or not over TLS with a certificate that is to be trusted."""

    type = "/problems/identity/directory-unreachable"
    title = "Your company's directory cannot be reached safely"
    status = 503


class DirectoryMisconfigured(Problem):
    """The directory answers, but refuses what the configuration asks of it."""

    type = "/problems/identity/directory-misconfigured"
    title = "The connection to your company's directory is not set up correctly"
    status = 503


class DirectoryLibraryMissing(Problem):
    """This installation cannot speak LDAP."""

    type = "/problems/identity/directory-library-missing"
    title = "Signing in by LDAP needs the Python package bonsai (Stockade's extra “ldap”), which is not installed here"
    status = 501


def checked(config: Directory) -> Directory:
    """Return the configuration if it can work; ``Invalid`` names the field that cannot."""
    if PLACEHOLDER not in config.user_filter:
        raise Invalid(said("The filter contains {placeholder}.", placeholder=PLACEHOLDER), field="user_filter")
    if config.user_filter.count("(") != config.user_filter.count(")") or not config.user_filter.startswith("("):
        raise Invalid(said("The filter's parentheses do not close."), field="user_filter")
    if config.ca_pem is not None and "-----BEGIN CERTIFICATE-----" not in config.ca_pem:
        raise Invalid(said("This is no certificate in PEM form."), field="ca_pem")
    return config
