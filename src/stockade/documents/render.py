"""PDF files and page images from documents, by Typst: the same document gives the same bytes, on every run.

Rendering is synchronous CPU work of tens of milliseconds that lets go of the interpreter lock: call it in a thread
(``asyncio.to_thread``), never in the event loop. Files are tagged PDF/A-3b (ISO 19005-3) for archives and screen
readers. Nothing is read but the templates and our own fonts, and nothing is fetched.
"""

import re
import threading
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import typst
from PIL import Image

from stockade.documents.goods import delivery_data, picking_data
from stockade.documents.invoice import confirmation_data, invoice_data
from stockade.documents.model import (
    Branding,
    DeliveryNote,
    Document,
    InvoiceDocument,
    OrderConfirmation,
    PickList,
    StatementDocument,
)
from stockade.documents.statement import statement_data
from stockade.kernel.problems import Invalid
from stockade.kernel.words import said

TEMPLATES = Path(__file__).parent / "templates"
FONTS = Path(__file__).parent / "fonts"
LOGO_BYTES_MAX = 512 * 1024
FOOTER_MAX = 400
SCREEN_PPI = 110
"""Dots per inch of page images: sharp on a screen at the width of a column."""
ACCENT_FORM = re.compile(r"#[0-9a-fA-F]{6}")

_LOGO_PROBE = b"#set page(width: auto, height: auto)\n#image(bytes(json(bytes(sys.inputs.data)).data))"
_local = threading.local()


class UnusableBranding(Invalid):
    """The accent colour is not ``#rrggbb``, or the logo is no SVG or PNG file that can be printed."""

    type = "/problems/documents/unusable-branding"
    title = "This logo or colour cannot be printed"


def render(documents: Document | Sequence[Document], branding: Branding | None = None) -> bytes:
    """Return the PDF of a document, or of several of one kind after each other; raises ``UnusableBranding``.

    Several share the letterhead, language and date of the first; each begins a page, and counts its own.
    """
    template, data = _source(documents, branding)
    return _compile(template, data)


def render_invoice(document: InvoiceDocument, branding: Branding | None = None) -> bytes:
    """Return the PDF of an invoice or a credit note; raises ``UnusableBranding``."""
    return render(document, branding)


def render_statement(document: StatementDocument, branding: Branding | None = None) -> bytes:
    """Return the PDF of a statement of account; raises ``UnusableBranding``."""
    return render(document, branding)


def page_images(
    documents: Document | Sequence[Document], branding: Branding | None = None, *, ppi: int = SCREEN_PPI
) -> list[bytes]:
    """Return each page as a picture (PNG), with so many dots per inch; raises ``UnusableBranding``."""
    template, data = _source(documents, branding)
    try:
        drawn = _pages(_own_fonts_compiler(), TEMPLATES / template, _inputs(data), ppi)
    except typst.TypstError as error:
        if not _lacks_character(error):
            raise
        drawn = _pages(_all_fonts_compiler(), TEMPLATES / template, _inputs(data), ppi)
    return [_smaller(page) for page in drawn]


_KINDS: dict[type, tuple[str, Callable[[tuple[Any, ...], Branding], dict[str, Any]]]] = {
    InvoiceDocument: ("invoice.typ", lambda given, branding: invoice_data(_only(given), branding)),
    StatementDocument: ("statement.typ", lambda given, branding: statement_data(_only(given), branding)),
    OrderConfirmation: ("invoice.typ", confirmation_data),
    DeliveryNote: ("delivery.typ", delivery_data),
    PickList: ("picking.typ", picking_data),
}
"""The template of each kind, and what turns documents of it into the template's data."""


def _source(documents: Document | Sequence[Document], branding: Branding | None) -> tuple[str, dict[str, Any]]:
    """Return a template and its data."""
    branding = branding or Branding()
    check_branding(branding)
    given = tuple(documents) if isinstance(documents, Sequence) else (documents,)
    (kind,) = {type(document) for document in given}
    template, data_of = _KINDS[kind]
    return template, data_of(given, branding)


def _only(given: tuple[Any, ...]) -> Any:
    (document,) = given
    return document


