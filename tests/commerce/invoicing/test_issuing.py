"""Invoices: what is billed, how it is numbered, and that it never changes."""

import asyncio
import contextlib
import random
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import pytest
from tests.commerce.invoicing.world import Item, World, make_world
from tests.conftest import MakeTenant, TenantFixture

from stockade.commerce.invoicing.rules import CompanyUnknown
from stockade.commerce.invoicing.service.issuing import issue_invoice
from stockade.commerce.invoicing.service.reading import list_invoices, read_invoice
from stockade.commerce.orders.rules import NothingToInvoice, NotInThisStage
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound, VersionConflict
from stockade.tenancy.transaction import Database

LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, asyncio.CancelledError)


class Abandoned(Exception):
    """A test gives its transaction up."""


@pytest.fixture
async def world(database: Database, tenant: TenantFixture) -> World:
    return await make_world(database, tenant)


async def issue(world: World, order_id: UUID, **options: object) -> object:
    async with world.database.transaction(world.tenant.principal) as tx:
        return await issue_invoice(tx, new_id(), order_id, **options)  # type: ignore[arg-type]


async def test_an_invoice_bills_what_shipped_with_vat_once_a_rate(world: World) -> None:
    invoice = await world.invoice(Item(3, "0.33"), Item(3, "0.33"), Item(1, "5.00", "5"))
    assert (invoice.net_minor, invoice.vat_minor, invoice.gross_minor) == (698, 40 + 25, 763)
    assert [(group.net_minor, group.vat_minor) for group in invoice.vat_groups] == [(198, 40), (500, 25)]


async def test_an_invoice_is_read_back_as_it_was_issued(world: World) -> None:
    invoice = await world.invoice(Item(7, "1.234567", discount="2.5"), Item(1, "4.90", stocked=False))
    async with world.database.transaction(world.tenant.principal) as tx:
        again = await read_invoice(tx, invoice.id)
    assert again == invoice
    assert (again.seller.name, again.buyer.street, again.buyer.reference) == (
        "Harbour Wholesale Ltd",
        "7 Old Lane",
        "PO 77",
    )


async def test_an_invoice_is_due_after_the_customers_terms(world: World) -> None:
    invoice = await world.invoice(on=date(2026, 1, 15))
    assert invoice.due_on == date(2026, 2, 14)


async def test_numbers_run_by_year_from_one(world: World) -> None:
    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 1))
    numbers = [(await world.invoice(on=day)).number for day in days]
    assert numbers == ["INV-2025-000001", "INV-2026-000001", "INV-2026-000002"]


async def test_what_ships_later_is_billed_later_and_the_parts_make_the_whole(world: World) -> None:
    order_id = await world.order(Item(3, "0.335", shipped=1), stage="picking")
    nets = []
    for stage in ("picking", "shipped", "shipped"):
        nets.append((await issue(world, order_id)).net_minor)  # type: ignore[attr-defined]
        if len(nets) < 3:
            await world.ship(order_id, 1, 1, stage)
    assert sum(nets) == 101  # 3 x 0.335 = 1.005, half up
    assert await world.value("select stage from orders.sales_order where id = $1", order_id) == "invoiced"


async def test_an_order_with_a_backorder_stays_where_it_is_when_its_first_part_is_billed(world: World) -> None:
    order_id = await world.order(Item(5, shipped=2), stage="picking")
    await issue(world, order_id)
    assert await world.value("select stage from orders.sales_order where id = $1", order_id) == "picking"


async def test_what_is_billed_is_not_billed_again(world: World) -> None:
    order_id = await world.order(Item(5, shipped=2), stage="picking")
    await issue(world, order_id)
    with pytest.raises(NothingToInvoice):
        await issue(world, order_id)


@pytest.mark.parametrize("stage", ["draft", "confirmed", "cancelled", "closed"])
async def test_an_order_in_another_stage_is_not_billed(world: World, stage: str) -> None:
    order_id = await world.order(Item(5), stage=stage)
    with pytest.raises(NotInThisStage):
        await issue(world, order_id)


async def test_an_order_that_changed_since_it_was_read_is_not_billed(world: World) -> None:
    order_id = await world.order(Item(5))
    with pytest.raises(VersionConflict):
        await issue(world, order_id, expected_version=2)


async def test_without_a_company_there_is_no_seller_and_no_invoice(database: Database, tenant: TenantFixture) -> None:
    world = await make_world(database, tenant, company=False)
    order_id = await world.order(Item(5))
    with pytest.raises(CompanyUnknown):
        await issue(world, order_id)
    assert await world.value("select count(*) from numbering.counter") == 0


async def test_another_tenants_order_is_not_there(world: World, make_tenant: MakeTenant) -> None:
    order_id = await world.order(Item(5))
    other = await make_world(world.database, await make_tenant())
    with pytest.raises(NotFound):
        await issue(other, order_id)


async def test_an_invoice_books_a_journal_and_an_open_item(world: World) -> None:
    invoice = await world.invoice(Item(10, "10.00"))
    async with world.database.transaction(world.tenant.principal) as tx:
        rows = await tx.fetch("select account, amount_minor from receivables.posting where journal_id = $1", invoice.id)
        item = await tx.fetchrow(
            "select open_minor, due_on from receivables.open_item where invoice_id = $1", invoice.id
        )
    assert {(row[0], row[1]) for row in rows} == {("receivable", 12000), ("revenue", -10000), ("vat", -2000)}
    assert tuple(item) == (12000, invoice.due_on)


