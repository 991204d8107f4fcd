"""Placing and changing drafts: prices, VAT, totals, references across the wall, round trips."""

import contextlib
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from tests.commerce.orders.shop import Shop, open_shop
from tests.conftest import MakeTenant

from stockade.access.permissions import Forbidden
from stockade.commerce.orders import service as orders
from stockade.commerce.orders.commands import DraftChange, NewLine, NewOrder
from stockade.kernel.ids import new_id
from stockade.kernel.money import Money
from stockade.kernel.problems import Invalid, NotFound, VersionConflict
from stockade.tenancy.transaction import Database


async def test_what_placing_returns_is_what_reading_returns(shop: Shop) -> None:
    first, second = await shop.product("A", price="1.005"), await shop.product("B", price="3.3333", vat="reduced")
    placed = await shop.place((first, 1), (second, 3), note="Ring twice", requested_on=date(2030, 1, 2))
    assert placed == await shop.read(placed)
    assert placed.number.endswith("-000001")
    assert [line.net for line in placed.lines] == [Money(101, "EUR"), Money(1000, "EUR")]
    assert (placed.net, placed.vat, placed.gross) == (Money(1101, "EUR"), Money(70, "EUR"), Money(1171, "EUR"))


async def test_numbers_follow_each_other_and_a_rollback_gives_one_back(shop: Shop) -> None:
    product = await shop.product("A")
    first = await shop.place((product, 1))
    command = NewOrder(customer_id=shop.customer_id, lines=[NewLine(product_id=product, quantity=1)])
    with contextlib.suppress(ZeroDivisionError):
        async with shop.open() as tx:
            await orders.place_order(tx, new_id(), command)
            raise ZeroDivisionError
    second = await shop.place((product, 1))
    assert [int(order.number[-6:]) for order in (first, second)] == [1, 2]


async def test_the_millionth_order_of_a_year_has_a_number_of_its_own(shop: Shop) -> None:
    product = await shop.product("A")
    await shop.place((product, 1))
    async with shop.open() as tx:
        await tx.execute("update numbering.counter set last = 999999 where series = 'order'")
    assert (await shop.place((product, 1))).number.endswith("-1000000")


async def test_placing_and_reading_stay_within_their_round_trips(shop: Shop) -> None:
    products = [await shop.product(f"P{n}") for n in range(5)]
    command = NewOrder(
        customer_id=shop.customer_id, lines=[NewLine(product_id=product, quantity=2) for product in products]
    )
    async with shop.open() as tx:
        order = await orders.place_order(tx, new_id(), command)
        assert tx.round_trips == 3  # with the idempotency claim and COMMIT: 5
    async with shop.open() as tx:
        await orders.read_order(tx, order.id)
        assert tx.round_trips == 2
    async with shop.open() as tx:
        await orders.list_orders(tx, orders.Filter(), count=51)
        assert tx.round_trips == 2


async def test_an_order_of_five_hundred_lines_takes_no_more_round_trips(shop: Shop) -> None:
    product = await shop.product("A")
    command = NewOrder(customer_id=shop.customer_id, lines=[NewLine(product_id=product, quantity=1)] * 500)
    async with shop.open() as tx:
        assert len((await orders.place_order(tx, new_id(), command)).lines) == 500
        assert tx.round_trips == 3


@pytest.mark.parametrize("treatment", ["reverse_charge", "export"])
async def test_a_customer_under_reverse_charge_or_abroad_bears_no_vat(
    database: Database, make_tenant: MakeTenant, treatment: str
) -> None:
    shop = await open_shop(database, (await make_tenant()).principal, treatment=treatment)
    order = await shop.place((await shop.product("A"), 1))
    assert (order.vat.amount_minor, order.lines[0].vat_category) == (0, treatment)


async def test_a_price_and_a_discount_of_ones_own_need_their_permission(shop: Shop) -> None:
    product = await shop.product("A")
    line = NewLine(product_id=product, quantity=10, unit_price=Decimal("8.5"), discount_percent=Decimal("2.5"))
    command = NewOrder(customer_id=shop.customer_id, lines=[line])
    async with shop.open() as tx:
        order = await orders.place_order(tx, new_id(), command)
    assert order.lines[0].net == Money(8288, "EUR")
    member = msgspec.structs.replace(shop.principal, role="member")
    with pytest.raises(Forbidden, match="orders:price"):
        async with shop.database.transaction(member) as tx:
            await orders.place_order(tx, new_id(), command)


async def test_another_tenants_customer_product_or_warehouse_is_refused_like_one_that_does_not_exist(
    shop: Shop, database: Database, make_tenant: MakeTenant
) -> None:
    theirs = await open_shop(database, (await make_tenant()).principal)
    product, their_product = await shop.product("A"), await theirs.product("A")

    async def refusal(**changed: object) -> dict[str, object]:
        asked = {"customer_id": shop.customer_id, "lines": [NewLine(product_id=product, quantity=1)]} | changed
        with pytest.raises(Invalid) as refused:
            async with shop.open() as tx:
                await orders.place_order(tx, new_id(), NewOrder(**asked))  # type: ignore[arg-type]  # by name
        return refused.value.document()

    assert await refusal(customer_id=theirs.customer_id) == await refusal(customer_id=new_id())
    assert await refusal(warehouse_id=theirs.warehouse_id) == await refusal(warehouse_id=new_id())
    foreign, unknown = NewLine(product_id=their_product, quantity=1), NewLine(product_id=new_id(), quantity=1)
    assert await refusal(lines=[foreign]) == await refusal(lines=[unknown])


