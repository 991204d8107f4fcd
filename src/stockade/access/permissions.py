"""Permissions and roles: one grammar (``module:verb``), declared by the slice that asks for them.

A system role has every permission whose least role is not above it; a role that a tenant made has those that it lists.
A permission that changes something is refused to read-only credentials, whatever their role, and one of another module
to a key that is bound to some.
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
    """One thing that may be allowed: its name, the least role that has it, and whether it changes anything.

    A ``personal`` one is about oneself (one's own views, passkeys): every role has it, those that tenants make, too.
    A ``reserved`` one (imports, directories, bank details) is an owner's or admin's alone: no role that a
    tenant makes can hold it.
    """

    name: str
    least: str
    changes: bool
    personal: bool = False
    reserved: bool = False

    @property
    def module(self) -> str:
        """What it is about: the part before the colon."""
        return self.name.partition(":")[0]

    def __deepcopy__(self, memo: dict[int, object]) -> "Permission":
        """Return itself: a router copies its handlers, and a permission is told by what it is."""
        return self

    def granted_to(self, principal: Principal) -> bool:
        """Return whether the principal has it."""
        if self.changes and principal.read_only:
            return False
        if principal.modules is not None and self.module not in principal.modules:
            return False
        if principal.grants is not None:
            return self.personal or self.name in principal.grants
        return RANK.get(principal.role, 0) >= RANK[self.least]

    def require(self, principal: Principal) -> None:
        """Raise ``Forbidden`` unless the principal has it."""
        if not self.granted_to(principal):
            raise Forbidden(said("This needs the permission {name}.", name=self.name), permission=self.name)


PERMISSIONS: dict[str, Permission] = {}
PUBLIC = Permission("public:anyone", "viewer", changes=False)
"""Written out on every route that anybody may call, so that none is open by omission."""


def permission(
    name: str, *, least: str, changes: bool | None = None, personal: bool = False, reserved: bool = False
) -> Permission:
    """Declare a permission; it changes something unless its verb is ``read`` or that is said otherwise."""
    if not _GRAMMAR.fullmatch(name) or least not in RANK:
        raise ValueError(f"{name!r} with least role {least!r} is not a permission: write module:verb and a role.")
    if reserved and RANK[least] < RANK["admin"]:
        raise ValueError(f"{name!r} is reserved to owners and admins, and so cannot be for the role {least!r}.")
    changing = not name.endswith(":read") if changes is None else changes
    made = Permission(name, least, changes=changing, personal=personal, reserved=reserved)
    if PERMISSIONS.setdefault(name, made) != made:
        raise ValueError(f"The permission {name!r} is declared twice, and differently.")
    return made
