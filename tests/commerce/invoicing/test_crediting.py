"""Credit notes: never more than was invoiced, never a penny less in all, and what they settle."""

import asyncio

import pytest
from tests.commerce.invoicing.world import Item, World, make_world
from tests.conftest import MakeTenant, TenantFixture

from stockade.commerce.invoicing.rules import CreditExceedsInvoice, Invoice
from stockade.commerce.invoicing.service.crediting import issue_credit_note
from stockade.commerce.invoicing.service.reading import read_invoice
from stockade.kernel.ids import new_id
from stockade.kernel.problems import NotFound
from stockade.tenancy.transaction import Database


@pytest.fixture
async def world(database: Database, tenant: TenantFixture) -> World:
    return await make_world(database, tenant)


async def credit(world: World, invoice: Invoice, *lines: tuple[int, int]) -> Invoice:
    async with world.database.transaction(world.tenant.principal) as tx:
        return await issue_credit_note(tx, new_id(), invoice.id, lines or None, "Damaged")


async def test_a_credit_note_of_all_reverses_the_invoice_and_closes_it(world: World) -> None:
    invoice = await world.invoice(Item(10, "10.00"), Item(3, "1.99", "5"))
    note = await credit(world, invoice)
    assert (note.net_minor, note.vat_minor, note.gross_minor) == (
        invoice.net_minor,
        invoice.vat_minor,
        invoice.gross_minor,
    )
    assert (note.kind, note.number[:3], note.corrects_number) == ("credit_note", "CN-", invoice.number)
    assert note.open_minor == 0
    sums = "select coalesce(sum(amount_minor), 0)::bigint from receivables.posting where account = $1"
    assert [await world.value(sums, account) for account in ("receivable", "revenue", "vat", "rounding")] == [
        0,
        0,
        0,
        0,
    ]
    assert await world.value("select open_minor from receivables.open_item where invoice_id = $1", invoice.id) == 0


async def test_a_credit_note_is_read_back_as_it_was_issued(world: World) -> None:
    note = await credit(world, await world.invoice(Item(10), Item(4)), (2, 3))
    async with world.database.transaction(world.tenant.principal) as tx:
        assert await read_invoice(tx, note.id, "credit_note") == note
    assert [(line.position, line.quantity, line.net_minor) for line in note.lines] == [(2, 3, 3000)]


async def test_an_invoice_is_not_a_credit_note(world: World) -> None:
    invoice = await world.invoice()
    with pytest.raises(NotFound):
        async with world.database.transaction(world.tenant.principal) as tx:
            await read_invoice(tx, invoice.id, "credit_note")


async def test_credits_in_parts_sum_to_the_invoice_and_each_has_vat_of_its_own(world: World) -> None:
    invoice = await world.invoice(Item(7, "0.37"))  # net 2.59, VAT 0.52 by rate; each piece 0.074
    notes = [await credit(world, invoice, (1, 1)) for _ in range(7)]
    assert sum(note.gross_minor for note in notes) == invoice.gross_minor
    assert sum(note.net_minor for note in notes) == invoice.net_minor
    assert all(note.vat_minor == 7 for note in notes)
    assert any(note.rounding_minor for note in notes)
    assert await world.unbalanced() == []


async def test_more_than_is_left_of_a_line_cannot_be_credited(world: World) -> None:
    invoice = await world.invoice(Item(10))
    await credit(world, invoice, (1, 6))
    with pytest.raises(CreditExceedsInvoice):
        await credit(world, invoice, (1, 5))
    with pytest.raises(CreditExceedsInvoice):
        await credit(world, invoice, (1, 3), (1, 2))
    with pytest.raises(CreditExceedsInvoice):
        await credit(world, invoice, (2, 1))


async def test_an_invoice_that_was_credited_wholly_is_not_credited_again(world: World) -> None:
    invoice = await world.invoice()
    await credit(world, invoice)
    with pytest.raises(CreditExceedsInvoice):
        await credit(world, invoice)


async def test_many_who_credit_one_invoice_at_once_credit_it_once_and_without_a_gap(world: World) -> None:
    invoice = await world.invoice(Item(10))
    results = await asyncio.gather(*(credit(world, invoice, (1, 3)) for _ in range(12)), return_exceptions=True)
    notes = [result for result in results if isinstance(result, Invoice)]
    assert all(isinstance(result, (Invoice, CreditExceedsInvoice)) for result in results)
    assert len(notes) == 3
    assert sorted(note.sequence for note in notes) == [1, 2, 3]
    assert await world.value("select credited_minor from receivables.open_item") == sum(
        note.gross_minor for note in notes
    )


async def test_crediting_another_tenants_invoice_or_a_credit_note_finds_nothing(
    world: World, make_tenant: MakeTenant
) -> None:
    invoice = await world.invoice()
    note = await credit(world, invoice)
    other = await make_world(world.database, await make_tenant())
    with pytest.raises(NotFound):
        await credit(other, invoice)
    with pytest.raises(NotFound):
        await credit(world, note)


async def test_crediting_takes_three_statements_besides_begin(world: World) -> None:
    invoice = await world.invoice()
    async with world.database.transaction(world.tenant.principal) as tx:
        await issue_credit_note(tx, new_id(), invoice.id, None, "Returned")
        assert tx.round_trips == 4
