"""Invoices and credit notes say what they have to, in the reader's language, on as many pages as it takes."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
import typst

from stockade.documents import Branding, FiguresDisagree, Party, VatGroup, render_invoice
from stockade.kernel.money import CurrencyMismatch, Money

from .reading import pages, squeezed, text
from .samples import POLISH_BUYER, POLISH_SELLER, invoice


def test_an_invoice_names_number_parties_dates_and_what_is_due() -> None:
    printed = text(render_invoice(invoice(paid=Money(10_000, "GBP"))))
    for expected in (
        "Invoice",
        "INV-2026-004217",
        "Harbour & Finch Wholesale Ltd",
        "GB 287 4451 09",
        "The Copper Kettle Company",
        "GB 911 2206 73",
        "Copper Kettle Warehouse",
        "5 March 2026",
        "4 April 2026",
        "SO-118204",
        "PO 77-3390",
        "GBP 678.95",
        "\u2212100.00",
        "GBP 578.95",
    ):
        assert expected in printed


def test_every_line_shows_code_description_quantity_price_rate_and_net() -> None:
    printed = text(render_invoice(invoice()))
    assert "84879" in printed
    assert "Assorted colour bird ornament" in printed
    for figure in ("41 pcs", "0.8425", "20%", "34.54"):
        assert figure in printed


def test_vat_is_summarised_by_rate_with_its_own_net() -> None:
    printed = text(render_invoice(invoice()))
    after = printed[printed.index("VAT summary") :]
    for figure in ("20%", "314.59", "62.92", "5%", "44.55", "2.23", "0%", "254.66", "613.80", "65.15"):
        assert figure in after


def test_a_reverse_charge_is_named_with_its_reason() -> None:
    base = invoice(1)
    line = msgspec.structs.replace(base.lines[0], vat_rate=Decimal(0), vat_category="AE")
    none = Money(0, "GBP")
    reverse = VatGroup(Decimal(0), base.net, none, category="AE", note="Article 196 of Directive 2006/112/EC")
    printed = text(
        render_invoice(
            msgspec.structs.replace(base, lines=(line,), vat_groups=(reverse,), vat=none, gross=base.net, open=base.net)
        )
    )
    assert "Reverse charge" in printed
    assert "Article 196 of Directive 2006/112/EC" in printed


def test_the_iban_is_grouped_in_fours() -> None:
    assert "GB33 BUKB 2020 1555 5555 55" in text(render_invoice(invoice()))


def test_a_paid_invoice_asks_for_no_payment() -> None:
    base = invoice()
    printed = text(render_invoice(invoice(paid=base.gross)))
    assert "Paid in full" in printed
    assert "BUKB" not in printed


def test_a_credit_note_is_titled_so_and_names_the_invoice_that_it_corrects() -> None:
    document = invoice(
        2, kind="credit_note", number="CN-2026-000031", corrects="INV-2026-004217", corrects_issued_on=date(2026, 3, 5)
    )
    printed = text(render_invoice(document))
    assert "Credit note" in printed
    assert "CN-2026-000031" in printed
    assert "Corrects invoice INV-2026-004217 of 5 March 2026" in printed
    assert "Total credit" in printed
    assert "Amount due" not in printed


def test_a_polish_invoice_speaks_polish_and_writes_numbers_and_dates_the_polish_way() -> None:
    document = invoice(24, "PLN", locale="pl", seller=POLISH_SELLER, buyer=POLISH_BUYER, notes=("Zażółć gęślą jaźń.",))
    printed = text(render_invoice(document))
    for expected in (
        "Faktura",
        "Nabywca",
        "Termin płatności",
        "05.03.2026",
        "Razem brutto",
        "Żółta Łódź Hurtownia Sp. z o.o.",
        "Przedsiębiorstwo Źdźbło S.A.",
        "Zażółć gęślą jaźń.",
        "0,8425",
    ):
        assert expected in printed
    assert f"{document.gross.amount_minor // 100_000} " in printed
    assert "Invoice" not in printed


@pytest.mark.parametrize(
    ("currency", "minor", "shown"), [("JPY", 61_380, "JPY 61,380"), ("KWD", 61_380_125, "KWD 61,380.125")]
)
def test_totals_have_the_decimals_of_their_currency(currency: str, minor: int, shown: str) -> None:
    base, total, none = invoice(1, currency), Money(minor, currency), Money(0, currency)
    line = msgspec.structs.replace(base.lines[0], net=total, vat_rate=Decimal(0), vat_category="Z")
    group = VatGroup(Decimal(0), total, none, category="Z")
    document = msgspec.structs.replace(
        base, lines=(line,), vat_groups=(group,), net=total, vat=none, gross=total, open=total
    )
    printed = text(render_invoice(document))
    assert shown in printed
    assert f"{shown}." not in printed


def test_two_hundred_lines_repeat_the_table_header_and_end_with_the_totals() -> None:
    document = invoice(200)
    printed = pages(render_invoice(document))
    assert len(printed) > 4
    for at, page in enumerate(printed, start=1):
        assert f"Page {at} of {len(printed)}" in page
        assert "Description" in page or "Net total" in page
    assert all("Unit price" in page for page in printed[:-1])
    assert all("Invoice INV-2026-004217" in page for page in printed[1:])
    assert "Total GBP" in printed[-1]
    assert "VAT summary" in printed[-1]
    assert not any("Net total" in page for page in printed[:-1])


@pytest.mark.parametrize("count", range(12, 24))
def test_totals_and_payment_are_never_on_different_pages(count: int) -> None:
    printed = pages(render_invoice(invoice(count)))
    together = [page for page in printed if "Net total" in page]
    assert len(together) == 1
    assert "VAT summary" in together[0]
    assert "GB33 BUKB" in together[0]


def test_reasons_longer_than_a_page_flow_onto_the_next_and_lose_nothing() -> None:
    base = invoice(1)
    group = msgspec.structs.replace(base.vat_groups[0], note="because of a long reason " * 400)
    printed = render_invoice(msgspec.structs.replace(base, vat_groups=(group,)))
    assert len(pages(printed)) > 1
    assert squeezed(printed).count("becauseofalongreason") >= 390


def test_code_and_discount_columns_exist_only_where_a_line_needs_them() -> None:
    plain = invoice(2)
    bare = msgspec.structs.replace(plain, lines=tuple(msgspec.structs.replace(line, code="") for line in plain.lines))
    assert "Item" not in text(render_invoice(bare))
    cheaper = msgspec.structs.replace(plain.lines[0], discount_percent=Decimal("7.5"))
    printed = text(render_invoice(msgspec.structs.replace(plain, lines=(cheaper, plain.lines[1]))))
    assert "Disc." in printed
    assert "7.5%" in printed


INJECTIONS = (
    "#panic()",
    "$x$ *bold* _it_",
    "= heading",
    '#read("/etc/passwd")',
    "@label <b> `raw`",
    '"} {"a": \\n \\u{1F600}',
    "#import(preview)",
    "// comment /* x */",
)


@pytest.mark.parametrize("payload", INJECTIONS)
def test_typst_source_in_data_is_printed_and_never_run(payload: str) -> None:
    document = invoice(2, buyer=Party(name=payload, lines=(payload,)), notes=(payload,), buyer_reference=payload)
    printed = squeezed(render_invoice(document))
    assert printed.count("".join(payload.split())) >= 3


def test_the_same_text_put_into_the_source_would_run() -> None:
    """The twin of the test above: without data beside the source, a name is a program."""
    with pytest.raises(typst.TypstError, match="panicked"):
        typst.Compiler().compile(input=b"Bill to #panic()", format="pdf")


@pytest.mark.parametrize(
    "name",
    ["شركة التوزيع العربية", "חברת הפצה", "Łódź Żółć", "漢字株式会社", "😀 Smile Ltd", "e\u0301\u0301\u0301", "\ue000"],
)
def test_any_script_renders(name: str) -> None:
    assert render_invoice(invoice(1, buyer=Party(name=name))).startswith(b"%PDF")


@pytest.mark.parametrize("name", ["\x00\x07Bell", "Bell\ud83d", "Be\ufffell", "Be\u202ell"])
def test_characters_that_cannot_be_set_or_turn_text_around_are_left_out(name: str) -> None:
    assert "Bell" in text(render_invoice(invoice(1, buyer=Party(name=name))))


def test_a_word_longer_than_its_column_is_broken_and_complete() -> None:
    word = "Pneumono" * 30
    document = invoice(1, buyer=Party(name=word), notes=(word,))
    printed = render_invoice(document)
    assert squeezed(printed).count(word) >= 2
    assert max(len(line) for line in text(printed).splitlines()) < 130


def test_the_accent_colours_the_page_and_a_pale_one_is_darkened_to_be_readable() -> None:
    plain = render_invoice(invoice())
    assert render_invoice(invoice(), Branding(accent="#8a3b12")) != plain
    assert "Invoice" in text(render_invoice(invoice(), Branding(accent="#ffff00")))


def test_an_invoice_whose_totals_disagree_is_refused() -> None:
    good = invoice()
    with pytest.raises(FiguresDisagree, match="gross"):
        msgspec.structs.replace(good, gross=good.gross + Money(1, "GBP"))
    with pytest.raises(FiguresDisagree, match="lines"):
        msgspec.structs.replace(good, lines=good.lines[1:])
    with pytest.raises(CurrencyMismatch):
        msgspec.structs.replace(good, paid=Money(0, "EUR"))
