"""Customers through their verbs, in a real database."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.conftest import MakeTenant, TenantFixture

from stockade.commerce.parties.service import customers
from stockade.commerce.parties.service.customers import CustomerChange, CustomerView, NewCustomer, NumberTaken
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound, VersionConflict
from stockade.tenancy.transaction import Database


def customer(**given: Any) -> NewCustomer:
    return NewCustomer(**({"name": "Northwind GmbH", "country": "DE", "currency": "EUR"} | given))


async def made(database: Database, tenant: TenantFixture, *new: NewCustomer) -> list[CustomerView]:
    async with database.transaction(tenant.principal) as tx:
        return [await customers.create_customer(tx, new_id(), item) for item in new]


async def listed(database: Database, tenant: TenantFixture, **given: Any) -> list[str]:
    async with database.transaction(tenant.principal) as tx:
        return [item.number for item in await customers.list_customers(tx, **given)]


async def test_a_customer_is_read_as_it_was_written_down_in_normal_forms(
    database: Database, tenant: TenantFixture
) -> None:
    new = customer(
        number="K1", vat_id="de 136 695 976", email="Ada@Northwind.example", phone="030/12345", terms_days=0,
        credit_limit_minor=0, vat_treatment="reverse_charge",
    )  # fmt: skip
    [written] = await made(database, tenant, new)
    async with database.transaction(tenant.principal) as tx:
        read = await customers.read_customer(tx, written.id)
    assert read == written
    expected = msgspec.structs.asdict(new) | {"vat_id": "DE136695976", "email": "ada@northwind.example"}
    assert expected == {name: getattr(read, name) for name in NewCustomer.__struct_fields__}
    assert (read.state, read.version) == ("active", 1)


async def test_customers_without_a_number_are_counted(database: Database, tenant: TenantFixture) -> None:
    rows = await made(database, tenant, customer(), customer(), customer())
    assert [row.number for row in rows] == ["C-00001", "C-00002", "C-00003"]


async def test_the_counter_passes_over_a_number_given_by_hand(database: Database, tenant: TenantFixture) -> None:
    rows = await made(database, tenant, customer(number="C-00002"), customer(), customer(number="C-00001"), customer())
    assert [row.number for row in rows] == ["C-00002", "C-00003", "C-00001", "C-00004"]


async def test_simultaneous_customers_get_numbers_of_their_own(database: Database, tenant: TenantFixture) -> None:
    new = [customer(number="C-00020" if place == 3 else None) for place in range(10)]
    rows = await asyncio.gather(*(made(database, tenant, item) for item in new))
    assert len({row.number for [row] in rows}) == 10


async def test_a_number_is_given_once(database: Database, tenant: TenantFixture) -> None:
    await made(database, tenant, customer(number="K1"))
    with pytest.raises(NumberTaken):
        await made(database, tenant, customer(number="K1"))


async def test_another_tenant_may_have_the_same_number(database: Database, make_tenant: MakeTenant) -> None:
    for _ in range(2):
        [row] = await made(database, await make_tenant(), customer())
        assert row.number == "C-00001"


async def test_each_verb_keeps_to_its_round_trips(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        row = await customers.create_customer(tx, new_id(), customer())
        trips = [tx.round_trips]
        for verb in (
            customers.read_customer(tx, row.id),
            customers.list_customers(tx, search="north"),
            customers.change_customer(tx, row.id, CustomerChange(expected_version=1, name="Other")),
        ):
            await verb
            trips.append(tx.round_trips)
    assert [after - before for before, after in zip([1, *trips], trips, strict=False)] == [2, 1, 1, 2]


@pytest.mark.parametrize(
    "wrong",
    [{"country": "UK"}, {"currency": "DEM"}, {"vat_id": "DE136695977"}, {"vat_treatment": "reverse_charge"}],
)
async def test_what_breaks_a_rule_is_refused_and_uses_up_no_number(
    database: Database, tenant: TenantFixture, wrong: dict[str, str]
) -> None:
    with pytest.raises(Invalid):
        await made(database, tenant, customer(**wrong))
    [row] = await made(database, tenant, customer())
    assert row.number == "C-00001"


async def test_a_change_touches_only_what_it_names(database: Database, tenant: TenantFixture) -> None:
    [before] = await made(database, tenant, customer(email="a@b.example", credit_limit_minor=5_000))
    async with database.transaction(tenant.principal) as tx:
        after = await customers.change_customer(
            tx,
            before.id,
            CustomerChange(expected_version=1, terms_days=14, credit_limit_minor=None, email="C@D.example"),
        )
    assert after == msgspec.structs.replace(
        before, terms_days=14, credit_limit_minor=None, email="c@d.example", version=2, updated_at=after.updated_at
    )


async def test_a_change_cannot_take_away_the_vat_id_that_reverse_charge_needs(
    database: Database, tenant: TenantFixture
) -> None:
    [row] = await made(database, tenant, customer(vat_id="DE136695976", vat_treatment="reverse_charge"))
    with pytest.raises(Invalid):
        async with database.transaction(tenant.principal) as tx:
            await customers.change_customer(tx, row.id, CustomerChange(expected_version=1, vat_id=None))


async def test_a_customer_that_moves_abroad_needs_a_vat_id_of_there(database: Database, tenant: TenantFixture) -> None:
    [row] = await made(database, tenant, customer(vat_id="DE136695976"))
    with pytest.raises(Invalid):
        async with database.transaction(tenant.principal) as tx:
            await customers.change_customer(tx, row.id, CustomerChange(expected_version=1, country="AT"))


async def test_a_change_on_an_outdated_version_is_refused(database: Database, tenant: TenantFixture) -> None:
    [row] = await made(database, tenant, customer())
    async with database.transaction(tenant.principal) as tx:
        await customers.change_customer(tx, row.id, CustomerChange(expected_version=1, name="First"))
        for change in (
            CustomerChange(expected_version=1, name="Second"),
            CustomerChange(expected_version=3, name="Third"),
        ):
            with pytest.raises(VersionConflict):
                await customers.change_customer(tx, row.id, change)
        with pytest.raises(VersionConflict):
            await customers.set_state(tx, row.id, "archived", 1)


async def test_of_two_simultaneous_changes_one_is_refused(database: Database, tenant: TenantFixture) -> None:
    """The second has read the version before the first commits: the statement's own condition is what stops it."""
    [row] = await made(database, tenant, customer())
    async with database.transaction(tenant.principal) as slow:
        async with database.transaction(tenant.principal) as quick:
            await customers.set_state(quick, row.id, "archived", 1)
        with pytest.raises(VersionConflict):
            await customers._save(slow, row, msgspec.structs.replace(row, name="Slow"), 1)


