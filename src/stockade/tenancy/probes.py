"""Probe tenants: two tenants without customers, with made-up rows in every table, for the controls to attack.

Rows are made from the declaration, so that a table added tomorrow is filled and attacked without a line here. Each text
carries the tenant's id as its canary: wherever it comes out under another tenant's pin, the wall has a hole.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from secrets import token_bytes, token_hex
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, LargeBinary, Numeric, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from stockade.kernel.clock import now
from stockade.kernel.control import Probe
from stockade.kernel.ids import new_id
from stockade.kernel.problems import NotFound, Refusal
from stockade.tenancy.declaration import declared_tables, wall_of
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import create_tenant, find_tenant
from stockade.tenancy.transaction import Database, Transaction

SLUGS = ("stockade-probe-a", "stockade-probe-b")
Row = dict[str, Any]
Known = dict[str, Row]
"""A row of each table by the table's name."""

COMPANIONS: dict[str, Row] = {"receivables.posting": {"position": 2, "amount_minor": -1}}
"""Rows that must not stand alone: what the second one has different (a journal sums to zero)."""
_PLATFORM_ROWS = {"identity.account": "select identity.ensure_account($1, $2, $3)"}
"""How a tenant comes by a row of the platform's that its own rows refer to."""


def probe_of(tenant_id: UUID) -> Probe:
    """Return a tenant as the controls act for it."""
    return Probe(tenant_id, Principal.system(tenant_id, kind=ActorKind.CONTROL))


def address_of(tenant_id: UUID) -> str:
    """Return the e-mail address of a probe tenant's one person (RFC 2606: it can never be delivered)."""
    return f"probe-{tenant_id.hex}@stockade.invalid"


async def ensure_probes(application: Database, platform: Database) -> tuple[Probe, Probe]:
    """Return the two probe tenants, made and filled; ``Refusal`` for a table that cannot be filled."""
    made = []
    for slug in SLUGS:
        try:
            tenant_id = (await find_tenant(platform, slug)).id
        except NotFound:
            tenant_id = await create_tenant(platform, slug=slug, name="Probe of the controls", is_probe=True)
        await populate(application, tenant_id)
        await _let_in(application, platform, tenant_id)
        made.append(probe_of(tenant_id))
    return made[0], made[1]


async def _let_in(application: Database, platform: Database, tenant_id: UUID) -> None:
    """Make an access of operators to a probe, approved on both sides and over: no tenant could insert one."""
    access, asker, other, principal = new_id(), new_id(), new_id(), probe_of(tenant_id).principal
    hashed = token_bytes(32)
    async with application.transaction(principal) as tx:
        await tx.execute(
            "insert into platform.access_terms (tenant_id, id, operator_access_needs_approval) values ($1, $1, true) "
            "on conflict (tenant_id, id) do update set operator_access_needs_approval = true", tenant_id,
        )  # fmt: skip
    async with platform.transaction(principal) as tx:
        if await tx.fetchrow("select from platform.break_glass where tenant_id = $1", tenant_id):
            return
        for operator in (asker, other):
            await tx.execute(
                "insert into platform.operator (id, email, name, password_hash, totp_sealed, permissions, state) "
                "values ($1, $2, 'Probe', '', '', '[]', 'active')", operator, f"probe-{operator.hex}@stockade.invalid",
            )  # fmt: skip
        await tx.execute(
            "insert into platform.break_glass (id, tenant_id, operator_id, reason, ticket, scope, minutes, "
            "needs_customer) values ($1, $2, $3, $4, 'probe', '[\"probe\"]', 1, false)",
            access, tenant_id, asker, f"probe {tenant_id.hex}",
        )  # fmt: skip
        await tx.execute("update platform.break_glass set approved_by = $2 where id = $1", access, other)
    async with application.transaction(principal) as tx:
        await tx.execute("select platform.approve_as_customer($1, $2)", access, principal.actor_id)
    async with platform.transaction(principal) as tx:
        await tx.execute("update platform.break_glass set token_hash = $2 where id = $1", access, hashed)
    async with application.transaction(principal) as tx:
        await tx.execute("select platform.note_use($1, $2, 'GET', $3, $1)", new_id(), hashed, f"/{tenant_id.hex}")
    async with platform.transaction(principal) as tx:
        await tx.execute("update platform.break_glass set ended_by = $2 where id = $1", access, asker)
        await tx.execute("update platform.operator set state = 'deactivated' where id in ($1, $2)", asker, other)


