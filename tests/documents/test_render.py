"""Files are reproducible, archival and accessible, and rendering reads nothing but its own templates and fonts."""

import asyncio
import base64
import hashlib
import struct
import subprocess
import sys
import tomllib
import zlib
from pathlib import Path

import pytest
import typst

from stockade.documents import Branding, Party, UnusableBranding, check_branding, render_invoice, render_statement
from stockade.documents.render import FONTS, LOGO_BYTES_MAX, TEMPLATES

from .reading import reader, text
from .samples import invoice, statement

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><rect width="40" height="10" fill="#123456"/></svg>'


def png() -> bytes:
    """Return a red PNG of two by one pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 2, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00" + b"\xff\x00\x00" * 2)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_the_same_document_gives_the_same_bytes_in_this_process_and_in_another() -> None:
    once = render_invoice(invoice())
    assert render_invoice(invoice()) == once
    assert render_statement(statement()) == render_statement(statement())
    program = (
        "import hashlib; from tests.documents.samples import invoice; from stockade.documents import render_invoice;"
        "print(hashlib.sha256(render_invoice(invoice())).hexdigest())"
    )
    root = Path(__file__).parents[2]
    other = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={"PYTHONPATH": "src:."},
    )
    assert other.stdout.strip() == hashlib.sha256(once).hexdigest()


def test_files_carry_title_author_language_and_the_date_of_issue() -> None:
    file = reader(render_invoice(invoice()))
    assert file.metadata is not None
    assert file.metadata.title == "Invoice INV-2026-004217"
    assert file.metadata.author == "Harbour & Finch Wholesale Ltd"
    assert "20260305" in str(file.metadata.get("/CreationDate"))
    assert file.root_object["/Lang"] == "en"


def test_files_are_tagged_pdf_a_3b() -> None:
    file = reader(render_invoice(invoice()))
    assert file.root_object["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in file.root_object
    description = file.root_object["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in description
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in description


def test_a_name_in_letters_that_no_font_has_still_gives_an_invoice() -> None:
    printed = text(render_invoice(invoice(1, buyer=Party(name="Unknown \U0001e901 letter"))))
    assert "Unknown" in printed
    assert "INV-2026-004217" in printed


@pytest.mark.parametrize("logo", [SVG, png()], ids=["svg", "png"])
def test_a_logo_takes_the_place_of_the_name_at_the_top(logo: bytes) -> None:
    plain, branded = text(render_invoice(invoice())), text(render_invoice(invoice(), Branding(logo=logo)))
    name = "Harbour & Finch Wholesale Ltd"
    assert branded.count(name) == plain.count(name) - 1


@pytest.mark.parametrize("logo", [b"", b"GIF89a", b"\x89PNG broken", b"<svg", b"\xff\xfe", b"x" * (LOGO_BYTES_MAX + 1)])
def test_a_logo_that_cannot_be_printed_is_refused(logo: bytes) -> None:
    with pytest.raises(UnusableBranding):
        check_branding(Branding(logo=logo))


@pytest.mark.parametrize("accent", ["red", "#12345", "#1234567", '#000000")\n#panic()'])
def test_an_accent_that_is_no_colour_is_refused(accent: str) -> None:
    with pytest.raises(UnusableBranding):
        render_invoice(invoice(), Branding(accent=accent))


def test_a_logo_cannot_fetch_a_picture_from_the_disk(tmp_path: Path) -> None:
    """Attack: an SVG that names a file of the server, to have it printed on an invoice."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(png())
    inside = base64.b64encode(png()).decode()

    def logo(source: str) -> bytes:
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">'
            f'<image width="9" height="9" xlink:href="{source}"/></svg>'
        ).encode()

    assert _pictures(render_invoice(invoice(), Branding(logo=logo(f"data:image/png;base64,{inside}")))) == 1
    for source in (str(secret), f"file://{secret}", "../fonts/x.png"):
        try:
            assert _pictures(render_invoice(invoice(), Branding(logo=logo(source)))) == 0
        except UnusableBranding:
            continue


def test_templates_cannot_read_outside_their_folder() -> None:
    compiler = typst.Compiler(root=TEMPLATES)
    for path in ("../render.py", "/etc/passwd", "/../render.py"):
        with pytest.raises(typst.TypstError):
            compiler.compile(input=f'#read("{path}")'.encode(), format="pdf")


def test_templates_import_no_packages() -> None:
    for template in TEMPLATES.glob("*.typ"):
        assert "@preview" not in template.read_text()
        assert "eval(" not in template.read_text()


async def test_documents_render_in_several_threads_at_once() -> None:
    expected = render_invoice(invoice(20))
    rendered = await asyncio.gather(*(asyncio.to_thread(render_invoice, invoice(20)) for _ in range(8)))
    assert all(pdf == expected for pdf in rendered)


def test_vendored_fonts_are_those_that_were_written_down() -> None:
    written = tomllib.loads((FONTS / "VENDORED.toml").read_text())["font"]
    digests = {name: digest for font in written for name, digest in font["sha256"].items()}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FONTS.glob("*.ttf")}
    assert found == digests
    assert all((FONTS / font["licence_file"]).is_file() for font in written)


def _pictures(pdf: bytes) -> int:
    """Count the raster images of the first page, also those inside forms."""

    def count(resources: dict) -> int:  # type: ignore[type-arg]
        objects = (
            [item.get_object() for item in resources.get("/XObject", {}).get_object().values()]
            if "/XObject" in resources
            else []
        )
        return sum(1 if one["/Subtype"] == "/Image" else count(one.get("/Resources", {})) for one in objects)

    return count(reader(pdf).pages[0]["/Resources"])
