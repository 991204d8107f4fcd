"""The account: every line once, and the money in and out, whatever the input."""

import csv
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.commerce.ledger import Account, load_mapping, survey
from stockade.commerce.ledger.parsing import Reason

from .conftest import COLUMNS, flat, import_file, line, write_parquet

dirty_lines = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "C3", "A4", "5", "", "X6"]),
        st.sampled_from(["85123A", "85123a", "22423", "POST", "M", "D", "B", "TEST001", "gift_0001_10", "", "S"]),
        st.sampled_from(["HEART", "damaged", "", "a, \"b\"\nc"]),
        st.sampled_from(["1", "-1", "0", "12", "2.0", "2.5", "", "x", "99999999999"]),
        st.sampled_from(["2010-07-01 09:30:00", "2010-07-01 09:31:00", "", "soon"]),
        st.sampled_from(["2.95", "0", "0.001", "-5.5", "2.9501", "1e3", "", "NaN", "999999999"]),
        st.sampled_from(["13085", "17850", ""]),
        st.sampled_from(["EIRE", "Unspecified", ""]),
    ),
    max_size=40,
)  # fmt: skip
UNREADABLE = {str(reason) for reason in Reason} - {Reason.ANOTHER_CUSTOMER, Reason.ANOTHER_CURRENCY, Reason.NO_RULE}


@settings(max_examples=80, deadline=None)
@given(lines=dirty_lines)
def test_every_line_ends_up_exactly_once_and_money_agrees_for_any_dirt(lines):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dirty.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *lines])
        _, batches, account = import_file(path, load_mapping("online-retail"), lines=5)
    rejected = {row["line"]: row["reason"] for row in account.rejects().to_pylist()}
    ends = Counter([row[4] for row in flat(batches)] + account.rejects()["line"].to_pylist())
    assert ends == Counter(range(1, len(lines) + 1))
    assert account.faults() == []
    readable = [row for number, row in enumerate(lines, 1) if rejected.get(number) not in UNREADABLE]
    expected = sum((Decimal(row[3]) * Decimal(row[5]) for row in readable), Decimal(0))
    counted = [*account.kinds.values(), *account.rejections.values()]
    assert Decimal(sum(tally.net_micro for tally in counted)).scaleb(-6) == expected


def test_a_batch_that_was_not_imported_shows_in_the_account(tmp_path, online_retail):
    path = write_parquet(tmp_path / "a.parquet", [line("1"), line("2"), line("3")])
    _, batches, account = import_file(path, online_retail, lines=1)
    assert account.balanced
    again = Account()
    again.lines, again.source = account.lines, account.source
    for batch in batches[:-1]:
        again.imported(batch)
    assert not again.balanced


def test_a_line_moved_to_another_document_shows_in_the_account(tmp_path, online_retail):
    path = write_parquet(tmp_path / "a.parquet", [line("1"), line("2")])
    _, [batch], account = import_file(path, online_retail)
    again = Account()
    again.lines, again.source = account.lines, account.source
    batch.lines.document[1] = 0
    again.imported(batch)
    assert not again.balanced


def test_batches_are_the_same_however_the_file_is_read(tmp_path, online_retail, monkeypatch):
    lines = [line(str(n * 7 % 50), quantity=1 + n % 5) for n in range(600)]  # every document is scattered
    path = write_parquet(tmp_path / "a.parquet", lines)
    whole = import_file(path, online_retail, lines=64)[1]
    monkeypatch.setattr("stockade.commerce.ledger.reading.CHUNK_LINES", 11)
    monkeypatch.setattr(survey, "KEPT_CHUNKS", 1)
    assert import_file(path, online_retail, lines=64)[1] == whole
    assert [batch.index for batch in whole] == list(range(len(whole)))
    assert len(whole) > 5


def test_the_account_as_json_tells_rounded_from_exact_money(imported):
    _, _, account = imported([line(quantity=4, price=0.001)])
    [kind] = account.document()["imported"]
    assert (kind["net"], kind["rounded"]) == ("0.004", "0.00")
    assert account.table().row_count == 2


@pytest.mark.parametrize("price", [2.95, 0.1 + 0.2, 1.1 * 3, 38970.0])
def test_a_floats_dirt_is_no_part_of_the_price(imported, price):
    _, [batch], _ = imported([line(price=price)])
    assert batch.lines.price_micro == [round(Decimal(price), 3).scaleb(6)]
