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

NAMES = ("platform.access-guarded", "platform.surface-apart", "platform.access-bounded")
GUARDED, APART, BOUNDED = (CONTROLS[name].check for name in NAMES)


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


def opening(prefix: str, refused: int) -> Any:
    """A server that lets in whom it has refused."""

    def sabotage(path: str, status: int, headers: list[Any], body: bytes) -> tuple[int, list[Any], bytes]:
        return (200 if path.startswith(prefix) and status == refused else status), headers, body

    return sabotage


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, ""),
        ({"sabotage": opening("/platform/", 401)}, "GET /platform/api/tenants is answered with 200"),
        ({"sabotage": opening("/platform/operators", 401)}, "GET /platform/operators is answered with 200"),
        ({"sabotage": opening("/customers", 401)}, "GET /customers is answered with 200"),
    ],
)
async def test_the_surfaces_are_apart(
    server: Server, database_name: str, tmp_path: Path, given: dict[str, Any], told: str
) -> None:
    await checked(APART, server, database_name, tmp_path, given, told)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, ""),
        ({"sabotage": opening("/customers", 403)}, "GET /customers is answered with 200"),
        ({"sabotage": opening("/api/v1/orders", 401)}, "GET /api/v1/orders is answered with 200"),
        ({"sabotage": opening("/platform/tenants", 401)}, "GET /platform/tenants is answered with 200"),
        ({"sabotage": opening("/orders", 401)}, "GET /orders is answered with 200, not with 401"),
    ],
)
async def test_an_access_is_bounded(
    server: Server, database_name: str, tmp_path: Path, given: dict[str, Any], told: str
) -> None:
    await checked(BOUNDED, server, database_name, tmp_path, given, told)


async def checked(
    check: Any, server: Server, database_name: str, tmp_path: Path, given: dict[str, Any], told: str
) -> None:  # fmt: skip
    """The control is green on an honest server, and red with these words on a sabotaged one."""
    async with listening(
        server, database_name, tmp_path, address_requests_per_minute=6000, credential_requests_per_minute=6000, **given
    ) as live:
        found = await check(live)
    assert found.holds is not bool(told), found
    assert not told or any(told in line for line in found.details), found