async def populate(application: Database, tenant_id: UUID) -> Known:
    """Put a row into every tenant table that the application may write and that holds none; return a row of each."""
    known: Known = {}
    async with application.transaction(probe_of(tenant_id).principal) as tx:
        for table in declared_tables():
            wall = wall_of(table)
            if wall.scope == "tenant":
                row = await _first(tx, table)
                if row is None and "insert" in wall.grants:
                    await _fill(tx, table, known)
                    row = await _first(tx, table)
                if row is not None:
                    known[table.fullname] = row
            elif table.fullname in _PLATFORM_ROWS:
                known[table.fullname] = {"id": await _platform_row(tx, table.fullname)}
    return known


async def known_rows(tx: Transaction) -> Known:
    """Return a row of each tenant table, and of the platform's rows that they refer to, as the tenant sees them."""
    tenant_tables = [table for table in declared_tables() if wall_of(table).scope == "tenant"]
    found = [(table.fullname, await _first(tx, table)) for table in tenant_tables]
    known = {name: row for name, row in found if row is not None}
    return known | {name: {"id": await _platform_row(tx, name)} for name in _PLATFORM_ROWS}


def candidates(table: Table, tenant_id: UUID, known: Known) -> Iterator[Row]:
    """Yield rows of which one should meet the table's checks: with numbers of one or nothing, with none, some or all of
    what may be left out, and with an id of its own or the tenant's."""
    optional = [item for item in table.columns if item.nullable and item.server_default is None]
    referring = {name for names, _, _ in _references(table) for name in names}
    choices = ([], [item for item in optional if item.name in referring], *([item] for item in optional), optional)
    for number, chosen, single in product((1, 0), choices, (False, True)):
        row = {
            item.name: _value(item, tenant_id, number)
            for item in table.columns
            if item.server_default is None and (item in chosen or not item.nullable)
        }
        for names, target, keys in _references(table):
            if target in known and all(name in row for name in names):
                row |= {name: known[target][key] for name, key in zip(names, keys, strict=True)}
        if "tenant_id" in table.c:
            row["tenant_id"] = tenant_id
        yield row | ({"id": tenant_id} if single and "id" in row else {})


def references_of(table: Table) -> list[tuple[list[str], str, list[str]]]:
    """Return each foreign key as its columns, the table that it points to, and the columns there."""
    return list(_references(table))


def insert_statement(table: Table, row: Row) -> str:
    """Return the INSERT of a row, values in the row's order."""
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    return f"insert into {table.fullname} ({', '.join(row)}) values ({places})"


async def _fill(tx: Transaction, table: Table, known: Known) -> None:
    """Insert the first candidate that the table accepts."""
    refusals: list[str] = []
    for row in candidates(table, tx.tenant_id, known):
        await tx.execute("savepoint candidate")
        try:
            await tx.execute(insert_statement(table, row), *row.values())
            if table.fullname in COMPANIONS:
                other = row | COMPANIONS[table.fullname]
                await tx.execute(insert_statement(table, other), *other.values())
        except asyncpg.PostgresError as error:
            await tx.execute("rollback to savepoint candidate")
            refusals.append(str(error))
        else:
            await tx.execute("release savepoint candidate")
            return
    raise Refusal(f"No made-up row fits {table.fullname} ({refusals[0]}): teach stockade.tenancy.probes to make one.")


async def _first(tx: Transaction, table: Table) -> Row | None:
    tenant_column = wall_of(table).tenant_column
    row = await tx.fetchrow(f"select * from {table.fullname} where {tenant_column} = $1 limit 1", tx.tenant_id)
    return None if row is None else dict(row)


async def _platform_row(tx: Transaction, name: str) -> UUID:
    found = await tx.fetchrow(_PLATFORM_ROWS[name], new_id(), address_of(tx.tenant_id), f"Probe {tx.tenant_id.hex}")
    made: UUID = found[0]
    return made


def _references(table: Table) -> Iterator[tuple[list[str], str, list[str]]]:
    for constraint in table.foreign_key_constraints:
        keys = [element.column.name for element in constraint.elements]
        yield list(constraint.column_keys), constraint.referred_table.fullname, keys


def _value(item: Column[Any], tenant_id: UUID, number: int) -> Any:
    """Return a made-up value of the column's type."""
    kind = item.type
    if allowed := item.info.get("one_of"):
        return allowed[0]
    if isinstance(kind, Uuid):
        return new_id()
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, (Integer, BigInteger)):
        return number
    if isinstance(kind, Numeric):
        return Decimal(number)
    if isinstance(kind, DateTime):
        return now() + timedelta(days=1)
    if isinstance(kind, Date):
        return date(2020, 1, 1)
    if isinstance(kind, LargeBinary):
        return token_bytes(32)
    if isinstance(kind, JSONB):
        return {"probe": str(tenant_id)}
    return f"probe {tenant_id.hex} {token_hex(4)}"
