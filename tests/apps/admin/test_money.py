"""Invoices, payments and bank files as pages: what is typed is done once, and nobody sees a button that is refused."""

import pytest
from tests.apps.admin.browsing import Person, signed_in, told
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.inhabitants import furnish
from tests.walls.trading import Trader

from stockade.kernel.clock import today
from stockade.kernel.ids import new_id


@pytest.fixture
async def trader(site: Site, tenant: TenantFixture) -> Trader:
    """A shop that can sell."""
    made = Trader(site, await site.key(tenant))
    await made.open_shop()
    return made


@pytest.fixture
async def person(site: Site, tenant: TenantFixture, trader: Trader) -> Person:
    """Its owner, at a browser."""
    return await signed_in(site, tenant)


async def test_an_invoice_is_shown_as_paper_beside_its_data(person: Person, trader: Trader) -> None:
    invoice = await trader.invoiced()
    page = await person.see(f"/invoices/{invoice['id']}")
    assert f"Invoice {invoice['number']}" in told(page)
    assert "Open 74.38 EUR" in told(page)
    picture = await person.ask("GET", f"/invoices/{invoice['id']}/preview.png")
    assert picture.content.startswith(b"\x89PNG")


async def test_a_credit_note_of_some_lines_is_previewed_and_issued_once(person: Person, trader: Trader) -> None:
    invoice = await trader.invoiced()
    typed = {"lines.0.position": "1", "lines.0.quantity": "2", "reason": "Broken", "idempotency_key": new_id().hex}
    preview = await person.send(f"/invoices/{invoice['id']}/credit/preview", **typed)
    assert "Total 29.75 EUR" in told(preview.text)
    first = await person.done(f"/invoices/{invoice['id']}/credit", **typed)
    assert first == await person.done(f"/invoices/{invoice['id']}/credit", **typed)
    assert "Credit note CN-" in told(await person.see(first))
    assert "Part paid" in told(await person.see(f"/invoices/{invoice['id']}"))


async def test_more_than_is_left_is_told_and_keeps_what_was_typed(person: Person, trader: Trader) -> None:
    invoice = await trader.invoiced()
    typed = {"lines.0.position": "1", "lines.0.quantity": "6", "reason": "Broken"}
    answer = await person.send(f"/invoices/{invoice['id']}/credit", **typed)
    assert answer.status_code == 409
    assert "Of line 1, 5 can be credited." in told(answer.text)
    assert 'value="Broken"' in answer.text


async def test_a_form_without_a_line_credits_nothing(person: Person, trader: Trader) -> None:
    invoice = await trader.invoiced()
    typed = {"lines.0.position": "1", "lines.0.quantity": "", "whole": "", "reason": "Broken"}
    answer = await person.send(f"/invoices/{invoice['id']}/credit", **typed)
    assert answer.status_code == 422
    assert "or all that is left" in told(answer.text)
    assert (await trader.ask("GET", "/invoices?kind=credit_note"))["items"] == []


async def test_a_letter_is_kept_where_no_relay_is_configured(person: Person, trader: Trader) -> None:
    invoice = await trader.invoiced()
    letter = {"to": "ada@example.com", "subject": "Your invoice", "body": "Dear Ada"}
    going_to = await person.done(f"/invoices/{invoice['id']}/send", **letter)
    assert going_to.endswith("?done=kept")
    page = told(await person.see(going_to))
    assert "ada@example.com" in page
    assert "Waiting" in page


@pytest.mark.parametrize("bad", [{"to": "ada"}, {"to": "a@b.example,c@d.example"}, {"subject": ""}])
async def test_a_letter_that_cannot_be_is_told_at_its_field(
    person: Person, trader: Trader, bad: dict[str, str]
) -> None:
    invoice = await trader.invoiced()
    letter = {"to": "ada@example.com", "subject": "Your invoice", "body": "Dear Ada"}
    answer = await person.send(f"/invoices/{invoice['id']}/send", **(letter | bad))
    assert answer.status_code == 422
    assert f'id="error-{next(iter(bad))}"' in answer.text


async def test_a_write_off_takes_what_is_typed(person: Person, trader: Trader) -> None:
    invoice = await trader.invoiced()
    page = await person.see(f"/invoices/{invoice['id']}/write-off")
    assert 'value="74.38"' in page
    await person.done(f"/invoices/{invoice['id']}/write-off", amount_minor="4.38", reason="Lost")
    assert "Open 70.00 EUR" in told(await person.see(f"/invoices/{invoice['id']}"))


def payment(trader: Trader, **more: str) -> dict[str, str]:
    given = {
        "customer_id": str(trader.made["customer_id"]), "amount_minor": "50.00", "received_on": today().isoformat(),
        "method": "cash", "how": "oldest",
    }  # fmt: skip
    return given | more


async def test_a_payment_settles_the_oldest_first_and_its_rest_is_allocated_later(
    person: Person, trader: Trader
) -> None:
    first, second = await trader.invoiced(1), await trader.invoiced(5)
    at = await person.done("/payments/new", **payment(trader))
    page = told(await person.see(at))
    assert first["number"] in page
    assert second["number"] in page
    at = await person.done("/payments/new", **payment(trader, how="later", amount_minor="30"))
    assert "30.00 EUR left" in told(await person.see(at))
    parts = {"allocations.0.invoice_id": second["id"], "allocations.0.amount_minor": "10"}
    address = at.partition("?")[0]
    await person.done(f"{address}/allocate", how="chosen", **parts)
    assert "20.00 EUR left" in told(await person.see(address))


