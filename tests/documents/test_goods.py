"""Delivery notes, pick lists and order confirmations: what they say and do not say, and what a scanner reads."""

from datetime import date
from typing import Any

import msgspec
import pytest

from stockade.documents import (
    DeliveryLine,
    DeliveryNote,
    OrderConfirmation,
    Party,
    PickLine,
    PickList,
    UnusableBranding,
    page_images,
    render,
)
from stockade.documents.barcodes import code128, product_code
from stockade.documents.model import Branding

from .reading import pages, reader, squeezed, text
from .samples import BUYER, POLISH_BUYER, POLISH_SELLER, SELLER, invoice
from .scanning import scanned

PRINTED_PPI = 300
"""What any office printer does; a hand scanner sees the bars as well."""
NASTY = '#panic("x") $1+1$ <script>alert(1)</script> =HYPERLINK("http://x") \\ "quoted" `raw` @x /* c */'
LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 8
RTL = "مرحبا بالعالم 123 \u202eevil"


def delivery(**changes: Any) -> DeliveryNote:
    """Return a delivery note with something to follow."""
    fields: dict[str, Any] = {
        "number": "SH-2026-000731", "shipped_on": date(2026, 3, 4), "order_number": "SO-2026-118204",
        "seller": SELLER, "buyer": BUYER, "carrier": "DPD", "tracking": "15501234567890",
        "lines": (
            DeliveryLine(1, "Lunch bag", 30, 20, 10, "20725", "pcs"), DeliveryLine(2, "Bunting", 5, 5, 0, "47566B"),
        ),
        "waiting": (DeliveryLine(3, "Bird ornament", 41, 0, 41, "84879", "pcs"),),
    }  # fmt: skip
    return DeliveryNote(**fields | changes)


def pick_list(**changes: Any) -> PickList:
    """Return a pick list of two products, one with a GTIN and in cases of twelve."""
    fields: dict[str, Any] = {
        "order_number": "SO-2026-118204", "printed_on": date(2026, 3, 4), "seller": SELLER, "customer": BUYER.name,
        "warehouse": "Main warehouse",
        "lines": (PickLine("20725", "Lunch bag", 27, "pcs", 12, "4006381333931"), PickLine("47566B", "Bunting", 5)),
    }  # fmt: skip
    return PickList(**fields | changes)


def confirmation(**changes: Any) -> OrderConfirmation:
    """Return the confirmation of what the sample invoice bills."""
    base = invoice()
    shared = {name: getattr(base, name) for name in OrderConfirmation.__struct_fields__ if hasattr(base, name)}
    return OrderConfirmation(**shared | {"number": "SO-2026-118204", "terms_days": 30} | changes)


def test_a_delivery_note_says_what_came_what_follows_and_no_price() -> None:
    printed = text(render(delivery(), Branding()))
    for expected in ("Delivery note", "SH-2026-000731", "20 pcs", "10 pcs", "41 pcs", "DPD", "15501234567890"):
        assert expected in printed
    assert printed.index("Not in this delivery") > printed.index("Bunting")
    assert not any(word in printed for word in ("Net", "VAT summary", "GBP", "Total"))


def test_a_delivery_with_nothing_to_follow_has_no_column_for_it() -> None:
    assert "To follow" not in text(render(delivery(lines=(DeliveryLine(1, "Bunting", 5, 5),), waiting=())))


def test_a_scanner_reads_the_numbers_of_shipment_and_order_from_a_delivery_note() -> None:
    [page] = page_images(delivery(), ppi=PRINTED_PPI)
    assert {("Code 128", "SH-2026-000731"), ("Code 128", "SO-2026-118204")} <= scanned(page)


def test_a_scanner_reads_the_order_and_each_product_from_a_pick_list() -> None:
    [page] = page_images(pick_list(), ppi=PRINTED_PPI)
    assert scanned(page) == {("Code 128", "SO-2026-118204"), ("EAN-13", "4006381333931"), ("Code 128", "47566B")}


def test_a_scanner_reads_the_order_from_its_confirmation() -> None:
    assert ("Code 128", "SO-2026-118204") in scanned(page_images(confirmation(), ppi=PRINTED_PPI)[0])


def test_a_pick_list_counts_cases_and_what_is_left_of_them() -> None:
    printed = text(render(pick_list()))
    assert "2 × 12 + 3" in printed
    assert "32" in printed  # units in all


