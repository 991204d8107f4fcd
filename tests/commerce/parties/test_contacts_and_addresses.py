"""Contacts and addresses through their verbs, in a real database."""

from itertools import pairwise
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from tests.conftest import MakeTenant, TenantFixture

from stockade.commerce.parties.rules import MOST_OF_A_KIND, TooMany
from stockade.commerce.parties.service import addresses, contacts
from stockade.commerce.parties.service.addresses import AddressChange, NewAddress
from stockade.commerce.parties.service.contacts import ContactChange, NewContact
from stockade.commerce.parties.service.customers import NewCustomer, create_customer
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound, VersionConflict
from stockade.tenancy.transaction import Database, Transaction


class Kind:
    """Contacts and addresses keep the same promises: each test is run on both."""

    def __init__(
        self, module: ModuleType, one: str, many: str, new: Any, change: Any, whole: dict[str, str], field: str
    ) -> None:
        self.add, self.read, self.change, self.remove = (
            getattr(module, f"{verb}_{one}") for verb in ("add", "read", "change", "remove")
        )
        self.list = getattr(module, f"list_{many}")
        self.make_new, self.make_change, self.whole, self.field = new, change, whole, field

    def new(self, customer_id: UUID, **given: str) -> Any:
        return self.make_new(customer_id=customer_id, **(self.whole | given))


CONTACT = Kind(
    contacts, "contact", "contacts", NewContact, ContactChange, {"name": "Ada King", "email": "Ada@K.example"}, "name"
)
ADDRESS = Kind(
    addresses, "address", "addresses", NewAddress, AddressChange,
    {
        "kind": "shipping", "recipient": "Ada King", "street": "Hafen 1", "postcode": "20457", "city": "Hamburg",
        "country": "DE",
    },
    "street",
)  # fmt: skip
BOTH = pytest.mark.parametrize("kind", [CONTACT, ADDRESS], ids=["contact", "address"])


async def customer(tx: Transaction) -> UUID:
    return (await create_customer(tx, new_id(), NewCustomer(name="Northwind", country="DE", currency="EUR"))).id


@BOTH
async def test_what_is_added_is_read_listed_and_removed(database: Database, tenant: TenantFixture, kind: Kind) -> None:
    async with database.transaction(tenant.principal) as tx:
        owner, other = await customer(tx), await customer(tx)
        first, second = [await kind.add(tx, new_id(), kind.new(owner)) for _ in range(2)]
        assert await kind.read(tx, first.id) == first
        assert await kind.list(tx, owner) == [first, second]
        assert await kind.list(tx, other) == []
        await kind.remove(tx, first.id)
        assert await kind.list(tx, owner) == [second]
        with pytest.raises(NotFound):
            await kind.remove(tx, first.id)


@BOTH
async def test_a_change_needs_the_version_that_was_seen(database: Database, tenant: TenantFixture, kind: Kind) -> None:
    async with database.transaction(tenant.principal) as tx:
        row = await kind.add(tx, new_id(), kind.new(await customer(tx)))
        changed = await kind.change(tx, row.id, kind.make_change(expected_version=1, **{kind.field: "Other"}))
        assert (getattr(changed, kind.field), changed.version) == ("Other", 2)
        with pytest.raises(VersionConflict):
            await kind.change(tx, row.id, kind.make_change(expected_version=1, **{kind.field: "Late"}))


@BOTH
async def test_another_tenants_rows_and_customers_are_not_there(
    database: Database, make_tenant: MakeTenant, kind: Kind
) -> None:
    mine, theirs = await make_tenant(), await make_tenant()
    async with database.transaction(theirs.principal) as tx:
        owner = await customer(tx)
        row = await kind.add(tx, new_id(), kind.new(owner))
    verbs: list[Any] = [
        lambda tx: kind.read(tx, row.id),
        lambda tx: kind.change(tx, row.id, kind.make_change(expected_version=1, **{kind.field: "Mine"})),
        lambda tx: kind.remove(tx, row.id),
        lambda tx: kind.list(tx, owner),
        lambda tx: kind.add(tx, new_id(), kind.new(owner)),
    ]
    for verb in verbs:
        with pytest.raises(NotFound):
            async with database.transaction(mine.principal) as tx:
                await verb(tx)
    async with database.transaction(theirs.principal) as tx:
        assert await kind.list(tx, owner) == [row]


@BOTH
async def test_nothing_is_added_to_a_customer_that_does_not_exist(
    database: Database, tenant: TenantFixture, kind: Kind
) -> None:
    with pytest.raises(NotFound):
        async with database.transaction(tenant.principal) as tx:
            await kind.add(tx, new_id(), kind.new(new_id()))


@BOTH
async def test_a_customer_has_no_more_than_can_be_listed_in_one_piece(
    database: Database, tenant: TenantFixture, kind: Kind
) -> None:
    async with database.transaction(tenant.principal) as tx:
        owner = await customer(tx)
        for _ in range(MOST_OF_A_KIND):
            await kind.add(tx, new_id(), kind.new(owner))
        with pytest.raises(TooMany):
            await kind.add(tx, new_id(), kind.new(owner))
        assert len(await kind.list(tx, owner)) == MOST_OF_A_KIND


@BOTH
async def test_each_verb_costs_one_round_trip_and_a_change_two(
    database: Database, tenant: TenantFixture, kind: Kind
) -> None:
    async with database.transaction(tenant.principal) as tx:
        owner = await customer(tx)
        trips = [tx.round_trips]
        row = await kind.add(tx, new_id(), kind.new(owner))
        trips.append(tx.round_trips)
        for verb in (
            kind.read(tx, row.id),
            kind.list(tx, owner),
            kind.change(tx, row.id, kind.make_change(expected_version=1, **{kind.field: "Other"})),
            kind.remove(tx, row.id),
        ):
            await verb
            trips.append(tx.round_trips)
    assert [after - before for before, after in pairwise(trips)] == [1, 1, 1, 2, 1]


async def test_a_contacts_address_is_kept_in_lower_case(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        row = await contacts.add_contact(tx, new_id(), CONTACT.new(await customer(tx)))
        changed = await contacts.change_contact(tx, row.id, ContactChange(expected_version=1, email="EVE@k.example"))
    assert (row.email, changed.email) == ("ada@k.example", "eve@k.example")


async def test_an_address_lies_in_a_country_that_exists(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        owner = await customer(tx)
        with pytest.raises(Invalid):
            await addresses.add_address(tx, new_id(), ADDRESS.new(owner, country="XX"))
        row = await addresses.add_address(tx, new_id(), ADDRESS.new(owner))
        with pytest.raises(Invalid):
            await addresses.change_address(tx, row.id, AddressChange(expected_version=1, country="UK"))


async def test_the_trail_holds_a_persons_data_masked_only(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        row = await contacts.add_contact(tx, new_id(), CONTACT.new(await customer(tx)))
        await contacts.remove_contact(tx, row.id)
        entries = str(
            [dict(entry) for entry in await tx.fetch("select * from audit.entry where subject = 'parties.contact'")]
        )
    assert "insert" in entries
    assert "delete" in entries
    assert "Ada" not in entries
    assert "ada@" not in entries
