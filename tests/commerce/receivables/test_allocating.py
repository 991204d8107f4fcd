"""Payments and their allocation: never more than is open, never more than came in."""

import asyncio
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import pytest
from tests.commerce.invoicing.world import Item, World, make_world
from tests.conftest import MakeTenant, TenantFixture

from stockade.commerce.invoicing.rules import Invoice
from stockade.commerce.invoicing.service.crediting import issue_credit_note
from stockade.commerce.receivables.problems import (
    AlreadyTakenBack,
    AnotherCustomersInvoice,
    MoreThanOpen,
    MoreThanUnallocated,
    PaymentExists,
)
from stockade.commerce.receivables.service.allocating import Allocated, allocate, allocate_oldest_first, take_back
from stockade.commerce.receivables.service.balances import exposure
from stockade.commerce.receivables.service.payments import (
    NewPayment,
    PaymentView,
    list_payments,
    read_payment,
    record_payment,
)
from stockade.commerce.receivables.service.writing_off import read_write_off, write_off
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.money import CurrencyMismatch, Money
from stockade.kernel.problems import Conflict, Invalid, NotFound
from stockade.tenancy.transaction import Database


@pytest.fixture
async def world(database: Database, tenant: TenantFixture) -> World:
    return await make_world(database, tenant)


def money(world: World, amount_minor: int, **changes: object) -> NewPayment:
    said = {"customer_id": world.customer_id, "method": "bank_transfer", "received_on": today(), "currency": "EUR"}
    return NewPayment(**(said | {"amount_minor": amount_minor} | changes))  # type: ignore[arg-type]


async def pay(world: World, amount_minor: int, **changes: object) -> PaymentView:
    async with world.database.transaction(world.tenant.principal) as tx:
        return await record_payment(tx, new_id(), money(world, amount_minor, **changes))


async def settle(world: World, payment_id: UUID, *wanted: tuple[UUID, int]) -> list[Allocated]:
    async with world.database.transaction(world.tenant.principal) as tx:
        return await allocate(tx, payment_id, wanted)


async def open_of(world: World, invoice: Invoice) -> object:
    return await world.value("select open_minor from receivables.open_item where invoice_id = $1", invoice.id)


async def test_a_payment_settles_the_invoices_that_it_names(world: World) -> None:
    first, second = await world.invoice(Item(1)), await world.invoice(Item(1))
    payment = await pay(world, 2000, allocations=[(first.id, 1200), (second.id, 300)])
    assert payment.unallocated == Money(500, "EUR")
    assert (await open_of(world, first), await open_of(world, second)) == (0, 900)
    async with world.database.transaction(world.tenant.principal) as tx:
        again = await read_payment(tx, payment.id)
        assert tx.round_trips == 2
    assert sorted(again.allocations, key=str) == sorted(payment.allocations, key=str)
    assert again.unallocated == payment.unallocated


async def test_a_payment_settles_what_is_due_first_before_the_rest(world: World) -> None:
    late = await world.invoice(Item(1), on=today())
    early = await world.invoice(Item(1), on=today() - timedelta(days=40))
    payment = await pay(world, 1500, oldest_first=True)
    assert (await open_of(world, early), await open_of(world, late)) == (0, 900)
    assert payment.unallocated.amount_minor == 0


async def test_what_is_left_after_all_invoices_stays_with_the_payment(world: World) -> None:
    await world.invoice(Item(1))
    assert (await pay(world, 5000, oldest_first=True)).unallocated == Money(3800, "EUR")
    assert (await pay(world, 100, oldest_first=True)).allocations == []


async def test_more_than_is_open_is_refused_and_leaves_nothing_behind(world: World) -> None:
    invoice = await world.invoice(Item(1))
    with pytest.raises(MoreThanOpen):
        await pay(world, 5000, allocations=[(invoice.id, 1201)])
    assert await world.value("select count(*) from receivables.payment") == 0
    assert await open_of(world, invoice) == 1200


async def test_two_parts_for_one_invoice_are_added_before_they_are_checked(world: World) -> None:
    invoice = await world.invoice(Item(1))
    with pytest.raises(MoreThanOpen):
        await pay(world, 5000, allocations=[(invoice.id, 700), (invoice.id, 700)])


async def test_more_than_came_in_is_refused(world: World) -> None:
    first, second = await world.invoice(Item(1)), await world.invoice(Item(1))
    payment = await pay(world, 2000)
    with pytest.raises(MoreThanUnallocated):
        await settle(world, payment.id, (first.id, 1200), (second.id, 801))


async def test_another_customers_invoice_is_not_settled(world: World) -> None:
    invoice = await world.invoice(Item(1), customer_id=await world.customer("C-2"))
    payment = await pay(world, 2000)
    with pytest.raises(AnotherCustomersInvoice):
        await settle(world, payment.id, (invoice.id, 100))


