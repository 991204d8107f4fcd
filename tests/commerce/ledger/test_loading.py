"""What each kind of ledger document becomes in the database."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from stockade.commerce.ledger import load_mapping
from stockade.commerce.ledger.loading import AlreadyImported
from stockade.kernel.ids import milliseconds_of
from stockade.kernel.problems import Refusal

from .conftest import line
from .loading import ask, books, bring_in, bring_in_lines

LATE = "2011-12-01 10:00:00"
"""The last day of these ledgers: what is 30 days older counts as paid."""


async def test_a_sale_becomes_a_closed_order_and_its_invoice(database, tenant, tmp_path):
    lines = [line("1", quantity=6, price=2.95), line("1", "22423", 2, 12.75, text="CAKE STAND")]
    await bring_in_lines(database, tenant, tmp_path, lines)
    [order] = await ask(
        database, tenant, "select number, stage, placed_at, net_minor, gross_minor, currency from orders.sales_order"
    )
    assert order == ("1", "closed", datetime(2010, 7, 1, 8, 30, tzinfo=UTC), 4320, 4320, "GBP")
    found = await books(database, tenant)
    assert found["orders"] == [
        ("1", "closed", datetime(2010, 7, 1, 8, 30, tzinfo=UTC), 1, "85123A", 6, 6),
        ("1", "closed", datetime(2010, 7, 1, 8, 30, tzinfo=UTC), 2, "22423", 2, 2),
    ]
    assert found["invoices"][0][:8] == (
        "invoice", "IMPORT", "2010", 1, "1", date(2010, 7, 1), date(2010, 7, 31), 4320,
    )  # fmt: skip
    assert found["lines"] == [
        ("1", 1, "85123A", 6, Decimal("2.950000"), 1770), ("1", 2, "22423", 2, Decimal("12.750000"), 2550),
    ]  # fmt: skip
    groups = await ask(database, tenant, "select vat_category, vat_rate, net_minor, vat_minor from invoicing.vat_group")
    assert groups == [("outside", Decimal("0.000"), 4320, 0)]
    assert found["counters"] == [("IMPORT", "2010", 1)]


async def test_a_credit_becomes_a_credit_note_with_positive_amounts_and_goods_come_back(database, tenant, tmp_path):
    await bring_in_lines(database, tenant, tmp_path, [line("1", quantity=6), line("C2", quantity=-4, at=LATE)])
    found = await books(database, tenant)
    assert [row[:1] + row[4:5] + row[7:8] for row in found["invoices"]] == [
        ("invoice", "1", 1770), ("credit_note", "C2", 1180),
    ]  # fmt: skip
    assert found["lines"][1][3:] == (4, Decimal("2.950000"), 1180)
    assert [row[:3] for row in found["moves"]] == [
        ("85123A", 6, "opening"), ("85123A", -6, "shipment"), ("85123A", 4, "return"),
    ]  # fmt: skip
    assert found["levels"] == [("85123A", 4, 0)]
    assert found["credits"] == [(1180, 1180)]


async def test_fees_and_discounts_are_lines_of_products_that_are_not_stocked(database, tenant, tmp_path):
    lines = [line("1", "POST", 1, 18.0, text="POSTAGE"), line("C2", "D", -1, 5.0), line("1", "GIFT_0001_20", 1, 16.67)]
    await bring_in_lines(database, tenant, tmp_path, lines)
    products = await ask(database, tenant, "select sku, stocked, vat_category from catalog.product order by sku")
    assert products == [
        ("FEE-DISCOUNT", False, "outside"), ("FEE-POSTAGE", False, "outside"), ("GIFT_0001_20", False, "outside"),
    ]  # fmt: skip
    found = await books(database, tenant)
    assert [row[2] for row in found["lines"]] == ["FEE-POSTAGE", "GIFT_0001_20", "FEE-DISCOUNT"]
    assert found["moves"] == []


async def test_a_bad_debt_and_a_cost_are_journals_and_nothing_else(database, tenant, tmp_path):
    lines = [line("A1", "B", 1, -50.0, None), line("C2", "AMAZONFEE", -1, 30.0, None)]
    await bring_in_lines(database, tenant, tmp_path, lines)
    found = await books(database, tenant)
    assert [row[0::3] for row in found["postings"]] == [
        ("bad_debt", 5000), ("bank", -3000), ("cost", 3000), ("receivable", -5000),
    ]  # fmt: skip
    assert found["invoices"] == found["orders"] == found["moves"] == []


async def test_stock_corrections_are_moves_with_a_reason_and_their_note(database, tenant, tmp_path):
    lines = [
        line("1", quantity=-3, price=0.0, customer=None, text="damaged in transit"),
        line("2", quantity=-2, price=0.0, customer=None, text="stock check"),
        line("3", quantity=7, price=0.0, customer=None, text="Amazon"),
        line("4", quantity=-1, price=0.0, customer=None, text=None),
    ]
    await bring_in_lines(database, tenant, tmp_path, lines)
    found = await books(database, tenant)
    assert sorted(row[1:3] + row[4:] for row in found["moves"]) == [
        (-3, "damage", "damaged in transit"), (-2, "count", "stock check"), (-1, "adjustment", None),
        (6, "opening", None), (7, "adjustment", "Amazon"),
    ]  # fmt: skip
    assert found["levels"] == [("85123A", 7, 0)]


async def test_two_lines_of_one_product_in_a_document_are_one_move(database, tenant, tmp_path):
    await bring_in_lines(database, tenant, tmp_path, [line("1", quantity=2), line("1", quantity=3), line("2")])
    found = await books(database, tenant)
    assert sorted(row[1] for row in found["moves"]) == [-6, -5, 11]


async def test_old_invoices_count_as_paid_when_due_and_young_ones_stay_open(database, tenant, tmp_path):
    lines = [line("1", quantity=1, price=10.0), line("2", quantity=1, price=7.0, at=LATE),
             line("C3", quantity=-1, price=4.0), line("4", quantity=1, price=0.0)]  # fmt: skip
    await bring_in_lines(database, tenant, tmp_path, lines)
    found = await books(database, tenant)
    assert found["payments"] == [("1", "import", date(2010, 7, 31), 1000, 0)]
    assert sorted(row[1:] for row in found["open"]) == [(0, 0), (700, 700), (1000, 0)]
    assert found["credits"] == [(400, 0)]
    balances = await ask(
        database, tenant, "select account, sum(amount_minor)::int from receivables.posting group by 1 order by 1"
    )
    assert balances == [("bank", 600), ("receivable", 700), ("revenue", -1300)]


async def test_without_a_settlement_everything_stays_open(database, tenant, tmp_path):
    mapping = write_mapping(tmp_path)
    (tmp_path / "a.csv").write_text(
        "Beleg;Datum;Artikel;Menge;Preis;Kunde;Waehrung\n1;31.12.2019;X1;3;1,005;K9;EUR\n2;01.01.2020;X1;-1;2,00;K9;EUR\n"
    )
    await bring_in(database, tenant, tmp_path / "a.csv", load_mapping(str(mapping)))
    found = await books(database, tenant)
    assert found["payments"] == []
    assert [row[:8] for row in found["invoices"]] == [
        ("invoice", "IMPORT", "2019", 1, "1", date(2019, 12, 31), date(2020, 1, 14), 302),
        ("credit_note", "IMPORT", "2020", 1, "2", date(2020, 1, 1), date(2020, 1, 15), 200),
    ]
    assert await ask(database, tenant, "select number, currency, terms_days from parties.customer order by 1") == [
        ("CASH", "EUR", 14), ("K9", "EUR", 14),
    ]  # fmt: skip


def write_mapping(folder: Path) -> Path:
    """Write another wholesaler's mapping: other columns, German numbers and dates."""
    path = folder / "grosshandel.toml"
    path.write_text(
        """
        name = "grosshandel"
        currency = "EUR"
        price_places = 3
        [settlement]
        terms_days = 14
        [text]
        delimiter = ";"
        decimal = ","
        dates = ["%d.%m.%Y"]
        [columns]
        document = "Beleg"
        date = "Datum"
        code = "Artikel"
        quantity = "Menge"
        price = "Preis"
        customer = "Kunde"
        currency = "Waehrung"
        [[rules]]
        line = "sale"
        quantity = "positive"
        [[rules]]
        line = "credit"
        quantity = "negative"
        """
    )
    return path


