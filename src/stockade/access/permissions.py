"""Permissions and roles: one grammar (``module:verb``), declared by the slice that asks for them.

A role has every permission whose least role is not above it. A permission that changes something is refused to
read-only credentials, whatever their role.
"""

import re

import msgspec

from stockade.identity.model import ROLES
from stockade.kernel.problems import Problem
from stockade.kernel.words import said
from stockade.tenancy.principal import Principal

RANK = {role: len(ROLES) - place for place, role in enumerate(ROLES)}
"""owner 4, admin 3, member 2, viewer 1."""
_GRAMMAR = re.compile(r"[a-z_]+:[a-z_]+")


class Forbidden(Problem):
    """The principal is known, but may not do this."""

    type = "/problems/forbidden"
    title = "You may not do this"
    status = 403


class Permission(msgspec.Struct, frozen=True):
    """One thing that may be allowed: its name, the least role that has it, and whether it changes anything."""

    name: str
    least: str
    changes: bool

    def granted_to(self, principal: Principal) -> bool:
        """Return whether the principal has it."""
        return RANK.get(principal.role, 0) >= RANK[self.least] and not (self.changes and principal.read_only)

    def require(self, principal: Principal) -> None:
        """Raise ``Forbidden`` unless the principal has it."""
        if not self.granted_to(principal):
            raise Forbidden(said("This needs the permission {name}.", name=self.name), permission=self.name)


PERMISSIONS: dict[str, Permission] = {}
PUBLIC = Permission("public:anyone", "viewer", changes=False)
"""Written out on every route that anybody may call, so that none is open by omission."""


def permission(name: str, *, least: str, changes: bool | None = None) -> Permission:
    """Declare a permission; it changes something unless its verb is ``read`` or that is said otherwise."""
    if not _GRAMMAR.fullmatch(name) or least not in RANK:
        raise ValueError(f"{name!r} with least role {least!r} is not a permission: write module:verb and a role.")
    made = Permission(name, least, changes=not name.endswith(":read") if changes is None else changes)
    if PERMISSIONS.setdefault(name, made) != made:
        raise ValueError(f"The permission {name!r} is declared twice, and differently.")
    return made


def require_rank(principal: Principal, role: str) -> None:
    """Raise ``Forbidden`` for a role above the principal's own.

    Nobody grants what they do not have, or takes from those above them.
    """
    if RANK[role] > RANK.get(principal.role, 0):
        raise Forbidden(said("Only an {role} may do this.", role=role))