async def test_another_tenants_order_is_not_found(shop: Shop, database: Database, make_tenant: MakeTenant) -> None:
    order = await shop.place((await shop.product("A"), 1))
    theirs = await open_shop(database, (await make_tenant()).principal)
    with pytest.raises(NotFound):
        await theirs.read(order)


@pytest.mark.parametrize("table", ["parties.customer", "catalog.product", "stock.warehouse"])
async def test_what_is_archived_cannot_be_ordered(shop: Shop, table: str) -> None:
    product = await shop.product("A")
    async with shop.open() as tx:
        await tx.execute(f"update {table} set state = 'archived'")
    with pytest.raises(Invalid):
        await shop.place((product, 1))


async def test_a_product_without_a_vat_rate_on_file_cannot_be_ordered_but_an_exempt_one_can(shop: Shop) -> None:
    with pytest.raises(Invalid, match="No VAT rate is on file for the category super_reduced"):
        await shop.place((await shop.product("A", vat="super_reduced"), 1))
    assert (await shop.place((await shop.product("B", vat="exempt"), 1))).vat.amount_minor == 0


async def test_the_newest_vat_rate_that_is_not_in_the_future_counts(shop: Shop) -> None:
    product = await shop.product("A")
    async with shop.open() as tx:
        for day, rate in ((date(2021, 1, 1), 21), (date(2199, 1, 1), 99)):
            await tx.execute(
                "insert into catalog.vat_rate (tenant_id, id, category, valid_from, rate) "
                "values ($1, $2, 'standard', $3, $4)",
                tx.tenant_id, new_id(), day, Decimal(rate),
            )  # fmt: skip
    assert (await shop.place((product, 1))).lines[0].vat_rate == 21


async def test_a_customer_in_another_currency_than_the_list_needs_a_price(
    database: Database, make_tenant: MakeTenant
) -> None:
    shop = await open_shop(database, (await make_tenant()).principal, currency="USD")
    async with shop.open() as tx:
        await tx.execute(
            "insert into parties.company (tenant_id, id, legal_name, street, postcode, city, country, currency) "
            "values ($1, $1, 'T', 'S', 'P', 'C', 'DE', 'EUR')",
            tx.tenant_id,
        )
    product = await shop.product("A")
    with pytest.raises(Invalid, match="List prices are in EUR: give a price in USD"):
        await shop.place((product, 1))
    line = NewLine(product_id=product, quantity=1, unit_price=Decimal(11))
    async with shop.open() as tx:
        order = await orders.place_order(tx, new_id(), NewOrder(customer_id=shop.customer_id, lines=[line]))
    assert order.net == Money(1100, "USD")


async def test_changing_a_draft_replaces_lines_and_keeps_what_is_not_named(shop: Shop) -> None:
    first, second = await shop.product("A"), await shop.product("B", price="5")
    order = await shop.place((first, 1), (second, 2), (first, 3), note="Stay")
    wanted = [NewLine(product_id=second, quantity=4), NewLine(product_id=second, quantity=1)]
    async with shop.open() as tx:
        changed = await orders.change_draft(tx, order.id, DraftChange(expected_version=1, lines=wanted))
    assert [(line.sku, line.quantity) for line in changed.lines] == [("B", 4), ("B", 1)]
    assert (changed.net, changed.note, changed.version) == (Money(2500, "EUR"), "Stay", 2)
    async with shop.open() as tx:
        cleared = await orders.change_draft(tx, order.id, DraftChange(expected_version=2, note=None))
    assert (cleared.note, cleared.net) == (None, changed.net)


async def test_a_line_keeps_its_special_price_when_a_member_changes_its_quantity(shop: Shop) -> None:
    product = await shop.product("A")
    line = NewLine(product_id=product, quantity=1, unit_price=Decimal(7), discount_percent=Decimal(50))
    async with shop.open() as tx:
        order = await orders.place_order(tx, new_id(), NewOrder(customer_id=shop.customer_id, lines=[line]))
    member = msgspec.structs.replace(shop.principal, role="member")
    more = DraftChange(expected_version=1, lines=[NewLine(product_id=product, quantity=2)])
    async with shop.database.transaction(member) as tx:
        changed = await orders.change_draft(tx, order.id, more)
    assert changed.net == Money(700, "EUR")


async def test_a_changed_discount_is_an_entry_of_its_own_in_the_trail(shop: Shop) -> None:
    product = await shop.product("A")
    order = await shop.place((product, 1))
    line = NewLine(product_id=product, quantity=1, discount_percent=Decimal(10))
    async with shop.open() as tx:
        await orders.change_draft(tx, order.id, DraftChange(expected_version=1, lines=[line]))
        entry = await tx.fetchrow("select before, after from audit.entry where action = 'orders.discount_changed'")
    assert (entry["before"]["discount_percent"], entry["after"]["discount_percent"]) == (0, 10)


async def test_a_draft_changed_by_someone_else_is_not_overwritten(shop: Shop) -> None:
    order = await shop.place((await shop.product("A"), 1))
    async with shop.open() as tx:
        await orders.change_draft(tx, order.id, DraftChange(expected_version=1, note="First"))
    with pytest.raises(VersionConflict):
        async with shop.open() as tx:
            await orders.change_draft(tx, order.id, DraftChange(expected_version=1, note="Second"))
    assert (await shop.read(order)).note == "First"