async def test_a_ledger_document_that_sells_and_credits_becomes_two_with_different_numbers(database, tenant, tmp_path):
    mapping = write_mapping(tmp_path)
    (tmp_path / "a.csv").write_text(
        "Beleg;Datum;Artikel;Menge;Preis;Kunde;Waehrung\n1;31.12.2019;X1;3;1,00;;EUR\n1;31.12.2019;X2;-1;2,00;;EUR\n"
    )
    await bring_in(database, tenant, tmp_path / "a.csv", load_mapping(str(mapping)))
    numbers = await ask(database, tenant, "select number, kind from invoicing.invoice order by number")
    assert numbers == [("1", "invoice"), ("1/2", "credit_note")]


async def test_a_sale_that_gives_back_more_than_it_bills_becomes_a_credit_note(database, tenant, tmp_path):
    await bring_in_lines(database, tenant, tmp_path, [line("1", quantity=1, price=2.0), line("1", "M", -1, 5.0)])
    found = await books(database, tenant)
    assert [row[0] for row in found["invoices"]] == ["credit_note"]
    assert [row[3:] for row in found["lines"]] == [(1, Decimal("-2.000000"), -200), (1, Decimal("5.000000"), 500)]
    assert found["orders"] == []


async def test_the_trail_has_an_entry_for_each_document_and_none_for_a_line(database, tenant, tmp_path):
    await bring_in_lines(database, tenant, tmp_path, [line("1"), line("1"), line("2"), line("C3", quantity=-1)])
    trail = {row[:2]: row[2] for row in (await books(database, tenant))["trail"]}
    assert trail == {
        ("catalog.product", "insert"): 1, ("invoicing.invoice", "invoicing.issued"): 3,
        ("ledger.import_run", "ledger.import_started"): 1, ("ledger.import_run", "ledger.import_state_changed"): 1,
        ("ledger.import_run", "update"): 2, ("orders.sales_order", "insert"): 2, ("parties.customer", "insert"): 2,
        ("stock.warehouse", "insert"): 1,
    }  # fmt: skip
    [(kinds,)] = await ask(
        database, tenant, "select array_agg(distinct actor_kind) from audit.entry where subject <> 'tenancy.tenant'"
    )
    assert kinds == ["import"]


