"""Plain HTTP: a listener that knows one answer, "come again over TLS" (claim D1).

It is written out here, and small, because nothing else may listen without TLS: it reads one request's head, bounded in
size and time, and closes. It never sends HSTS, which does not count over plain HTTP (RFC 6797 section 7.2).
"""

import asyncio
import re
from urllib.parse import urlsplit

from stockade.kernel.problems import Refusal
from stockade.kernel.settings import Settings

LONGEST_HEAD_BYTES = 8_192
HEAD_WITHIN_SECONDS = 5.0
MOST_AT_ONCE = 256
_LINGER_SECONDS = 1.0
# Printable ASCII only, so that no target can end the Location header and begin one of its own.
_REQUEST_LINE = re.compile(rb"[A-Z]{1,20} ([!-~]{1,4096}) HTTP/1\.[01]")
_HOST = re.compile(rb"\r\nhost:[ \t]*([!-~]{1,260})[ \t]*\r\n", re.IGNORECASE)


async def serve_redirects(settings: Settings) -> asyncio.Server:
    """Listen on ``settings.http_port`` and return the server; ``Refusal`` if the port is taken or not ours to take."""
    places = asyncio.Semaphore(MOST_AT_ONCE)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Attack: many clients that say nothing, to use up file descriptors. Beyond the bound one is closed unheard.
            if not places.locked():
                async with places:
                    await _answer(reader, writer, settings)
        except (ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()

    try:
        return await asyncio.start_server(answer, settings.host, settings.http_port, limit=LONGEST_HEAD_BYTES)
    except OSError as error:
        raise Refusal(
            f"Port {settings.http_port} (plain HTTP) cannot be used: {error.strerror}; "
            "choose another with STOCKADE_REDIRECT_PORT."
        ) from None


def answer_to(head: bytes, settings: Settings) -> bytes:
    """Return the whole answer to a request's head: 308 to the same path over TLS, or 400 if it is not HTTP."""
    match = _REQUEST_LINE.fullmatch(head.partition(b"\r\n")[0])
    if match is None:
        return _response("400 Bad Request", "")
    target = match[1].decode()
    if not target.startswith("/"):
        target = _path_of(target)
    return _response("308 Permanent Redirect", f"Location: {_origin_for(head, settings)}{target}\r\n")


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, settings: Settings) -> None:
    try:
        async with asyncio.timeout(HEAD_WITHIN_SECONDS):
            answer = answer_to(await reader.readuntil(b"\r\n\r\n"), settings)
    except asyncio.IncompleteReadError:
        return
    except asyncio.LimitOverrunError:
        answer = _response("431 Request Header Fields Too Large", "")
    writer.write(answer)
    async with asyncio.timeout(_LINGER_SECONDS):
        await writer.drain()
        writer.write_eof()
        # What is left unread would make the kernel reset the connection, and the answer with it.
        while await reader.read(LONGEST_HEAD_BYTES):
            pass


def _path_of(target: str) -> str:
    """Return the path and query of an absolute target (RFC 9112 section 3.2.2); of anything else, the root.

    Attack: ``GET @evil.example`` behind an origin would name another host.
    """
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    if parts.scheme not in ("http", "https") or not parts.path.startswith("/"):
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _origin_for(head: bytes, settings: Settings) -> str:
    """Return the origin of the host that was asked for if it is one of ours, else the canonical one."""
    found = _HOST.search(head)
    name = found[1].decode().lower().rpartition(":")[0] or found[1].decode().lower() if found else ""
    if name not in settings.names:
        return settings.origin
    return settings.origin.replace(settings.names[0], name, 1)


def _response(status: str, header: str) -> bytes:
    return (
        f"HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    ).encode()
