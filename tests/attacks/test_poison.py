"""A pooled session is shared by tenants one after the other.

What one leaves in it must not act in the next one's name.
"""

import asyncpg
import pytest
from tests.attacks.conftest import Attacked, Breach
from tests.conftest import Server

from stockade.database.roles import Role
from stockade.tenancy.attacks import trial
from stockade.tenancy.transaction import Database, Pool, open_pool

OURS = "select name from catalog.product where tenant_id = $1"


async def test_a_prepared_statement_cannot_be_replaced_because_its_name_cannot_be_known(
    server: Server, installation: Attacked
) -> None:
    database = Database(
        {"main": await open_pool(server.dsn(Role.APPLICATION, installation.name), server.signer, size=1)}
    )
    async with database.transaction(installation.victim.principal) as tx:
        await tx.fetch(OURS, installation.victim.tenant_id)
    async with trial(database, installation.attacker) as one:
        assert (await one.attempt("select name, statement from pg_prepared_statements")).state == "42501"
    async with trial(database, installation.attacker) as one:
        for number in range(200):
            assert (await one.attempt(f"deallocate __asyncpg_stmt_{number:x}__")).state == "26000"
    await database.close()


async def test_a_statement_whose_name_is_known_is_replaced_and_acts_as_the_next_tenant(
    server: Server, breach: Breach
) -> None:
    # The twin: statements with the driver's counted names, and the list of them open to all.
    installation = breach.installation
    await breach.superuser.execute("grant execute on function pg_catalog.pg_prepared_statement() to public")
    connections = await asyncpg.create_pool(
        server.dsn(Role.APPLICATION, installation.name),
        min_size=1,
        max_size=1,
        reset=_nothing,
        max_cached_statement_lifetime=0,
    )
    database = Database({"main": Pool(connections, server.signer)})
    async with database.transaction(installation.victim.principal) as tx:
        await tx.fetch(OURS, installation.victim.tenant_id)
    async with database.transaction(installation.attacker.principal) as tx:
        name = (await tx.fetchrow("select name from pg_prepared_statements where statement = $1", OURS))[0]
        await tx.execute(f"deallocate {name}")
        evil = (
            "with gone as (update parties.company set legal_name = 'the attacker' returning legal_name) "
            "select legal_name from gone where $1 is not null"
        )
        await tx.execute(f"prepare {name} (uuid) as {evil}")
    async with database.transaction(installation.victim.principal) as tx:
        assert [row[0] for row in await tx.fetch(OURS, installation.victim.tenant_id)] == ["the attacker"]
    await database.close()


async def _nothing(_connection: object) -> None:
    """As the product's pool: reset nothing."""


@pytest.mark.parametrize(
    "setting", ["timezone = 'Pacific/Kiritimati'", "row_security = off", "default_transaction_read_only = on"]
)
async def test_a_setting_of_the_session_does_not_outlive_the_transaction(
    server: Server, installation: Attacked, setting: str
) -> None:
    database = Database(
        {"main": await open_pool(server.dsn(Role.APPLICATION, installation.name), server.signer, size=1)}
    )
    name = setting.partition(" ")[0]
    async with database.transaction(installation.victim.principal) as tx:
        before = (await tx.fetchrow(f"show {name}"))[0]
    async with database.transaction(installation.attacker.principal) as tx:
        await tx.execute(f"set {setting}")
    async with database.transaction(installation.victim.principal) as tx:
        assert (await tx.fetchrow(f"show {name}"))[0] == before
        assert await tx.fetch(OURS, installation.victim.tenant_id)
    await database.close()


async def test_a_held_cursor_does_not_outlive_the_transaction(server: Server, installation: Attacked) -> None:
    database = Database(
        {"main": await open_pool(server.dsn(Role.APPLICATION, installation.name), server.signer, size=1)}
    )
    async with database.transaction(installation.victim.principal) as tx:
        await tx.execute("declare kept cursor with hold for select id from tenancy.tenant")
    async with trial(database, installation.attacker) as one:
        assert (await one.attempt("fetch all from kept")).state == "34000"
    await database.close()
