"""The catalogue's rules, without a database."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from stockade.commerce.catalog.rules import NoVatRate, barcode_in, checked_barcode, checked_vat_rate, rate_for
from stockade.kernel.problems import Invalid


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("4006381333931", "4006381333931"),
        ("400-6381 333931", "4006381333931"),
        ("73513537", "73513537"),
        ("036000291452", "036000291452"),
        ("98412345678908", "98412345678908"),
    ],
)
def test_a_gtin_with_a_right_check_digit_is_kept_without_separators(text: str, kept: str) -> None:
    assert checked_barcode(text) == kept


@pytest.mark.parametrize("text", ["4006381333932", "400638133393", "1", "", "ABC", "٤٠٠٦٣٨١٣٣٣٩٣١"])
def test_anything_else_is_no_barcode_and_the_refusal_names_the_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_barcode(text)
    assert refused.value.members["errors"][0]["field"] == "barcode"


@given(st.integers(min_value=0, max_value=10**11 - 1))
def test_one_article_has_one_barcode_however_many_noughts_stand_in_front(number: int) -> None:
    upc = f"{number:011}{ean.calc_check_digit(f'{number:011}')}"
    assert checked_barcode(upc) == checked_barcode("0" + upc) == checked_barcode("00" + upc)


@given(st.from_regex(r"[0-9]{7}|[0-9]{11}|[0-9]{12}|[0-9]{13}", fullmatch=True), st.integers(1, 9))
def test_a_wrong_check_digit_is_always_noticed(body: str, by: int) -> None:
    wrong = (int(ean.calc_check_digit(body)) + by) % 10
    assert barcode_in(f"{body}{wrong}") is None


@given(st.text(max_size=30))
def test_no_text_makes_the_check_stumble(text: str) -> None:
    found = barcode_in(text)
    assert found is None or checked_barcode(found) == found


@pytest.mark.parametrize("category", ["zero", "exempt", "outside"])
def test_a_category_without_vat_has_no_rate_but_nought(category: str) -> None:
    assert checked_vat_rate(category, Decimal(0)) == 0  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        checked_vat_rate(category, Decimal("0.001"))  # type: ignore[arg-type]


def test_a_category_whose_rate_nobody_set_is_a_problem_of_its_own() -> None:
    assert rate_for({"standard": Decimal(20)}, "standard") == 20
    with pytest.raises(NoVatRate) as refused:
        rate_for({"standard": Decimal(20)}, "reduced")
    assert refused.value.members == {"category": "reduced"}
