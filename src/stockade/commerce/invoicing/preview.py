"""Invoices as pictures: their pages one below the other, as they will be printed."""

import asyncio
from io import BytesIO
from typing import Any

from litestar import Response
from PIL import Image

from stockade.commerce.parties.printing import Paper
from stockade.documents import page_images

GAP = 16
MOST_PAGES = 8
"""How many pages a picture shows; the PDF has them all."""


async def drawn(response: Response[Any]) -> Response[Any]:
    """Draw the pages once the transaction is over: it must not hold a connection."""
    if isinstance(response.content, Paper):
        response.content = await asyncio.to_thread(picture_of, response.content)
    return response


def picture_of(paper: Paper) -> bytes:
    """Return the first ``MOST_PAGES`` pages of a paper as one picture (PNG), transparent between them."""
    pages = page_images(paper.documents, paper.branding)[:MOST_PAGES]
    if len(pages) == 1:
        return pages[0]
    opened = [Image.open(BytesIO(page)).convert("RGB") for page in pages]
    size = (max(page.width for page in opened), sum(page.height + GAP for page in opened) - GAP)
    whole, below = Image.new("RGBA", size, (0, 0, 0, 0)), 0
    for page in opened:
        whole.paste(page, (0, below))
        below += page.height + GAP
    out = BytesIO()
    whole.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
