"""An assertion is good once, in every process and at the same moment."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import asyncpg
import pytest
from tests.conftest import MakeTenant, TenantFixture

from stockade.identity.saml import seen
from stockade.identity.saml.refusal import SamlRefused
from stockade.identity.saml.seen import remember
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Database

SOON = datetime.now(UTC) + timedelta(minutes=5)


async def used(database: Database, tenant: TenantFixture, id: str, expires_at: datetime = SOON) -> bool:
    try:
        async with database.transaction(tenant.principal) as tx:
            await remember(tx, id, expires_at)
    except SamlRefused as refused:
        if refused.word != "replayed":
            raise
        return False
    return True


async def test_a_replayed_assertion_is_refused(database: Database, tenant: TenantFixture) -> None:
    assert await used(database, tenant, "_a")
    assert not await used(database, tenant, "_a")
    assert await used(database, tenant, "_b")


async def test_of_many_at_the_same_moment_one_is_let_in(database: Database, tenant: TenantFixture) -> None:
    assert sum(await asyncio.gather(*(used(database, tenant, "_a") for _ in range(8)))) == 1


async def test_a_sign_in_that_failed_has_not_used_the_assertion(database: Database, tenant: TenantFixture) -> None:
    async def failing() -> None:
        async with database.transaction(tenant.principal) as tx:
            await remember(tx, "_a", SOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await failing()
    assert await used(database, tenant, "_a")


async def test_another_organisation_learns_nothing_of_it(database: Database, make_tenant: MakeTenant) -> None:
    first, second = await make_tenant(), await make_tenant()
    assert await used(database, first, "_a")
    assert await used(database, second, "_a")


async def test_twin_notes_under_a_name_of_their_own_let_the_replay_in(
    database: Database, tenant: TenantFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "sha256", lambda _: sha256(new_id().bytes))
    assert await used(database, tenant, "_a")
    assert await used(database, tenant, "_a")


async def test_old_notes_go_a_day_after_their_end(
    database: Database, tenant: TenantFixture, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    now = datetime.now(UTC)
    assert await used(database, tenant, "_old", now - timedelta(hours=25))
    assert await used(database, tenant, "_recent", now - timedelta(hours=23))
    assert await used(database, tenant, "_new")
    assert not await used(database, tenant, "_recent")
    kept = await superuser.fetchval("select count(*) from identity.saml_seen where tenant_id = $1", tenant.id)
    assert kept == 2
