"""Statements: composed with SQLAlchemy once, at import; run by asyncpg as prepared text; read into structs.

SQLAlchemy stays out of the path of a request: composing and compiling costs up to a millisecond, running the
finished text costs nothing more than hand-written SQL. A statement's columns are checked against the fields of its
row when the module is imported, so that a renamed column fails the start, not a request.

    BY_ID = statement(
        select(Order.id, Order.number).where(Order.tenant_id == TENANT, Order.id == param("id")), OrderRow
    )
    order = await BY_ID.one(tx, id=order_id)
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar, cast, overload
from uuid import UUID

import msgspec
from sqlalchemy import BindParameter, ClauseElement, Uuid, bindparam
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.sql.visitors import cloned_traverse

from stockade.kernel.problems import NotFound

Row = TypeVar("Row")
_DIALECT = dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves dialects untyped
_TENANT = "this_tenant"


class Connection(Protocol):
    """What a statement needs of a transaction: its tenant, and the three ways of asking."""

    @property
    def tenant_id(self) -> UUID | None:
        """The pinned tenant, bound to ``TENANT`` in every statement."""

    async def fetch(self, sql: str, *values: Any) -> Sequence[Any]:
        """Return every row."""

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        """Return the first row or None."""

    def stream(self, sql: str, *values: Any) -> AsyncIterator[Any]:
        """Return row after row, in bounded memory."""

    async def execute(self, sql: str, *values: Any) -> str:
        """Return the command tag (``UPDATE 3``)."""

    async def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run once for each row of values."""


def param(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]] | None = None) -> BindParameter[Any]:
    """A value to be given when the statement runs; its type comes from the column it meets unless named."""
    return bindparam(name, type_=type_, required=False)


TENANT: BindParameter[UUID] = bindparam(_TENANT, type_=Uuid(), required=False)
"""The pinned tenant. Every statement names it besides the policy, so that indexes serve roles without policies, too."""


class Statement(Generic[Row]):
    """A finished SQL text with the order of its values and the shape of its rows."""

    __slots__ = ("_make", "names", "sql", "takes_tenant")

    def __init__(self, sql: str, names: tuple[str, ...], make: Callable[..., Row]) -> None:
        self.sql = sql
        self.names = names
        self.takes_tenant = _TENANT in names
        self._make = make

    def _values(self, tx: Connection, given: dict[str, Any]) -> list[Any]:
        if self.takes_tenant:
            given[_TENANT] = tx.tenant_id
        return [given[name] for name in self.names]

    async def all(self, tx: Connection, **given: Any) -> list[Row]:
        """Return every row."""
        make = self._make
        return [make(*row) for row in await tx.fetch(self.sql, *self._values(tx, given))]

    async def first(self, tx: Connection, **given: Any) -> Row | None:
        """Return the first row, or None."""
        row = await tx.fetchrow(self.sql, *self._values(tx, given))
        return None if row is None else self._make(*row)

    async def one(self, tx: Connection, **given: Any) -> Row:
        """Return the row; ``NotFound`` if there is none (or it is another tenant's)."""
        row = await tx.fetchrow(self.sql, *self._values(tx, given))
        if row is None:
            raise NotFound
        return self._make(*row)

    async def stream(self, tx: Connection, **given: Any) -> AsyncIterator[Row]:
        """Yield row after row, as things were when the first one was read."""
        async for row in tx.stream(self.sql, *self._values(tx, given)):
            yield self._make(*row)

    async def run(self, tx: Connection, **given: Any) -> int:
        """Run it and return how many rows it touched."""
        return affected(await tx.execute(self.sql, *self._values(tx, given)))

    async def run_many(self, tx: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Run it once for each row of values, in one round trip."""
        await tx.executemany(self.sql, [self._values(tx, row) for row in rows])


def affected(tag: str) -> int:
    """Return the number of rows in a command tag: ``INSERT 0 5`` is 5."""
    last = tag.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


@overload
def statement(clause: ClauseElement) -> Statement[Any]: ...
@overload
def statement(clause: ClauseElement, row: type[Row]) -> Statement[Row]: ...
def statement(clause: ClauseElement, row: type[Row] | None = None) -> Statement[Row]:
    """Compile a clause for asyncpg.

    ``row`` is the ``msgspec.Struct`` (or scalar type) that its columns fill in order.
    """
    inlined = cloned_traverse(clause, {}, {"bindparam": _inline_constant})
    compiled = cast(SQLCompiler, inlined.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True}))
    columns = [str(column.keyname) for column in compiled._result_columns]  # the only place that names them
    return Statement(compiled.string, tuple(compiled.positiontup or ()), maker(row, columns))


def _inline_constant(bind: BindParameter[Any]) -> None:
    """Render a constant of the module into the text: generic plans can then match it with partial indexes."""
    if bind.value is not None:
        bind.literal_execute = True


@overload
def raw(sql: str, names: str = "") -> Statement[Any]: ...
@overload
def raw(sql: str, names: str = "", *, row: type[Row]) -> Statement[Row]: ...
@overload
def raw(sql: str, names: str, row: type[Row]) -> Statement[Row]: ...
def raw(sql: str, names: str = "", row: type[Row] | None = None) -> Statement[Row]:
    """A statement in SQL where composing would only obscure it: ``raw("select f($1)", "key", int)``.

    The text is a constant of the module; values are only ever bound. A parameter named ``this_tenant`` gets the tenant.
    """
    return Statement(sql, tuple(names.split()), maker(row, None))


def maker(row: type[Row] | None, columns: list[str] | None) -> Callable[..., Row]:
    """Return what builds a row from positional values; a struct's fields must be the columns, in order."""
    if row is None:
        return cast(Callable[..., Row], lambda *values: values)
    if not (isinstance(row, type) and issubclass(row, msgspec.Struct)):
        return cast(Callable[..., Row], lambda value: value)
    fields = list(row.__struct_fields__)
    if columns is not None and fields != columns:
        raise TypeError(f"{row.__name__} has the fields {fields}, but the statement has the columns {columns}.")
    return row
