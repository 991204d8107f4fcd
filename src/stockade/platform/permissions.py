"""What operators may do: a grammar of its own, so that no tenant's role ever grants it."""

import msgspec

from stockade.access.permissions import Forbidden
from stockade.kernel.words import said


class OperatorPermission(msgspec.Struct, frozen=True):
    """One thing that an operator may be allowed, as in ``breakglass:approve``."""

    name: str


class Acting(msgspec.Struct, frozen=True):
    """The operator behind a request. With a password that was made for the first sign-in, nothing but a new one."""

    operator_id: str
    session_id: str
    name: str
    permissions: frozenset[str]
    password_is_once: bool

    def require(self, permission: OperatorPermission) -> None:
        """Raise ``Forbidden`` unless the operator has it."""
        if permission is OWN:
            return
        if self.password_is_once or permission.name not in self.permissions:
            raise Forbidden(said("This needs the permission {name}.", name=permission.name), permission=permission.name)


ANYBODY = OperatorPermission("platform:anybody")
"""Written out where an operator is not known yet: the sign-in."""
OWN = OperatorPermission("platform:own")
"""What every operator may: choose a password, sign out."""
READ = OperatorPermission("platform:read")
MANAGE = OperatorPermission("platform:manage")
REQUEST = OperatorPermission("breakglass:request")
APPROVE = OperatorPermission("breakglass:approve")
GRANTABLE = (READ, MANAGE, REQUEST, APPROVE)
