"""Barcodes that a scanner in a warehouse reads: Code 128 for our own numbers, EAN for products.

They are drawings of bars (SVG), encoded by python-barcode; whoever places one leaves the quiet zone around it white.
"""

import msgspec
from barcode.codex import Code128
from barcode.ean import EuropeanArticleNumber8, EuropeanArticleNumber13

WIDEST_MODULES = 240
"""More bars than this would be finer than a hand scanner reads on the width that documents give them."""


class Barcode(msgspec.Struct, frozen=True):
    """A symbol: its picture, its width in modules (the finest bars), and the text that it stands for."""

    svg: str
    modules: int
    text: str


def code128(text: str) -> Barcode | None:
    """Return a text as Code 128 (ISO/IEC 15417); None for one that it cannot hold or that would be too fine to read."""
    if not text or not text.isascii() or not text.isprintable():
        return None
    bars = Code128(text).build()[0]
    return _drawn(bars, text) if len(bars) <= WIDEST_MODULES else None


def product_code(gtin: str | None, sku: str) -> Barcode | None:
    """Return a product's barcode: its GTIN as EAN (GTIN-14 as Code 128), else its SKU as Code 128, else None."""
    if gtin is not None and gtin.isascii() and gtin.isdigit():
        return _ean(gtin) or code128(gtin)
    return code128(sku)


def _ean(gtin: str) -> Barcode | None:
    """Return a GTIN-8, -12 or -13 as the symbol that tills read (ISO/IEC 15420); None if its check digit is wrong."""
    kind = {8: EuropeanArticleNumber8, 12: EuropeanArticleNumber13, 13: EuropeanArticleNumber13}.get(len(gtin))
    if kind is None:
        return None
    whole = gtin.zfill(13) if len(gtin) > 8 else gtin
    symbol = kind(whole[:-1])
    return _drawn(symbol.build()[0], whole) if symbol.get_fullcode() == whole else None


def _drawn(bars: str, text: str) -> Barcode:
    """Return a row of modules (``1`` is black) as one path; the text is no part of the picture."""
    path, at = [], 0
    for black in bars.split("0"):
        if black:
            path.append(f"M{at} 0h{len(black)}v1h-{len(black)}z")
        at += len(black) + 1
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(bars)} 1" preserveAspectRatio="none">'
        f'<path d="{"".join(path)}"/></svg>'
    )
    return Barcode(svg, len(bars), text)
