"""Logos are drawn anew: only the picture of an uploaded file survives."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from stockade.documents import Branding, UnusableBranding, check_branding, cleaned_logo
from stockade.documents.logo import KEPT_BYTES_MAX, SIDES_MAX, UPLOAD_BYTES_MAX

SECRET = b"smuggled"


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return a picture as a file."""
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def plain(mode: str = "RGB", size: tuple[int, int] = (40, 10)) -> Image.Image:
    """Return a green picture."""
    return Image.new(mode, size, "green")


def test_a_png_and_a_jpeg_become_a_png_that_documents_can_print() -> None:
    for upload in (saved(plain()), saved(plain(), "JPEG"), saved(plain("CMYK"), "JPEG"), saved(plain("LA"))):
        check_branding(Branding(logo=cleaned_logo(upload)))


def test_nothing_that_hides_in_a_file_survives() -> None:
    """Attack: code or a document inside a picture, to be served from our address."""
    info = PngInfo()
    info.add_text("Comment", SECRET.decode())
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    hidden = (
        saved(plain(), pnginfo=info, exif=exif, icc_profile=SECRET) + b"<script>" + SECRET,
        saved(plain(), "JPEG", comment=SECRET, exif=exif) + b"PK\x03\x04" + SECRET,
    )
    for upload in hidden:
        assert SECRET in upload
        cleaned = cleaned_logo(upload)
        assert SECRET not in cleaned
        with Image.open(BytesIO(cleaned)) as picture:
            assert picture.info == {}
            assert cleaned.endswith(b"IEND\xaeB`\x82")


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    """Attack: a few kilobytes that decode to gigabytes."""
    bomb = _png_that_claims(60_000, 60_000)
    assert len(bomb) < 2000
    with pytest.raises(UnusableBranding):
        cleaned_logo(bomb)
    with pytest.raises(UnusableBranding):
        cleaned_logo(_png_that_claims(5000, 5000))


@pytest.mark.parametrize(
    "upload",
    [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n broken", b"<svg xmlns='http://www.w3.org/2000/svg'/>", saved(plain(), "GIF"),
     saved(plain(), "TIFF"), saved(plain())[:60], b"%PDF-1.7", b"x" * (UPLOAD_BYTES_MAX + 1)],
    ids=["empty", "gif-head", "broken", "svg", "gif", "tiff", "cut", "pdf", "large"],
)  # fmt: skip
def test_what_is_no_png_or_jpeg_is_refused(upload: bytes) -> None:
    with pytest.raises(UnusableBranding):
        cleaned_logo(upload)


def test_a_large_logo_is_made_as_small_as_paper_needs() -> None:
    noise = Image.effect_noise((1500, 500), 90).convert("RGB")
    cleaned = cleaned_logo(saved(noise, "JPEG", quality=60))
    assert len(cleaned) <= KEPT_BYTES_MAX
    with Image.open(BytesIO(cleaned)) as picture:
        assert picture.width <= SIDES_MAX[0]
        assert picture.height <= SIDES_MAX[1]


def test_a_photograph_taken_sideways_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(BytesIO(cleaned_logo(saved(plain(size=(40, 10)), "JPEG", exif=exif)))) as picture:
        assert picture.size == (10, 40)


def _png_that_claims(width: int, height: int) -> bytes:
    """Return a small file whose header promises a picture of that size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
