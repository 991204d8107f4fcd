"""Reads the barcodes of rendered pages back, as a scanner does: from pixels."""

from io import BytesIO

import zxingcpp
from PIL import Image


def scanned(page: bytes) -> set[tuple[str, str]]:
    """Return what is found on a page's picture: (symbology, text)."""
    with Image.open(BytesIO(page)) as picture:
        found = zxingcpp.read_barcodes(picture.convert("L"))
    return {(str(code.format).rpartition(".")[2], code.text) for code in found}
