"""EXPLAIN: what the planner tells of other tenants' rows.

Estimates must not depend on their values; counts cannot be kept.
"""

import msgspec
from tests.attacks.conftest import Attacked, Breach

from stockade.tenancy.declaration import declared_tables, wall_of

FILL = """
alter table parties.customer disable trigger audit_insert;
insert into parties.customer (tenant_id, id, number, name, country, currency, state)
select '{0}', uuidv7(), 'S' || n, case when n < 200 then 'Secret Buyer' else md5(n::text) end, 'PL', 'EUR', 'active'
from generate_series(1, 300) as n;
alter table parties.customer enable trigger audit_insert;
analyze parties.customer;
"""


async def estimated(installation: Attacked, condition: str) -> int:
    """How many rows the planner expects, as the attacker is told."""
    async with installation.application.transaction(installation.attacker.principal) as tx:
        plan = (await tx.fetchrow(f"explain (format json) select * from parties.customer where {condition}"))[0]
    decoded = msgspec.json.decode(plan) if isinstance(plan, str) else plan
    rows: int = decoded[0]["Plan"]["Plan Rows"]
    return rows


async def test_an_estimate_does_not_tell_whether_another_tenant_has_a_value(breach: Breach) -> None:
    installation = breach.installation
    await breach.superuser.execute(FILL.format(installation.victim.tenant_id))
    assert await estimated(installation, "name = 'Secret Buyer'") == await estimated(
        installation, "name = 'Nobody at all'"
    )
    assert await estimated(installation, "name < '3'") == await estimated(installation, "name < 'd'")


async def test_with_a_sample_the_estimate_tells_the_value_and_where_others_lie(breach: Breach) -> None:
    installation = breach.installation
    await breach.superuser.execute("alter table parties.customer alter column name set statistics 100")
    await breach.superuser.execute(FILL.format(installation.victim.tenant_id))
    assert await estimated(installation, "name = 'Secret Buyer'") > 10 * await estimated(
        installation, "name = 'Nobody at all'"
    )
    assert await estimated(installation, "name < '3'") < await estimated(installation, "name < 'd'")


async def test_no_column_that_tenants_write_is_sampled_in_any_table_or_partition(breach: Breach) -> None:
    await breach.superuser.execute("analyze")
    rows = await breach.superuser.fetch(
        "select case when c.relispartition then 'audit.entry' else c.oid::regclass::text end, a.attname "
        "from pg_statistic s "
        "join pg_class c on c.oid = s.starelid join pg_attribute a on a.attrelid = c.oid and a.attnum = s.staattnum"
    )
    sampled = {(row[0], row[1]) for row in rows}
    tables = [table for table in declared_tables() if wall_of(table).scope == "tenant"]
    assert not [
        (table.fullname, name)
        for table in tables
        for name in wall_of(table).unsampled
        if (table.fullname, name) in sampled
    ]
    assert ("parties.customer", "tenant_id") in sampled


async def test_an_executed_plan_tells_how_many_rows_were_passed_over_and_never_which(breach: Breach) -> None:
    # What remains: the number of rows of all tenants together, which pg_class.reltuples tells as well. It does not
    # depend on the condition, so it answers no question about a value.
    installation = breach.installation
    await breach.superuser.execute(FILL.format(installation.victim.tenant_id))
    removed = []
    async with installation.application.transaction(installation.attacker.principal) as tx:
        await tx.execute("set local enable_indexscan = off")
        await tx.execute("set local enable_bitmapscan = off")
        for name in ("Secret Buyer", "Nobody at all"):
            plan = (
                await tx.fetchrow(
                    f"explain (analyze, format json) select * from parties.customer where name = '{name}'"
                )
            )[0]
            decoded = msgspec.json.decode(plan) if isinstance(plan, str) else plan
            removed.append(decoded[0]["Plan"]["Rows Removed by Filter"])
    assert removed[0] == removed[1] > 300
