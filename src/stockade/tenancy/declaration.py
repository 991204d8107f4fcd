"""The declaration: a table is declared once, and one line a column says everything about it.

From it follow the DDL, the policies, the grants, the audit triggers and the masks today, and sealing, erasure, export
and the register of processing (GDPR Art. 30) where a rule asks for them. A column without a rule, or a table without
a scope, refuses to load.

    class Contact(TenantTable, table="parties.contact"):
        name: Mapped[str] = column(Text, personal("contact", mask=initials, erase="pseudonym"))
        customer_id: Mapped[UUID] = reference(Customer, business(), fixed=True)
        __constraints__ = (unique("customer_id", "name"),)
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column

from stockade.tenancy.limiting import following, mask_of, trail_rows
from stockade.tenancy.masks import Mask, hidden

Kind = Literal["personal", "sensitive", "business", "technical"]
Erasure = Literal["keep", "drop", "pseudonym"]

NAMING = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
}


@dataclass(frozen=True)
class Rule:
    """What a column holds and what follows from that.

    ``seal``: encrypted by column; ``lookup``: findable by equality although sealed (blind index); ``read``: the
    permission without which it is hidden; ``write``: the one without which it is read-only; ``retention``: how long,
    and on which ground; ``event``: a change of this column is an audit entry of its own under that name.
    """

    kind: Kind
    purpose: str = ""
    mask: Mask = hidden
    erase: Erasure = "keep"
    seal: bool = False
    lookup: bool = False
    read: str | None = None
    retention: str | None = None
    event: str | None = None
    write: str | None = None

    @property
    def masked_in_audit(self) -> bool:
        """Whether the audit trail may not hold the value in the clear."""
        return self.kind in ("personal", "sensitive")


def personal(
    purpose: str, *, mask: Mask, erase: Erasure, seal: bool = False, lookup: bool = False, read: str | None = None,
    retention: str | None = None, event: str | None = None,
) -> Rule:  # fmt: skip
    """Say that a column holds data about a person (GDPR Art. 4), why, and how it is masked and erased."""
    return Rule("personal", purpose, mask, erase, seal, lookup, read, retention, event)


def sensitive(
    purpose: str, *, read: str, mask: Mask = hidden, erase: Erasure = "drop", seal: bool = True, lookup: bool = False,
    retention: str | None = None,
) -> Rule:  # fmt: skip
    """Say that a column holds what only few may see (bank data, document numbers), and who may."""
    return Rule("sensitive", purpose, mask, erase, seal, lookup, read, retention)


def business(
    *, read: str | None = None, write: str | None = None, retention: str | None = None, event: str | None = None
) -> Rule:
    """Say that a column holds the tenant's business data."""
    return Rule("business", read=read, retention=retention, event=event, write=write)


def technical() -> Rule:
    """Say that a column only serves the machine: keys, versions, timestamps."""
    return Rule("technical")


@dataclass(frozen=True)
class Wall:
    """How a table is fenced: who may do what with it, and how its changes are written down.

    ``also`` gives further roles privileges inside the pin. ``exempt`` roles pass the tenant policy (they own functions
    that look across tenants, one row at a time). ``part_of`` names the column with the document that this row belongs
    to: its changes are entries of the document. ``document`` rows are what a bulk import writes an entry for.
    ``insert_event`` names the entry of an insert. ``triggers`` are further ones that a migration makes, as
    ``name function``. Of ``unsampled`` columns, which hold what tenants write, the planner keeps no values: its
    estimates, which everybody may see with EXPLAIN, would tell them. ``limited`` are the conditions, in the words of
    PostgreSQL, under which a principal with ``Limits`` sees a row; see ``stockade.tenancy.limiting``.
    """

    scope: Literal["tenant", "platform"]
    tenant_column: str = "tenant_id"
    grants: frozenset[str] = frozenset({"select", "insert", "update"})
    updatable: tuple[str, ...] = ()
    also: dict[str, str] = field(default_factory=dict)
    exempt: dict[str, str] = field(default_factory=dict)
    audited: bool = True
    document: bool = False
    part_of: str | None = None
    insert_event: str | None = None
    triggers: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    events: dict[str, str] = field(default_factory=dict)
    unsampled: tuple[str, ...] = ()
    limited: tuple[str, ...] = ()