def check_branding(branding: Branding) -> None:
    """Raise ``UnusableBranding`` unless the accent and the logo can be printed; call it when they are uploaded."""
    if not ACCENT_FORM.fullmatch(branding.accent):
        raise UnusableBranding("Give the accent colour as #rrggbb.", field="accent")
    if len(branding.footer) > FOOTER_MAX:
        raise UnusableBranding("The footer may have 400 characters at most.", field="footer")
    if branding.logo is not None:
        _check_logo(branding.logo)


@lru_cache(maxsize=64)
def _check_logo(logo: bytes) -> None:
    """Raise ``UnusableBranding`` unless a page with nothing but the logo can be made."""
    if len(logo) > LOGO_BYTES_MAX:
        raise UnusableBranding(said("A logo may have {value} KB at most.", value=LOGO_BYTES_MAX // 1024), field="logo")
    try:
        text = logo.decode() if not logo.startswith(b"\x89PNG") else list(logo)
        _own_fonts_compiler().compile(input=_LOGO_PROBE, format="pdf", sys_inputs=_inputs({"data": text}))
    except (UnicodeDecodeError, typst.TypstError):
        raise UnusableBranding("Upload the logo as an SVG or PNG file.", field="logo") from None


def _compile(template: str, data: dict[str, Any]) -> bytes:
    """Return the PDF that a template makes of data.

    A character that our fonts lack (Chinese, say) is looked for in the fonts of the machine. Where those lack it,
    too, it prints as a box and the file is an ordinary PDF, because PDF/A forbids unknown characters: an invoice
    with a box in a name is better than none.
    """
    source, inputs = TEMPLATES / template, _inputs(data)
    try:
        return _pdf(_own_fonts_compiler(), source, inputs, archival=True)
    except typst.TypstError as error:
        if not _lacks_character(error):
            raise
    try:
        return _pdf(_all_fonts_compiler(), source, inputs, archival=True)
    except typst.TypstError as error:
        if not _lacks_character(error):
            raise
    return _pdf(_all_fonts_compiler(), source, inputs, archival=False)


def _pdf(compiler: typst.Compiler, source: Path, inputs: dict[str, str], *, archival: bool) -> bytes:
    """Return the compiled file."""
    pdf = compiler.compile(input=source, format="pdf", sys_inputs=inputs, pdf_standards="a-3b" if archival else [])
    if not isinstance(pdf, bytes):
        raise TypeError("typst returned no single file")
    return pdf


def _pages(compiler: typst.Compiler, source: Path, inputs: dict[str, str], ppi: int) -> list[bytes]:
    """Return each page as PNG."""
    pages = compiler.compile(input=source, format="png", ppi=ppi, sys_inputs=inputs)
    return [page for page in (pages if isinstance(pages, list) else [pages]) if page is not None]


def _smaller(page: bytes) -> bytes:
    """Return the same picture in half the bytes: pages have few colours."""
    with Image.open(BytesIO(page)) as picture:
        out = BytesIO()
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _inputs(data: dict[str, Any]) -> dict[str, str]:
    """Return data as the one input of a template.

    Injection into Typst source ends here: data travels beside the source, as JSON, and is never part of it.
    """
    return {"data": msgspec.json.encode(data).decode()}


def _lacks_character(error: typst.TypstError) -> bool:
    """Tell whether PDF/A was refused for a character that no font has."""
    return "could not be displayed with" in str(error)


@cache
def _fonts(system: bool) -> typst.Fonts:
    """Return our fonts, read once; with those of the machine behind them when asked."""
    return typst.Fonts(include_system_fonts=system, include_embedded_fonts=False, font_paths=[FONTS])


def _own_fonts_compiler() -> typst.Compiler:
    """Return this thread's compiler: a compiler serves one thread at a time, fonts are shared."""
    return _compiler("own", system=False)


def _all_fonts_compiler() -> typst.Compiler:
    """Return this thread's compiler that also knows the fonts of the machine."""
    return _compiler("all", system=True)


def _compiler(name: str, *, system: bool) -> typst.Compiler:
    """Return the compiler that this thread keeps under a name, confined to the folder of templates."""
    found: typst.Compiler | None = getattr(_local, name, None)
    if found is None:
        found = typst.Compiler(root=TEMPLATES, font_paths=_fonts(system), ignore_system_fonts=True)
        setattr(_local, name, found)
    return found
