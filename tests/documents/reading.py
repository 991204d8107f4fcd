"""Reads PDF files back for the tests."""

from io import BytesIO

from pypdf import PdfReader


def reader(pdf: bytes) -> PdfReader:
    """Return the opened file."""
    return PdfReader(BytesIO(pdf))


def pages(pdf: bytes) -> list[str]:
    """Return the text of each page, with ordinary spaces and without invisible places to break."""
    return [_plain(page.extract_text()) for page in reader(pdf).pages]


def text(pdf: bytes) -> str:
    """Return the text of the whole file."""
    return "\n".join(pages(pdf))


def squeezed(pdf: bytes) -> str:
    """Return the text without any white space: what a line break has parted is whole again."""
    return "".join(text(pdf).split())


def _plain(extracted: str) -> str:
    return extracted.replace("\u00a0", " ").replace("\u200b", "")
