"""What customers owe as of a day: ageing, balances, statements."""

from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest
from tests.commerce.invoicing.world import Item, World, make_world
from tests.conftest import MakeTenant, TenantFixture
from tests.documents.reading import squeezed, text

from stockade.commerce.invoicing.printing import printed as printed_invoice
from stockade.commerce.invoicing.rules import Buyer, Invoice
from stockade.commerce.invoicing.service.crediting import issue_credit_note
from stockade.commerce.invoicing.service.reading import read_invoice
from stockade.commerce.receivables.printing import printed
from stockade.commerce.receivables.service.allocating import take_back
from stockade.commerce.receivables.service.balances import Ageing, ageing, customer_balance, exposure
from stockade.commerce.receivables.service.payments import NewPayment, PaymentView, record_payment
from stockade.commerce.receivables.service.statements import CustomerStatement, customer_statement
from stockade.commerce.receivables.service.writing_off import write_off
from stockade.documents import render_invoice, render_statement
from stockade.kernel.ids import new_id
from stockade.kernel.money import Money
from stockade.kernel.problems import Invalid, NotFound
from stockade.tenancy.transaction import Database

JANUARY = date(2026, 1, 1)
COLUMNS = ("not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90", "unallocated", "balance")


@pytest.fixture
async def world(database: Database, tenant: TenantFixture) -> World:
    return await make_world(database, tenant)


async def pay(world: World, amount_minor: int, on: date, **options: object) -> PaymentView:
    new = NewPayment(
        customer_id=world.customer_id, method="bank_transfer", received_on=on, currency=world.currency,
        amount_minor=amount_minor, **options,  # type: ignore[arg-type]
    )  # fmt: skip
    async with world.database.transaction(world.tenant.principal) as tx:
        return await record_payment(tx, new_id(), new)


async def balance(world: World, as_of: date, customer_id: UUID | None = None) -> dict[str, int]:
    """The columns that are not zero."""
    async with world.database.transaction(world.tenant.principal) as tx:
        found = await customer_balance(tx, customer_id or world.customer_id, as_of)
        assert tx.round_trips == 2
    return shown(found[0]) if found else {}


def shown(row: Ageing) -> dict[str, int]:
    return {name: getattr(row, name).amount_minor for name in COLUMNS if getattr(row, name).amount_minor}


async def statement(world: World, from_on: date, to_on: date) -> CustomerStatement:
    async with world.database.transaction(world.tenant.principal) as tx:
        return await customer_statement(tx, world.customer_id, from_on, to_on)


@pytest.mark.parametrize(
    ("days", "column"),
    [
        (0, "not_due"), (30, "not_due"), (31, "days_1_30"), (60, "days_1_30"), (61, "days_31_60"), (90, "days_31_60"),
        (91, "days_61_90"), (120, "days_61_90"), (121, "days_over_90"), (4000, "days_over_90"),
    ],
)  # fmt: skip
async def test_an_invoice_moves_through_the_buckets_as_days_pass(world: World, days: int, column: str) -> None:
    await world.invoice(Item(1), on=JANUARY)  # due after 30 days
    assert await balance(world, JANUARY + timedelta(days=days)) == {column: 1200, "balance": 1200}


async def test_the_past_is_shown_as_it_was_whatever_happened_since(world: World) -> None:
    invoice = await world.invoice(Item(1), on=JANUARY)
    await pay(world, 500, date(2026, 2, 10), oldest_first=True)
    async with world.database.transaction(world.tenant.principal) as tx:
        await issue_credit_note(tx, new_id(), invoice.id, None, "Returned", issued_on=date(2026, 3, 5))
    assert await balance(world, date(2025, 12, 31)) == {}
    assert await balance(world, date(2026, 2, 9)) == {"days_1_30": 1200, "balance": 1200}
    assert await balance(world, date(2026, 2, 10)) == {"days_1_30": 700, "balance": 700}
    assert await balance(world, date(2026, 3, 4)) == {"days_31_60": 700, "balance": 700}
    assert await balance(world, date(2026, 3, 5)) == {"unallocated": 500, "balance": -500}