async def test_what_an_amount_settles_is_shown_before_it_is_recorded(person: Person, trader: Trader) -> None:
    invoice = await trader.invoiced(1)
    preview = told((await person.send("/payments/spread", **payment(trader))).text)
    assert preview == f"{invoice['number']} 14.88 EUR Stays as credit 35.12 EUR"
    too_much = payment(trader, how="chosen", amount_minor="5") | {
        "allocations.0.invoice_id": invoice["id"], "allocations.0.amount_minor": "6",
    }  # fmt: skip
    assert "Too much by 1.00 EUR" in told((await person.send("/payments/spread", **too_much)).text)


async def test_an_allocation_is_taken_back_and_the_invoice_is_open_again(person: Person, trader: Trader) -> None:
    invoice = await trader.invoiced(1)
    at = (await person.done("/payments/new", **payment(trader))).partition("?")[0]
    made = (await trader.ask("GET", f"/payments/{at.rpartition('/')[2]}"))["allocations"][0]
    await person.done(f"{at}/take-back/{made['id']}")
    assert "Taken back" in told(await person.see(at))
    assert "Open 14.88 EUR" in told(await person.see(f"/invoices/{invoice['id']}"))


async def test_the_same_reference_twice_is_refused(person: Person, trader: Trader) -> None:
    await person.done("/payments/new", **payment(trader, external_id="CHQ-1"))
    answer = await person.send("/payments/new", **payment(trader, external_id="CHQ-1"))
    assert answer.status_code == 409
    assert "was recorded before" in told(answer.text)


async def brought(person: Person, content: bytes, name: str = "may.csv") -> str:
    """Bring a bank's file; return its address."""
    return await person.done("/payments/bank", files={"file": (name, content, "text/csv")})


def columns(*roles: str, **more: str) -> dict[str, str]:
    given = {"encoding": "utf-8", "separator": "comma", "head": "1", "day_form": "%d/%m/%Y", "decimal": "."}
    return (
        given | {"currency": "EUR", "action": "read"} | {f"column.{at}": role for at, role in enumerate(roles)} | more
    )


async def test_a_bank_file_is_shown_as_it_would_be_read_and_then_read(person: Person, trader: Trader) -> None:
    invoice = await trader.invoiced(1)
    day = f"{today():%d/%m/%Y}"
    content = f"Date,Details,Paid out,Paid in\n{day},{invoice['number']},,14.88\n{day},Rent,500.00,\n".encode()
    at = await brought(person, content)
    assert "2 lines" in told(await person.see(at))
    wrong = await person.send(f"{at}/columns", **columns("day", "purpose", "credit", "", action="preview"))
    assert wrong.status_code == 200
    assert "1 lines" in told(wrong.text)
    roles = columns("day", "purpose", "debit", "credit", keep_as="My bank")
    assert await person.done(f"{at}/columns", **roles) == f"{at}?done=read"
    page = told(await person.see(at))
    assert "1 open, 0 booked" in page
    assert "Certain" in page


async def test_a_layout_that_was_kept_reads_the_next_file(person: Person, trader: Trader) -> None:
    content = b"When,What,Much\n2026-01-05,Date Amount,5.00\n"
    refused = await person.send("/payments/bank", files={"file": ("a.csv", content, "text/csv")})
    assert refused.status_code == 422
    content = b"Date,What,Amount\n05/01/2026,Hello,5.00\n"
    at = await brought(person, content)
    await person.done(f"{at}/columns", **columns("day", "purpose", "amount", keep_as="My bank"))
    again = await brought(person, content.replace(b"Hello", b"Hi"))
    assert 'value="purpose" selected' in await person.see(again)


async def test_a_line_is_booked_undone_and_booked_again_from_the_page(person: Person, trader: Trader) -> None:
    invoice = await trader.invoiced(1)
    await trader._bank()
    line = (await trader.ask("GET", f"/bank-statements/{trader.made['statement_id']}/lines"))["items"][0]
    booking = {
        "expected_version": "1", "customer_id": str(trader.made["customer_id"]),
        "allocations.0.invoice_id": invoice["id"], "allocations.0.amount_minor": "7.00",
    }  # fmt: skip
    at = await person.done(f"/payments/bank/lines/{line['id']}/book", **booking)
    assert "done=booked" in at
    page = await person.see(at)
    assert "Every line is done" in told(page)
    assert f"/payments/bank/lines/{line['id']}/take-back" in page
    stale = await person.send(f"/payments/bank/lines/{line['id']}/book", **booking)
    assert stale.status_code == 409
    await person.done(f"/payments/bank/lines/{line['id']}/take-back", expected_version="2")
    await person.done(f"/payments/bank/lines/{line['id']}/book", **(booking | {"expected_version": "3"}))
    assert "Open 7.88 EUR" in told(await person.see(f"/invoices/{invoice['id']}"))


@pytest.mark.parametrize("content", [b"", b"nothing", b"\xff\xfe\x00"])
async def test_a_file_without_a_table_is_refused_in_words(person: Person, content: bytes) -> None:
    answer = await person.send("/payments/bank", files={"file": ("a.csv", content, "text/csv")})
    assert answer.status_code == 422
    assert 'id="error-file"' in answer.text


async def test_a_viewer_sees_no_button_that_would_be_refused(site: Site, tenant: TenantFixture) -> None:
    made = await furnish(site, tenant)
    viewer = await signed_in(site, tenant, "viewer")
    for path in (
        f"/invoices/{made['invoice_id']}", f"/payments/{made['payment_id']}", f"/payments/bank/{made['statement_id']}",
        "/payments", "/payments/bank", "/invoices",
    ):  # fmt: skip
        page = await viewer.see(path)
        main = page[page.find("<main") : page.find("</main")]
        forms = [part for part in main.split('method="post"')[1:] if "/views" not in part[:80]]
        assert forms == [], path
        for word in ("/credit", "/send", "/write-off", "/payments/new"):
            assert word not in main, (path, word)
