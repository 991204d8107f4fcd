"""The controls of the operators' surface and of break-glass hold, and turn red without the defence."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.attacks.conftest import attacked
from tests.conftest import Server
from tests.trust.listening import listening

import stockade.platform.controls  # noqa: F401  # declares what the tests check
from stockade.kernel.control import CONTROLS

GUARDED, APART = (CONTROLS[name].check for name in ("platform.access-guarded", "platform.surface-apart"))


async def test_the_database_guards_accesses(server: Server, database_name: str, tmp_path: Path) -> None:
    async with attacked(server, database_name, tmp_path) as installation:
        found = await GUARDED(installation)
    assert found.holds, found


@pytest.mark.parametrize(
    ("defence", "told"),
    [
        ("alter table platform.break_glass disable trigger guard", "approved from the start"),
        ("grant update (scope) on platform.break_glass to stockade_platform; "
         "alter table platform.break_glass disable trigger guard", "its scope was widened"),
        ("alter table platform.break_glass drop constraint break_glass_minutes_check", "four hours were exceeded"),
    ],
)  # fmt: skip
async def test_without_the_defence_it_turns_red(
    server: Server, scratch: str, tmp_path: Path, defence: str, told: str
) -> None:
    async with attacked(server, scratch, tmp_path) as installation:
        admin = await asyncpg.connect(server.admin_dsn(scratch))
        try:
            await admin.execute(defence)
        finally:
            await admin.close()
        found = await GUARDED(installation)
    assert not found.holds
    assert any(told in line for line in found.details), found


def opening(path: str, status: int, headers: list[Any], body: bytes) -> tuple[int, list[Any], bytes]:
    return (200 if path.startswith("/platform/") and status == 401 else status), headers, body


@pytest.mark.parametrize(("given", "holds"), [({}, True), ({"sabotage": opening}, False)])
async def test_the_surface_is_apart(
    server: Server, database_name: str, tmp_path: Path, given: dict[str, Any], holds: bool
) -> None:
    async with listening(
        server, database_name, tmp_path, address_requests_per_minute=6000, credential_requests_per_minute=6000, **given
    ) as live:
        found = await APART(live)
    assert found.holds is holds, found
