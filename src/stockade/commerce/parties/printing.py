"""Documents on their way out: what every slice that prints shares.

A route reads a ``Paper`` inside its transaction and hands it to ``typeset`` (``finish=``), which makes the bytes when
the transaction is over: typesetting takes tens of milliseconds, and holds no connection.
"""

import asyncio
from typing import Any

import msgspec
from babel import Locale as BabelLocale
from litestar import Response

from stockade.documents import Branding, Document, Locale, VatCategory, render

_CATEGORIES: dict[str, VatCategory] = {
    "standard": "S", "reduced": "S", "super_reduced": "S", "zero": "Z", "exempt": "E", "outside": "O",
}  # fmt: skip
_TREATMENTS: dict[str, VatCategory] = {"reverse_charge": "AE", "export": "G"}


class Paper(msgspec.Struct, frozen=True):
    """Documents of one kind, to be typeset one after the other, and how they look."""

    documents: tuple[Document, ...]
    branding: Branding


def vat_code(category: str, treatment: str) -> VatCategory:
    """Return the code of EN 16931 (UNTDID 5305) for a VAT category and how the customer is treated."""
    code = _CATEGORIES.get(category, "S")
    return _TREATMENTS.get(treatment, code) if code in ("S", "Z") else code


def locale_of(text: str) -> Locale:
    """Return the language of documents; English for what they are not offered in."""
    return "pl" if text.partition("-")[0].partition("_")[0].lower() == "pl" else "en"


def country_name(code: str, locale: Locale) -> str:
    """Return what a country is called (CLDR); the code itself for one that is unknown."""
    return str(BabelLocale.parse(locale).territories.get(code, code))


def to_download(paper: Paper, name: str) -> Response[Any]:
    """Return the answer that ``typeset`` finishes; ``name`` is the file's, without its ending."""
    plain = name.encode("ascii", "replace").decode()
    safe = "".join(character if character.isalnum() or character in "-_." else "_" for character in plain)
    headers = {"Content-Disposition": f'attachment; filename="{safe}.pdf"'}
    return Response(paper, media_type="application/pdf", headers=headers)


async def typeset(response: Response[Any]) -> Response[Any]:
    """Make the PDF once the transaction is over."""
    if isinstance(response.content, Paper):
        response.content = await asyncio.to_thread(render, response.content.documents, response.content.branding)
    return response
