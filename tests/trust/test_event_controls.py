"""The control of security events holds on the application as it is, and turns red when one is not written down."""

from pathlib import Path
from typing import Any

import pytest
from tests.trust.listening import listening

from stockade.identity.events.declared import misfit
from stockade.identity.service import sign_in
from stockade.kernel.control import CONTROLS, Finding
from stockade.trust.collect import collect

collect()


async def found_on(server: Any, database_name: str, folder: Path) -> Finding:
    async with listening(server, database_name, folder) as live:
        return await CONTROLS["identity.security-events-structured"].check(live)


async def test_the_control_of_security_events_holds(server: Any, database_name: str, tmp_path: Path) -> None:
    found = await found_on(server, database_name, tmp_path)
    assert found.holds, found


async def test_it_turns_red_when_a_failed_sign_in_is_not_written_down(
    server: Any, database_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_given: Any) -> None:
        """The defence, removed."""

    monkeypatch.setattr(sign_in, "_note", nothing)
    found = await found_on(server, database_name, tmp_path)
    assert found.details == ("a failed sign-in was not written down",)


async def test_it_turns_red_when_signing_out_is_not_written_down(server: Any, scratch: str, tmp_path: Path) -> None:
    import asyncpg

    admin = await asyncpg.connect(server.admin_dsn(scratch))
    triggers = await admin.fetch(
        "select tgname from pg_trigger where tgrelid = 'identity.session'::regclass and not tgisinternal"
    )
    for row in triggers:
        await admin.execute(f'alter table identity.session disable trigger "{row[0]}"')
    await admin.close()
    found = await found_on(server, scratch, tmp_path)
    assert {"identity.signed_in was not written down", "identity.signed_out was not written down"} <= set(found.details)


def test_an_entry_without_its_fields_does_not_fit() -> None:
    assert misfit({"action": "identity.signed_in"})
    assert misfit({"action": "identity.unheard_of"})
