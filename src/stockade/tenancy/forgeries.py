"""Forgeries: pins that nobody signed, pins of somebody else, and every way to more rights than the role has.

As in ``stockade.tenancy.attacks``, the attacker has all SQL as the application's role, and everything is rolled back.
"""

import asyncpg

from stockade.kernel.control import Probe
from stockade.tenancy.attacks import Outcome, Trial, trial
from stockade.tenancy.pin import PIN_BYTES, PIN_SETTING
from stockade.tenancy.transaction import Database

_SET = f"select pg_catalog.set_config('{PIN_SETTING}', $1, true)"
_READ = f"select current_setting('{PIN_SETTING}')"
_FOREIGN = "select id from tenancy.tenant where id = $1"
_IN_ONE = (
    f"with given as materialized (select pg_catalog.set_config('{PIN_SETTING}', $1, true) as pin) "
    "select t.id from given, lateral (select id from tenancy.tenant where id = $2 and given.pin is not null) as t"
)
KEY, TENANT, EXPIRY, MAC = slice(0, 1), slice(1, 17), slice(38, 46), slice(78, 110)
"""Where things lie in a pin; see ``stockade.tenancy.pin``."""

ESCALATIONS = {
    "become the owner": "set role stockade_owner",
    "become the keeper": "set role stockade_keeper",
    "become the auditor": "set role stockade_auditor",
    "become the doorkeeper": "set role stockade_doorkeeper",
    "become the backup": "set role stockade_backup",
    "become the platform": "set role stockade_platform",
    "become somebody else": "set session authorization stockade_owner",
    "silence the triggers": "set session_replication_role = replica",
    "step round the policies": "set row_security = off; select * from catalog.product",
    "read the pin keys": "select * from tenancy.pin_key",
    "ask for the payload": "select tenancy.verified_pin()",
    "bypass the policies": "alter role current_user bypassrls",
    "become superuser": "alter role current_user superuser",
    "let itself into a role": "grant stockade_backup to current_user",
    "make a role": "create role stockade_thief",
    "unforce the policies": "alter table catalog.product no force row level security",
    "disable the policies": "alter table catalog.product disable row level security",
    "add a policy": "create policy mine on catalog.product using (true)",
    "drop the policy": "drop policy wall on catalog.product",
    "disable the trail's trigger": "alter table catalog.product disable trigger all",
    "hang a trigger on a table": (
        "create trigger mine after insert on catalog.product for each row execute function audit.record()"
    ),
    "redirect a table": "create rule mine as on insert to catalog.product do also select 1",
    "index a table": "create index mine on catalog.product (name)",
    "refer to a table": "create table catalog.mine (a uuid, b uuid, foreign key (a, b) references catalog.product)",
    "make a table": "create table catalog.mine (a integer)",
    "make a table in public": "create table public.mine (a integer)",
    "shadow a table": "create temporary table product (a integer)",
    "make a view": "create view catalog.mine as select 1",
    "make a function": "create function catalog.mine() returns integer language sql as 'select 1'",
    "make a schema": "create schema mine",
    "replace the pin's reader": (
        "create or replace function tenancy.current_tenant() returns uuid language sql as 'select null::uuid'"
    ),
    "publish the tables": "create publication mine for table catalog.product",
    "watch the schema": "create event trigger mine on ddl_command_end execute function audit.record()",
    "install an extension": "create extension adminpack",
    "read a file": "select pg_catalog.pg_read_file('postgresql.conf')",
    "write a file": "copy (select 1) to '/tmp/stockade-attack'",
    "run a program": "copy (select 1) to program 'true'",
    "load a library": "load 'auto_explain'",
    "explain to the log": "set log_statement = 'all'",
    "see others' statements": "set track_activities = on",
    "change the server": "alter system set row_security = off",
    "comment on a table": "comment on table catalog.product is 'mine'",
    "own a table": "alter table catalog.product owner to current_user",
    "write into the trail": (
        "insert into audit.entry select (jsonb_populate_record(e, jsonb_build_object('id', uuidv7()))).* "
        "from audit.entry as e limit 1"
    ),
    "append to the trail": "select audit.append(null, 'x', 'x', null, null, null)",
}
"""What the role must be refused on any server: a name, and the statement."""

OWN_SERVER_ESCALATIONS = {
    "make a large object": "select pg_catalog.lo_create(0)",
    "fill a large object": "select pg_catalog.lo_from_bytea(0, 'x')",
    "lock by advice": "select pg_catalog.pg_advisory_xact_lock(1)",
    "try to lock by advice": "select pg_catalog.pg_try_advisory_lock(1)",
    "share a lock by advice": "select pg_catalog.pg_advisory_lock_shared(1)",
    "list the sessions": "select * from pg_catalog.pg_stat_activity",
    "list the sessions' statements": "select pg_catalog.pg_stat_get_backend_activity(1)",
    "write into the log of changes": "select pg_catalog.pg_logical_emit_message(true, 'x', 'x')",
    "hand its snapshot on": "select pg_catalog.pg_export_snapshot()",
    "end another's session": "select pg_catalog.pg_terminate_backend(1, 0)",
    "cancel another's statement": "select pg_catalog.pg_cancel_backend(1)",
    "list the prepared statements": "select * from pg_catalog.pg_prepared_statements",
}
"""What only a superuser can revoke, and the embedded server's has."""


