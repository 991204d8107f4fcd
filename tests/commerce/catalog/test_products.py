"""Products through their verbs, in a real database."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.conftest import MakeTenant, TenantFixture

from stockade.commerce.catalog.model import Product
from stockade.commerce.catalog.service import products
from stockade.commerce.catalog.service.products import (
    BarcodeTaken,
    CostChange,
    NewProduct,
    ProductChange,
    ProductView,
    SkuTaken,
)
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound, VersionConflict
from stockade.tenancy.transaction import Database

GTIN = "4006381333931"


def product(sku: str = "P-1", **given: Any) -> NewProduct:
    return NewProduct(
        **({"sku": sku, "name": f"Product {sku}", "list_price": Decimal("2.50"), "vat_category": "standard"} | given)
    )


async def made(database: Database, tenant: TenantFixture, *new: NewProduct) -> list[ProductView]:
    async with database.transaction(tenant.principal) as tx:
        return [await products.create_product(tx, new_id(), item) for item in new]


async def listed(database: Database, tenant: TenantFixture, **given: Any) -> list[str]:
    async with database.transaction(tenant.principal) as tx:
        return [item.sku for item in await products.list_products(tx, **given)]


async def test_a_product_is_read_as_it_was_written_down(database: Database, tenant: TenantFixture) -> None:
    new = product(
        barcode="400-6381333931", description="Two\nlines", unit="roll", case_pack=12, reorder_point=0, stocked=False
    )
    [written] = await made(database, tenant, new)
    async with database.transaction(tenant.principal) as tx:
        read = await products.read_product(tx, written.id)
    assert read == written
    assert msgspec.structs.asdict(new) | {"barcode": GTIN} == {
        name: getattr(read, name) for name in NewProduct.__struct_fields__
    }
    assert (read.state, read.version) == ("active", 1)


async def test_each_verb_keeps_to_its_round_trips(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        row = await products.create_product(tx, new_id(), product())
        trips = [tx.round_trips]
        for verb in (
            products.read_product(tx, row.id),
            products.list_products(tx, search="p"),
            products.change_product(tx, row.id, ProductChange(expected_version=1, name="Other")),
        ):
            await verb
            trips.append(tx.round_trips)
    assert [after - before for before, after in zip([1, *trips], trips, strict=False)] == [1, 1, 1, 2]


async def test_a_sku_is_given_once(database: Database, tenant: TenantFixture) -> None:
    await made(database, tenant, product())
    with pytest.raises(SkuTaken):
        await made(database, tenant, product())


async def test_a_barcode_is_given_once_whatever_its_length(database: Database, tenant: TenantFixture) -> None:
    await made(database, tenant, product("A", barcode="036000291452"))
    with pytest.raises(BarcodeTaken):
        await made(database, tenant, product("B", barcode="0036000291452"))


async def test_another_tenant_may_have_the_same_sku_and_barcode(database: Database, make_tenant: MakeTenant) -> None:
    for _ in range(2):
        assert await made(database, await make_tenant(), product(barcode=GTIN))


async def test_a_barcode_with_a_wrong_check_digit_is_refused(database: Database, tenant: TenantFixture) -> None:
    with pytest.raises(Invalid):
        await made(database, tenant, product(barcode="4006381333932"))
    [row] = await made(database, tenant, product())
    with pytest.raises(Invalid):
        async with database.transaction(tenant.principal) as tx:
            await products.change_product(tx, row.id, ProductChange(expected_version=1, barcode="4006381333932"))


async def test_a_change_touches_only_what_it_names_and_counts_the_version_up(
    database: Database, tenant: TenantFixture
) -> None:
    [before] = await made(database, tenant, product(barcode=GTIN))
    async with database.transaction(tenant.principal) as tx:
        after = await products.change_product(
            tx, before.id, ProductChange(expected_version=1, list_price=Decimal(3), barcode=None)
        )
    assert after == msgspec.structs.replace(
        before, list_price=Decimal(3), barcode=None, version=2, updated_at=after.updated_at
    )
    assert after.updated_at > before.updated_at


async def test_a_change_on_an_outdated_version_is_refused(database: Database, tenant: TenantFixture) -> None:
    [row] = await made(database, tenant, product())
    async with database.transaction(tenant.principal) as tx:
        await products.change_product(tx, row.id, ProductChange(expected_version=1, name="First"))
    with pytest.raises(VersionConflict):
        async with database.transaction(tenant.principal) as tx:
            await products.change_product(tx, row.id, ProductChange(expected_version=1, name="Second"))


async def test_of_two_simultaneous_changes_one_is_refused(database: Database, tenant: TenantFixture) -> None:
    """The second has read the version before the first commits: the statement's own condition is what stops it."""
    [row] = await made(database, tenant, product())
    async with database.transaction(tenant.principal) as slow:
        stale = await products.read_product(slow, row.id)
        async with database.transaction(tenant.principal) as quick:
            await products.change_product(quick, row.id, ProductChange(expected_version=1, name="Quick"))
        with pytest.raises(VersionConflict):
            await products._save(slow, stale, msgspec.structs.replace(stale, name="Slow"), 1)


async def test_a_change_that_changes_nothing_leaves_the_version(database: Database, tenant: TenantFixture) -> None:
    [row] = await made(database, tenant, product())
    async with database.transaction(tenant.principal) as tx:
        assert await products.change_product(tx, row.id, ProductChange(expected_version=1, name=row.name)) == row


