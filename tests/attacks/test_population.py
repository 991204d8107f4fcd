"""The attacks are worth something only against tenants with rows in every table."""

from tests.attacks.conftest import Attacked

from stockade.tenancy.declaration import declared_tables, wall_of
from stockade.tenancy.probes import known_rows


async def test_both_probe_tenants_hold_a_row_in_every_tenant_table(installation: Attacked) -> None:
    expected = {table.fullname for table in declared_tables() if wall_of(table).scope == "tenant"}
    for probe in installation.probes:
        async with installation.application.transaction(probe.principal) as tx:
            rows = await known_rows(tx)
        assert set(rows) >= expected