def column(
    type_: Any, rule: Rule, *, fixed: bool = False, one_of: tuple[str, ...] = (), **options: Any
) -> MappedColumn[Any]:
    """Declare a column: its type, its rule, whether it is ``fixed`` after the insert, and its allowed values."""
    return mapped_column(type_, info={"rule": rule, "fixed": fixed, "one_of": one_of}, **options)


def reference(target: "type[TenantTable]", rule: Rule, *, fixed: bool = False, **options: Any) -> MappedColumn[Any]:
    """Declare a reference to another table of the same tenant.

    It is a composite foreign key, so that none crosses the wall.
    """
    return mapped_column(Uuid, info={"rule": rule, "fixed": fixed, "target": target}, **options)


Addition = Callable[[Table], object]
_WALLS: dict[str, Wall] = {}


def unique(*columns: str, where: str | None = None) -> Addition:
    """Unique within the tenant; with ``where``, only among the rows that it selects."""

    def add(table: Table) -> None:
        keys = [table.c.tenant_id, *(table.c[name] for name in columns)]
        if where is None:
            table.append_constraint(UniqueConstraint(*keys))
        else:
            Index(f"{table.name}_{'_'.join(columns)}_uidx", *keys, unique=True, postgresql_where=text(where))

    return add


def index(*columns: str, where: str | None = None) -> Addition:
    """An index that begins with the tenant."""

    def add(table: Table) -> None:
        keys = [table.c.tenant_id, *(table.c[name] for name in columns)]
        condition = None if where is None else text(where)
        Index(f"{table.name}_{'_'.join(columns)}_idx", *keys, postgresql_where=condition)

    return add


def check(name: str, condition: str) -> Addition:
    """A condition that every row meets."""
    return lambda table: table.append_constraint(CheckConstraint(text(condition), name=name))


def belongs_to(target: "type[Base]", **pairs: str) -> Addition:
    """A composite foreign key to a detail row: ``belongs_to(Line, order_id="order_id", position="position")``."""

    def add(table: Table) -> None:
        other = target.__table__
        own = ["tenant_id", *pairs]
        theirs = [other.c.tenant_id, *(other.c[name] for name in pairs.values())]
        table.append_constraint(ForeignKeyConstraint(own, theirs))

    return add


class Base(DeclarativeBase):
    """The root of every table; only the scopes below derive from it."""

    metadata = MetaData(naming_convention=NAMING)
    __constraints__: ClassVar[tuple[Addition, ...]] = ()

    def __init_subclass__(cls, *, table: str | None = None, **wall: Any) -> None:
        if table is None:
            super().__init_subclass__()
            return
        if not issubclass(cls, (TenantTable, TenantDetail, PlatformTable)):
            raise TypeError(f"{cls.__name__} has no scope: derive it from TenantTable, TenantDetail or PlatformTable.")
        schema, _, cls.__tablename__ = table.partition(".")
        options = wall.pop("options", {})
        cls.__table_args__ = {"schema": schema, **options}
        super().__init_subclass__()
        _finish(cls, wall)


def _finish(cls: type[Base], wall: dict[str, Any]) -> None:
    """Check every column's rule, then derive constraints and the wall from the columns."""
    table = cls.__table__
    assert isinstance(table, Table)
    for item in table.columns:
        if "rule" not in item.info:
            raise TypeError(
                f"{table.fullname}.{item.name} has no rule: say personal, sensitive, business or technical."
            )
        if target := item.info.get("target"):
            other = target.__table__
            table.append_constraint(ForeignKeyConstraint(["tenant_id", item.name], [other.c.tenant_id, other.c.id]))
        if values := item.info.get("one_of"):
            listed = ", ".join(f"'{value}'" for value in values)
            table.append_constraint(CheckConstraint(text(f"{item.name} in ({listed})"), name=item.name))
    for addition in cls.__constraints__:
        addition(table)
    _WALLS[table.fullname] = _wall_of(cls, table, wall)


