"""The twins: a defence is taken away in a clone, the attack that it held off succeeds, and a control turns red.

A check that cannot turn red proves nothing.
"""

from dataclasses import dataclass

import pytest
from tests.attacks.conftest import Breach

from stockade.kernel.control import CONTROLS
from stockade.kernel.ids import new_id
from stockade.tenancy import attacks, forgeries

PARTITION = (
    "(select inhrelid::regclass from pg_inherits where inhparent = 'audit.entry'::regclass order by inhrelid limit 1)"
)
WALL, ROLE, FUNCTIONS, KEYS = (
    "tenancy.wall-as-declared",
    "tenancy.role-has-no-power",
    "tenancy.functions-fenced",
    "tenancy.no-key-crosses",
)


@dataclass(frozen=True)
class Twin:
    """What a superuser does, the attack that then succeeds, what it says, and the control that notices."""

    tampering: str
    attack: str
    says: str
    control: str


TWINS = {
    "a view owned by a superuser": Twin(
        "create view catalog.prices as select * from catalog.product; "
        "grant select on catalog.prices to stockade_application",
        "read_rows", "catalog.prices: read everything", WALL,
    ),
    "a materialized view": Twin(
        "create materialized view catalog.frozen as select * from catalog.product; "
        "grant select on catalog.frozen to stockade_application",
        "read_rows", "catalog.frozen: read everything", WALL,
    ),
    "a definer function of a role that bypasses policies": Twin(
        "create function catalog.name_of(whose uuid) returns setof text language sql security definer "
        "as 'select name from catalog.product where tenant_id = whose'",
        "call_functions", "catalog.name_of(uuid): tells about the victim", FUNCTIONS,
    ),
    "a partition queried directly": Twin(
        "do $$ declare p regclass; begin for p in "
        "select inhrelid::regclass from pg_inherits where inhparent = 'audit.entry'::regclass loop "
        "execute format('alter table %s disable row level security', p); "
        "execute format('grant select on %s to stockade_application', p); end loop; end $$",
        "read_rows", "audit.entry_", WALL,
    ),
    "a second permissive policy beside a permissive wall": Twin(
        "drop policy wall on catalog.product; "
        "create policy wall on catalog.product using (tenant_id = (select tenancy.current_tenant())); "
        "create policy support on catalog.product using (true)",
        "read_rows", "catalog.product: read by tenant", WALL,
    ),
    "row security switched off": Twin(
        "alter table parties.customer disable row level security", "write_rows", "parties.customer: change", WALL
    ),
    "copying from a table without row security": Twin(
        "alter table parties.customer disable row level security", "copy_out", "parties.customer: copied out", WALL
    ),
    "an error provoked on another's row": Twin(
        "alter table orders.line disable row level security",
        "read_rows", "orders.line: read by provoking an error", WALL,
    ),
    "a wall that checks reads but not writes": Twin(
        "drop policy wall on orders.hold; "
        "create policy wall on orders.hold as restrictive for select "
        "using (tenant_id = (select tenancy.current_tenant()))",
        "insert_rows", "orders.hold: insert as the victim", WALL,
    ),
    "a tenant_id that may be updated": Twin(
        "grant update (tenant_id) on idempotency.used_key to stockade_application; "
        "alter table idempotency.used_key disable row level security",
        "write_rows", "idempotency.used_key: give a row to", WALL,
    ),
    "the right to delete without a wall": Twin(
        "grant delete on orders.hold to stockade_application; alter table orders.hold disable row level security",
        "write_rows", "orders.hold: delete", WALL,
    ),
    "the right to truncate": Twin(
        "grant truncate on orders.hold to stockade_application",
        "write_rows", "orders.hold: wipe it with TRUNCATE", ROLE,
    ),
    "a foreign key without the tenant": Twin(
        "alter table parties.customer add unique (id); "
        "alter table parties.contact drop constraint contact_tenant_id_customer_id_fkey; "
        "alter table parties.contact add foreign key (customer_id) references parties.customer (id)",
        "refer_to_rows", "parties.contact -> parties.customer: a reference to the victim's row was accepted", KEYS,
    ),
    "a unique key over all tenants": Twin(
        "alter table parties.customer add unique (number)",
        "learn_from_keys", "parties.customer: a unique key tells", KEYS,
    ),
    "an exclusion over all tenants": Twin(
        "alter table parties.customer add exclude using btree (number with =)",
        "learn_from_keys", "parties.customer: a unique key tells", KEYS,
    ),
    "a table added tomorrow without a wall": Twin(
        "create table catalog.tomorrow (tenant_id uuid, secret text); "
        "grant select on catalog.tomorrow to stockade_application; "
        "insert into catalog.tomorrow select id, 'x' from tenancy.tenant",
        "read_rows", "catalog.tomorrow: read by tenant", WALL,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TWINS)
async def test_without_the_defence_the_attack_succeeds_and_a_control_turns_red(breach: Breach, name: str) -> None:
    twin, installation = TWINS[name], breach.installation
    before = await CONTROLS[twin.control].check(installation)
    await breach.superuser.execute(twin.tampering)
    outcome = await getattr(attacks, twin.attack)(installation.application, installation.attacker, installation.victim)
    after = await CONTROLS[twin.control].check(installation)
    assert any(twin.says in line for line in outcome.breaches), outcome
    assert before.holds, before.details
    assert not after.holds


async def test_a_second_permissive_policy_beside_the_restrictive_wall_opens_nothing(breach: Breach) -> None:
    installation = breach.installation
    await breach.superuser.execute("create policy support on catalog.product using (true)")
    outcome = await attacks.read_rows(installation.application, installation.attacker, installation.victim)
    assert not [line for line in outcome.breaches if line.startswith("catalog.product")]


async def test_a_view_with_its_readers_rights_opens_nothing_but_is_still_reported(breach: Breach) -> None:
    installation = breach.installation
    await breach.superuser.execute(
        "create view catalog.prices with (security_invoker) as select * from catalog.product; "
        "grant select on catalog.prices to stockade_application"
    )
    outcome = await attacks.read_rows(installation.application, installation.attacker, installation.victim)
    assert not [line for line in outcome.breaches if line.startswith("catalog.prices")]
    assert not (await CONTROLS[WALL].check(installation)).holds


async def test_a_cascade_without_the_tenant_lets_another_tenant_delete_our_rows(breach: Breach) -> None:
    installation, superuser = breach.installation, breach.superuser
    theirs = new_id()
    await superuser.execute(
        "alter table parties.customer add unique (id); grant delete on parties.customer to stockade_application; "
        "alter table parties.contact drop constraint contact_tenant_id_customer_id_fkey; "
        "alter table parties.contact add constraint careless foreign key (customer_id) "
        "references parties.customer (id) on delete cascade"
    )
    async with installation.application.transaction(installation.victim.principal) as tx:
        await tx.execute(
            "insert into parties.customer select "
            "(jsonb_populate_record(c, jsonb_build_object('id', $1::uuid, 'number', 'alone'))).* "
            "from parties.customer as c limit 1", theirs,
        )  # fmt: skip
    async with installation.application.transaction(installation.attacker.principal) as tx:
        await tx.execute(
            "insert into parties.contact select "
            "(jsonb_populate_record(c, jsonb_build_object('id', uuidv7(), 'customer_id', $1::uuid))).* "
            "from parties.contact as c limit 1", theirs,
        )  # fmt: skip
        before = (await tx.fetchrow("select count(*) from parties.contact"))[0]
    await superuser.execute("alter table parties.contact disable trigger audit_delete")
    async with installation.application.transaction(installation.victim.principal) as tx:
        await tx.execute("delete from parties.customer where id = $1", theirs)
    async with installation.application.transaction(installation.attacker.principal) as tx:
        assert (await tx.fetchrow("select count(*) from parties.contact"))[0] == before - 1
    assert any(
        "careless: a foreign key whose deletes" in line for line in (await CONTROLS[KEYS].check(installation)).details
    )


@pytest.mark.parametrize(
    ("tampering", "way"),
    [
        ("grant execute on function pg_catalog.lo_from_bytea(oid, bytea) to public", "fill a large object"),
        ("grant execute on function pg_catalog.pg_try_advisory_lock(bigint) to public", "try to lock by advice"),
        ("grant execute on function pg_catalog.pg_prepared_statement() to public", "list the prepared statements"),
        ("grant execute on function pg_catalog.pg_stat_get_activity(integer) to public", "list the sessions"),
        ("grant create on schema catalog to stockade_application", "make a table"),
        ("grant create on schema catalog to stockade_application", "make a view"),
        ("grant create on schema catalog to stockade_application", "make a function"),
        ("grant select on tenancy.pin_key to stockade_application", "read the pin keys"),
        ("grant execute on function tenancy.verified_pin() to stockade_application", "ask for the payload"),
        ("grant insert on audit.entry to stockade_application", "write into the trail"),
        (
            "grant trigger on catalog.product to stockade_application; "
            "grant execute on function audit.record() to stockade_application",
            "hang a trigger on a table",
        ),
    ],
)
async def test_each_right_that_was_taken_away_would_have_been_a_way_to_more(
    breach: Breach, tampering: str, way: str
) -> None:
    installation = breach.installation
    await breach.superuser.execute(tampering)
    outcome = await forgeries.escalate(installation.application, installation.attacker, own_server=True)
    assert f"it could {way}" in outcome.breaches
    assert not (await CONTROLS[ROLE].check(installation)).holds


async def test_a_reader_that_does_not_verify_the_mac_opens_every_tenant(breach: Breach) -> None:
    installation = breach.installation
    await breach.superuser.execute(
        "create or replace function tenancy.verified_pin() returns bytea language sql stable security definer "
        "begin atomic "
        "select decode(nullif(current_setting('stockade.pin', true), ''), 'hex'); end"
    )
    outcome = await forgeries.forge_pins(installation.application, installation.attacker, installation.victim)
    assert any("replayed from another session" in line for line in outcome.breaches)
    assert any("with a MAC of zeros" in line for line in outcome.breaches)
    assert any("an expired pin with the right MAC" in line for line in outcome.breaches)
    assert not (await CONTROLS["tenancy.pin-cannot-be-forged"].check(installation)).holds


async def test_a_reader_that_ignores_the_session_takes_a_replayed_pin(breach: Breach) -> None:
    installation, superuser = breach.installation, breach.superuser
    body: str = await superuser.fetchval("select pg_get_functiondef('tenancy.verified_pin()'::regprocedure)")
    assert body.count("pg_catalog.pg_backend_pid()") == 1
    careless = body.replace("pg_catalog.pg_backend_pid()", "pg_catalog.substr(pin, 35, 4)::integer")
    await superuser.execute(careless)
    outcome = await forgeries.forge_pins(installation.application, installation.attacker, installation.victim)
    assert outcome.breaches == ("a pin replayed from another session opened the victim's data",)


async def test_no_operator_of_the_callers_stands_in_for_the_one_that_compares_macs(breach: Breach) -> None:
    # As if the role could create: even then an operator of its own, first in its search path, changes nothing.
    installation = breach.installation
    await breach.superuser.execute(
        "grant usage on schema catalog to stockade_keeper; "
        "create function catalog.never(bytea, bytea) returns boolean language sql as 'select false'; "
        "create operator catalog.<> (function = catalog.never, leftarg = bytea, rightarg = bytea); "
        'alter role stockade_application in database "' + installation.name + '" set search_path = catalog, pg_catalog'
    )
    await installation.application.main().expire_connections()
    async with installation.application.transaction(installation.attacker.principal) as tx:
        assert (await tx.fetchrow("select '\\x00'::bytea <> '\\x01'::bytea"))[0] is False
    outcome = await forgeries.forge_pins(installation.application, installation.attacker, installation.victim)
    assert outcome.breaches == ()
    body: str = await breach.superuser.fetchval("select pg_get_functiondef('tenancy.verified_pin()'::regprocedure)")
    await breach.superuser.execute(
        body.replace("operator(pg_catalog.<>) pg_catalog.substr(pin, 79)", "<> pg_catalog.substr(pin, 79)")
    )
    opened = await forgeries.forge_pins(installation.application, installation.attacker, installation.victim)
    assert "a pin with a MAC of zeros opened the victim's data" in opened.breaches, (
        "the twin: unqualified, it stands in"
    )


async def test_a_pin_of_the_session_instead_of_the_transaction_is_seen_without_one(breach: Breach) -> None:
    installation = breach.installation
    await breach.superuser.execute("alter table catalog.product disable row level security")
    outcome = await forgeries.see_without_pin(installation.application, installation.attacker, installation.victim)
    assert "catalog.product: a row is visible without a valid pin" in outcome.breaches
    assert not (await CONTROLS["tenancy.no-pin-no-rows"].check(installation)).holds


@pytest.mark.parametrize("privilege", ["update", "delete", "insert", "truncate"])
async def test_any_right_on_the_trail_turns_its_control_red(breach: Breach, privilege: str) -> None:
    await breach.superuser.execute(f"grant {privilege} on audit.entry to stockade_application")
    found = await CONTROLS["audit.trail-cannot-be-altered"].check(breach.installation)
    assert any(privilege in line for line in found.details)


async def test_a_silenced_trail_trigger_turns_its_control_red(breach: Breach) -> None:
    await breach.superuser.execute("alter table catalog.product disable trigger audit_update")
    found = await CONTROLS["audit.changes-leave-entries"].check(breach.installation)
    assert found.details == (
        "catalog.product: only 2 of its three triggers are on",
        "a change of a product left no entry",
    )
