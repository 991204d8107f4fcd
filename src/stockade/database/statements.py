"""Statements: composed with SQLAlchemy once, at import; run by asyncpg as prepared text; read into structs.

SQLAlchemy stays out of the path of a request: composing and compiling costs up to a millisecond, running the
finished text costs nothing more than hand-written SQL. A statement's columns are checked against the fields of its
row when the module is imported, so that a renamed column fails the start, not a request.

    BY_ID = statement(
        select(Order.id, Order.number).where(Order.tenant_id == TENANT, Order.id == param("id")), OrderRow
    )
    order = await BY_ID.one(tx, id=order_id)

A row's field that not everybody may see has a ``Guard``: ``Annotated[int | None, Guard("parties:credit")]``. It comes
out as None to a principal from whom that permission is hidden, whatever the row is read for. A column whose rule names
such a permission cannot be read into a struct in any other way, unless the statement says that it is ``internal``:
read for a rule of ours (the credit check), not to be shown.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar, cast, get_args, get_type_hints, overload
from uuid import UUID

import msgspec
from sqlalchemy import BindParameter, ClauseElement, Uuid, bindparam
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.sql.visitors import cloned_traverse

from stockade.kernel.problems import NotFound

Row = TypeVar("Row")


class Guard(msgspec.Struct, frozen=True):
    """The permission without which a field is not shown."""

    permission: str


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

    @property
    def hidden(self) -> frozenset[str]:
        """The field permissions that are lacking; empty for the installation itself."""

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

    __slots__ = ("_guards", "_make", "names", "sql", "takes_tenant")

    def __init__(self, sql: str, names: tuple[str, ...], make: Callable[..., Row]) -> None:
        self._guards = guards_of(make)
        self.sql = sql
        self.names = names
        self.takes_tenant = _TENANT in names
        self._make = make

    def _values(self, tx: Connection, given: dict[str, Any]) -> list[Any]:
        if self.takes_tenant:
            given[_TENANT] = tx.tenant_id
        return [given[name] for name in self.names]

    def _maker(self, tx: Connection) -> Callable[..., Row]:
        """Return what builds a row for this principal: with nothing in the fields that are hidden from it."""
        if not self._guards or not tx.hidden:
            return self._make
        blank = frozenset(place for place, permission in self._guards if permission in tx.hidden)
        make = self._make
        return lambda *values: make(*(None if place in blank else value for place, value in enumerate(values)))

    async def all(self, tx: Connection, **given: Any) -> list[Row]:
        """Return every row."""
        make = self._maker(tx)
        return [make(*row) for row in await tx.fetch(self.sql, *self._values(tx, given))]

    async def first(self, tx: Connection, **given: Any) -> Row | None:
        """Return the first row, or None."""
        row = await tx.fetchrow(self.sql, *self._values(tx, given))
        return None if row is None else self._maker(tx)(*row)

    async def one(self, tx: Connection, **given: Any) -> Row:
        """Return the row; ``NotFound`` if there is none (or it is another tenant's)."""
        row = await tx.fetchrow(self.sql, *self._values(tx, given))
        if row is None:
            raise NotFound
        return self._maker(tx)(*row)

    async def stream(self, tx: Connection, **given: Any) -> AsyncIterator[Row]:
        """Yield row after row, as things were when the first one was read."""
        make = self._maker(tx)
        async for row in tx.stream(self.sql, *self._values(tx, given)):
            yield make(*row)

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
def statement(clause: ClauseElement, row: type[Row], *, internal: bool = False) -> Statement[Row]: ...
def statement(clause: ClauseElement, row: type[Row] | None = None, *, internal: bool = False) -> Statement[Row]:
    """Compile a clause for asyncpg.

    ``row`` is the ``msgspec.Struct`` (or scalar type) that its columns fill in order. ``internal`` rows are for rules
    of ours and may hold what is hidden from the principal.
    """
    inlined = cloned_traverse(clause, {}, {"bindparam": _inline_constant})
    compiled = cast(SQLCompiler, inlined.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True}))
    columns = [str(column.keyname) for column in compiled._result_columns]  # the only place that names them
    if row is not None and not internal:
        _check_guards(row, compiled)
    return Statement(compiled.string, tuple(compiled.positiontup or ()), maker(row, columns))


def guards_of(row: Any) -> tuple[tuple[int, str], ...]:
    """Return the guarded fields of a struct: their places, and the permissions that show them."""
    if not (isinstance(row, type) and issubclass(row, msgspec.Struct)):
        return ()
    hints = get_type_hints(row, include_extras=True)
    return tuple(
        (place, part.permission)
        for place, name in enumerate(row.__struct_fields__)
        for part in get_args(hints[name])
        if isinstance(part, Guard)
    )


def _check_guards(row: type, compiled: SQLCompiler) -> None:
    """Refuse to read a column that not everybody may see into a field that everybody sees."""
    guarded = dict(guards_of(row))
    for place, column in enumerate(compiled._result_columns):  # as in statement()
        for source in column.objects:
            rule = getattr(source, "info", {}).get("rule")
            if rule is not None and rule.read not in (None, "nobody") and guarded.get(place) != rule.read:
                raise TypeError(
                    f"{row.__name__} shows {column.keyname} to everybody: give it Guard({rule.read!r}), or make the "
                    "statement internal."
                )


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
