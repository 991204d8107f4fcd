"""Statements: compiled once, checked at import, bound by position."""

from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid
from tests.conftest import TenantFixture

from stockade.commerce.catalog.model import Product
from stockade.database.statements import TENANT, affected, param, raw, statement
from stockade.kernel.problems import NotFound
from stockade.tenancy.transaction import Database


class Named(msgspec.Struct):
    id: UUID
    name: str


def test_a_row_whose_fields_are_not_the_columns_is_refused_at_import() -> None:
    with pytest.raises(TypeError, match=r"fields \['id', 'name'\].*columns \['id', 'sku'\]"):
        statement(select(Product.id, Product.sku), Named)


def test_constants_stand_in_the_text_so_that_generic_plans_can_use_partial_indexes() -> None:
    made = statement(select(Product.id).where(Product.state == "active"))
    assert "state = 'active'" in made.sql
    assert made.names == ()


def test_a_value_is_never_part_of_the_text() -> None:
    made = statement(select(Product.id).where(Product.sku == param("sku")))
    assert "$1" in made.sql
    assert made.names == ("sku",)


def test_a_parameter_that_is_named_twice_is_bound_once() -> None:
    made = statement(select(Product.id).where(Product.tenant_id == TENANT, Product.id == param("id"), TENANT == TENANT))
    assert made.names == ("this_tenant", "id")


def test_a_list_is_one_array() -> None:
    made = statement(select(Product.id).where(Product.id == func.any(param("ids", ARRAY(Uuid())))))
    assert "any($1::UUID[])" in made.sql


def test_a_missing_value_is_an_error_before_the_database_is_asked() -> None:
    made = statement(update(Product).values(name=param("new_name")))
    with pytest.raises(KeyError, match="new_name"):
        made._values(None, {})  # type: ignore[arg-type]


@pytest.mark.parametrize(("tag", "rows"), [("INSERT 0 5", 5), ("UPDATE 0", 0), ("DELETE 12", 12), ("BEGIN", 0)])
def test_a_command_tag_tells_how_many_rows_were_touched(tag: str, rows: int) -> None:
    assert affected(tag) == rows


async def test_one_row_that_is_not_there_is_not_found(database: Database, tenant: TenantFixture) -> None:
    by_id = statement(
        select(Product.id, Product.name).where(Product.tenant_id == TENANT, Product.id == param("id")), Named
    )
    async with database.transaction(tenant.principal) as tx:
        assert await by_id.first(tx, id=uuid4()) is None
        with pytest.raises(NotFound):
            await by_id.one(tx, id=uuid4())


async def test_the_pinned_tenant_is_bound_by_itself(database: Database, tenant: TenantFixture) -> None:
    add = statement(
        insert(Product).values(
            tenant_id=TENANT, id=param("id"), sku="A", name="Rice", vat_category="zero", list_price=1, state="active"
        )
    )
    whose = raw("select tenant_id from catalog.product", row=UUID)
    async with database.transaction(tenant.principal) as tx:
        assert await add.run(tx, id=uuid4()) == 1
        assert await whose.one(tx) == tenant.id