async def test_another_tenants_customer_payment_or_invoice_is_not_there(world: World, make_tenant: MakeTenant) -> None:
    other = await make_world(world.database, await make_tenant())
    invoice, payment = await other.invoice(Item(1)), await pay(other, 2000)
    mine = await pay(world, 2000)
    with pytest.raises(NotFound):
        await pay(world, 100, customer_id=other.customer_id)
    with pytest.raises(NotFound):
        await settle(world, mine.id, (invoice.id, 100))
    with pytest.raises(NotFound):
        await settle(world, payment.id, ((await world.invoice()).id, 100))
    with pytest.raises(NotFound):
        async with world.database.transaction(world.tenant.principal) as tx:
            await allocate_oldest_first(tx, payment.id)


async def test_a_payment_in_another_currency_than_the_customers_is_refused(world: World) -> None:
    with pytest.raises(CurrencyMismatch):
        await pay(world, 100, currency="USD")


async def test_money_does_not_come_in_tomorrow(world: World) -> None:
    with pytest.raises(Invalid):
        await pay(world, 100, received_on=today() + timedelta(days=1))


async def test_the_same_external_id_twice_is_the_same_payment(world: World) -> None:
    first = await pay(world, 100, external_id="BANK-1")
    again = await pay(world, 100, external_id="BANK-1")
    assert again == first
    assert await world.value("select count(*) from receivables.posting") == 2


@pytest.mark.parametrize("change", [{"amount_minor": 101}, {"received_on": date(2026, 1, 1)}])
async def test_the_same_external_id_for_something_else_is_refused(world: World, change: dict[str, object]) -> None:
    await pay(world, 100, external_id="BANK-1")
    with pytest.raises(PaymentExists):
        await pay(world, **({"amount_minor": 100, "external_id": "BANK-1"} | change))  # type: ignore[arg-type]


async def test_one_payment_delivered_by_many_at_once_is_recorded_once(world: World) -> None:
    seen = await asyncio.gather(*(pay(world, 100, external_id="HOOK-1", method="card") for _ in range(20)))
    assert len({payment.id for payment in seen}) == 1
    assert await world.value("select sum(amount_minor)::bigint from receivables.posting where account = 'bank'") == 100


async def test_a_hundred_payments_of_one_invoice_allocate_no_more_than_is_open(world: World) -> None:
    invoice = await world.invoice(Item(10, "10.00"))  # 120.00
    payments = [await pay(world, 500) for _ in range(100)]
    results = await asyncio.gather(
        *(settle(world, payment.id, (invoice.id, 500)) for payment in payments), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, MoreThanOpen) for error in refused)
    assert len(results) - len(refused) == 24
    assert await open_of(world, invoice) == 0
    assert await world.value("select sum(amount_minor)::bigint from receivables.allocation") == 12000
    assert await world.value("select sum(unallocated_minor)::bigint from receivables.payment") == 38000


async def test_a_hundred_payments_of_the_oldest_first_leave_nothing_open_and_nothing_double(world: World) -> None:
    invoices = [await world.invoice(Item(1)) for _ in range(5)]  # 60.00 in all
    await asyncio.gather(*(pay(world, 77, oldest_first=True) for _ in range(100)))
    assert [await open_of(world, invoice) for invoice in invoices] == [0] * 5
    assert await world.value("select sum(amount_minor)::bigint from receivables.allocation") == 6000
    assert await world.value("select sum(unallocated_minor)::bigint from receivables.payment") == 7700 - 6000
    assert await world.unbalanced() == []


async def test_two_that_settle_the_same_invoices_in_opposite_order_both_finish(world: World) -> None:
    first, second = await world.invoice(Item(50)), await world.invoice(Item(50))
    payments = [await pay(world, 2000) for _ in range(40)]
    orders = [((first.id, 10), (second.id, 10)), ((second.id, 10), (first.id, 10))]
    await asyncio.gather(*(settle(world, payment.id, *orders[at % 2]) for at, payment in enumerate(payments)))
    assert await open_of(world, first) == first.gross_minor - 400


async def test_an_allocation_that_is_taken_back_opens_the_invoice_again_once(world: World) -> None:
    invoice = await world.invoice(Item(1))
    payment = await pay(world, 1200, oldest_first=True)
    allocation = payment.allocations[0].id

    async def undo() -> Allocated:
        async with world.database.transaction(world.tenant.principal) as tx:
            return await take_back(tx, allocation)

    results = await asyncio.gather(*(undo() for _ in range(5)), return_exceptions=True)
    done = [result for result in results if isinstance(result, Allocated)]
    assert len(done) == 1
    assert all(isinstance(result, (Allocated, AlreadyTakenBack, Conflict)) for result in results)
    assert done[0].amount == Money(-1200, "EUR")
    assert await open_of(world, invoice) == 1200
    async with world.database.transaction(world.tenant.principal) as tx:
        assert (await read_payment(tx, payment.id)).unallocated == Money(1200, "EUR")
    with pytest.raises(AlreadyTakenBack):
        async with world.database.transaction(world.tenant.principal) as tx:
            await take_back(tx, done[0].id)