def test_a_confirmation_names_prices_and_says_that_it_is_no_invoice() -> None:
    printed = text(render(confirmation(requested_on=date(2026, 3, 12))))
    for expected in ("Order confirmation", "GBP 678.95", "30 days net", "12 March 2026", "This is not an invoice"):
        assert expected in printed
    assert "IBAN" not in printed


@pytest.mark.parametrize(
    ("document", "said"),
    [(delivery, "Dokument wydania"), (pick_list, "Lista kompletacyjna"), (confirmation, "Potwierdzenie zamówienia")],
)
def test_documents_speak_polish(document: Any, said: str) -> None:
    changes = {"seller": POLISH_SELLER, "locale": "pl"}
    if document is not pick_list:
        changes["buyer"] = POLISH_BUYER
    assert said in text(render(document(**changes)))


def test_several_orders_in_one_file_begin_a_page_each_and_count_their_own_pages() -> None:
    long = pick_list(order_number="SO-2026-000002", lines=tuple(PickLine(f"A-{at:03}", "Thing", 1) for at in range(40)))
    printed = pages(render([pick_list(), long, pick_list(order_number="SO-2026-000003")]))
    assert "Page 1 of 1" in printed[0]
    assert "Page 1 of 1" in printed[-1]
    assert "SO-2026-000003" in printed[-1]
    assert [f"Page {at} of {len(printed) - 2}" in page for at, page in enumerate(printed[1:-1], 1)] == [True] * (
        len(printed) - 2
    )
    assert "Pick list SO-2026-000002" in printed[2]


@pytest.mark.parametrize("document", [delivery, pick_list, confirmation])
def test_every_kind_is_an_archival_file_and_the_same_on_every_run(document: Any) -> None:
    once = render(document())
    description = reader(once).root_object["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in description
    assert render(document()) == once


@pytest.mark.parametrize("hostile", [NASTY, LONG, RTL], ids=["injection", "long", "right-to-left"])
@pytest.mark.parametrize("document", [delivery, pick_list, confirmation])
def test_hostile_text_in_every_field_is_printed_as_text_and_fits(document: Any, hostile: str) -> None:
    pdf = render(_poisoned(document(), hostile), Branding(footer=hostile[:400]))
    words = squeezed(pdf)
    if hostile is NASTY:
        assert '#panic("x")' in words
        assert "<script>alert(1)</script>" in words
    for page in reader(pdf).pages:
        _all_inside(page)


def test_a_footer_of_many_lines_takes_room_and_covers_nothing() -> None:
    pdf = render(
        delivery(seller=msgspec.structs.replace(SELLER, name="N" * 200)), Branding(footer="Line\n" * 12 + "End")
    )
    page = reader(pdf).pages[0]
    _all_inside(page)
    assert "End" in page.extract_text()


def test_a_footer_that_is_too_long_is_refused() -> None:
    with pytest.raises(UnusableBranding):
        render(delivery(), Branding(footer="x" * 401))


def test_what_no_scanner_could_read_gets_no_barcode() -> None:
    assert code128("zażółć") is None
    assert code128("") is None
    assert code128("A" * 40) is None
    assert product_code(None, "ł") is None


def test_a_gtin_with_a_wrong_check_digit_is_not_dressed_up_as_an_ean() -> None:
    right, wrong = product_code("4006381333931", "A"), product_code("4006381333932", "A")
    assert right is not None
    assert wrong is not None
    assert right.modules == 95
    assert wrong.modules != 95


def test_an_eight_digit_gtin_is_an_ean_8() -> None:
    found = product_code("96385074", "A")
    assert found is not None
    assert found.modules == 67


def _poisoned(document: Any, hostile: str) -> Any:
    """Return the document with hostile text wherever it holds text."""
    kept = ("locale", "currency", "vat_category", "category", "barcode")
    if isinstance(document, str):
        return hostile
    if isinstance(document, tuple):
        return tuple(_poisoned(item, hostile) for item in document)
    if isinstance(document, Party) or (
        isinstance(document, msgspec.Struct) and type(document).__module__.endswith("model")
    ):
        changed = {
            name: _poisoned(getattr(document, name), hostile) for name in document.__struct_fields__ if name not in kept
        }
        return msgspec.structs.replace(document, **changed)
    return document


def _all_inside(page: Any) -> None:
    """Assert that no text begins outside of the paper."""
    width, height = float(page.mediabox.width), float(page.mediabox.height)

    def look(content: str, _cm: Any, matrix: Any, _font: Any, _size: Any) -> None:
        if content.strip():
            assert 0 <= matrix[4] <= width
            assert 0 <= matrix[5] <= height

    page.extract_text(visitor_text=look)
