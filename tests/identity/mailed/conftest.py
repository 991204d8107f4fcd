"""The installation that sends mail, for every test of mailed ways in."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Server, TenantFixture
from tests.identity.mailed.office import Office, opened

from stockade.tenancy.transaction import Database


@pytest.fixture
async def office(
    server: Server, database_name: str, tmp_path: Path, database: Database, tenant: TenantFixture, superuser: Any
) -> AsyncIterator[Office]:
    """An installation with a relay on this machine."""
    async with opened(server, database_name, tmp_path, database, tenant, superuser) as made:
        yield made


@pytest.fixture
async def silent(
    server: Server, database_name: str, tmp_path: Path, database: Database, tenant: TenantFixture, superuser: Any
) -> AsyncIterator[Office]:
    """An installation that sends no mail."""
    nothing = {"smtp_url": None, "mail_from": None}
    async with opened(server, database_name, tmp_path, database, tenant, superuser, **nothing) as made:
        yield made
