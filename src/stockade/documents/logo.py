"""Logos as they come from strangers' files: decoded, and drawn anew, so that nothing but the picture survives."""

from io import BytesIO

from PIL import Image, ImageOps

from stockade.documents.render import UnusableBranding

UPLOAD_BYTES_MAX = 1_000_000
PIXELS_MAX = 16_000_000
SIDES_MAX = (1600, 480)
"""What 65 by 16 mm hold at more than 600 dots per inch."""
KEPT_BYTES_MAX = 256 * 1024
_SHRINK = 0.8


def cleaned_logo(upload: bytes) -> bytes:
    """Return an uploaded PNG or JPEG as a PNG of bounded size; ``UnusableBranding`` for anything else.

    CPU work of up to some hundred milliseconds: call it in a thread. Attacks: code, documents and places of birth that
    hide in metadata, in trailing bytes or between chunks are not copied, since only pixels are; a decompression bomb is
    refused by the size in its header, before a pixel is decoded.
    """
    if len(upload) > UPLOAD_BYTES_MAX:
        raise UnusableBranding("A logo may have 1 MB at most.", field="logo")
    try:
        with Image.open(BytesIO(upload), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > PIXELS_MAX:
                raise UnusableBranding("A logo may have 16 million pixels at most.", field="logo")
            pixels = ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        # SyntaxError is what Pillow raises for a PNG with a broken chunk.
        raise UnusableBranding("Upload the logo as a PNG or JPEG file.", field="logo") from None
    pixels.thumbnail(SIDES_MAX, Image.Resampling.LANCZOS)
    while len(written := _png(pixels)) > KEPT_BYTES_MAX:
        pixels.thumbnail((int(pixels.width * _SHRINK), int(pixels.height * _SHRINK)), Image.Resampling.LANCZOS)
    return written


def _png(pixels: Image.Image) -> bytes:
    """Return pixels, and nothing else that came with them, as PNG."""
    bare = Image.frombytes("RGBA", pixels.size, pixels.tobytes())
    opaque = bare.getchannel("A").getextrema() == (255, 255)
    out = BytesIO()
    (bare.convert("RGB") if opaque else bare).save(out, "PNG", optimize=True)
    return out.getvalue()
