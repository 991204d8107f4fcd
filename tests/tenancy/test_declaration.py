"""The declaration: what is not said does not load, and what is said follows through."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from stockade.tenancy import declaration
from stockade.tenancy.declaration import (
    Base,
    PlatformTable,
    TenantTable,
    business,
    column,
    declared_tables,
    personal,
    wall_of,
)
from stockade.tenancy.masks import HIDDEN, hidden, initials, last_four, mail_mask
from stockade.tenancy.wall import build


@pytest.fixture(autouse=True)
def _only_what_was_declared_before() -> Iterator[None]:
    """Forget the tables that a test declares."""
    before = set(Base.metadata.tables)
    yield
    for name in set(Base.metadata.tables) - before:
        Base.metadata.remove(Base.metadata.tables[name])
        declaration._WALLS.pop(name, None)


def test_a_column_without_a_rule_refuses_to_load() -> None:
    with pytest.raises(TypeError, match=r"test\.unruled\.name has no rule"):

        class Unruled(TenantTable, table="test.unruled"):
            name: Mapped[str] = mapped_column(Text)


def test_a_table_without_a_scope_refuses_to_load() -> None:
    with pytest.raises(TypeError, match="has no scope"):

        class Scopeless(Base, table="test.scopeless"):
            name: Mapped[str] = column(Text, business())


def test_a_tenant_table_begins_every_key_with_the_tenant() -> None:
    class Keyed(TenantTable, table="test.keyed"):
        name: Mapped[str] = column(Text, business())
        __constraints__ = (declaration.unique("name"), declaration.index("name"))

    table = Base.metadata.tables["test.keyed"]
    assert [item.name for item in table.primary_key.columns] == ["tenant_id", "id"]
    assert {index.columns.keys()[0] for index in table.indexes} == {"tenant_id"}
    assert all(
        item.columns.keys()[0] == "tenant_id" for item in table.constraints if hasattr(item, "columns") and item.columns
    )


def test_a_fixed_column_and_the_key_are_not_updatable() -> None:
    class Fixed(TenantTable, table="test.fixed"):
        kept: Mapped[str] = column(Text, business(), fixed=True)
        changed: Mapped[str] = column(Text, business())

    assert wall_of(Base.metadata.tables["test.fixed"]).updatable == ("changed",)


def test_a_platform_table_grants_the_tenants_roles_nothing() -> None:
    class Ours(PlatformTable, table="test.ours"):
        name: Mapped[str] = column(Text, business())

    statements = build("test.ours", wall_of(Base.metadata.tables["test.ours"]), ("id",))
    assert not [sql for sql in statements if "stockade_application" in sql or "stockade_worker" in sql]


def test_personal_and_sensitive_columns_are_masked_in_the_trail() -> None:
    for table in declared_tables():
        wall = wall_of(table)
        kinds = {item.name: item.info["rule"].kind for item in table.columns}
        assert set(wall.masked) == {name for name, kind in kinds.items() if kind in ("personal", "sensitive")}


def test_every_declared_column_has_a_rule_and_every_personal_one_says_why_and_what_becomes_of_it() -> None:
    columns = [item for table in declared_tables() for item in table.columns]
    assert len(columns) > 200
    rules = [item.info["rule"] for item in columns]
    assert all(rule.purpose for rule in rules if rule.kind in ("personal", "sensitive"))
    assert personal("contact", mask=hidden, erase="drop").erase == "drop"


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (hidden, "Ada", HIDDEN),
        (initials, "Ada King", "A. K."),
        (initials, "", HIDDEN),
        (mail_mask, "ada@example.com", f"a{HIDDEN}@example.com"),
        (mail_mask, "no address", HIDDEN),
        (last_four, "PL61109010140000071219812874", f"{HIDDEN}2874"),
        (last_four, "1234", HIDDEN),
    ],
)
def test_a_mask_shows_no_more_than_it_says(mask: declaration.Mask, value: str, shown: str) -> None:
    assert mask(value) == shown