def _wall_of(cls: type[Base], table: Table, options: dict[str, Any]) -> Wall:
    scope: Literal["tenant", "platform"] = options.pop(
        "scope", "platform" if issubclass(cls, PlatformTable) else "tenant"
    )
    grants = frozenset(options.pop("grants", "select insert update" if scope == "tenant" else "").split())
    others = [*options.get("also", {}).values(), *options.get("exempt", {}).values()]
    changeable = tuple(item.name for item in table.columns if not item.info["fixed"] and not item.primary_key)
    rules = {item.name: item.info["rule"] for item in table.columns}
    return Wall(
        scope=scope,
        grants=grants,
        updatable=changeable if any("update" in given for given in (grants, *others)) else (),
        masked=tuple(sorted(name for name, rule in rules.items() if rule.masked_in_audit)),
        events={name: rule.event for name, rule in rules.items() if rule.event},
        audited=options.pop("audited", scope == "tenant"),
        unsampled=tuple(item.name for item in table.columns if scope == "tenant" and _is_written_by_tenants(item)),
        limited=(*options.pop("rows", ()), *_followed(table)),
        **options,
    )


def _followed(table: Table) -> tuple[str, ...]:
    """The conditions that come with the references: a row is seen if the limited rows that it refers to are."""
    found = []
    for item in table.columns:
        target = item.info.get("target")
        if target is not None and (conditions := _WALLS[target.__table__.fullname].limited):
            mask = mask_of(conditions)
            found.append(following(item.name, target.__table__.fullname, mask, nullable=bool(item.nullable)))
    return tuple(found)


def _is_written_by_tenants(item: Column[Any]) -> bool:
    """Whether a column holds free values (text, numbers, documents), not keys, states, times or flags."""
    return not item.info.get("one_of") and not isinstance(item.type, (Uuid, Boolean, Date, DateTime))


class TenantTable(Base):
    """A table of rows that belong to one tenant, each with an id of its own."""

    __abstract__ = True
    tenant_id: Mapped[UUID] = column(Uuid, technical(), fixed=True, primary_key=True, sort_order=-2)
    id: Mapped[UUID] = column(Uuid, technical(), fixed=True, primary_key=True, sort_order=-1)


class TenantDetail(Base):
    """A table of one tenant's rows that live and die with another row, which is part of their key."""

    __abstract__ = True
    tenant_id: Mapped[UUID] = column(Uuid, technical(), fixed=True, primary_key=True, sort_order=-2)


class PlatformTable(Base):
    """A table of the platform itself. No role of the tenants' surface may touch it, unless through a function."""

    __abstract__ = True
    id: Mapped[UUID] = column(Uuid, technical(), fixed=True, primary_key=True, sort_order=-1)


def stages(*values: str, rule: Rule, **options: Any) -> MappedColumn[Any]:
    """Declare a state: text with a CHECK, because only leakproof types may use an index behind a policy."""
    return column(Text, rule, one_of=values, **options)


def limit_trail(trail: str) -> None:
    """Show of the trail what is about rows that are seen; called once every table is declared."""
    documents = {
        name: mask_of(wall.limited)
        for name, wall in _WALLS.items()
        if wall.limited and name != trail and "id" in Base.metadata.tables[name].columns
    }
    _WALLS[trail] = replace(_WALLS[trail], limited=(trail_rows(documents),))


def declared_tables() -> list[Table]:
    """Return every declared table, referenced ones first."""
    return list(Base.metadata.sorted_tables)


def wall_of(table: Table) -> Wall:
    """Return how a declared table is fenced."""
    return _WALLS[table.fullname]