async def forge_pins(database: Database, attacker: Probe, victim: Probe) -> Outcome:
    """Set pins that the installation never gave to this session, and look for the victim's row."""
    tenant = victim.tenant_id.bytes
    outcome = Outcome()
    async with trial(database, attacker) as one:
        own = bytes.fromhex((await one.tx.fetch(_READ))[0][0])
        # Made while this session is held, so made for another one: a pin that was read in passing.
        pins = {"replayed from another session": await _pin_of(database, victim)}
        for name, pin in (pins | _altered(_with(own, TENANT, tenant))).items():
            outcome += await _try(one, name, pin, victim)
    async with trial(database, victim) as one:
        # The victim's own session: whatever is altered here, only the MAC is left to notice it.
        rightful = bytes.fromhex((await one.tx.fetch(_READ))[0][0])
        if not (await one.attempt(_FOREIGN, values=(victim.tenant_id,))).rows:
            outcome += Outcome(0, ("the victim does not see its own row: nothing was tried",))
        for name, pin in _altered(rightful).items():
            outcome += await _try(one, name, pin, victim)
    async with database.transaction(victim.principal, valid_seconds=-1) as late:
        opened = await late.fetch(_FOREIGN, victim.tenant_id)
        outcome += Outcome(1, ("an expired pin with the right MAC opened the victim's data",) if opened else ())
    return outcome


def _altered(pin: bytes) -> dict[str, str]:
    """Return a pin with something wrong, in every way."""
    flipped = {
        f"byte {place} flipped": _with(pin, slice(place, place + 1), bytes([pin[place] ^ 1]))
        for place in range(PIN_BYTES)
    }
    other_keys = {f"under key {number}": _with(pin, KEY, bytes([number])) for number in range(256) if number != pin[0]}
    made = flipped | other_keys | {
        "with a MAC of zeros": _with(pin, MAC, bytes(32)),
        "with a later expiry": _with(pin, EXPIRY, (2**62).to_bytes(8)),
        "with an expiry beyond what fits": _with(pin, EXPIRY, b"\xff" * 8),
        "truncated": pin[:78],
        "short by a byte": pin[:-1],
        "long by a byte": pin + b"\0",
        "enormous": pin + bytes(100_000),
        "of zeros": bytes(PIN_BYTES),
    }  # fmt: skip
    texts = {name: value.hex() for name, value in made.items() if value != pin}
    return texts | {"empty": "", "not hexadecimal": "zz" * PIN_BYTES, "short by half a byte": pin.hex()[:-1]}


def _with(pin: bytes, where: slice, value: bytes) -> bytes:
    return pin[: where.start] + value + pin[where.stop :]


async def _try(one: Trial, name: str, pin: str, victim: Probe) -> Outcome:
    """Set the pin and read, in two statements and in one."""
    apart = await one.attempt(_SET.replace("$1", f"'{pin}'"), _FOREIGN, values=(victim.tenant_id,))
    leaked = bool(apart.rows)
    if one.tx.tenant_id != victim.tenant_id:
        leaked = leaked or bool((await one.attempt(_IN_ONE, values=(pin, victim.tenant_id))).rows)
    return Outcome(1, (f"a pin {name} opened the victim's data",) if leaked else ())


async def _pin_of(database: Database, probe: Probe, *, valid_seconds: float = 60) -> str:
    """Return a pin that the installation made for the probe, as a thief would have read it."""
    async with database.transaction(probe.principal, valid_seconds=valid_seconds) as tx:
        pin: str = (await tx.fetchrow(_READ))[0]
    return pin


async def escalate(database: Database, attacker: Probe, *, own_server: bool) -> Outcome:
    """Try every way to more rights; each must be refused."""
    outcome = Outcome()
    ways = ESCALATIONS | (OWN_SERVER_ESCALATIONS if own_server else {})
    async with trial(database, attacker) as one:
        for name, sql in ways.items():
            answer = await one.attempt(*sql.split("; "))
            outcome += Outcome(1, (f"it could {name}",) if answer.state is None else ())
    return outcome


async def see_without_pin(database: Database, attacker: Probe, victim: Probe) -> Outcome:
    """Read and write without a pin, after a pin has ended with its transaction, and with one that has run out."""
    outcome = Outcome()
    async with trial(database, attacker) as one:
        relations = [item for item in await one.relations() if item.tenant_column]
    await _pin_of(database, victim)
    async with database.main().acquire() as connection:
        for setting in ("", await _pin_of(database, victim, valid_seconds=-1)):
            await connection.execute("begin")
            await connection.fetchval(_SET, setting)
            for item in relations:
                outcome += await _reads_nothing(connection, item.name)
            await connection.execute("rollback")
        for item in relations:
            outcome += await _reads_nothing(connection, item.name)
    return outcome


async def _reads_nothing(connection: asyncpg.pool.PoolConnectionProxy, name: str) -> Outcome:
    """Whether a relation shows no row now; a refusal is as good."""
    in_transaction = connection.is_in_transaction()
    if in_transaction:
        await connection.execute("savepoint looked")
    try:
        found = await connection.fetchrow(f"select 1 from {name} limit 1")
    except asyncpg.PostgresError:
        found = None
    if in_transaction:
        await connection.execute("rollback to savepoint looked")
    return Outcome(1, (f"{name}: a row is visible without a valid pin",) if found else ())
