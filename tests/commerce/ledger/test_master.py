"""Products and customers as the ledger implies them."""

from .conftest import line


def test_spellings_of_a_code_that_differ_in_case_and_blanks_are_one_product(imported):
    master, _, _ = imported([line(code="85123a"), line(code="85123A"), line(code="85123A ")])
    assert [product.code for product in master.products] == ["85123A"]


def test_a_product_is_called_what_most_of_its_lines_call_it(imported):
    lines = [line(text="WHITE  HEART "), line(text="WHITE HEART"), line(text="CREAM HEART", at="2011-01-01 10:00:00")]
    master, _, _ = imported(lines)
    assert master.products[0].description == "WHITE HEART"


def test_a_note_on_a_stock_correction_is_no_name(imported):
    notes = [line(str(n), price=0.0, quantity=-1, customer=None, text="damaged") for n in range(3)]
    master, _, _ = imported([*notes, line("9", text="WHITE HEART"), line("10", "21909", -1, 0.0, None, "lost")])
    assert [(product.description, product.described) for product in master.products] == [
        ("WHITE HEART", True), ("21909", False),
    ]  # fmt: skip


def test_the_list_price_is_what_most_lines_to_customers_pay_and_the_higher_of_equals(imported):
    shop = [line(str(n), price=5.91, customer=None) for n in range(5)]
    master, _, _ = imported([*shop, line("7", price=2.55, quantity=32), line("8", price=2.95)])
    assert master.products[0].list_price_micro == 2_950_000


def test_fees_and_bad_debts_are_no_products(imported):
    master, _, _ = imported([line(code="POST", quantity=1), line("A1", "B", 1, -5.0, None)])
    assert master.products == []
    assert master.charges == ["postage"]


def test_a_customer_lives_where_the_latest_document_says_and_documents_keep_their_own_country(imported):
    lines = [line("2", country="Spain", at="2011-01-01 10:00:00"), line("1", country="EIRE", at="2010-01-01 10:00:00")]
    master, batches, _ = imported(lines)
    assert [(customer.key, customer.country) for customer in master.customers] == [("13085", "ES")]
    assert batches[0].documents.country == ["ES", "IE"]


def test_a_country_that_is_none_has_no_code(imported):
    master, _, _ = imported([line(country="European Community")])
    assert (master.customers[0].country, master.customers[0].country_name) == (None, "European Community")