async def test_an_archived_product_is_restored_and_keeps_its_sku_meanwhile(
    database: Database, tenant: TenantFixture
) -> None:
    [row] = await made(database, tenant, product())
    async with database.transaction(tenant.principal) as tx:
        archived = await products.set_state(tx, row.id, "archived", 1)
    with pytest.raises(SkuTaken):
        await made(database, tenant, product())
    async with database.transaction(tenant.principal) as tx:
        restored = await products.set_state(tx, row.id, "active", archived.version)
    assert (archived.state, restored.state, restored.version) == ("archived", "active", 3)


async def test_archiving_is_an_entry_of_its_own_in_the_trail(database: Database, tenant: TenantFixture) -> None:
    [row] = await made(database, tenant, product())
    async with database.transaction(tenant.principal) as tx:
        await products.set_state(tx, row.id, "archived", 1)
        actions = [entry[0] for entry in await tx.fetch("select action from audit.entry where subject_id = $1", row.id)]
    assert "catalog.state_changed" in actions


async def test_another_tenants_product_is_not_there(database: Database, make_tenant: MakeTenant) -> None:
    mine, theirs = await make_tenant(), await make_tenant()
    [row] = await made(database, theirs, product())
    verbs: list[Any] = [
        lambda tx: products.read_product(tx, row.id),
        lambda tx: products.change_product(tx, row.id, ProductChange(expected_version=1, name="Mine")),
        lambda tx: products.set_state(tx, row.id, "archived", 1),
        lambda tx: products.read_cost(tx, row.id),
        lambda tx: products.set_cost(tx, row.id, CostChange(expected_version=1, cost=Decimal(1))),
    ]
    for verb in verbs:
        with pytest.raises(NotFound):
            async with database.transaction(mine.principal) as tx:
                await verb(tx)
    assert await listed(database, mine) == []
    async with database.transaction(theirs.principal) as tx:
        assert await products.read_product(tx, row.id) == row


async def test_pages_follow_each_other_without_gap_or_repetition(database: Database, tenant: TenantFixture) -> None:
    await made(database, tenant, *(product(f"P-{number}", name=f"Name {number % 3}") for number in range(10)))
    seen: list[ProductView] = []
    after = products.BEFORE_ALL
    async with database.transaction(tenant.principal) as tx:
        while page := await products.list_products(tx, after=after, limit=3):
            seen += page
            after = (page[-1].name, page[-1].id)
    assert len({row.id for row in seen}) == len(seen) == 10
    assert [(row.name, row.id) for row in seen] == sorted((row.name, row.id) for row in seen)


async def test_a_list_is_narrowed_by_state(database: Database, tenant: TenantFixture) -> None:
    kept, gone = await made(database, tenant, product("A"), product("B"))
    async with database.transaction(tenant.principal) as tx:
        await products.set_state(tx, gone.id, "archived", 1)
    assert await listed(database, tenant, state="active") == [kept.sku]
    assert await listed(database, tenant, state="archived") == [gone.sku]
    assert await listed(database, tenant) == [kept.sku, gone.sku]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("heart", ["85123A"]), ("85123", ["85123A"]), ("85123a", ["85123A"]), ("123", []), ("%", ["PCT"]), ("_", []),
        (GTIN, ["PCT"]), ("0" + GTIN, ["PCT"]), ("T-LIGHT", ["85123A"]),
    ],
)  # fmt: skip
async def test_a_search_finds_part_of_a_name_the_start_of_a_sku_or_a_barcode(
    database: Database, tenant: TenantFixture, search: str, found: list[str]
) -> None:
    await made(
        database,
        tenant,
        product("85123A", name="White Hanging Heart T-light"),
        product("PCT", name="100% wool", barcode=GTIN),
    )
    assert await listed(database, tenant, search=search) == found


async def test_no_view_of_a_product_holds_what_needs_a_permission_of_its_own() -> None:
    guarded = {column.name for column in Product.__table__.columns if column.info["rule"].read}
    assert guarded == {"cost"}
    assert guarded.isdisjoint(ProductView.__struct_fields__)


async def test_the_cost_is_set_on_the_version_that_was_seen(database: Database, tenant: TenantFixture) -> None:
    [row] = await made(database, tenant, product())
    async with database.transaction(tenant.principal) as tx:
        assert (await products.read_cost(tx, row.id)).cost is None
        assert (
            await products.set_cost(tx, row.id, CostChange(expected_version=1, cost=Decimal("1.234567")))
        ).version == 2
        assert (await products.read_cost(tx, row.id)).cost == Decimal("1.234567")
        with pytest.raises(VersionConflict):
            await products.set_cost(tx, row.id, CostChange(expected_version=1, cost=None))


@pytest.mark.parametrize("sku", ["", " A", "A B", "-A", "A\n", "Ä", "A'--", "x" * 41])
def test_a_sku_has_letters_digits_and_few_signs(sku: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"sku": sku, "name": "N", "list_price": "1", "vat_category": "standard"}, NewProduct)


@pytest.mark.parametrize(
    "wrong",
    [
        {"list_price": "NaN"},
        {"case_pack": 0},
        {"vat_category": "none"},
        {"state": "archived"},
        {"id": str(UUID(int=1))},
    ],
)
def test_a_malformed_product_does_not_reach_the_database(wrong: dict[str, Any]) -> None:
    whole = {"sku": "A", "name": "N", "list_price": "1", "vat_category": "standard"}
    assert msgspec.convert(whole, NewProduct).list_price == 1
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(whole | wrong, NewProduct)
