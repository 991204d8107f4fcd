"""The one transaction: every statement about a tenant's data runs inside one, with the signed pin, and in no other way.

    async with database.transaction(principal) as tx:
        order = await place_order(tx, command)

BEGIN, the pin and the credential's confirmation travel in one message. Leaving the block commits; an exception rolls
back. What PostgreSQL refuses comes out as a problem. Nothing outlives the transaction in the session: no setting, no
cursor, no temporary table; so a transaction pooler may stand in between, and the pool needs no reset.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import msgspec

from stockade.kernel.problems import Conflict, Problem
from stockade.tenancy.pin import REQUEST_SECONDS, ActorKind, Signer
from stockade.tenancy.principal import Principal

if TYPE_CHECKING:
    PgConnection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    PgPool = asyncpg.Pool[asyncpg.Record]
CREDENTIAL_ENDED = "SK401"
STREAMED = 1000
"""How many rows of a streamed statement are in memory at once."""
_CONSTRAINTS: dict[str, type[Problem]] = {}


class Unauthenticated(Problem):
    """No credential, or one that does not (or no longer) admit its holder."""

    type = "/problems/unauthenticated"
    title = "Sign in first"
    status = 401


class StillReferenced(Conflict):
    """The change would leave something behind that points nowhere."""

    type = "/problems/still-referenced"
    title = "Something else refers to this"


class Busy(Problem):
    """The database could not get to it in time: a lock was held, or two changes waited for each other. Try again."""

    type = "/problems/busy"
    title = "Too much is happening to this at once; try again"
    status = 503


def on_violation(constraint: str, problem: type[Problem]) -> None:
    """Say which problem the violation of a named constraint is."""
    _CONSTRAINTS[constraint] = problem


class Transaction:
    """An open transaction of one principal; it is what statements run on."""

    __slots__ = ("connection", "hidden", "principal", "round_trips", "tenant_id")

    def __init__(self, connection: PgConnection, principal: Principal) -> None:
        self.connection = connection
        self.principal = principal
        self.tenant_id: UUID = principal.tenant_id
        self.hidden = principal.hidden
        self.round_trips = 1

    async def fetch(self, sql: str, *values: Any) -> Sequence[Any]:
        """Return every row."""
        self.round_trips += 1
        return await self.connection.fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        """Return the first row or None."""
        self.round_trips += 1
        return await self.connection.fetchrow(sql, *values)

    async def stream(self, sql: str, *values: Any) -> AsyncIterator[Any]:
        """Yield row after row by a cursor, ``STREAMED`` at a time."""
        self.round_trips += 1
        async for row in self.connection.cursor(sql, *values, prefetch=STREAMED):
            yield row

    async def execute(self, sql: str, *values: Any) -> str:
        """Return the command tag."""
        self.round_trips += 1
        return await self.connection.execute(sql, *values)

    async def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run once for each row of values."""
        self.round_trips += 1
        await self.connection.executemany(sql, rows)


class _Opening(AbstractAsyncContextManager[Transaction]):
    """Opens, commits, rolls back. A class, because a generator's frames cost more than the whole of this."""

    __slots__ = ("_connection", "_pool", "_principal", "_signer", "_valid_seconds", "_with_pid", "transaction")

    def __init__(self, pool: Pool, principal: Principal, valid_seconds: float) -> None:
        self._pool = pool.connections
        self._signer = pool.signer
        self._with_pid = not pool.behind_pooler
        self._principal = principal
        self._valid_seconds = valid_seconds

    async def __aenter__(self) -> Transaction:
        self._connection = connection = await self._pool.acquire()
        try:
            await self._begin(connection)
        except BaseException as error:
            await self._leave("rollback")
            raise translated(error) from error
        self.transaction = Transaction(connection, self._principal)
        return self.transaction

    async def _begin(self, connection: PgConnection) -> None:
        who = self._principal
        pin = self._signer.pin(
            who.tenant_id, who.actor_id, who.kind, request=who.request_id, address=who.address,
            pid=connection.get_server_pid() if self._with_pid else 0, valid_seconds=self._valid_seconds,
            limits=who.limits,
        )  # fmt: skip
        confirm = f", {who.confirmation}" if who.confirmation else ""
        # What injected SQL left in the session goes first: a time zone, a search path, a cursor with another's rows.
        clean = "close all; reset all"
        if self._with_pid:
            # Hex digits that we made ourselves, and worth nothing outside this session: its pid is inside the MAC.
            await connection.execute(
                f"begin; {clean}; select pg_catalog.set_config('stockade.pin', '{pin}', true){confirm}"
            )
        else:
            # Without the pid the pin is a bearer token: bound values are not shown in pg_stat_activity.
            await connection.execute(f"begin; {clean}")
            await connection.fetchval(f"select pg_catalog.set_config('stockade.pin', $1, true){confirm}", pin)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            await self._leave("rollback")
            if isinstance(error, asyncpg.PostgresError):
                raise translated(error) from error
            return
        again = self._principal.confirmation if self._principal.kind is ActorKind.OPERATOR else ""
        try:
            # An operator's access that ended while this ran leaves nothing behind, and its answer does not leave.
            await self._connection.execute(f"select {again}; commit" if again else "commit")
        except BaseException as refused:
            await self._leave("rollback")
            raise translated(refused) from refused
        await self._pool.release(self._connection)

    async def _leave(self, how: str) -> None:
        """End the transaction if the session still can; a broken one is thrown away by the pool."""
        try:
            if not self._connection.is_closed():
                await self._connection.execute(how)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            self._connection.terminate()
        finally:
            await self._pool.release(self._connection)