async def test_money_that_no_invoice_claimed_is_shown_apart_and_taken_back_money_again(world: World) -> None:
    await world.invoice(Item(1), on=JANUARY)
    payment = await pay(world, 1500, date(2026, 1, 20), oldest_first=True)
    assert await balance(world, date(2026, 1, 20)) == {"unallocated": 300, "balance": -300}
    async with world.database.transaction(world.tenant.principal) as tx:
        await take_back(tx, payment.allocations[0].id, on=date(2026, 1, 25))
    assert await balance(world, date(2026, 1, 24)) == {"unallocated": 300, "balance": -300}
    assert await balance(world, date(2026, 1, 25)) == {"not_due": 1200, "unallocated": 1500, "balance": -300}


async def test_an_allocation_is_never_dated_before_its_invoice_or_its_money(world: World) -> None:
    await world.invoice(Item(1), on=date(2026, 1, 10))
    payment = await pay(world, 1200, JANUARY, oldest_first=True)
    assert payment.allocations[0].allocated_on == date(2026, 1, 10)
    assert await balance(world, date(2026, 1, 5)) == {"unallocated": 1200, "balance": -1200}


async def test_a_written_off_invoice_is_owed_no_longer_from_that_day_on(world: World) -> None:
    invoice = await world.invoice(Item(1), on=JANUARY)
    async with world.database.transaction(world.tenant.principal) as tx:
        await write_off(tx, new_id(), invoice.id, "Insolvent", on=date(2026, 6, 1))
    assert await balance(world, date(2026, 5, 31)) == {"days_over_90": 1200, "balance": 1200}
    assert await balance(world, date(2026, 6, 1)) == {}


async def test_the_report_has_every_customer_and_the_total_of_all(world: World) -> None:
    other = await world.customer("C-2")
    await world.invoice(Item(1), on=JANUARY)
    await world.invoice(Item(2), on=date(2026, 2, 20), customer_id=other)
    async with world.database.transaction(world.tenant.principal) as tx:
        report = await ageing(tx, date(2026, 3, 1))
        assert tx.round_trips == 2
        first = await ageing(tx, date(2026, 3, 1), limit=1)
        second = await ageing(tx, date(2026, 3, 1), limit=1, after=first.next)
        nothing = await ageing(tx, date(2026, 3, 1), currency="USD")
    assert [shown(row) for row in report.totals] == [{"not_due": 2400, "days_1_30": 1200, "balance": 3600}]
    assert [row.customer_number for row in report.customers] == ["C-1", "C-2"]
    assert first.totals == report.totals
    assert [*first.customers, *second.customers] == report.customers
    assert (report.next, second.next, nothing.totals, nothing.customers) == (None, None, [], [])


async def test_no_tenant_sees_what_anothers_customers_owe(world: World, make_tenant: MakeTenant) -> None:
    await world.invoice(Item(1), on=JANUARY)
    other = await make_world(world.database, await make_tenant())
    async with other.database.transaction(other.tenant.principal) as tx:
        report = await ageing(tx, date(2026, 3, 1))
    assert (report.totals, report.customers) == ([], [])
    with pytest.raises(NotFound):
        await balance(other, JANUARY, world.customer_id)


async def test_what_a_customer_owes_counts_against_its_credit(world: World) -> None:
    await world.invoice(Item(1), on=JANUARY)
    await pay(world, 300, JANUARY)
    async with world.database.transaction(world.tenant.principal) as tx:
        assert await exposure(tx, world.customer_id, "EUR") == 900
        assert await exposure(tx, world.customer_id, "USD") == 0


async def moved(world: World) -> list[Invoice]:
    """An account with some of everything."""
    invoices = [await world.invoice(Item(at), on=date(2026, at, 1)) for at in (1, 2, 3)]
    await pay(world, 1200, date(2026, 2, 15), external_id="BANK-7", oldest_first=True)
    async with world.database.transaction(world.tenant.principal) as tx:
        await issue_credit_note(tx, new_id(), invoices[1].id, [(1, 1)], "Broken", issued_on=date(2026, 2, 20))
    await pay(world, 100, date(2026, 3, 2))
    return invoices


async def test_a_statement_runs_from_what_was_owed_before_to_what_is_owed_after(world: World) -> None:
    invoices = await moved(world)
    found = await statement(world, date(2026, 2, 1), date(2026, 3, 31))
    assert found.opening == Money(1200, "EUR")
    assert [(entry.kind, entry.amount.amount_minor, entry.balance.amount_minor) for entry in found.entries] == [
        ("invoice", 2400, 3600), ("payment", -1200, 2400), ("credit_note", -1200, 1200), ("invoice", 3600, 4800),
        ("payment", -100, 4700),
    ]  # fmt: skip
    assert [entry.number for entry in found.entries][:2] == [invoices[1].number, "BANK-7"]
    assert (found.closing, found.ageing.balance) == (Money(4700, "EUR"), Money(4700, "EUR"))
    assert shown(found.ageing) == {"not_due": 3600, "days_1_30": 1200, "unallocated": 100, "balance": 4700}


