"""Matching: numbers however written, amounts that agree, payers that are known; and never more than came in."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from stockade.commerce.receivables.matching import (
    Hint,
    Incoming,
    OpenInvoice,
    choices,
    key_of,
    keys_in,
    name_key,
    payer_keys,
    spellings,
)

ADA, EVE = UUID(int=1), UUID(int=2)


def item(number: int, open_minor: int = 1000, customer: UUID = ADA, day: int = 1, currency: str = "EUR") -> OpenInvoice:
    return OpenInvoice(
        invoice_id=UUID(int=number + 100), number=f"INV-2026-{number:06d}", customer_id=customer,
        due_on=date(2026, 3, day), open_minor=open_minor, currency=currency,
    )  # fmt: skip


def line(amount_minor: int = 1000, purpose: str = "", payer: str = "", account: str = "") -> Incoming:
    return Incoming(amount_minor=amount_minor, currency="EUR", purpose=purpose, payer=payer, account=account)


@pytest.mark.parametrize(
    "text",
    [
        "INV-2026-000123", "inv 2026/123", "RGINV-2026-000123", "Rechnung INV2026000123 danke", "INV-2026-0 00123",
        "INV-2026-000 123", "no. INV.2026.123!",
    ],
)  # fmt: skip
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    assert key_of("INV-2026-000123") in keys_in(text)


@pytest.mark.parametrize("text", ["INV-2026-001230", "INV-2025-000123", "INV-2026-12", "2026 123 apples", ""])
def test_another_number_is_not_taken_for_it(text: str) -> None:
    assert key_of("INV-2026-000123") not in keys_in(text)


@pytest.mark.parametrize("text", ["INV-2026-000123", "inv 2026/123", "RGINV-2026-123", "INV2026000123"])
def test_a_number_is_written_out_as_the_database_has_it(text: str) -> None:
    assert "INV-2026-000123" in spellings(text)


@given(some.text(max_size=500))
def test_no_purpose_breaks_the_search(text: str) -> None:
    assert len(spellings(text)) <= 250
    assert isinstance(keys_in(text), frozenset)
    name_key(text)


@given(some.integers(1, 999_999), some.sampled_from(["INV-{y}-{n:06d}", "INV {y} {n}", "rg inv{y}/{n:04d}."]))
def test_every_number_is_found_in_its_spellings(sequence: int, pattern: str) -> None:
    text = pattern.format(y=2026, n=sequence)
    assert key_of(f"INV-2026-{sequence:06d}") in keys_in(text)


def test_a_named_invoice_with_its_amount_is_certain() -> None:
    (choice,) = choices(line(1000, "INV-2026-000001"), [item(1), item(2)], [])
    assert (choice.customer_id, choice.certainty) == (ADA, "certain")
    assert choice.parts == ((item(1).invoice_id, 1000),)
    assert choice.reasons == ("number", "amount")


def test_several_named_invoices_are_settled_together() -> None:
    (choice,) = choices(line(2500, "INV-2026-1 und INV-2026-2"), [item(1), item(2, 1500)], [])
    assert dict(choice.parts) == {item(1).invoice_id: 1000, item(2).invoice_id: 1500}
    assert choice.certainty == "certain"


def test_less_than_is_open_pays_a_part_and_more_leaves_credit() -> None:
    (less,) = choices(line(400, "INV-2026-000001"), [item(1)], [])
    (more,) = choices(line(1700, "INV-2026-000001"), [item(1)], [])
    assert less.parts == ((item(1).invoice_id, 400),)
    assert more.parts == ((item(1).invoice_id, 1000),)
    assert less.certainty == more.certainty == "likely"


def test_a_known_account_with_one_invoice_of_the_amount_is_certain() -> None:
    (choice,) = choices(line(1000), [item(1), item(2, 700)], [Hint(ADA, "account")])
    assert (choice.certainty, choice.reasons) == ("certain", ("account", "amount"))


def test_an_amount_alone_is_only_possible() -> None:
    (choice,) = choices(line(1000), [item(1)], [])
    assert (choice.certainty, choice.reasons) == ("possible", ("amount",))


def test_a_known_payer_settles_the_oldest_that_sum_to_the_amount() -> None:
    items = [item(1, 300, day=1), item(2, 700, day=2), item(3, 5000, day=3)]
    (choice,) = choices(line(1000), items, [Hint(ADA, "account")])
    assert dict(choice.parts) == {items[0].invoice_id: 300, items[1].invoice_id: 700}


def test_two_customers_that_fit_alike_leave_neither_certain() -> None:
    found = choices(line(1000, "INV-2026-1 INV-2026-2"), [item(1), item(2, customer=EVE)], [])
    assert [choice.certainty for choice in found] == ["likely", "likely"]


def test_what_nothing_speaks_for_is_not_proposed() -> None:
    assert choices(line(999, "rent"), [item(1), item(2, customer=EVE)], []) == []


def test_another_currency_is_never_proposed() -> None:
    assert choices(line(1000, "INV-2026-000001"), [item(1, currency="GBP")], []) == []


@given(
    some.integers(1, 5000), some.lists(some.integers(1, 3000), max_size=8), some.lists(some.integers(0, 9), max_size=4),
    some.sampled_from([(), (Hint(ADA, "account"),), (Hint(EVE, "name"), Hint(ADA, "payer"))]),
)  # fmt: skip
def test_no_choice_spends_more_than_came_in_or_settles_more_than_is_open(
    amount: int, opens: list[int], named: list[int], hints: tuple[Hint, ...]
) -> None:
    items = [item(at, minor, EVE if at % 3 == 0 else ADA, at % 28 + 1) for at, minor in enumerate(opens)]
    open_of = {it.invoice_id: it for it in items}
    purpose = " ".join(f"INV-2026-{at}" for at in named)
    for choice in choices(line(amount, purpose), items, hints):
        assert sum(part for _, part in choice.parts) <= amount
        for invoice_id, part in choice.parts:
            assert 0 < part <= open_of[invoice_id].open_minor
            assert open_of[invoice_id].customer_id == choice.customer_id


@pytest.mark.parametrize(
    ("one", "other"),
    [("Müller & Söhne GmbH", "MULLER UND SOHNE"), ("Żółty Łoś Sp. z o.o.", "zolty los"), ("The Larder Ltd.", "Larder")],
)
def test_names_are_compared_without_legal_forms_and_accents(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_a_payer_without_a_column_is_known_by_the_words_of_the_purpose() -> None:
    first, second = (payer_keys("", f"HARTLEY SONS INV2026{at:06d}", "") for at in (1, 2))
    assert first == second == [("name:hartleysons", "payer")]
