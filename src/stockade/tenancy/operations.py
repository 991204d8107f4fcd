"""Alembic operations of ours: a migration fences a table with one line, and autogenerate writes that line.

``op.build_wall(table, wall, keys)`` runs the statements of ``stockade.tenancy.wall.build``; ``op.rebuild_wall`` first
takes down what is there. The arguments are written out in the migration, so that it never depends on later code.
"""

from dataclasses import asdict
from typing import Any

from alembic.autogenerate import comparators, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import UpgradeOps
from alembic.util import DispatchPriority, PriorityDispatchResult
from sqlalchemy import text

from stockade.database.migrate import run_script
from stockade.tenancy.declaration import Wall, declared_tables, wall_of
from stockade.tenancy.drift import drift
from stockade.tenancy.wall import LIVE_FACTS, build, keys_of

_DEFAULTS = asdict(Wall(scope="tenant"))


@Operations.register_operation("build_wall")
class BuildWall(MigrateOperation):
    """Fence a table that stands without a fence."""

    def __init__(self, table: str, keys: tuple[str, ...], wall: dict[str, Any]) -> None:
        self.table, self.keys, self.wall = table, keys, wall

    @classmethod
    def build_wall(cls, operations: Operations, table: str, *, keys: tuple[str, ...], **wall: Any) -> None:
        """Fence ``table`` (``schema.table``) as ``wall`` says; see ``stockade.tenancy.declaration.Wall``."""
        operations.invoke(cls(table, keys, wall))

    def reverse(self) -> "BuildWall":
        """A wall is never taken down by itself."""
        return self


@Operations.register_operation("rebuild_wall")
class RebuildWall(BuildWall):
    """Take a table's fence down and build it anew, in the migration's one transaction."""

    @classmethod
    def rebuild_wall(cls, operations: Operations, table: str, *, keys: tuple[str, ...], **wall: Any) -> None:
        """Replace the fence of ``table``."""
        operations.invoke(cls(table, keys, wall))


@Operations.implementation_for(BuildWall)
def _build(operations: Operations, operation: BuildWall) -> None:
    for sql in build(operation.table, _wall(operation.wall), operation.keys):
        run_script(operations.get_bind(), sql)


@Operations.implementation_for(RebuildWall)
def _rebuild(operations: Operations, operation: RebuildWall) -> None:
    run_script(operations.get_bind(), _TAKE_DOWN.replace("{table}", operation.table))
    _build(operations, operation)


_TAKE_DOWN = """
do $$
declare item record;
begin
    for item in select polname from pg_policy where polrelid = '{table}'::regclass loop
        execute format('drop policy %I on {table}', item.polname);
    end loop;
    for item in select tgname from pg_trigger where tgrelid = '{table}'::regclass and tgname like 'audit\\_%' loop
        execute format('drop trigger %I on {table}', item.tgname);
    end loop;
    for item in select distinct a.grantee from pg_class c, aclexplode(c.relacl) a
        where c.oid = '{table}'::regclass and a.grantee <> c.relowner and a.grantee <> 0 loop
        execute format('revoke all on {table} from %I', pg_get_userbyid(item.grantee));
    end loop;
end $$
"""


def _wall(options: dict[str, Any]) -> Wall:
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in (_DEFAULTS | options).items()}
    return Wall(**(given | {"grants": frozenset(given["grants"])}))


@renderers.dispatch_for(BuildWall)
def _render(_context: AutogenContext, operation: BuildWall) -> str:
    verb = "rebuild_wall" if isinstance(operation, RebuildWall) else "build_wall"
    listed = "".join(f", {name}={value!r}" for name, value in operation.wall.items())
    return f"op.{verb}({operation.table!r}, keys={operation.keys!r}{listed})"


def _options(wall: Wall) -> dict[str, Any]:
    """A wall as keyword arguments: only what differs from the default."""
    values = asdict(wall) | {"grants": tuple(sorted(wall.grants))}
    defaults = _DEFAULTS | {"grants": tuple(sorted(_DEFAULTS["grants"]))}
    return {name: value for name, value in values.items() if value != defaults[name] or name == "scope"}


@comparators.dispatch_for("schema", priority=DispatchPriority.LAST)
def _compare(context: AutogenContext, operations: UpgradeOps, _schemas: set[str | None]) -> PriorityDispatchResult:
    """Add an operation for each declared table whose live fence is missing or different."""
    assert context.connection is not None
    live = [(str(row[0]), str(row[1])) for row in context.connection.execute(text(LIVE_FACTS.replace(":", "\\:")))]
    exists = {name for name, fact in live if fact == "exists"}
    drifted = {line.partition(": ")[0] for line in drift(live)}
    for table in declared_tables():
        if table.fullname in drifted:
            kind = RebuildWall if table.fullname in exists else BuildWall
            operations.ops.append(kind(table.fullname, keys_of(table), _options(wall_of(table))))
    return PriorityDispatchResult.CONTINUE
