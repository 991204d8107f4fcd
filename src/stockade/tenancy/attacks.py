"""Attacks on the wall, as somebody would run them who can make the application's role execute any SQL at all.

Each is a function that attacks one tenant from another and returns an ``Outcome``: how much was tried, and a line for
each thing that got through. The relations come from the live catalogue, so one added tomorrow is attacked, too.
Every attack runs in a transaction that is rolled back, also when it succeeds. The controls run them on schedule against
the live installation; the tests run them against databases with a defence taken away, and see them succeed.
"""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from stockade.kernel.control import Probe
from stockade.kernel.ids import new_id
from stockade.tenancy.declaration import declared_tables, wall_of
from stockade.tenancy.probes import address_of, candidates, insert_statement, known_rows, references_of
from stockade.tenancy.transaction import Database, Transaction

REFUSED = "42501"
"""insufficient_privilege: what a missing grant and a policy's WITH CHECK both answer."""
_RELATIONS = """
select format('%I.%I', n.nspname, c.relname) as name, c.relkind::text as kind,
    (select array_agg(a.attname::text order by a.attnum) from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select array_agg(a.attname::text order by a.attnum) from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and has_column_privilege(c.oid, a.attnum, 'update')) as updatable
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname not like 'pg\\_temp%' and n.nspname not like 'pg\\_toast%'
order by 1
"""
_FUNCTIONS = """
select p.oid::regprocedure::text as signature,
    array(select t.oid::regtype::text from unnest(p.proargtypes) with ordinality as u (type, place)
        join pg_catalog.pg_type t on t.oid = u.type order by u.place) as arguments
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname not in ('pg_catalog', 'information_schema') and p.prokind = 'f'
    and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype) and has_function_privilege(p.oid, 'execute')
order by 1
"""
_KEYS_WITHIN_A_TENANT = """
select n.nspname::text, x.relname::text from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = x.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] where a.attname = 'tenant_id'
"""


@dataclass(frozen=True)
class Outcome:
    """What an attack tried, and what got through: nothing, if the wall stands."""

    tried: int = 0
    breaches: tuple[str, ...] = ()

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(self.tried + other.tried, self.breaches + other.breaches)


@dataclass(frozen=True)
class Answer:
    """PostgreSQL's answer to one attempt: rows, or the SQLSTATE of its refusal with all that it says."""

    rows: list[Any]
    state: str | None = None
    text: str = ""
    constraint: str | None = None


@dataclass(frozen=True)
class Relation:
    """Something in the live catalogue that has rows, or shows them."""

    name: str
    kind: str
    columns: tuple[str, ...]
    updatable: tuple[str, ...]

    @property
    def tenant_column(self) -> str | None:
        """The column that says whose a row is."""
        if "tenant_id" in self.columns:
            return "tenant_id"
        return "id" if self.name == "tenancy.tenant" else None

    @property
    def victim_column(self) -> str:
        """A column to write to: one that may be updated, if there is any."""
        return self.updatable[0] if self.updatable else self.columns[-1]


class _RolledBackError(Exception):
    """Ends a trial."""


class Trial:
    """An attacker's transaction in which a refused statement ends nothing, and no statement leaves anything behind."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    async def attempt(self, *statements: str, values: tuple[Any, ...] = ()) -> Answer:
        """Run statements, the last one with values, undo them, and return the last one's answer."""
        await self.tx.execute("savepoint attempt")
        try:
            for sql in statements[:-1]:
                await self.tx.execute(sql)
            answer = Answer(list(await self.tx.fetch(statements[-1], *values)))
        except asyncpg.PostgresError as error:
            said = f"{error} {getattr(error, 'detail', '') or ''}"
            answer = Answer([], error.sqlstate, said, getattr(error, "constraint_name", None))
        await self.tx.execute("rollback to savepoint attempt")
        return answer

    async def relations(self) -> list[Relation]:
        """Return every relation outside PostgreSQL's own schemas."""
        rows = await self.tx.fetch(_RELATIONS)
        return [Relation(row[0], row[1], tuple(row[2] or ()), tuple(row[3] or ())) for row in rows]


@asynccontextmanager
async def trial(database: Database, probe: Probe) -> AsyncIterator[Trial]:
    """Open the probe's transaction for attempts; it is rolled back, whatever came of them."""
    try:
        async with database.transaction(probe.principal) as tx:
            yield Trial(tx)
            raise _RolledBackError
    except _RolledBackError:
        pass


async def read_rows(database: Database, attacker: Probe, victim: Probe) -> Outcome:
    """Read the victim's rows: all of them, by tenant, by physical place, through a cursor, by provoking errors."""
    async with trial(database, victim) as seen:
        places = {item.name: await _places(seen, item) for item in await seen.relations()}
    outcome = Outcome()
    async with trial(database, attacker) as one:
        for item in await one.relations():
            for how, statements, values in _reads(item, victim.tenant_id, places[item.name]):
                answer = await one.attempt(*statements, values=values)
                found = [row for row in answer.rows if row[0]]
                leaked = found or answer.state == "22012"
                outcome += Outcome(1, (f"{item.name}: read {how}",) if leaked else ())
    return outcome


