"""The real ledger: 1,044,847 lines of a wholesaler, counted against an independent sum."""

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pa_parquet
import pytest

from stockade.commerce.ledger import load_mapping

from .conftest import flat, import_file
from .loading import ask, bring_in

LEDGER = Path(__file__).parents[3].parent / "shared/data/online_retail_2009_2011.parquet"
pytestmark = pytest.mark.skipif(not LEDGER.exists(), reason=f"the wholesaler's ledger is not at {LEDGER}")


@pytest.fixture(scope="module")
def ledger():
    return import_file(LEDGER, load_mapping("online-retail"))


@pytest.fixture(scope="module")
def source():
    columns = ["InvoiceNo", "StockCode", "Quantity", "UnitPrice"]
    return list(zip(*(column.to_pylist() for column in pa_parquet.read_table(LEDGER, columns=columns)), strict=True))


def test_every_line_is_imported_once_or_rejected_for_a_reason(ledger):
    _, batches, account = ledger
    numbers = [number for batch in batches for number in batch.lines.line] + account.rejects()["line"].to_pylist()
    assert len(numbers) == 1_044_847
    assert set(numbers) == set(range(1, 1_044_848))
    assert account.faults() == []
    assert {reason: tally.lines for (reason, _), tally in account.rejections.items()} == {
        "test-product": 17, "charge-without-price": 14,
    }  # fmt: skip


def test_money_in_and_out_agrees_with_a_sum_made_without_the_import(ledger, source):
    amounts = [quantity * Decimal(repr(price)) for _, _, quantity, price in source]
    [read] = ledger[2].source.values()
    assert Decimal(read.in_micro).scaleb(-6) == sum(amount for amount in amounts if amount > 0)
    assert Decimal(read.out_micro).scaleb(-6) == sum(amount for amount in amounts if amount < 0)


def test_the_known_kinds_are_found_in_their_known_numbers(ledger, source):
    rows = flat(ledger[1])
    rejected = ledger[2].rejects()["line"].to_pylist()
    of_number = Counter(number[0] for _, number, *_ in rows) + Counter(source[line - 1][0][0] for line in rejected)
    assert (of_number["C"], of_number["A"]) == (19_165, 6)
    assert sum(kind == "bad_debt" for _, _, kind, *_ in rows) == 6
    downwards = [
        number for batch in ledger[1]
        for number, kind, quantity in zip(batch.lines.line, batch.lines.kind, batch.lines.quantity, strict=True)
        if kind == "stock_correction" and quantity < 0
    ]  # fmt: skip
    assert len(downwards) == 3_393
    assert sum(not re.match(r"\d{5}", code) for _, code, *_ in source) == 5_991


def test_documents_hold_the_lines_that_the_ledger_gives_them(ledger, source):
    assert all(source[line - 1][0] == number for _, number, _, _, line in flat(ledger[1]))
    assert ledger[2].documents == {
        "sale": 40_061, "credit": 8_166, "stock_correction": 5_235, "cost": 132, "bad_debt": 6,
    }  # fmt: skip


def test_master_data_is_what_the_ledger_implies(ledger):
    master = ledger[0]
    products = {product.code: product for product in master.products}
    assert (len(master.products), len(master.customers)) == (5_117, 5_940)
    assert products["85123A"].list_price_micro == 2_950_000
    assert products["85123A"].description == "WHITE HANGING HEART T-LIGHT HOLDER"
    assert not {"POST", "DOT", "M", "B", "TEST001"} & set(products)
    assert {customer.country_name for customer in master.customers if customer.country is None} == {
        "European Community", "Unspecified", "West Indies",
    }  # fmt: skip


async def test_its_first_lines_stand_in_the_database_as_the_account_says(database, tenant, tmp_path):
    pa_parquet.write_table(pa_parquet.read_table(LEDGER).slice(0, 12_000), tmp_path / "first.parquet")
    loaded = await bring_in(database, tenant, tmp_path / "first.parquet")  # which verifies itself
    assert loaded.batches == loaded.batches_written == 2
    issued = await ask(
        database,
        tenant,
        "select sum(case kind when 'invoice' then net_minor else -net_minor end)::int from invoicing.invoice",
    )
    rounded = sum(
        tally.net_minor for kind, tally in loaded.account.kinds.items() if kind.document in ("sale", "credit")
    )
    assert issued == [(rounded,)]
    assert await ask(database, tenant, "select count(*) from stock.level where on_hand < reserved") == [(0,)]