async def test_two_clerks_who_bill_one_order_at_once_bill_it_once(world: World) -> None:
    order_id = await world.order(Item(5))
    results = await asyncio.gather(*(issue(world, order_id) for _ in range(8)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, (NothingToInvoice, NotInThisStage))]
    assert len(refused) == 7
    assert await world.value("select sum(gross_minor)::bigint from invoicing.invoice") == 6000


@pytest.mark.parametrize(
    "verb",
    [
        "update invoicing.invoice set net_minor = 1",
        "update invoicing.invoice set note = 'x'",
        "delete from invoicing.invoice",
        "update invoicing.line set quantity = 1",
        "delete from invoicing.line",
        "update invoicing.vat_group set vat_minor = 0",
        "delete from invoicing.vat_group",
        "truncate invoicing.invoice cascade",
        "update receivables.posting set amount_minor = 1",
        "delete from receivables.posting",
        "delete from receivables.open_item",
        "update receivables.open_item set gross_minor = 1",
        "update receivables.payment set amount_minor = 1",
        "delete from receivables.allocation",
    ],
)
async def test_what_was_issued_or_booked_cannot_be_altered_by_the_application(world: World, verb: str) -> None:
    await world.invoice()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with world.database.transaction(world.tenant.principal) as tx:
            await tx.execute(verb)


async def test_issuing_takes_three_statements_besides_begin(world: World) -> None:
    order_id = await world.order(Item(5), Item(5), Item(5))
    async with world.database.transaction(world.tenant.principal) as tx:
        await issue_invoice(tx, new_id(), order_id)
        assert tx.round_trips == 4


async def test_numbers_have_no_gap_after_rollbacks_and_killed_sessions(
    world: World, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    chance = random.Random(20260101)
    orders = [await world.order(Item(1)) for _ in range(50)]
    fates = [chance.choice(("commit", "roll back", "kill before", "kill after")) for _ in orders]
    killer = asyncio.Lock()

    async def attempt(order_id: UUID, fate: str) -> bool:
        try:
            async with world.database.transaction(world.tenant.principal) as tx:
                pid = tx.connection.get_server_pid()
                if fate == "kill before":
                    await kill(pid)
                await issue_invoice(tx, new_id(), order_id, issued_on=date(2026, 5, 4))
                await asyncio.sleep(chance.random() / 200)
                if fate == "kill after":
                    await kill(pid)
                if fate == "roll back":
                    raise Abandoned
        except Abandoned:
            return False
        except LOST:
            assert fate.startswith("kill")
            return False
        return True

    async def kill(pid: int) -> None:
        async with killer:
            await superuser.execute("select pg_terminate_backend($1, 5000)", pid)

    done = await asyncio.gather(*(attempt(*pair) for pair in zip(orders, fates, strict=True)))
    assert set(fates) == {"commit", "roll back", "kill before", "kill after"}
    assert sum(done) == fates.count("commit")
    async with world.database.transaction(world.tenant.principal) as tx:
        rows = await tx.fetch("select sequence, number from invoicing.invoice order by sequence")
    assert [row[0] for row in rows] == list(range(1, sum(done) + 1))
    assert rows[-1][1] == f"INV-2026-{sum(done):06d}"
    assert await world.unbalanced() == []


async def test_an_order_whose_invoice_was_rolled_back_can_be_billed_under_the_same_number(world: World) -> None:
    order_id = await world.order(Item(5))
    lost = []
    with contextlib.suppress(Abandoned):
        async with world.database.transaction(world.tenant.principal) as tx:
            lost.append(await issue_invoice(tx, new_id(), order_id))
            raise Abandoned
    assert (await issue(world, order_id)).number == lost[0].number  # type: ignore[attr-defined]


async def test_the_list_is_paged_from_the_newest_without_skipping_or_repeating(world: World) -> None:
    made = [await world.invoice(on=date(2026, 1, 1 + at // 2)) for at in range(7)]
    seen: list[str] = []
    after = None
    while True:
        async with world.database.transaction(world.tenant.principal) as tx:
            page = await list_invoices(tx, today=today(), after=after, limit=3)
            assert tx.round_trips == 2
        seen += [row.number for row in page.items]
        after = page.next
        if after is None:
            break
    assert seen == [invoice.number for invoice in reversed(made)]


async def test_the_list_can_be_narrowed_to_what_is_overdue_or_begins_with_a_number(world: World) -> None:
    old = await world.invoice(on=today() - timedelta(days=60))
    new = await world.invoice()
    other = await world.invoice(customer_id=await world.customer("C-2"))
    async with world.database.transaction(world.tenant.principal) as tx:
        overdue = await list_invoices(tx, state="overdue", today=today())
        due = await list_invoices(tx, state="open", today=today(), customer_id=world.customer_id)
        prefixed = await list_invoices(tx, number=other.number, kind="invoice", today=today())
    assert [row.id for row in overdue.items] == [old.id]
    assert [row.id for row in due.items] == [new.id, old.id]
    assert [row.id for row in prefixed.items] == [other.id]


async def test_a_cursor_of_somebody_elses_making_is_refused(world: World) -> None:
    with pytest.raises(Invalid):
        async with world.database.transaction(world.tenant.principal) as tx:
            await list_invoices(tx, today=today(), after="WyJ4Il0")
