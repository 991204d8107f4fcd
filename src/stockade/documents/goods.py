"""What travels with goods, turned into what its template prints: delivery notes and pick lists."""

from typing import Any

from stockade.documents import figures
from stockade.documents.barcodes import code128, product_code
from stockade.documents.figures import printable
from stockade.documents.letter import WHOLE_LINE, Column, columns, drawn, frame, party, sheet
from stockade.documents.model import Branding, DeliveryLine, DeliveryNote, Locale, Party, PickLine, PickList
from stockade.documents.words import LABELS

_LONGEST_CODE = 17
"""Letters of the longest code that a column is made wide for; longer ones break."""


def delivery_data(documents: tuple[DeliveryNote, ...], branding: Branding) -> dict[str, Any]:
    """Return everything that ``delivery.typ`` prints of delivery notes, each on sheets of its own."""
    first = documents[0]
    sheets = [_delivery(document) for document in documents]
    shared = frame(first.seller, first.buyer, first.shipped_on, first.locale, branding)
    return shared | {"title": sheets[0]["title"], "sheets": sheets}


def picking_data(documents: tuple[PickList, ...], branding: Branding) -> dict[str, Any]:
    """Return everything that ``picking.typ`` prints of pick lists, each on sheets of its own."""
    first = documents[0]
    sheets = [_picking(document) for document in documents]
    shared = frame(first.seller, Party(first.customer), first.printed_on, first.locale, branding)
    return shared | {"title": sheets[0]["title"], "sheets": sheets}


def _delivery(document: DeliveryNote) -> dict[str, Any]:
    words, locale = LABELS[document.locale], document.locale
    roles = (("ship_to", document.ship_to or document.buyer), ("customer", document.buyer), ("seller", document.seller))
    facts = [
        (words["shipped_on"], figures.day(document.shipped_on, locale)),
        (words["order_number"], document.order_number),
        (words["buyer_reference"], document.buyer_reference),
        (words["carrier"], document.carrier),
        (words["tracking"], document.tracking),
    ]
    some_follow = any(line.to_follow for line in document.lines)
    shown = ("delivered", "to_follow") if some_follow else ("delivered",)
    return sheet(document.number, words["delivery_note"], [party(one, words[role], locale) for role, one in roles],
                 facts) | {
        "running": printable(document.buyer.name, longest=WHOLE_LINE),
        "headline": _units("units", sum(line.quantity for line in document.lines), locale),
        "lines": _lines(document.lines, ("ordered", *shown), locale),
        "waiting": _lines(document.waiting, ("ordered", "to_follow"), locale),
        "order": drawn(code128(document.order_number)),
        "notes": [printable(note) for note in document.notes],
    }  # fmt: skip


def _lines(lines: tuple[DeliveryLine, ...], counted: tuple[str, ...], locale: Locale) -> dict[str, Any]:
    """Return a table of lines with the quantities that are asked for, each with its unit."""
    longest = _longest(lines)
    code: tuple[Column, ...] = (("code", "left", _code_width(longest)),) if longest else ()
    described: tuple[Column, ...] = (
        ("position", "left", "auto"), *code, ("description", "left", "rest"),
        *((name, "right", "auto") for name in counted),
    )  # fmt: skip
    rows = []
    for line in lines:
        given = {"ordered": line.ordered, "delivered": line.quantity, "to_follow": line.to_follow}
        amounts = [_quantity(given[name], line.unit, locale) for name in counted]
        codes = [printable(line.code, max(longest, 5))] if longest else []
        rows.append([str(line.position), *codes, printable(line.description), *amounts])
    return {"columns": columns(described, LABELS[locale]), "rows": rows}


def _picking(document: PickList) -> dict[str, Any]:
    words, locale = LABELS[document.locale], document.locale
    wanted = "" if document.requested_on is None else figures.day(document.requested_on, locale)
    facts = [
        (words["customer"], document.customer),
        (words["warehouse"], document.warehouse),
        (words["requested_on"], wanted),
        (words["printed_on"], figures.day(document.printed_on, locale)),
        (words["lines"], str(len(document.lines))),
    ]
    parties = [] if document.ship_to is None else [party(document.ship_to, words["ship_to"], locale)]
    return sheet(document.order_number, words["pick_list"], parties, facts) | {
        "running": printable(document.customer, longest=WHOLE_LINE),
        "headline": _units("units_to_pick", sum(line.quantity for line in document.lines), locale),
        "code_width": _code_width(max(_longest(document.lines), 5)),
        "lines": [_fetched(line, locale) for line in document.lines],
        "notes": [printable(note) for note in document.notes],
    }


def _fetched(line: PickLine, locale: Locale) -> dict[str, Any]:
    """Return one thing to fetch; its cases are counted only where it comes in cases."""
    cases, rest = divmod(line.quantity, max(line.case_pack, 1))
    counted = [f"{cases}\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}{line.case_pack}"] if cases else []
    barcode = product_code(line.barcode, line.code)
    return {
        "code": printable(line.code, _LONGEST_CODE),
        "description": printable(line.description),
        "quantity": figures.number(line.quantity, 0, locale),
        "unit": printable(line.unit),
        "cases": " + ".join([*counted, *([str(rest)] if rest else [])]) if line.case_pack > 1 else "",
        "barcode": drawn(barcode),
    }


def _units(label: str, count: int, locale: Locale) -> dict[str, str]:
    return {"label": LABELS[locale][label], "value": figures.number(count, 0, locale)}


def _quantity(value: int, unit: str, locale: Locale) -> str:
    if not value:
        return "\N{EN DASH}"
    shown = figures.number(value, 0, locale)
    return f"{shown}{figures.NO_BREAK_SPACE}{printable(unit)}" if unit else shown


def _longest(lines: tuple[DeliveryLine, ...] | tuple[PickLine, ...]) -> int:
    return min(max((len(line.code) for line in lines), default=0), _LONGEST_CODE)


def _code_width(letters: int) -> str:
    """Return a width in millimetres that holds so many letters."""
    return str(round(4 + 1.9 * max(letters, 5)))
