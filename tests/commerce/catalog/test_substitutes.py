"""Substitutes: set as a whole, kept in order, in one direction, against the version that was read."""

from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from tests.conftest import MakeTenant, TenantFixture

from stockade.commerce.catalog.service.products import NewProduct, create_product, read_product
from stockade.commerce.catalog.service.substitutes import (
    SubstitutesSetting,
    read_substitutes,
    set_substitutes,
)
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound, VersionConflict
from stockade.tenancy.transaction import Database


async def made(database: Database, tenant: TenantFixture, *skus: str) -> list[UUID]:
    async with database.transaction(tenant.principal) as tx:
        return [
            (
                await create_product(
                    tx, new_id(), NewProduct(sku=sku, name=sku, list_price=Decimal(1), vat_category="standard")
                )
            ).id
            for sku in skus
        ]


async def setting(database: Database, tenant: TenantFixture, product: UUID, version: int, *others: UUID) -> list[str]:
    async with database.transaction(tenant.principal) as tx:
        asked = SubstitutesSetting(expected_version=version, substitute_ids=list(others))
        return [it.sku for it in (await set_substitutes(tx, product, asked)).substitutes]


async def test_a_list_replaces_the_one_before_in_its_order_and_one_direction(
    database: Database, tenant: TenantFixture
) -> None:
    first, second, third = await made(database, tenant, "A", "B", "C")
    assert await setting(database, tenant, first, 1, third, second) == ["C", "B"]
    assert await setting(database, tenant, first, 2, second) == ["B"]
    async with database.transaction(tenant.principal) as tx:
        assert (await read_substitutes(tx, second)).substitutes == []
        assert (await read_product(tx, first)).version == (await read_substitutes(tx, first)).version == 3
    assert await setting(database, tenant, first, 3) == []


async def test_a_stale_version_changes_nothing(database: Database, tenant: TenantFixture) -> None:
    first, second = await made(database, tenant, "A", "B")
    with pytest.raises(VersionConflict):
        await setting(database, tenant, first, 2, second)
    async with database.transaction(tenant.principal) as tx:
        assert (await read_substitutes(tx, first)).substitutes == []


async def test_itself_a_stranger_and_one_twice_are_refused(
    database: Database, tenant: TenantFixture, make_tenant: MakeTenant
) -> None:
    first, second = await made(database, tenant, "A", "B")
    foreign = (await made(database, await make_tenant(), "A"))[0]
    for wrong in (first, foreign, new_id()):
        with pytest.raises(Invalid) as refused:
            await setting(database, tenant, first, 1, second, wrong)
        assert refused.value.members["errors"][0]["field"] == "substitute_ids.1"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(
            {"expected_version": 1, "substitute_ids": [str(second), str(second)]}, SubstitutesSetting, strict=False
        )


async def test_another_tenants_product_is_not_there(
    database: Database, tenant: TenantFixture, make_tenant: MakeTenant
) -> None:
    foreign = (await made(database, await make_tenant(), "A"))[0]
    async with database.transaction(tenant.principal) as tx:
        with pytest.raises(NotFound):
            await read_substitutes(tx, foreign)
    with pytest.raises(NotFound):
        await setting(database, tenant, foreign, 1)