async def test_archiving_keeps_the_customer_readable_and_can_be_undone(
    database: Database, tenant: TenantFixture
) -> None:
    [row] = await made(database, tenant, customer(number="K1"))
    async with database.transaction(tenant.principal) as tx:
        await customers.set_state(tx, row.id, "archived", 1)
        assert (await customers.read_customer(tx, row.id)).state == "archived"
    assert await listed(database, tenant, state="active") == []
    assert await listed(database, tenant, state="archived") == ["K1"]
    async with database.transaction(tenant.principal) as tx:
        assert (await customers.set_state(tx, row.id, "active", 2)).state == "active"


async def test_another_tenants_customer_is_not_there(database: Database, make_tenant: MakeTenant) -> None:
    mine, theirs = await make_tenant(), await make_tenant()
    [row] = await made(database, theirs, customer())
    verbs: list[Any] = [
        lambda tx: customers.read_customer(tx, row.id),
        lambda tx: customers.change_customer(tx, row.id, CustomerChange(expected_version=1, name="Mine")),
        lambda tx: customers.set_state(tx, row.id, "archived", 1),
    ]
    for verb in verbs:
        with pytest.raises(NotFound):
            async with database.transaction(mine.principal) as tx:
                await verb(tx)
    assert await listed(database, mine, search="north") == []


async def test_pages_follow_each_other_without_gap_or_repetition(database: Database, tenant: TenantFixture) -> None:
    await made(database, tenant, *(customer(name=f"Name {place % 3}") for place in range(10)))
    seen: list[CustomerView] = []
    after = customers.BEFORE_ALL
    async with database.transaction(tenant.principal) as tx:
        while page := await customers.list_customers(tx, after=after, limit=3):
            seen += page
            after = (page[-1].name, page[-1].id)
    assert [(row.name, row.id) for row in seen] == sorted((row.name, row.id) for row in seen)
    assert len({row.id for row in seen}) == len(seen) == 10


@pytest.mark.parametrize(("search", "found"), [("WIND", ["K1"]), ("k", ["K1"]), ("2", []), ("%", ["X2"]), ("none", [])])
async def test_a_search_finds_part_of_a_name_or_the_start_of_a_number(
    database: Database, tenant: TenantFixture, search: str, found: list[str]
) -> None:
    await made(database, tenant, customer(number="K1"), customer(number="X2", name="100% Wool Ltd"))
    assert await listed(database, tenant, search=search) == found


async def test_terms_and_limits_that_change_are_entries_of_their_own(database: Database, tenant: TenantFixture) -> None:
    [row] = await made(database, tenant, customer())
    async with database.transaction(tenant.principal) as tx:
        await customers.change_customer(
            tx, row.id, CustomerChange(expected_version=1, terms_days=60, credit_limit_minor=1)
        )
        actions = {entry[0] for entry in await tx.fetch("select action from audit.entry")}
    assert {"parties.terms_changed", "parties.credit_limit_changed"} <= actions
