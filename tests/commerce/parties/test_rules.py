"""The rules about those who trade, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.commerce.parties.codes import COUNTRIES, CURRENCIES, EUROPEAN_UNION
from stockade.commerce.parties.rules import (
    check_treatment,
    checked_bic,
    checked_country,
    checked_currency,
    checked_iban,
    checked_vat_id,
    customer_number,
    sequence_in,
)
from stockade.kernel.money import OTHER_EXPONENTS
from stockade.kernel.problems import Invalid


@pytest.mark.parametrize(
    ("country", "text", "kept"),
    [
        ("DE", "DE 136 695 976", "DE136695976"),
        ("DE", "136695976", "DE136695976"),
        ("AT", "U57194903", "ATU57194903"),
        ("GR", "GR 094259216", "EL094259216"),
        ("GR", "094259216", "EL094259216"),
        ("FR", "FR 61 954 506 077", "FR61954506077"),
        ("BE", "BE697449992", "BE0697449992"),
        ("PL", "PL 856-734-62-15", "PL8567346215"),
        ("IE", "ie6433435f", "IE6433435F"),
        ("GB", "980 7806 84", "GB980780684"),
        ("GB", "XI980780684", "XI980780684"),
        ("CH", "CHE-107.787.577 IVA", "CHE107787577IVA"),
        ("NO", "995 525 828 MVA", "995525828MVA"),
        ("US", "12-3456789", "123456789"),
    ],
)
def test_a_vat_id_is_kept_in_its_countrys_one_form(country: str, text: str, kept: str) -> None:
    assert checked_vat_id(country, text) == kept
    assert checked_vat_id(country, kept) == kept


@pytest.mark.parametrize(
    ("country", "text"),
    [("DE", "DE136695977"), ("AT", "DE136695976"), ("GB", "GB980780685"), ("NL", "NL004495445"), ("DE", "DE"),
     ("US", "é" * 9), ("XX", "12345")],
)  # fmt: skip
def test_a_vat_id_that_breaks_its_countrys_rules_is_refused_by_field(country: str, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_vat_id(country, text)
    assert refused.value.members["errors"][0]["field"] in ("vat_id", "country")


@given(st.sampled_from(sorted(COUNTRIES)), st.text(alphabet="ABCDEGLXI0123456789 -.+*٣é", max_size=16))
def test_no_text_makes_the_check_of_a_vat_id_stumble(country: str, text: str) -> None:
    try:
        kept = checked_vat_id(country, text)
    except Invalid:
        return
    assert checked_vat_id(country, kept) == kept


def test_countries_and_currencies_are_those_of_iso_and_no_other() -> None:
    assert (len(COUNTRIES), len(EUROPEAN_UNION)) == (249, 27)
    assert EUROPEAN_UNION < COUNTRIES
    assert {"EUR", "GBP", "PLN", "USD", "CHF"} < CURRENCIES
    assert set(OTHER_EXPONENTS) < CURRENCIES
    assert checked_country("PL") == "PL"
    assert checked_currency("PLN") == "PLN"
    for check, code in (
        (checked_country, "UK"),
        (checked_country, "XX"),
        (checked_currency, "XXX"),
        (checked_currency, "EUX"),
    ):
        with pytest.raises(Invalid):
            check(code)


@given(st.integers(min_value=1, max_value=10**9 - 1))
def test_a_made_number_leads_back_to_its_counter(sequence: int) -> None:
    assert sequence_in(customer_number(sequence)) == sequence


@pytest.mark.parametrize("number", ["12345", "C-0042", "C-42", "C-000042", "c-00042", "C-00042a", "C-1234567890", ""])
def test_other_numbers_do_not_move_the_counter(number: str) -> None:
    assert sequence_in(number) is None


def test_reverse_charge_needs_a_vat_id() -> None:
    check_treatment("reverse_charge", "DE136695976")
    check_treatment("domestic", None)
    with pytest.raises(Invalid):
        check_treatment("reverse_charge", None)


def test_bank_codes_are_checked_and_kept_without_spaces() -> None:
    assert checked_iban("GB82 WEST 1234 5698 7654 32") == "GB82WEST12345698765432"
    assert checked_bic("deutdeff") == "DEUTDEFF"
    with pytest.raises(Invalid):
        checked_iban("GB82 WEST 1234 5698 7654 33")
    with pytest.raises(Invalid):
        checked_bic("DEUT")