class Pool:
    """Connections of one role to one placement, and the signer of pins for it."""

    def __init__(self, connections: PgPool, signer: Signer, *, behind_pooler: bool = False) -> None:
        self.connections = connections
        self.signer = signer
        self.behind_pooler = behind_pooler

    async def close(self) -> None:
        """Close every connection."""
        await self.connections.close()


class Database:
    """Where tenants live: a pool for each placement, and which tenants live elsewhere than on ``main``."""

    def __init__(
        self, placements: dict[str, Pool], assigned: dict[UUID, str] | None = None, *, gate: Pool | None = None
    ) -> None:  # fmt: skip
        self._placements = placements
        self._gate = gate
        self._assigned = assigned or {}

    def transaction(
        self, principal: Principal, *, valid_seconds: float = REQUEST_SECONDS
    ) -> AbstractAsyncContextManager[Transaction]:
        """Open the principal's transaction; the pin is valid for ``valid_seconds`` from now on."""
        placement = self._assigned.get(principal.tenant_id, "main")
        return _Opening(self._placements[placement], principal, valid_seconds)

    def use_signer(self, signer: Signer) -> None:
        """Sign with another key from now on (rotation)."""
        for pool in self._placements.values():
            pool.signer = signer

    def main(self) -> PgPool:
        """The pool of the main placement, for what belongs to no tenant (the trust page, health)."""
        return self._placements["main"].connections

    def gate(self) -> PgPool:
        """The pool of the gate's role, which finds a person before a tenant is known and can do nothing else."""
        if self._gate is None:
            raise RuntimeError("This database was opened without a gate: nobody signs in through it.")
        return self._gate.connections

    async def close(self) -> None:
        """Close every pool."""
        for pool in (*self._placements.values(), *([self._gate] if self._gate else [])):
            await pool.close()


class _Session(asyncpg.Connection):
    """A session whose prepared statements have names that nobody can guess.

    Counted names could be deallocated and prepared anew by SQL injected into one tenant's request, to run in the name
    of the next tenant on the same session. (The list of names is revoked from everybody; see ``database.roles``.)
    """

    def _get_unique_id(self, prefix: str) -> str:
        return f"stockade_{prefix}_{secrets.token_hex(16)}"


async def open_pool(dsn: str, signer: Signer, *, size: int = 16, least: int = 1, behind_pooler: bool = False) -> Pool:
    """Connect a pool of ``size`` sessions at most. Sessions keep nothing between transactions, so none is reset."""
    connections: PgPool = await asyncpg.create_pool(  # type: ignore[call-overload]  # the stubs do not know its reset
        dsn, connection_class=_Session, min_size=least, max_size=size, init=_prepare_codecs, reset=_no_reset,
        max_inactive_connection_lifetime=0,
        statement_cache_size=0 if behind_pooler else 500, max_cached_statement_lifetime=0,
    )  # fmt: skip
    return Pool(connections, signer, behind_pooler=behind_pooler)


async def _no_reset(_connection: PgConnection) -> None:
    """Reset nothing: settings are transaction-local, and cursors, temporary tables and session locks are refused."""


async def _prepare_codecs(connection: PgConnection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=_encode_json, decoder=msgspec.json.decode, format="text"
        )


def _encode_json(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def translated(error: BaseException) -> BaseException:
    """Return the problem behind a refusal of PostgreSQL; anything else as it is.

    No text of the server's goes into it: an error's DETAIL quotes values, and may quote them from another tenant.
    """
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        kind = _CONSTRAINTS.get(str(getattr(error, "constraint_name", "")))
        if kind is not None:
            return kind()
        return StillReferenced() if isinstance(error, asyncpg.ForeignKeyViolationError) else Conflict()
    if isinstance(error, (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.QueryCanceledError)):
        return Busy()
    if getattr(error, "sqlstate", None) == CREDENTIAL_ENDED:
        return Unauthenticated()
    return error
