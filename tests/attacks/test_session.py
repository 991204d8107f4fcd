"""What one tenant's request could leave behind in a pooled session, or say over a channel that knows no tenants."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from tests.attacks.conftest import Attacked, Breach
from tests.conftest import Server

import stockade
from stockade.database.roles import OWNER, OWNERS, Role
from stockade.kernel.control import CONTROLS
from stockade.kernel.problems import Problem
from stockade.tenancy.attacks import trial
from stockade.tenancy.declaration import declared_tables, wall_of
from stockade.tenancy.transaction import Database, open_pool

ROLE = "tenancy.role-has-no-power"
TENANT_TABLES = [table for table in declared_tables() if wall_of(table).scope == "tenant"]


async def one_session(server: Server, name: str) -> Database:
    """The application with a single session, so that two tenants surely share it."""
    return Database({"main": await open_pool(server.dsn(Role.APPLICATION, name), server.signer, size=1)})


async def test_a_pin_left_in_the_session_is_replaced_by_the_next_transactions_own(
    server: Server, installation: Attacked
) -> None:
    database = await one_session(server, installation.name)
    async with database.transaction(installation.attacker.principal) as tx:
        await tx.execute("select set_config('stockade.pin', current_setting('stockade.pin'), false)")
    async with database.transaction(installation.victim.principal) as tx:
        seen = await tx.fetch("select id from tenancy.tenant")
    assert [row[0] for row in seen] == [installation.victim.tenant_id]
    await database.close()


async def test_a_temporary_table_would_carry_rows_into_the_next_tenants_request(server: Server, breach: Breach) -> None:
    installation = breach.installation
    await breach.superuser.execute(f'grant temporary on database "{installation.name}" to stockade_application')
    database = await one_session(server, installation.name)
    async with database.transaction(installation.victim.principal) as tx:
        await tx.execute("create temporary table kept as select id from tenancy.tenant")
    async with database.transaction(installation.attacker.principal) as tx:
        stolen = await tx.fetch("select id from pg_temp.kept")
    assert [row[0] for row in stolen] == [installation.victim.tenant_id]
    assert not (await CONTROLS[ROLE].check(installation)).holds
    await database.close()


async def test_a_name_without_its_schema_finds_no_table_so_that_nothing_can_stand_before_one(
    installation: Attacked,
) -> None:
    async with trial(installation.application, installation.attacker) as one:
        assert (await one.tx.fetchrow("show search_path"))[0] == "pg_catalog, pg_temp"
        assert (await one.attempt("select * from product")).state == "42P01"


def test_no_code_of_ours_leaves_a_cursor_or_a_temporary_table_or_speaks_on_a_channel_without_tenants() -> None:
    # A held cursor cannot be refused by privilege; the source must not use one.
    folder = Path(stockade.__file__).parent
    words = re.compile(
        r"\bcursor\b.*\bwith hold\b|\bcreate (temp|unlogged)|\bpg_notify\(|\bpg_(try_)?advisory_|\bset session "
    )
    attackers = {"forgeries.py", "roles.py"}
    sources = [path for path in [*folder.rglob("*.py"), *folder.rglob("*.sql")] if path.name not in attackers]
    assert len(sources) > 50
    assert [(path.name, found[0]) for path in sources if (found := words.search(path.read_text().lower()))] == []


async def test_large_objects_would_be_shared_by_all_tenants(breach: Breach) -> None:
    installation = breach.installation
    await breach.superuser.execute(
        "grant execute on function pg_catalog.lo_from_bytea(oid, bytea), pg_catalog.lo_get(oid) to stockade_application"
    )
    async with installation.application.transaction(installation.victim.principal) as tx:
        oid = (await tx.fetchrow("select lo_from_bytea(0, $1)", b"the victim's"))[0]
    async with installation.application.transaction(installation.attacker.principal) as tx:
        assert (await tx.fetchrow("select lo_get($1)", oid))[0] == b"the victim's"
    assert not (await CONTROLS[ROLE].check(installation)).holds


async def test_advisory_locks_would_tell_one_tenant_what_another_does(breach: Breach) -> None:
    installation = breach.installation
    await breach.superuser.execute(
        "grant execute on function pg_catalog.pg_try_advisory_xact_lock(bigint) to stockade_application"
    )
    async with (
        installation.application.transaction(installation.victim.principal) as theirs,
        installation.application.transaction(installation.attacker.principal) as mine,
    ):
        await theirs.execute("select pg_try_advisory_xact_lock(7)")
        assert (await mine.fetchrow("select pg_try_advisory_xact_lock(7)"))[0] is False


async def test_the_texts_of_running_statements_would_tell_a_tenants_literals(server: Server, breach: Breach) -> None:
    installation = breach.installation
    await breach.superuser.execute(
        f'alter database "{installation.name}" set track_activities = on; '
        "grant execute on function pg_catalog.pg_stat_get_activity(integer) to public"
    )
    database = Database(
        {"main": await open_pool(server.dsn(Role.APPLICATION, installation.name), server.signer, size=2)}
    )
    async with (
        database.transaction(installation.victim.principal) as theirs,
        database.transaction(installation.attacker.principal) as mine,
    ):
        await theirs.fetch("select 'a literal of the victim'")
        seen = await mine.fetch(
            "select query from pg_stat_activity where query like '%a literal of%' and pid <> pg_backend_pid()"
        )
    assert [row[0] for row in seen] == ["select 'a literal of the victim'"]
    found = await CONTROLS[ROLE].check(installation)
    assert any("track_activities" in line for line in found.details)
    assert "it could list the sessions" in found.details
    await database.close()


async def test_a_notification_says_that_there_is_work_and_nothing_of_whose(
    server: Server, installation: Attacked
) -> None:
    # LISTEN and NOTIFY know no privileges: every session may hear every channel, so nothing of a tenant's may travel
    # there.
    heard: list[str] = []
    listener = await asyncpg.connect(server.dsn(Role.APPLICATION, installation.name))
    await listener.add_listener("ch_pgqueuer", lambda *given: heard.append(str(given[-1])))
    async with installation.application.transaction(installation.victim.principal) as tx:
        await tx.execute(
            "insert into jobs.pgqueuer (priority, status, entrypoint, payload) values (0, 'queued', 'nothing', $1)",
            str(installation.victim.tenant_id).encode(),
        )
    for _ in range(50):
        if heard:
            break
        await asyncio.sleep(0.02)
    await listener.close()
    assert len(heard) == 1
    assert '"table_changed_event"' in heard[0]
    assert installation.victim.tenant_id.hex not in heard[0].replace("-", "")


async def test_no_sequence_numbers_a_tenants_rows_and_those_of_the_queue_cannot_be_read(installation: Attacked) -> None:
    async with trial(installation.application, installation.attacker) as one:
        sequences = await one.tx.fetch(
            "select oid::regclass::text, relnamespace = 'jobs'::regnamespace from pg_class where relkind = 'S'"
        )
        assert sequences
        for name, of_the_queue in sequences:
            assert of_the_queue, f"{name} would count all tenants' rows"
            assert (await one.attempt(f"select last_value from {name}")).state == "42501"


async def test_a_sequence_that_may_be_read_tells_how_busy_the_others_are(breach: Breach) -> None:
    await breach.superuser.execute("grant select on all sequences in schema jobs to stockade_application")
    async with trial(breach.installation.application, breach.installation.attacker) as one:
        assert (await one.attempt("select last_value from jobs.pgqueuer_id_seq")).state is None
    assert not (await CONTROLS[ROLE].check(breach.installation)).holds


async def test_an_error_that_reaches_the_caller_quotes_no_value(installation: Attacked) -> None:
    with pytest.raises(Problem) as caught:
        async with installation.application.transaction(installation.attacker.principal) as tx:
            await tx.execute("insert into catalog.product select * from catalog.product")
    said = str(caught.value.document()) + str(caught.value)
    assert installation.attacker.tenant_id.hex not in said.replace("-", "")
    assert "Key (" not in said


async def test_statistics_of_a_table_or_partition_are_not_shown_to_those_behind_the_wall(breach: Breach) -> None:
    installation = breach.installation
    await breach.superuser.execute("analyze")
    async with trial(installation.application, installation.attacker) as one:
        shown = await one.tx.fetch(
            "select schemaname, tablename from pg_stats where schemaname not in ('pg_catalog', 'information_schema')"
        )
        walled = {table.fullname for table in TENANT_TABLES}
        assert not [row for row in shown if f"{row[0]}.{row[1]}" in walled or str(row[1]).startswith("entry_")]
    await breach.superuser.execute("alter table parties.customer disable row level security")
    async with trial(installation.application, installation.attacker) as one:
        assert await one.tx.fetch(
            "select most_common_vals::text, histogram_bounds::text from pg_stats where tablename = 'customer'"
        )


async def test_even_the_owner_of_the_tables_sees_no_row(server: Server, breach: Breach) -> None:
    installation = breach.installation
    migration = await asyncpg.connect(server.dsn(Role.MIGRATION, installation.name))
    for owner in OWNERS:
        await migration.execute(f"set role {owner}")
        for table in (table for table in TENANT_TABLES if owner not in wall_of(table).exempt):
            try:
                rows = await migration.fetchval(f"select count(*) from {table.fullname}")
            except asyncpg.InsufficientPrivilegeError:
                rows = 0
            assert rows == 0, f"{owner} sees {table.fullname}"
        await migration.execute("reset role")
    await breach.superuser.execute("alter table catalog.product no force row level security")
    await migration.execute(f"set role {OWNER}")
    assert await migration.fetchval("select count(*) from catalog.product") > 0
    assert not (await CONTROLS["tenancy.wall-as-declared"].check(installation)).holds
    await migration.close()


async def test_the_backups_role_reads_every_table_and_changes_none(server: Server, installation: Attacked) -> None:
    backup = await asyncpg.connect(server.dsn(Role.BACKUP, installation.name))
    assert await backup.fetchval("show transaction_read_only") == "on"
    await backup.execute("set default_transaction_read_only = off")  # it may, and then its grants still hold
    for table in TENANT_TABLES:
        assert await backup.fetchval(f"select count(*) from {table.fullname}") > 0
        column = next(iter(table.columns)).name
        for sql in ("update {0} set {1} = {1}", "delete from {0}", "insert into {0} default values", "truncate {0}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await backup.execute(sql.format(table.fullname, column))
    await backup.close()


async def test_a_superusers_connection_in_the_applications_place_turns_the_role_control_red(
    server: Server, breach: Breach
) -> None:
    as_superuser = Database(
        {"main": await open_pool(server.admin_dsn(breach.installation.name), server.signer, size=2)}
    )
    found = await CONTROLS[ROLE].check(replace(breach.installation, application=as_superuser))
    await as_superuser.close()
    assert "the connection's role is a superuser" in found.details
    assert "the connection's role bypasses policies" in found.details
    assert "the connection's role owns relations" in found.details
