"""Reading a file in a process with limits of its own (``child``)."""

import asyncio
import sys
from pathlib import Path

import msgspec

from stockade.commerce.imports.reading.child import Asked, Head, Numbered
from stockade.commerce.imports.reading.limits import Refused

SECONDS = 40.0
_SOURCE = Path(__file__).parents[4]


class Sheet(msgspec.Struct, frozen=True):
    """What a file holds: how it was read, the names of its columns, and its lines with their numbers."""

    encoding: str
    separator: str
    header: list[str]
    lines: list[Numbered]


async def read_file(content: bytes, *, encoding: str = "", separator: str = "") -> Sheet:
    """Return what a file holds; ``Refused`` if it cannot be read, holds too much, or takes too long.

    The process gets an empty environment: no secret is there for a file to reach.
    """
    asked = msgspec.json.encode(Asked(encoding, separator))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "stockade.commerce.imports.reading.child", env={"PYTHONPATH": str(_SOURCE)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            answer, _ = await process.communicate(asked + b"\n" + content)
    except TimeoutError:
        raise Refused("Reading the file takes too long: divide it.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Refused("The file takes more memory or time to read than there is: divide it, or save it as CSV.")
    return await asyncio.to_thread(_sheet, answer)


def _sheet(answer: bytes) -> Sheet:
    first, *others = answer.split(b"\n")
    head = msgspec.json.decode(first, type=Head)
    if head.refused:
        raise Refused(head.refused, **head.values)
    decoder = msgspec.json.Decoder(Numbered)
    return Sheet(head.encoding, head.separator, head.header, [decoder.decode(line) for line in others])
