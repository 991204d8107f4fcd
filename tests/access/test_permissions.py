"""Permissions: one grammar, the least role, and nothing changed by a read-only credential."""

from uuid import uuid4

import pytest

from stockade.access.permissions import Forbidden, Permission, permission
from stockade.identity.model import ROLES
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal


def somebody(role: str, *, read_only: bool = False) -> Principal:
    return Principal(tenant_id=uuid4(), actor_id=uuid4(), kind=ActorKind.USER, role=role, read_only=read_only)


@pytest.mark.parametrize("least", ROLES)
def test_a_role_has_what_asks_for_it_or_less(least: str) -> None:
    asked = Permission("test:do", least, changes=True)
    granted = [role for role in ROLES if asked.granted_to(somebody(role))]
    assert granted == list(ROLES[: ROLES.index(least) + 1])


def test_a_read_only_credential_changes_nothing_whatever_its_role() -> None:
    owner = somebody("owner", read_only=True)
    assert Permission("test:read", "viewer", changes=False).granted_to(owner)
    with pytest.raises(Forbidden, match="test:do"):
        Permission("test:do", "viewer", changes=True).require(owner)


def test_an_unknown_role_has_nothing() -> None:
    assert not Permission("test:read", "viewer", changes=False).granted_to(somebody("nobody"))


@pytest.mark.parametrize("name", ["orders", "orders:", "Orders:read", "orders:read:all"])
def test_a_name_outside_the_grammar_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="module:verb"):
        permission(name, least="viewer")


def test_a_permission_cannot_be_declared_twice_and_differently() -> None:
    permission("testing:declare", least="viewer")
    with pytest.raises(ValueError, match="twice"):
        permission("testing:declare", least="owner")
