"""Rights: what a principal holds, what is hidden from it, and what it may therefore hand on.

Nobody grants what they do not have: not a permission, and not the sight of records that they are limited from.
"""

from functools import lru_cache

import msgspec

from stockade.access.permissions import PERMISSIONS, RANK, Forbidden
from stockade.identity.model import OWN, ROLES
from stockade.kernel.words import said
from stockade.tenancy.declaration import declared_tables
from stockade.tenancy.pin import Limits
from stockade.tenancy.principal import Principal

_CUSTOMERS = Limits.OWN_CUSTOMERS | Limits.OWN_REGION


@lru_cache(1)
def field_permissions() -> frozenset[str]:
    """Return the permissions that show a field: those that a column's rule names, and a slice declares."""
    named = {column.info["rule"].read for table in declared_tables() for column in table.columns}
    return frozenset(named & set(PERMISSIONS))


def permissions_of(role: str) -> frozenset[str]:
    """Return what a system role holds."""
    return frozenset(name for name, asked in PERMISSIONS.items() if RANK[role] >= RANK[asked.least])


def held_by(principal: Principal) -> frozenset[str]:
    """Return every permission that a principal holds."""
    return frozenset(name for name, asked in PERMISSIONS.items() if asked.granted_to(principal))


@lru_cache(1000)
def _hidden(role: str, grants: frozenset[str] | None) -> frozenset[str]:
    held = grants if grants is not None else permissions_of(role) if role in ROLES else frozenset()
    return field_permissions() - held


def shaped(principal: Principal) -> Principal:
    """Return the principal with the fields that are hidden from it. The modules of a key bound to some do not matter:
    a customer's credit limit is a field of the customer."""
    hidden = _hidden(principal.role, principal.grants)
    return msgspec.structs.replace(principal, hidden=hidden) if hidden != principal.hidden else principal


def require_grantable(principal: Principal, permissions: frozenset[str], limits: Limits = Limits.NONE) -> None:
    """Raise ``Forbidden`` unless a principal holds some permissions, and sees at least what their holder will see."""
    if lacking := permissions - _own(principal):
        name = min(lacking)
        raise Forbidden(said("You cannot give or take what you do not have: {name}.", name=name), permission=name)
    for part in (_CUSTOMERS, Limits.OWN_WAREHOUSES):
        if principal.limits & part and principal.limits & part != limits & part:
            raise Forbidden("You cannot let somebody see records that you do not see yourself.")


def require_role(principal: Principal, role: str) -> None:
    """Raise ``Forbidden`` for a system role that holds more than the principal.

    Nobody grants what they do not have, or takes from those above them.
    """
    if principal.grants is None and RANK[role] > RANK.get(principal.role, 0):
        raise Forbidden(said("Only an {role} may do this.", role=role))
    require_grantable(principal, permissions_of(role))


def grantable_roles(principal: Principal) -> tuple[str, ...]:
    """Return the system roles that a principal may give, the least first."""
    if principal.limits:
        return ()
    own = _own(principal)
    return tuple(role for role in reversed(ROLES) if permissions_of(role) <= own)


def _own(principal: Principal) -> frozenset[str]:
    """What somebody holds apart from being read-only, which is about the credential and not about the person."""
    return held_by(msgspec.structs.replace(principal, read_only=False, modules=None))


__all__ = [
    "OWN", "field_permissions", "grantable_roles", "held_by", "permissions_of", "require_grantable", "require_role",
    "shaped",
]  # fmt: skip