async def test_two_statements_that_follow_each_other_meet(world: World) -> None:
    await moved(world)
    first = await statement(world, date(2026, 1, 1), date(2026, 2, 15))
    second = await statement(world, date(2026, 2, 16), date(2026, 3, 31))
    assert first.closing == second.opening


async def test_an_account_without_movements_has_an_empty_statement(world: World) -> None:
    found = await statement(world, JANUARY, date(2026, 3, 31))
    assert (found.entries, found.closing) == ([], Money(0, "EUR"))


async def test_a_statement_does_not_end_before_it_begins(world: World) -> None:
    with pytest.raises(Invalid):
        await statement(world, date(2026, 2, 1), JANUARY)


async def test_a_printed_statement_names_its_numbers_and_amounts(world: World) -> None:
    invoices = await moved(world)
    found = await statement(world, date(2026, 1, 1), date(2026, 3, 31))
    assert found.seller is not None
    pdf = squeezed(render_statement(printed(found, found.seller)))
    assert all(invoice.number in pdf for invoice in invoices)
    assert "47.00" in pdf
    assert "BANK-7" in pdf
    assert "1.00EURarenotmatched" in pdf


async def test_a_printed_invoice_names_its_numbers_and_is_the_same_to_the_byte_after_it_was_paid(world: World) -> None:
    invoice = await world.invoice(Item(10, "12.50"), on=JANUARY)
    first = render_invoice(printed_invoice(invoice))
    await pay(world, 5000, date(2026, 1, 20), oldest_first=True)
    async with world.database.transaction(world.tenant.principal) as tx:
        await tx.execute("update parties.company set legal_name = 'Renamed Ltd'")
        await tx.execute("update orders.sales_order set customer_reference = 'changed'")
        again = await read_invoice(tx, invoice.id)
    assert render_invoice(printed_invoice(again)) == first
    content = text(first)
    for shown_text in (invoice.number, "150.00", "25.00", "125.00", "Harbour Wholesale Ltd", "Leeds", "PO 77"):
        assert shown_text in content


async def test_a_printed_credit_note_names_the_invoice_that_it_corrects(world: World) -> None:
    invoice = await world.invoice(Item(7, "0.37"), on=JANUARY)
    async with world.database.transaction(world.tenant.principal) as tx:
        notes = [await issue_credit_note(tx, new_id(), invoice.id, [(1, 1)], "Broken") for _ in range(7)]
    rounded = next(note for note in notes if note.rounding_minor)
    content = text(render_invoice(printed_invoice(rounded)))
    assert rounded.number in content
    assert invoice.number in content
    assert "Rounding" in content


async def test_a_credit_note_that_was_paid_out_shows_the_refund(world: World) -> None:
    invoice = await world.invoice(Item(1), on=JANUARY)
    await pay(world, 1200, JANUARY, oldest_first=True)
    async with world.database.transaction(world.tenant.principal) as tx:
        note = await issue_credit_note(tx, new_id(), invoice.id, None, "Returned", issued_on=date(2026, 1, 5))
        await tx.execute(
            "insert into receivables.posting (tenant_id, journal_id, position, account, customer_id, source_id,"
            " booked_on, currency, amount_minor) select $1, $2, position, account, $3, $4, '2026-01-06', 'EUR', amount"
            " from (values (1, 'bank', -1200), (2, 'receivable', 1200)) as side (position, account, amount)",
            world.tenant.id, new_id(), world.customer_id, note.id,
        )  # fmt: skip
    found = await statement(world, JANUARY, date(2026, 1, 31))
    assert [(entry.kind, entry.number) for entry in found.entries][-1] == ("refund", note.number)
    assert found.closing == Money(0, "EUR")


async def test_an_address_from_another_system_is_printed_as_it_was(world: World) -> None:
    invoice = await world.invoice(Item(1), on=JANUARY)
    given = msgspec.structs.replace(invoice, buyer=Buyer(name="Imported Ltd", lines=("1 Far Street", "France")))
    content = text(render_invoice(printed_invoice(given)))
    assert "1 Far Street" in content