async def test_history_sorts_by_id_as_it_does_by_date(database, tenant, tmp_path):
    lines = [line("9", at="2011-03-01 10:00:00"), line("5", at="2010-03-01 10:00:00"), line("7")]
    await bring_in_lines(database, tenant, tmp_path, lines)
    orders = await ask(database, tenant, "select number, id, placed_at from orders.sales_order order by id")
    assert [row[0] for row in orders] == ["5", "7", "9"]
    assert all(milliseconds_of(id_) == at.timestamp() * 1000 for _, id_, at in orders)


async def test_what_the_tenant_has_already_is_used_and_not_changed(database, tenant, tmp_path):
    existing = (
        "stock.warehouse (tenant_id, id, code, name, state) values ($1, uuidv7(), 'NORTH', 'North', 'active')",
        "parties.customer (tenant_id, id, number, name, country, currency, state) "
        "values ($1, uuidv7(), '13085', 'Heart Shop Ltd', 'IE', 'GBP', 'active')",
        "catalog.product (tenant_id, id, sku, name, vat_category, list_price, state) "
        "values ($1, uuidv7(), '85123A', 'Heart', 'standard', 9, 'active')",
    )
    async with database.transaction(tenant.principal) as tx:
        for row in existing:
            await tx.execute(f"insert into {row}", tenant.id)
    await bring_in_lines(database, tenant, tmp_path, [line("1")])
    assert await ask(database, tenant, "select code from stock.warehouse") == [("NORTH",)]
    assert await ask(database, tenant, "select name, list_price::int from catalog.product") == [("Heart", 9)]
    [(buyer,)] = await ask(database, tenant, "select buyer from invoicing.invoice")
    assert (buyer["name"], buyer["number"], buyer["country"]) == ("Heart Shop Ltd", "13085", "GB")


