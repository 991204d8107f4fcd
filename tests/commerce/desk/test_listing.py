"""A list that is declared can be searched, filtered, sorted, paged in both directions, streamed and kept as a view."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.conftest import MakeTenant, TenantFixture

from stockade.commerce.desk.listing import (
    Asked,
    Choice,
    Column,
    Days,
    Entity,
    Flag,
    Listing,
    Search,
    asked_of,
    ids_of,
    read_page,
    stream,
)  # fmt: skip
from stockade.commerce.desk.listing.views import NewView, TooManyViews, remove_view, save_view, views_of
from stockade.commerce.parties.api import READ
from stockade.commerce.parties.service.customers import NewCustomer, create_customer
from stockade.kernel.ids import new_id
from stockade.kernel.money import Money
from stockade.kernel.problems import Invalid, NotFound
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Database

DAY = date(2026, 11, 21)
CUSTOMERS = Listing(
    name="test customers", address="/customers", permission=READ,
    source="parties.customer c", where="c.tenant_id = $1", key="c.id",
    joins={
        "addresses": "left join lateral (select count(*) as n from parties.address a "
        "where a.tenant_id = $1 and a.customer_id = c.id) x on true"
    },
    columns=(
        Column("name", N_("Name"), "c.name", sort=True, link="/customers/{id}"),
        Column("terms", N_("Terms"), "c.terms_days", "quantity", sort=True),
        Column(
            "limit", N_("Limit"), "c.credit_limit_minor", "money", currency="c.currency", permission="orders:release"
        ),
        Column("places", N_("Places"), "x.n", "quantity", shown=False, needs=("addresses",)),
    ),
    filters=(
        Search("c.number ^@ {0} or lower(c.name) ^@ lower({0})", N_("Number or name")),
        Choice("state", N_("State"), {"active": N_("Active"), "archived": N_("Archived")}, "c.state = {0}"),
        Flag("quick", N_("Quick"), "c.terms_days < 10 and {today} > date '2000-01-01'"),
        Days("made", N_("Made"), "c.created_at", moment=True),
        Entity("one", N_("One"), "c.id = {0}", "customers"),
    ),
    sort="name",
)  # fmt: skip


def question(query: Mapping[str, str] | None = None, *, everything: bool = True) -> Asked:
    return asked_of(CUSTOMERS, query or {}, lambda permission: everything)


@pytest.fixture
async def shop(tenant: TenantFixture, database: Database) -> TenantFixture:
    """A tenant with nine customers: three a term of 5, 10 and 15 days."""
    async with database.transaction(tenant.principal) as tx:
        for number in range(9):
            new = NewCustomer(
                name=f"Shop {number}", country="DE", currency="EUR", terms_days=5 + number % 3 * 5,
                credit_limit_minor=number * 100,
            )  # fmt: skip
            await create_customer(tx, new_id(), new)
    return tenant


async def names(database: Database, shop: TenantFixture, query: Mapping[str, str], size: int = 50) -> list[Any]:
    async with database.transaction(shop.principal) as tx:
        page = await read_page(tx, CUSTOMERS, question(query), today=DAY, size=size)
    return [row.cells[0] for row in page.found]


@pytest.mark.parametrize("sort", ["name", "-name", "terms", "-terms"])
async def test_pages_forward_and_back_hold_every_row_once(shop: TenantFixture, database: Database, sort: str) -> None:
    whole = await names(database, shop, {"sort": sort})
    assert len(whole) == 9
    seen, cursor = [], {}
    async with database.transaction(shop.principal) as tx:
        for _ in range(3):
            page = await read_page(tx, CUSTOMERS, question({"sort": sort} | cursor), today=DAY, size=4)
            seen += [row.cells[0] for row in page.found]
            cursor = {"after": page.next or ""}
        assert (seen, page.next) == (whole, None)
        back = await read_page(
            tx, CUSTOMERS, question({"sort": sort, "before": page.previous or ""}), today=DAY, size=4
        )
    assert [row.cells[0] for row in back.found] == whole[4:8]
    assert back.previous is not None


async def test_each_filter_keeps_what_it_says(shop: TenantFixture, database: Database) -> None:
    assert await names(database, shop, {"q": "shop 3"}) == ["Shop 3"]
    assert await names(database, shop, {"quick": "1"}) == ["Shop 0", "Shop 3", "Shop 6"]
    assert await names(database, shop, {"state": "archived"}) == []
    assert len(await names(database, shop, {"made_from": "2020-01-01", "made_to": "2999-01-01"})) == 9
    assert await names(database, shop, {"made_to": "2020-01-01"}) == []


async def test_filters_work_together_and_a_record_filters_by_its_id(shop: TenantFixture, database: Database) -> None:
    async with database.transaction(shop.principal) as tx:
        page = await read_page(tx, CUSTOMERS, question({"q": "shop", "quick": "1"}), today=DAY)
    assert len(page.found) == 3
    assert await names(database, shop, {"one": str(page.found[1].id)}) == ["Shop 3"]


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "absent"}, {"state": "x"}, {"quick": "yes"}, {"made_from": "yesterday"}, {"one": "1"}, {"q": "\0"},
        {"q": "x" * 101}, {"after": "bm9uc2Vuc2U"}, {"made_from": "0001-01-01"},
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused_by_the_parameters_name(query: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        question(query)


def test_what_a_person_may_not_see_is_not_there_and_not_sorted_by() -> None:
    asked = question({"columns": "name,limit"}, everything=False)
    assert [column.name for column in asked.columns] == ["name"]
    assert [column.name for column in question(everything=False).columns] == ["name", "terms"]


async def test_chosen_columns_are_shown_with_the_joins_that_they_need(shop: TenantFixture, database: Database) -> None:
    async with database.transaction(shop.principal) as tx:
        page = await read_page(tx, CUSTOMERS, question({"columns": "name,limit,places", "q": "shop 7"}), today=DAY)
    assert page.found[0].cells == ("Shop 7", Money(700, "EUR"), 0)


async def test_a_stream_holds_every_row_whatever_the_page(shop: TenantFixture, database: Database) -> None:
    async with database.transaction(shop.principal) as tx:
        first = await read_page(tx, CUSTOMERS, question(), today=DAY, size=2)
        streamed = [
            row.cells[0] async for row in stream(tx, CUSTOMERS, question({"after": first.next or ""}), today=DAY)
        ]
        ids = await ids_of(tx, CUSTOMERS, question({"quick": "1"}), today=DAY, most=2)
    assert streamed == [f"Shop {number}" for number in range(9)]
    assert len(ids) == 2


def test_the_address_of_a_question_asks_the_same() -> None:
    query = {"q": "a b", "state": "active", "sort": "-terms", "columns": "name,terms", "made_from": "2026-01-01"}
    asked = question(query)
    assert sorted(asked.address(CUSTOMERS).split("&")) == [
        "columns=name%2Cterms", "made_from=2026-01-01", "q=a+b", "sort=-terms", "state=active",
    ]  # fmt: skip
    assert "q=" not in asked.address(CUSTOMERS, q=None)


async def test_a_view_is_its_owners_until_it_is_shared(tenant: TenantFixture, database: Database) -> None:
    other = msgspec.structs.replace(tenant.principal, actor_id=UUID(int=7))
    async with database.transaction(tenant.principal) as tx:
        mine, ours = new_id(), new_id()
        await save_view(tx, mine, "orders", NewView(name="Mine", query="late=1"))
        await save_view(tx, ours, "orders", NewView(name="Ours", shared=True))
        assert [view.name for view in await views_of(tx, "orders")] == ["Mine", "Ours"]
        assert await views_of(tx, "customers") == []
    async with database.transaction(other) as tx:
        assert [(view.name, view.owned) for view in await views_of(tx, "orders")] == [("Ours", False)]
        with pytest.raises(NotFound):
            await remove_view(tx, ours)
    async with database.transaction(tenant.principal) as tx:
        await remove_view(tx, mine)
        assert [view.name for view in await views_of(tx, "orders")] == ["Ours"]


async def test_another_tenants_views_are_not_there(
    tenant: TenantFixture, database: Database, make_tenant: MakeTenant
) -> None:
    stranger = await make_tenant()
    async with database.transaction(tenant.principal) as tx:
        await save_view(tx, new_id(), "orders", NewView(name="Ours", shared=True))
    async with database.transaction(stranger.principal) as tx:
        assert await views_of(tx, "orders") == []


async def test_a_person_keeps_a_bounded_number_of_views(
    tenant: TenantFixture, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockade.commerce.desk.listing.views.MOST_VIEWS", 1)
    async with database.transaction(tenant.principal) as tx:
        await save_view(tx, new_id(), "orders", NewView(name="One"))
        with pytest.raises(TooManyViews):
            await save_view(tx, new_id(), "orders", NewView(name="Two"))


def test_a_list_sorted_by_what_it_does_not_have_stops_the_start() -> None:
    with pytest.raises(TypeError):
        msgspec.structs.replace(CUSTOMERS, sort="absent")
