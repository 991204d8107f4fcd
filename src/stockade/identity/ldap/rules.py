"""The rules of a directory sign-in: pure, without a connection.

Sources: RFC 4515 (filters), RFC 4513 section 5.1.2 (an empty password is no proof), Microsoft's userAccountControl and
the sub-codes of error 49, draft-behera-ldap-password-policy (pwdAccountLockedTime, pwdReset), 389 Directory Server
(nsAccountLock).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from stockade.identity.ldap.directory import MOST_NAME, PLACEHOLDER, GroupRole, Role

IN_CHAIN = "1.2.840.113556.1.4.1941"
"""Active Directory's rule that follows a group's members through all groups (LDAP_MATCHING_RULE_IN_CHAIN)."""
STATE_ATTRIBUTES = (
    "userAccountControl", "msDS-User-Account-Control-Computed", "accountExpires", "lockoutTime",
    "pwdAccountLockedTime", "nsAccountLock", "loginDisabled", "pwdReset",
)  # fmt: skip
_DISABLED_BIT = 0x2
_LOCKED_BIT = 0x10
_NEVER = (0, 0x7FFFFFFFFFFFFFFF)
_EPOCH_1601 = datetime(1601, 1, 1, tzinfo=UTC)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SUBCODE = re.compile(r"AcceptSecurityContext error, data ([0-9a-f]{2,8})", re.IGNORECASE)
_RANK: tuple[Role, ...] = ("viewer", "member", "admin", "owner")
Attributes = Mapping[str, Sequence[Any]]
Failure = Literal["password", "expired", "disabled", "locked"]
_FAILURES: dict[str, Failure] = {
    "532": "expired", "773": "expired", "533": "disabled", "701": "disabled", "775": "locked", "530": "disabled",
    "531": "disabled",
}  # fmt: skip


def escaped(text: str) -> str:
    """Return a text as a value inside a filter: it can neither close the filter nor match more than itself."""
    return "".join(f"\\{ord(letter):02x}" if letter in "\\*()\0" else letter for letter in text)


def filter_for(template: str, username: str) -> str:
    """Return the filter that finds a person; the name is only ever a value in it."""
    return template.replace(PLACEHOLDER, escaped(username))


def acceptable(username: str) -> bool:
    """Return whether a text can be a user name at all: short, and without control characters."""
    return 0 < len(username) <= MOST_NAME and not _CONTROL.search(username)


def bind_failure(message: str) -> Failure:
    """Return what Active Directory means by a refused bind (its sub-code); anything else is a wrong password."""
    found = _SUBCODE.search(message)
    return _FAILURES.get(found[1].lower(), "password") if found else "password"


def barred(entry: Attributes, moment: datetime) -> Literal["disabled", "locked"] | None:
    """Return why an entry, read after a successful bind, may not sign in.

    A directory that unlocks by time removes its mark at a successful bind; a mark that is still there holds. What
    cannot be read as it should be counts against the account.
    """
    if _flag(entry, "userAccountControl", _DISABLED_BIT) or _true(entry, "nsAccountLock", "loginDisabled"):
        return "disabled"
    if _expired(entry, moment):
        return "disabled"
    if _flag(entry, "msDS-User-Account-Control-Computed", _LOCKED_BIT):
        return "locked"
    if any(str(value).strip() not in ("", "0") for value in _values(entry, "lockoutTime")):
        return "locked"
    return "locked" if _values(entry, "pwdAccountLockedTime") else None


def must_change(entry: Attributes) -> bool:
    """Return whether the password was set by somebody else and has to be changed before anything else."""
    return _true(entry, "pwdReset")


def role_of(groups: Sequence[str], roles: Sequence[GroupRole], default: Role | None) -> Role | None:
    """Return the highest role that the groups give; ``default`` if none does. None: no place here."""
    held = {same_dn(group) for group in groups}
    given = [item.role for item in roles if same_dn(item.group_dn) in held]
    return max(given, key=_RANK.index) if given else default


def same_dn(dn: str) -> str:
    """Return a distinguished name as it is compared: without case, and without spaces beside its separators."""
    return re.sub(r"\s*(?<!\\)([,=+])\s*", r"\1", dn.strip()).casefold()


def first_text(entry: Attributes, name: str) -> str:
    """Return an attribute's first value as text, empty if there is none."""
    values = _values(entry, name)
    return str(values[0]).strip() if values else ""


def _values(entry: Attributes, name: str) -> Sequence[Any]:
    for key in entry:
        if key.casefold() == name.casefold():
            return entry[key]
    return ()


def _flag(entry: Attributes, name: str, bit: int) -> bool:
    return any((number := _number(value)) is None or number & bit for value in _values(entry, name))


def _true(entry: Attributes, *names: str) -> bool:
    return any(str(value).strip().casefold() not in ("false", "") for name in names for value in _values(entry, name))


def _expired(entry: Attributes, moment: datetime) -> bool:
    for value in _values(entry, "accountExpires"):
        number = _number(value)
        if number is None or (number not in _NEVER and _EPOCH_1601 + timedelta(microseconds=number // 10) <= moment):
            return True
    return False


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
