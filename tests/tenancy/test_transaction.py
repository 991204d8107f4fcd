"""The one transaction: pinned, committed, translated."""

import pytest
from tests.conftest import MakeTenant

from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Database


async def test_a_tenant_sees_its_own_row_and_no_other(database: Database, make_tenant: MakeTenant) -> None:
    mine, theirs = await make_tenant(), await make_tenant()
    async with database.transaction(mine.principal) as tx:
        rows = await tx.fetch("select id from tenancy.tenant")
    assert [row[0] for row in rows] == [mine.id]
    assert theirs.id != mine.id


async def test_without_a_pin_no_row_is_visible(database: Database, make_tenant: MakeTenant) -> None:
    await make_tenant()
    async with database.main().acquire() as connection:
        assert await connection.fetchval("select count(*) from tenancy.tenant") == 0


async def test_an_update_leaves_an_entry_with_both_values(database: Database, make_tenant: MakeTenant) -> None:
    tenant = await make_tenant()
    async with database.transaction(tenant.principal) as tx:
        await tx.execute(
            "insert into stock.warehouse (tenant_id, id, code, name, state) values ($1, $2, 'A', 'Old', 'active')",
            tenant.id,
            new_id(),
        )
        await tx.execute("update stock.warehouse set name = 'New'")
        entry = await tx.fetchrow(
            "select before, after, actor_kind from audit.entry where subject = 'stock.warehouse' and action = 'update'"
        )
    assert (entry["before"], entry["after"]) == ({"name": "Old"}, {"name": "New"})
    assert entry["actor_kind"] == "system"


@pytest.mark.parametrize(
    "verb", ["update audit.entry set action = 'x'", "delete from audit.entry", "truncate audit.entry"]
)
async def test_the_trail_cannot_be_altered(database: Database, make_tenant: MakeTenant, verb: str) -> None:
    tenant = await make_tenant()
    with pytest.raises(Exception, match="permission denied"):
        async with database.transaction(tenant.principal) as tx:
            await tx.execute(verb)
