"""Order entry: finding by a few letters, pricing while typing, drafts that are kept, orders that are placed once."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.commerce.orders.shop import Shop

from stockade.access.permissions import Forbidden
from stockade.commerce.catalog.service.substitutes import SubstitutesSetting, set_substitutes
from stockade.commerce.desk.entry import drafts, looking, matching, placing, pricing
from stockade.commerce.desk.entry.folding import folded, word_starts
from stockade.commerce.orders.commands import NewLine, NewOrder, Quotation
from stockade.commerce.orders.service import read_order
from stockade.commerce.parties.service.addresses import NewAddress, add_address
from stockade.commerce.parties.service.customers import NewCustomer, create_customer
from stockade.kernel.ids import new_id
from stockade.kernel.problems import NotFound, VersionConflict
from stockade.tenancy.principal import Principal

MOST_STATEMENTS = 8


async def name(shop: Shop, product: UUID, text: str, **columns: Any) -> None:
    async with shop.open() as tx:
        await tx.execute(
            "update catalog.product set name = $3, barcode = $4, case_pack = $5 where tenant_id = $1 and id = $2",
            tx.tenant_id, product, text, columns.get("barcode"), columns.get("case_pack", 1),
        )  # fmt: skip


async def found(shop: Shop, typed: str) -> list[str]:
    async with shop.open() as tx:
        return [row.sku for row in await looking.find_products(tx, typed, customer_id=shop.customer_id)]


async def priced(shop: Shop, *lines: NewLine, principal: Principal | None = None) -> pricing.Priced:
    async with shop.database.transaction(principal or shop.principal) as tx:
        return await pricing.price_entry(tx, Quotation(customer_id=shop.customer_id, lines=list(lines)))


def as_member(shop: Shop, role: str = "member") -> Principal:
    return msgspec.structs.replace(shop.principal, role=role, actor_id=new_id())


# Looking up.


async def test_a_product_is_found_by_sku_then_barcode_then_beginning_then_words(shop: Shop) -> None:
    for sku, text, barcode in (
        ("PEN-1", "Blue pen", "4006381333931"), ("PEN-10", "Żółty ołówek, 12 szt.", None),
        ("INK-1", "Ink for a pen-1 x", None),
    ):  # fmt: skip
        await name(shop, await shop.product(sku), text, barcode=barcode)
    assert await found(shop, "pen-1") == ["PEN-1", "PEN-10", "INK-1"]
    assert await found(shop, "4006381333931") == ["PEN-1"]
    assert await found(shop, "zol olow 12") == ["PEN-10"]
    assert await found(shop, "olow zol") == ["PEN-10"]
    assert await found(shop, "lue") == []
    assert await found(shop, "  ") == await found(shop, "---") == await found(shop, "%") == []


async def test_what_is_found_has_price_free_stock_and_case_pack(shop: Shop) -> None:
    product = await shop.product("PEN-1", price="1.25", on_hand=30)
    await name(shop, product, "Blue pen", case_pack=12)
    await shop.ordered((product, 10))
    async with shop.open() as tx:
        row = (await looking.find_products(tx, "PEN-1", customer_id=shop.customer_id))[0]
    assert (row.price, row.available, row.case_pack, row.exact) == (Decimal("1.25"), 20, 12, True)


async def test_a_customer_is_found_by_number_and_by_words_whatever_the_accents(shop: Shop) -> None:
    async with shop.open() as tx:
        bookshop = NewCustomer(name="Księgarnia Złoty Ołówek", number="C-00042", country="PL", currency="PLN")
        await create_customer(tx, new_id(), bookshop)
        for typed in ("c-00042", "42", "ksieg", "zloty ksi", "OŁÓWEK"):
            assert [row.number for row in await looking.find_customers(tx, typed)] == ["C-00042"], typed
        assert await looking.find_customers(tx, "egarnia") == []


async def test_an_archived_product_is_not_found(shop: Shop) -> None:
    await shop.product("PEN-1")
    async with shop.open() as tx:
        await tx.execute("update catalog.product set state = 'archived' where tenant_id = $1", tx.tenant_id)
    assert await found(shop, "PEN-1") == []


def test_folding_is_the_same_for_every_letter_and_words_are_bounded() -> None:
    assert folded("Żółć, ÉÀÜ (ñ)") == "zolc  eau  n "
    assert word_starts("a b c d e f") == [" a", " b", " c", " d"]
    assert word_starts(" - ") == ["", "", "", ""]


# Matching a spreadsheet's lines.


async def test_lines_of_a_spreadsheet_are_matched_in_order_and_what_is_unclear_is_said(shop: Shop) -> None:
    pen, ink = await shop.product("PEN-1"), await shop.product("INK-1")
    await name(shop, pen, "Blue pen", barcode="4006381333931")
    await name(shop, ink, "Blue ink")
    wanted = matching.Wanted(texts=["ink-1", "nothing", "blue", "BLUE  PEN", "4006381333931", "bl in", "ink-1"])
    async with shop.open() as tx:
        matches = await matching.match_products(tx, wanted)
    assert [match.product_id for match in matches] == [ink, None, None, pen, pen, ink, ink]
    assert [match.several for match in matches] == [False, False, True, False, False, False, False]


# Pricing.


async def test_an_entry_costs_what_placing_it_costs(shop: Shop) -> None:
    first, second = await shop.product("A", price="1.005"), await shop.product("B", price="3.3333", vat="reduced")
    entry = await priced(shop, NewLine(product_id=first, quantity=1), NewLine(product_id=second, quantity=3))
    order = await shop.place((first, 1), (second, 3))
    assert (entry.net_minor, entry.vat_minor, entry.gross_minor) == (
        order.net.amount_minor, order.vat.amount_minor, order.gross.amount_minor,
    )  # fmt: skip
    assert [line.net_minor for line in entry.lines] == [line.net.amount_minor for line in order.lines]


async def test_pricing_writes_nothing_and_costs_the_same_for_one_line_and_for_fifty(shop: Shop) -> None:
    products = [await shop.product(f"P-{number}") for number in range(50)]
    lines = [NewLine(product_id=product, quantity=2) for product in products]
    costs = []
    for asked in (lines[:1], lines):
        async with shop.open() as tx:
            await pricing.price_entry(tx, Quotation(customer_id=shop.customer_id, lines=asked))
            costs.append(tx.round_trips)
            assert await tx.fetch("select from audit.entry where subject = 'orders.sales_order'") == []
    assert costs[0] == costs[1] <= MOST_STATEMENTS + 1


async def test_lines_that_share_an_item_share_its_stock_as_confirming_will(shop: Shop) -> None:
    product = await shop.product("A", on_hand=10)
    lines = [NewLine(product_id=product, quantity=quantity, whole=whole) for quantity, whole in
             ((7, False), (5, True), (5, False))]  # fmt: skip
    entry = await priced(shop, *lines)
    order = await shop.confirm(await shop.place(lines=lines))
    assert [line.granted for line in entry.lines] == [line.reserved for line in order.lines] == [7, 0, 3]
    assert [line.free for line in entry.lines] == [10, 3, 3]


async def test_a_short_line_is_offered_its_substitutes_with_their_stock_in_order(shop: Shop) -> None:
    short, other, best = await shop.product("A", on_hand=1), await shop.product("B", on_hand=3), await shop.product("C")
    async with shop.open() as tx:
        setting = SubstitutesSetting(expected_version=1, substitute_ids=[best, other])
        await set_substitutes(tx, short, setting)
    entry = await priced(shop, NewLine(product_id=short, quantity=2), NewLine(product_id=other, quantity=1))
    assert [(row.sku, row.available) for row in entry.lines[0].substitutes] == [("C", 0), ("B", 3)]
    assert entry.lines[1].substitutes == []


async def test_a_line_that_cannot_be_ordered_says_so_and_the_others_are_priced(shop: Shop) -> None:
    product = await shop.product("A", price="10")
    entry = await priced(shop, NewLine(product_id=new_id(), quantity=1), NewLine(product_id=product, quantity=2))
    assert "no active product" in entry.lines[0].problem
    assert (entry.lines[1].net_minor, entry.net_minor) == (2000, 2000)


async def test_credit_is_what_confirming_compares(shop: Shop) -> None:
    product = await shop.product("A", price="100", on_hand=100)
    await shop.ordered((product, 5))
    entry = await priced(shop, NewLine(product_id=product, quantity=3))
    assert (entry.credit.limit_minor, entry.credit.used_minor, entry.credit.left_minor) == (100_000, 60_000, 4_000)
    assert not (await shop.ordered((product, 3))).holds
    assert (await shop.ordered((product, 1))).holds[0].kind == "credit"


async def test_a_price_of_ones_own_needs_the_permission(shop: Shop) -> None:
    line = NewLine(
        product_id=await shop.product("A"), quantity=2, unit_price=Decimal("1"), discount_percent=Decimal(50)
    )
    assert (await priced(shop, line)).net_minor == 100
    with pytest.raises(Forbidden):
        await priced(shop, line, principal=as_member(shop))


# Drafts.


def entry(typed: str = "PEN") -> drafts.Entry:
    return drafts.Entry(customer="Mus", lines=[drafts.EntryLine(typed=typed, quantity="1o")])


async def save(shop: Shop, who: Principal, draft_id: UUID, version: int, typed: str = "PEN") -> drafts.Saved:
    async with shop.database.transaction(who) as tx:
        saving = drafts.Saving(expected_version=version, content=entry(typed))
        return await drafts.save_draft(tx, draft_id, saving)


async def test_a_draft_holds_what_was_typed_right_or_wrong_for_its_author_alone(shop: Shop) -> None:
    me, other, draft_id = as_member(shop), as_member(shop, "owner"), new_id()
    assert (await save(shop, me, draft_id, 0)).version == 1
    assert (await save(shop, me, draft_id, 1, "INK")).version == 2
    async with shop.database.transaction(me) as tx:
        assert [(row.id, row.content) for row in await drafts.list_drafts(tx)] == [(draft_id, entry("INK"))]
    async with shop.database.transaction(other) as tx:
        assert await drafts.list_drafts(tx) == []
        with pytest.raises(NotFound):
            await drafts.discard_draft(tx, draft_id)
    with pytest.raises(drafts.DraftGone):
        await save(shop, other, draft_id, 2)


async def test_two_windows_do_not_overwrite_each_other(shop: Shop) -> None:
    me, draft_id = as_member(shop), new_id()
    await save(shop, me, draft_id, 0)
    await save(shop, me, draft_id, 1, "INK")
    with pytest.raises(VersionConflict) as refused:
        await save(shop, me, draft_id, 1, "GLUE")
    assert refused.value.members["current_version"] == 2


async def test_a_saving_whose_answer_was_lost_counts_once(shop: Shop) -> None:
    me, draft_id = as_member(shop), new_id()
    assert await save(shop, me, draft_id, 0) == await save(shop, me, draft_id, 0)
    assert await save(shop, me, draft_id, 1, "INK") == await save(shop, me, draft_id, 1, "INK")


async def test_one_person_has_a_bounded_number_of_drafts(shop: Shop) -> None:
    me = as_member(shop)
    for _ in range(drafts.MOST_DRAFTS):
        await save(shop, me, new_id(), 0)
    with pytest.raises(drafts.TooManyDrafts):
        await save(shop, me, new_id(), 0)


async def test_the_largest_draft_that_the_shape_admits_is_one_that_the_table_takes(shop: Shop) -> None:
    smile = "\U0001f600"
    line = drafts.EntryLine(
        typed=smile * 200, label=smile * 200, product_id=new_id(), quantity=smile * 20, unit_price=smile * 20,
        discount_percent=smile * 20,
    )  # fmt: skip
    largest = drafts.Entry(customer=smile * 200, note=smile * 2000, customer_reference=smile * 80, lines=[line] * 500)
    async with shop.open() as tx:
        await drafts.save_draft(tx, new_id(), drafts.Saving(expected_version=0, content=largest))
        assert [row.content for row in await drafts.list_drafts(tx)] == [largest]
    for longer in (b'{"lines": [{"typed": "' + b"x" * 201 + b'"}]}', b'{"note": "\\u0000"}'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(longer, type=drafts.Entry)


# Placing.


def order_of(
    shop: Shop, product: UUID, quantity: int = 2, *, version: int = 0, confirm: bool = True
) -> placing.Placing:
    order = NewOrder(customer_id=shop.customer_id, lines=[NewLine(product_id=product, quantity=quantity)])
    return placing.Placing(expected_version=version, order=order, confirm=confirm)


async def place(shop: Shop, who: Principal, draft_id: UUID, command: placing.Placing) -> placing.Placed:
    async with shop.database.transaction(who) as tx:
        return await placing.place_entry(tx, draft_id, command)


async def test_a_draft_becomes_one_order_however_often_it_is_sent_and_is_gone_with_it(shop: Shop) -> None:
    me, draft_id, product = as_member(shop), new_id(), await shop.product("A", on_hand=1)
    await save(shop, me, draft_id, 0)
    command = order_of(shop, product, version=1)
    answers = await asyncio.gather(*(place(shop, me, draft_id, command) for _ in range(5)))
    assert len({answer.order_id for answer in answers}) == 1
    assert sorted(answer.repeated for answer in answers) == [False, True, True, True, True]
    async with shop.database.transaction(me) as tx:
        assert await drafts.list_drafts(tx) == []
        assert await tx.fetchrow("select count(*) from orders.sales_order where tenant_id = $1", tx.tenant_id) == (1,)
    with pytest.raises(drafts.DraftGone) as gone:
        await save(shop, me, draft_id, 0)
    assert gone.value.members["order_id"] == answers[0].order_id


async def test_confirming_says_what_was_reserved_what_waits_and_who_can_release_the_hold(shop: Shop) -> None:
    product = await shop.product("A", price="1000", on_hand=1)
    placed = await place(shop, as_member(shop), new_id(), order_of(shop, product))
    assert [(line.quantity, line.reserved, line.backordered) for line in placed.lines] == [(2, 1, 1)]
    assert [hold.kind for hold in placed.holds] == ["credit"]
    assert placed.may_release is False


async def test_saving_as_a_draft_order_confirms_nothing(shop: Shop) -> None:
    product = await shop.product("A", on_hand=5)
    placed = await place(shop, as_member(shop), new_id(), order_of(shop, product, confirm=False))
    assert placed.stage == "draft"
    assert await shop.level(product) == (5, 0)


async def test_placing_what_another_window_has_changed_is_refused_and_leaves_the_draft(shop: Shop) -> None:
    me, draft_id, product = as_member(shop), new_id(), await shop.product("A")
    await save(shop, me, draft_id, 0)
    await save(shop, me, draft_id, 1, "INK")
    with pytest.raises(VersionConflict):
        await place(shop, me, draft_id, order_of(shop, product, version=1))
    async with shop.database.transaction(me) as tx:
        assert len(await drafts.list_drafts(tx)) == 1
        await drafts.discard_draft(tx, draft_id)
    with pytest.raises(drafts.DraftGone):
        await place(shop, me, draft_id, order_of(shop, product, version=2))


async def test_a_refused_order_leaves_the_draft_and_its_key(shop: Shop) -> None:
    me, draft_id, product = as_member(shop), new_id(), await shop.product("A")
    await save(shop, me, draft_id, 0)
    with pytest.raises(Exception, match="no active product"):
        await place(shop, me, draft_id, order_of(shop, new_id(), version=1))
    assert (await place(shop, me, draft_id, order_of(shop, product, version=1))).repeated is False


async def test_the_order_keeps_the_address_that_was_chosen(shop: Shop) -> None:
    product, address = await shop.product("A"), new_id()
    ramp = NewAddress(
        customer_id=shop.customer_id, kind="shipping", recipient="Ramp 2", street="Kai 1", postcode="20457",
        city="Hamburg", country="DE",
    )  # fmt: skip
    async with shop.open() as tx:
        await add_address(tx, address, ramp)
    order = await shop.place((product, 1), delivery_address_id=address)
    async with shop.open() as tx:
        await tx.execute("delete from parties.address where tenant_id = $1", tx.tenant_id)
        assert (await read_order(tx, order.id)).delivery == order.delivery
    assert order.delivery is not None
    assert order.delivery.recipient == "Ramp 2"
