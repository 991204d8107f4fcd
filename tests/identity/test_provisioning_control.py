"""The control of provisioning holds on the application, and turns red when a removal does not end access."""

from pathlib import Path
from typing import Any

import pytest
from tests.trust.listening import listening

from stockade.access import provisioning
from stockade.identity.scim import users
from stockade.kernel.control import CONTROLS, Finding
from stockade.tenancy.principal import Principal
from stockade.trust.collect import collect

collect()
LIMITS = {"address_requests_per_minute": 6000, "credential_requests_per_minute": 6000}


async def found_on(server: Any, database_name: str, folder: Path) -> Finding:
    async with listening(server, database_name, folder, **LIMITS) as live:
        return await CONTROLS["identity.deprovisioning-at-once"].check(live)


async def test_the_control_of_provisioning_holds(server: Any, database_name: str, tmp_path: Path) -> None:
    found = await found_on(server, database_name, tmp_path)
    assert found.holds, found


async def test_it_turns_red_when_deactivation_ends_nothing(
    server: Any, database_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(tx: Any, row: Any) -> None:
        """The defence, removed."""

    monkeypatch.setattr(users, "end_access", nothing)
    found = await found_on(server, database_name, tmp_path)
    assert any("their session is answered with 200" in detail for detail in found.details), found


async def test_it_turns_red_when_an_owners_key_opens_provisioning(
    server: Any, database_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everybody(self: Any, principal: Principal) -> bool:
        return True

    monkeypatch.setattr(provisioning._Provisioning, "granted_to", everybody)
    found = await found_on(server, database_name, tmp_path)
    assert any("where only a directory may be" in detail for detail in found.details), found
