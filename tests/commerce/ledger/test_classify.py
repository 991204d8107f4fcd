"""What each line of the ledger is, rule by rule, and the documents that lines form."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.commerce.ledger.classify import round_half_up
from stockade.kernel.money import exponent_of, extend

from .conftest import flat, line

CASES = [
    ("a priced line with a positive quantity is a sale", line(), ("sale", "sale", None)),
    ("a sale needs no customer", line(customer=None), ("sale", "sale", None)),
    ("a zero price to a customer is goods for free", line(price=0.0), ("sale", "free", None)),
    ("goods on a C document are a credit", line("C500001", quantity=-6), ("credit", "credit", None)),
    ("an A document is a bad debt", line("A500001", "B", 1, -53594.36, None), ("bad_debt", "bad_debt", None)),
    (
        "a negative count without price or customer corrects stock",
        line(quantity=-3, price=0.0, customer=None, text="damaged"),
        ("stock_correction", "stock_correction", None),
    ),
    (
        "found pieces correct stock upwards",
        line(quantity=3, price=0.0, customer=None, text=None),
        ("stock_correction", "stock_correction", None),
    ),
    ("POST is postage", line(code="POST", quantity=1, price=18.0), ("sale", "fee", "postage")),
    ("POST on a C document is postage credited", line("C500001", "POST", -1, 18.0), ("credit", "fee", "postage")),
    ("DOT is online postage", line(code="DOT", quantity=1, price=9.0), ("sale", "fee", "online-postage")),
    ("C2 is carriage", line(code="C2", quantity=1, price=50.0), ("sale", "fee", "carriage")),
    ("a lower-case m is manual, too", line(code="m", quantity=1, price=2.55), ("sale", "fee", "manual")),
    ("a positive line on a C document bills", line("C496350", "M", 1, 373.57, None), ("sale", "fee", "manual")),
    (
        "bank charges to a customer are billed",
        line(code="BANK CHARGES", quantity=1, price=15.0),
        ("sale", "fee", "bank-charges"),
    ),
    (
        "bank charges to nobody are our cost",
        line("C500001", "BANK CHARGES", -1, 95.38, None),
        ("cost", "fee", "bank-charges"),
    ),
    (
        "the marketplace's fee is our cost",
        line("C500001", "AMAZONFEE", -1, 13541.33, None),
        ("cost", "fee", "marketplace-fee"),
    ),
    ("samples to nobody are our cost", line("C500001", "S", -1, 33.05, None), ("cost", "fee", "samples")),
    ("the charity's commission is credited", line("C500001", "CRUK", -1, 1.6), ("credit", "fee", "commission")),
    ("ADJUST2 is an adjustment", line(code="ADJUST2", quantity=1, price=72.45), ("sale", "fee", "adjustment")),
    ("D is a discount", line("C500001", "D", -1, 27.5), ("credit", "discount", None)),
    (
        "a gift code is a voucher",
        line(code="gift_0001_20", quantity=1, price=17.39, customer=None),
        ("sale", "voucher", None),
    ),
]


@pytest.mark.parametrize(("given", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_rule_makes_of_a_line_what_it_says(imported, given, expected):
    _, batches, account = imported([given])
    assert [(of, kind, charge) for of, _, kind, charge, _ in flat(batches)] == [expected]
    assert account.balanced


REJECTED = [
    ("test products are nobody's goods", line(code="TEST001", price=4.5), "test-product"),
    (
        "a charge without price is neither stock nor money",
        line(code="POST", quantity=1000, price=0.0, customer=None),
        "charge-without-price",
    ),
    ("a negative quantity with a price on an invoice means nothing known", line(quantity=-1), "no-rule-matches"),
    ("a quantity of zero means nothing known", line(quantity=0), "no-rule-matches"),
    ("a line without a document number has no place", line(number=None), "no-document-number"),
    ("a blank code is no code", line(code="  "), "no-code"),
    ("a word is no date", line(at="yesterday"), "unreadable-date"),
    ("a missing quantity is not taken for zero", line(quantity=None), "unreadable-quantity"),
    ("a price that is not a number is refused", line(price=float("nan")), "unreadable-price"),
    ("a price with more decimals than declared is not rounded away", line(price=2.9512), "unreadable-price"),
    ("a key longer than any column is refused", line(code="X" * 65), "overlong-key"),
    ("an amount beyond 64 bits is refused", line(quantity=2_000_000_000, price=900_000_000.0), "amount-too-large"),
]


@pytest.mark.parametrize(("given", "reason"), [case[1:] for case in REJECTED], ids=[case[0] for case in REJECTED])
def test_each_unusable_line_is_rejected_for_its_reason(imported, given, reason):
    _, batches, account = imported([given])
    assert flat(batches) == []
    assert account.rejects().to_pylist() == [{"line": 1, "reason": reason}]
    assert account.balanced


def test_a_free_line_in_a_priced_document_without_customer_is_no_stock_correction(imported):
    _, batches, _ = imported([line(customer=None), line(code="22423", price=0.0, customer=None)])
    assert [kind for _, _, kind, _, _ in flat(batches)] == ["sale", "free"]


def test_lines_of_a_document_that_stand_apart_become_one_document_in_the_ledgers_order(imported):
    _, batches, _ = imported([line("1"), line("2"), line("1", "22423"), line("2"), line("1")])
    assert [(number, place) for _, number, _, _, place in flat(batches)] == [
        ("1", 1), ("1", 3), ("1", 5), ("2", 2), ("2", 4),
    ]  # fmt: skip
    assert batches[0].documents.number == ["1", "2"]


def test_a_document_takes_its_earliest_moment_in_utc(imported):
    _, batches, _ = imported([line(at="2010-07-01 09:31:00"), line(at="2010-07-01 09:30:00")])
    assert batches[0].documents.at[0].isoformat() == "2010-07-01T08:30:00+00:00"  # British summer time


def test_a_line_of_another_customer_is_rejected_from_the_document(imported):
    _, batches, account = imported([line(customer=None), line(customer=13085), line(customer=17850)])
    assert len(flat(batches)) == 2
    assert account.rejects().to_pylist() == [{"line": 3, "reason": "another-customer-in-the-document"}]
    assert batches[0].documents.customer == [0]


def test_a_document_of_two_kinds_becomes_two_documents_of_one_number(imported):
    _, batches, account = imported([line("C1", quantity=-2), line("C1", "S", -1, 5.0, customer=None)])
    assert sorted(zip(batches[0].documents.kind, batches[0].documents.number, strict=True)) == [
        ("cost", "C1"), ("credit", "C1"),
    ]  # fmt: skip
    assert account.balanced


@given(
    price_micro=st.integers(-(10**9), 10**9),
    quantity=st.integers(-9999, 9999),
    currency=st.sampled_from(["GBP", "JPY", "BHD"]),
)
def test_amounts_by_columns_are_rounded_as_the_kernel_rounds_them(price_micro, quantity, currency):
    unit = pa.array([10**6 // 10 ** exponent_of(currency)])
    by_column = round_half_up(pa.array([price_micro * quantity]), unit)[0].as_py()
    assert by_column == extend(Decimal(price_micro).scaleb(-6), quantity, currency).amount_minor