async def test_a_document_that_exists_already_refuses_the_whole_ledger(database, tenant, tmp_path):
    await bring_in_lines(database, tenant, tmp_path, [line("1")])
    with pytest.raises(AlreadyImported, match="Document 1 of"):
        await bring_in_lines(database, tenant, tmp_path, [line("1"), line("2")])
    assert await ask(database, tenant, "select count(*) from ledger.import_run") == [(1,)]


async def test_a_second_ledger_gets_a_series_of_its_own_and_adds_to_the_stock(database, tenant, tmp_path):
    await bring_in_lines(database, tenant, tmp_path, [line("1"), line("C2", quantity=-2)])
    await bring_in_lines(database, tenant, tmp_path, [line("3"), line("C4", quantity=-1)])
    found = await books(database, tenant)
    assert found["counters"] == [("IMPORT", "2010", 2), ("IMPORT-2", "2010", 2)]
    assert found["levels"] == [("85123A", 3, 0)]


async def test_quantities_beyond_a_columns_range_are_split_into_several_moves(database, tenant, tmp_path):
    much = 2**31 - 1
    await bring_in_lines(database, tenant, tmp_path, [line("1", quantity=much, price=0.01)] * 2)
    found = await books(database, tenant)
    assert sorted(row[1] for row in found["moves"]) == [-much, -much, much, much]


async def test_an_empty_ledger_is_finished_at_once(database, tenant, tmp_path):
    loaded = await bring_in_lines(database, tenant, tmp_path, [])
    assert (loaded.batches, loaded.account.lines) == (0, 0)
    assert (await books(database, tenant))["runs"][0][0] == "finished"


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        ("update invoicing.line set unit_price = unit_price + 0.000001", "exact_micro"),
        ("update invoicing.line set net_minor = net_minor + 1", "figures disagree: 1"),
        (
            "update invoicing.invoice set net_minor = net_minor - 1, gross_minor = gross_minor - 1",
            "figures disagree: 1",
        ),
        ("update orders.line set net_minor = 0", "figures disagree: 1"),
        ("update receivables.posting set amount_minor = amount_minor * 2", "revenue"),
        ("update stock.move set quantity = quantity - 1 where reason = 'shipment'", "pieces moved"),
        ("update stock.level set on_hand = on_hand + 1", "85123A"),
        ("update receivables.payment set amount_minor = amount_minor + 1", "another amount: 1"),
        ("update receivables.open_item set gross_minor = gross_minor + 1", "figures disagree: 1"),
    ],
)
async def test_verifying_a_finished_import_catches_tampering(database, superuser, tenant, tmp_path, tampering, fault):
    lines = [line("1", quantity=1), line("2", at=LATE)]
    await bring_in_lines(database, tenant, tmp_path, lines)
    condition = f"tenant_id = '{tenant.id}'"
    await superuser.execute("set session_replication_role = replica")  # a superuser at work: no trigger, no foreign key
    sql = f"{tampering} and {condition}" if " where " in tampering else f"{tampering} where {condition}"
    await superuser.execute(sql)
    with pytest.raises(Refusal, match=fault):
        await bring_in_lines(database, tenant, tmp_path, lines)