async def _places(seen: Trial, item: Relation) -> list[Any]:
    """Where the victim's rows lie on disk, as it knows itself."""
    if item.tenant_column is None or item.kind not in "rp":
        return []
    return [row[0] for row in (await seen.attempt(f"select ctid from {item.name} limit 50")).rows]


def _reads(item: Relation, victim: UUID, places: list[Any]) -> list[tuple[str, tuple[str, ...], tuple[Any, ...]]]:
    """Ways to read: a name, statements, values. A row that begins with something true is a breach."""
    text, condition = (
        f"concat_ws(' ', {', '.join(f'r.{name}::text' for name in item.columns)})",
        "position($1 in {0}) > 0",
    )
    canary = f"{condition.format(text)} or {condition.format(text).replace('$1', '$2')}"
    either = (str(victim), victim.hex)
    ways: list[tuple[str, tuple[str, ...], tuple[Any, ...]]] = [
        ("everything", (f"select count(*) from {item.name} as r where {canary}",), either)
    ]
    if column := item.tenant_column:
        oracle = f"select false from {item.name} where 1 / (case when {column} = '{victim}' then 0 else 1 end) = 0"
        cursor = f"declare stolen no scroll cursor for select true from {item.name} where {column} = '{victim}'"
        ways += [
            ("by tenant", (f"select count(*) from {item.name} where {column} = $1",), (victim,)),
            (
                "by provoking an error",
                ("set local enable_indexscan = off", "set local enable_bitmapscan = off", oracle),
                (),
            ),
            ("through a cursor", (cursor, "fetch all from stolen"), ()),
        ]
    if places and item.tenant_column:
        by_place = f"select count(*) from {item.name} where ctid = any($1::tid[]) and {item.tenant_column} = $2"
        ways.append(("by physical place", (by_place,), (places, victim)))
    return ways


async def copy_out(database: Database, attacker: Probe, victim: Probe) -> Outcome:
    """Copy every relation out, whole and by query, and look for the victim in what comes."""
    outcome = Outcome()
    marks = (str(victim.tenant_id).encode(), victim.tenant_id.hex.encode())
    async with trial(database, attacker) as one:
        for item in await one.relations():
            for source in (f"select * from {item.name}", f"table {item.name}"):
                await one.tx.execute("savepoint copied")
                into = io.BytesIO()
                with suppress(asyncpg.PostgresError):
                    await one.tx.connection.copy_from_query(source, output=into)
                await one.tx.execute("rollback to savepoint copied")
                leaked = any(mark in into.getvalue() for mark in marks)
                outcome += Outcome(1, (f"{item.name}: copied out",) if leaked else ())
    return outcome


async def write_rows(database: Database, attacker: Probe, victim: Probe) -> Outcome:
    """Change, delete, merge into and lock the victim's rows; give the victim rows; wipe whole tables."""
    outcome = Outcome()
    async with trial(database, attacker) as one:
        for item in await one.relations():
            for how, sql in _writes(item, victim.tenant_id):
                answer = await one.attempt(sql)
                leaked = bool(answer.rows) or (how.startswith("wipe") and answer.state is None)
                outcome += Outcome(1, (f"{item.name}: {how}",) if leaked else ())
    return outcome


def _writes(item: Relation, victim: UUID) -> list[tuple[str, str]]:
    """Ways to write: a name and a statement. A row in the answer is a breach."""
    ways = [("wipe it with TRUNCATE", f"truncate {item.name}")]
    if column := item.tenant_column:
        theirs, target = f"{column} = '{victim}'", item.victim_column
        ways += [
            ("change", f"update {item.name} set {target} = {target} where {theirs} returning 1"),
            ("delete", f"delete from {item.name} where {theirs} returning 1"),
            ("lock", f"select 1 from {item.name} where {theirs} for update"),
            ("give a row to", f"update {item.name} set {column} = '{victim}' returning 1"),
            (
                "merge into",
                f"merge into {item.name} using (values (1)) as one (x) on {theirs} "
                f"when matched then update set {target} = {item.name}.{target} returning 1",
            ),
        ]
    return ways


async def insert_rows(database: Database, attacker: Probe, victim: Probe) -> Outcome:
    """Insert rows in the victim's name. The answer must be the policy's refusal, whatever would be wrong with the row
    besides: a unique or foreign-key error would tell what the victim has."""
    outcome = Outcome()
    async with trial(database, victim) as seen:
        theirs = await known_rows(seen.tx)
    async with trial(database, attacker) as one:
        for table in _tenant_tables():
            row = theirs[table.fullname]
            sql = insert_statement(table, row)
            for how, ending in (("as", ""), ("over", " on conflict do nothing")):
                answer = await one.attempt(f"{sql}{ending} returning 1", values=tuple(row.values()))
                leaked = answer.state != REFUSED
                line = f"{table.fullname}: insert {how} the victim was answered with {answer.state or 'a row'}"
                outcome += Outcome(1, (line,) if leaked else ())
    return outcome