async def test_a_credit_note_settles_its_invoice_first_and_another_with_the_rest(world: World) -> None:
    invoice = await world.invoice(Item(1))
    await pay(world, 1000, allocations=[(invoice.id, 1000)])
    async with world.database.transaction(world.tenant.principal) as tx:
        note = await issue_credit_note(tx, new_id(), invoice.id, None, "Returned")
    assert (note.open_minor, await open_of(world, invoice)) == (1000, 0)
    other = await world.invoice(Item(1))
    async with world.database.transaction(world.tenant.principal) as tx:
        assert await exposure(tx, world.customer_id, "EUR") == 200
        await allocate(tx, note.id, [(other.id, 400)], kind="credit_note")
        await allocate_oldest_first(tx, note.id, kind="credit_note")
        assert await exposure(tx, world.customer_id, "EUR") == 200
    assert await open_of(world, other) == 200


async def test_a_write_off_closes_the_invoice_at_our_loss_and_stays(world: World) -> None:
    invoice = await world.invoice(Item(1))
    await pay(world, 200, oldest_first=True)
    async with world.database.transaction(world.tenant.principal) as tx:
        made = await write_off(tx, new_id(), invoice.id, "Insolvent")
    async with world.database.transaction(world.tenant.principal) as tx:
        assert await read_write_off(tx, made.id) == made
    assert made.amount == Money(1000, "EUR")
    assert await open_of(world, invoice) == 0
    lost = "select amount_minor from receivables.posting where account = 'bad_debt'"
    assert await world.value(lost) == 1000
    allocation = await world.value("select id from receivables.allocation where write_off_id = $1", made.id)
    with pytest.raises(AlreadyTakenBack):
        async with world.database.transaction(world.tenant.principal) as tx:
            await take_back(tx, allocation)  # type: ignore[arg-type]


async def test_more_than_is_open_cannot_be_written_off(world: World) -> None:
    invoice = await world.invoice(Item(1))
    for amount in (1201, 0):
        with pytest.raises(MoreThanOpen):
            async with world.database.transaction(world.tenant.principal) as tx:
                await write_off(tx, new_id(), invoice.id, "Insolvent", amount_minor=amount)


async def test_a_journal_that_does_not_sum_to_zero_is_refused_at_commit(world: World) -> None:
    reached = []

    async def book(*amounts: tuple[str, int]) -> None:
        async with world.database.transaction(world.tenant.principal) as tx:
            journal_id = new_id()
            for at, (currency, amount) in enumerate(amounts):
                await tx.execute(
                    "insert into receivables.posting (tenant_id, journal_id, position, account, customer_id, source_id,"
                    " booked_on, currency, amount_minor) values ($1, $2, $3, 'bank', $4, $2, '2026-01-01', $5, $6)",
                    world.tenant.id, journal_id, at, world.customer_id, currency, amount,
                )  # fmt: skip
            reached.append(journal_id)

    for amounts in ((("EUR", 5),), (("EUR", 5), ("EUR", -4)), (("EUR", 5), ("USD", -5))):
        with pytest.raises(Conflict):
            await book(*amounts)
    assert len(reached) == 3  # every statement had passed: it is COMMIT that refuses
    await book(("EUR", 5), ("EUR", -5))
    assert await world.value("select count(*) from receivables.posting") == 2


async def test_the_tables_themselves_refuse_to_settle_more_than_is_open(world: World) -> None:
    await world.invoice(Item(1))
    with pytest.raises(MoreThanOpen):
        async with world.database.transaction(world.tenant.principal) as tx:
            await tx.execute("update receivables.open_item set open_minor = open_minor - 1201")


async def test_a_crash_between_two_steps_leaves_neither(
    world: World, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    invoice = await world.invoice(Item(1))

    async def crash() -> None:
        async with world.database.transaction(world.tenant.principal) as tx:
            payment = await record_payment(tx, new_id(), money(world, 1200))
            await allocate(tx, payment.id, [(invoice.id, 1200)])
            await superuser.execute("select pg_terminate_backend($1, 5000)", tx.connection.get_server_pid())

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await crash()
    assert await world.value("select count(*) from receivables.payment") == 0
    assert await world.value("select count(*) from receivables.allocation") == 0
    assert await open_of(world, invoice) == 1200


async def test_payments_are_listed_from_the_newest_and_can_be_narrowed_to_what_is_left(world: World) -> None:
    days = [today() - timedelta(days=ago) for ago in (5, 4, 3, 2, 1)]
    made = [await pay(world, 100, received_on=day) for day in days]
    await world.invoice(Item(1))
    await pay(world, 50, oldest_first=True)
    async with world.database.transaction(world.tenant.principal) as tx:
        first = await list_payments(tx, unallocated=True, limit=3)
        second = await list_payments(tx, unallocated=True, limit=3, after=first.next, customer_id=world.customer_id)
    assert [row.id for row in (*first.items, *second.items)] == [payment.id for payment in reversed(made)]
    assert second.next is None


async def test_recording_and_allocating_takes_three_statements_besides_begin(world: World) -> None:
    invoice = await world.invoice(Item(1))
    async with world.database.transaction(world.tenant.principal) as tx:
        await record_payment(tx, new_id(), money(world, 100, allocations=[(invoice.id, 100)]))
        assert tx.round_trips == 4
