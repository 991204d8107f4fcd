"""The controls of guessing, of roles and of what is reserved: each holds as it is, and is red without its defence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.trust import listening as listening_module
from tests.trust.listening import listening

from stockade.access import roles
from stockade.access.permissions import PERMISSIONS, Permission
from stockade.apps.site import routes_of
from stockade.database import statements
from stockade.identity.signing_in import brake
from stockade.kernel.control import CONTROLS, Finding, RouteInfo
from stockade.tenancy.limiting import CUSTOMER_ROWS
from stockade.tenancy.principal import Principal
from stockade.trust.collect import collect

collect()
BRAKE, ROLES = "identity.guessing-braked", "access.own-roles-hold"
RESERVED = "access.sweeping-work-reserved"
WIDE = RouteInfo("DELETE", "/api/v1/customers", "parties:update", "api")


@pytest.fixture
def found(server: Any, database_name: str, tmp_path: Path) -> Callable[[str], Any]:
    """Run a control on an application that listens."""

    async def run(name: str) -> Finding:
        async with listening(server, database_name, tmp_path) as live:
            return await CONTROLS[name].check(live)

    return run


@pytest.mark.parametrize("name", [BRAKE, ROLES, RESERVED])
async def test_the_control_holds_and_holds_again(
    server: Any, database_name: str, tmp_path: Path, name: str
) -> None:  # fmt: skip
    async with listening(server, database_name, tmp_path) as live:
        for _ in range(2):
            finding = await CONTROLS[name].check(live)
            assert finding.holds, finding


async def test_without_the_brake_guessing_goes_on(found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def let_pass(*_: Any) -> None:
        return None

    monkeypatch.setattr(brake, "check", let_pass)
    assert not (await found(BRAKE)).holds


async def test_a_brake_on_addresses_alone_misses_many_of_them(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(brake.FREE, "account", 1000)
    assert not (await found(BRAKE)).holds


async def test_without_the_policy_roles_see_what_is_not_theirs(found: Callable[[str], Any], superuser: Any) -> None:
    await superuser.execute("alter policy rows on parties.customer using (true)")
    try:
        assert not (await found(ROLES)).holds
    finally:
        await superuser.execute(f"alter policy rows on parties.customer using ({CUSTOMER_ROWS})")


async def test_without_the_guard_hidden_fields_are_shown(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements.Statement, "_maker", lambda self, tx: self._make)
    assert not (await found(ROLES)).holds


async def test_without_the_trail_the_making_of_roles_is_not_noted(found: Callable[[str], Any], superuser: Any) -> None:
    await superuser.execute("set session_replication_role = replica")
    for table in (
        "identity.api_key where own_role_id is not null",
        "identity.role",
        "audit.entry where action = 'identity.role_made'",
    ):
        await superuser.execute(f"delete from {table}")  # what earlier runs have made and noted
    await superuser.execute("reset session_replication_role")
    await superuser.execute("alter table identity.role disable trigger audit_insert")
    try:
        assert not (await found(ROLES)).holds
    finally:
        await superuser.execute("alter table identity.role enable trigger audit_insert")


async def test_a_reserved_permission_that_members_have_is_seen(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = Permission.granted_to

    def generous(self: Permission, principal: Principal) -> bool:
        return self.name == "imports:run" or granted(self, principal)

    monkeypatch.setattr(Permission, "granted_to", generous)
    told = await found(RESERVED)
    assert not told.holds
    assert "/imports" in str(told)


async def test_a_role_that_could_be_given_what_is_reserved_is_seen(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "grantable_permissions", lambda: sorted(PERMISSIONS))
    told = await found(RESERVED)
    assert not told.holds
    assert "was given imports:run" in str(told)


async def test_a_route_that_deletes_in_numbers_for_members_is_seen(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A route is added to what the control is told of the installation."""
    monkeypatch.setattr(listening_module, "routes_of", lambda: [*routes_of(), WIDE])
    told = await found(RESERVED)
    assert not told.holds
    assert "deletes in numbers" in str(told)