async def refer_to_rows(database: Database, attacker: Probe, victim: Probe) -> Outcome:
    """Insert rows of the attacker's own that refer to rows of the victim. That must fail, and just as a reference to a
    row that nobody has: else a foreign key tells what exists."""
    outcome = Outcome()
    async with trial(database, victim) as seen:
        theirs = await known_rows(seen.tx)
    async with trial(database, attacker) as one:
        mine = await known_rows(one.tx)
        for table in _tenant_tables():
            if "insert" not in wall_of(table).grants:
                continue
            base = await _accepted(one, table, attacker.tenant_id, mine)
            for names, target, keys in references_of(table):
                if "tenant_id" not in names or base is None:
                    continue
                pairs = [pair for pair in zip(names, keys, strict=True) if pair[0] != "tenant_id"]
                stolen = base | {name: theirs[target][key] for name, key in pairs}
                absent = base | {
                    name: new_id() if isinstance(stolen[name], UUID) else stolen[name] for name, _ in pairs
                }
                answers = [
                    await one.attempt(insert_statement(table, row), values=tuple(row.values()))
                    for row in (stolen, absent)
                ]
                outcome += _told_apart(f"{table.fullname} -> {target}", *answers)
            outcome += Outcome(0, () if base else (f"{table.fullname}: no row of the attacker's own was accepted",))
    return outcome


async def learn_from_keys(database: Database, attacker: Probe, victim: Probe) -> Outcome:
    """Insert the victim's rows, ids included, as the attacker's own: a key over all tenants refuses them."""
    outcome = Outcome()
    async with trial(database, victim) as seen:
        theirs = await known_rows(seen.tx)
    async with trial(database, attacker) as one:
        mine = await known_rows(one.tx)
        within = {(row[0], row[1]) for row in await one.tx.fetch(_KEYS_WITHIN_A_TENANT)}
        for table in _tenant_tables():
            if "insert" not in wall_of(table).grants:
                continue
            row = theirs[table.fullname] | {"tenant_id": attacker.tenant_id}
            for names, target, keys in references_of(table):
                row |= {name: mine[target][key] for name, key in zip(names, keys, strict=True)}
            answer = await one.attempt(insert_statement(table, row), values=tuple(row.values()))
            own = (table.schema, answer.constraint) in within  # the attacker's own row is in the way, no other could be
            leaked = answer.state in ("23505", "23P01") and not own
            outcome += Outcome(1, (f"{table.fullname}: a unique key tells what the victim has",) if leaked else ())
    return outcome


def _told_apart(where: str, stolen: Answer, absent: Answer) -> Outcome:
    if stolen.state is None:
        return Outcome(1, (f"{where}: a reference to the victim's row was accepted",))
    if stolen.state != absent.state:
        return Outcome(1, (f"{where}: the victim's row answers {stolen.state}, one that nobody has {absent.state}",))
    return Outcome(1)


async def _accepted(one: Trial, table: Any, tenant_id: UUID, known: dict[str, Any]) -> dict[str, Any] | None:
    """Return a fresh row of the attacker's own that the table would take, all references filled if possible."""
    found = None
    for row in candidates(table, tenant_id, known):
        if (await one.attempt(insert_statement(table, row), values=tuple(row.values()))).state in (None, "23505"):
            found = row if found is None or len(row) > len(found) else found
    return found


async def call_functions(database: Database, attacker: Probe, victim: Probe) -> Outcome:
    """Call every function that the role may execute with the victim's ids and addresses, and look for the victim in
    what comes back."""
    outcome = Outcome()
    async with trial(database, victim) as seen:
        account = (await known_rows(seen.tx))["identity.account"]["id"]
    marks = (str(victim.tenant_id), victim.tenant_id.hex)
    async with trial(database, attacker) as one:
        for signature, arguments in await one.tx.fetch(_FUNCTIONS):
            for identity in (victim.tenant_id, account):
                values = [_argument(kind, identity, victim) for kind in arguments]
                given = ", ".join("null" if value is None else f"'{value}'" for value in values)
                answer = await one.attempt(f"select f::text from {signature.partition('(')[0]}({given}) as f")
                said = " ".join([*(str(row[0]) for row in answer.rows), answer.text])
                for value in filter(None, values):
                    said = said.replace(value, "")  # what the attacker knew before
                leaked = any(mark in said for mark in marks)
                outcome += Outcome(1, (f"{signature}: tells about the victim",) if leaked else ())
    return outcome


def _argument(kind: str, identity: UUID, victim: Probe) -> str | None:
    known = {"uuid": str(identity), "text": address_of(victim.tenant_id), "interval": "1 hour", "bytea": "\\x00"}
    return known.get(kind)


def _tenant_tables() -> list[Any]:
    return [table for table in declared_tables() if wall_of(table).scope == "tenant"]
