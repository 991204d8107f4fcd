"""The tunnel: TLS to the directory by our own event loop, and a private socket through which the LDAP library uses it.

OpenLDAP's library shakes hands while it holds the whole process, without an end: a silent directory of one organisation
would stop the others. So the library never sees a network. What it connects to is a socket in a folder that only this
process's user may enter, and behind it stands a TLS connection whose certificate Python has checked.
"""

import asyncio
import contextlib
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from stockade.identity.ldap.directory import Directory, DirectoryUnreachable
from stockade.kernel.words import said

_STARTTLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
"""ExtendedRequest 1 with the StartTLS OID (RFC 4511 section 4.14.1), in BER."""
_EXTENDED_RESPONSE = 0x78
_MOST_ANSWER = 4096
_PIECE = 64 * 1024


@asynccontextmanager
async def tunnel(config: Directory) -> AsyncIterator[str]:
    """Open the tunnel and yield the address that the library connects to.

    ``DirectoryUnreachable`` says whether nobody answers, StartTLS is refused, or the certificate is not to be trusted.
    """
    outer_reader, outer_writer = await _connected(config)
    pumps: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if pumps:
            writer.close()
            return
        pumps.append(asyncio.create_task(_pump(reader, outer_writer)))
        pumps.append(asyncio.create_task(_pump(outer_reader, writer)))

    try:
        with tempfile.TemporaryDirectory(prefix="stockade-ldap-") as folder:
            path = Path(folder) / "tunnel"
            server = await asyncio.start_unix_server(accept, path)
            try:
                yield f"ldapi://{quote(str(path), safe='')}"
            finally:
                server.close()
    finally:
        for pump in pumps:
            pump.cancel()
        outer_writer.close()


async def _connected(config: Directory) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host = config.host.strip("[]")
    try:
        async with asyncio.timeout(config.timeout_seconds):
            context = _context(config.ca_pem)
            if config.security == "ldaps":
                return await asyncio.open_connection(host, config.port, ssl=context, server_hostname=host)
            plain = await _asked_for_tls(host, config.port)
            return await asyncio.open_connection(sock=plain, ssl=context, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise DirectoryUnreachable(
            said("The directory's certificate is not to be trusted: {reason}.", reason=error.verify_message)
        ) from error
    except ssl.SSLError as error:
        raise DirectoryUnreachable(said("The directory does not speak TLS here.")) from error
    except TimeoutError as error:
        raise DirectoryUnreachable(
            said("The directory does not answer within {seconds} seconds.", seconds=config.timeout_seconds)
        ) from error
    except OSError as error:
        raise DirectoryUnreachable(
            said("Nothing answers at {host}, port {port}.", host=config.host, port=config.port)
        ) from error


def _context(ca_pem: str | None) -> ssl.SSLContext:
    """TLS 1.2 at least; the certificate is demanded and checked against the host's name."""
    try:
        context = ssl.create_default_context(cadata=ca_pem)
    except ssl.SSLError as error:
        raise DirectoryUnreachable(said("The authority's certificate cannot be read.")) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def _asked_for_tls(host: str, port: int) -> socket.socket:
    """Connect in plain, ask for TLS, return the socket when the directory agrees: nothing else is ever sent in plain.

    The answer is read to its last byte and no further: what somebody slips in behind it falls into the handshake.
    """
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
    plain = socket.socket(family, kind, protocol)
    plain.setblocking(False)
    try:
        await loop.sock_connect(plain, address)
        await loop.sock_sendall(plain, _STARTTLS)
        if not _agreed(await _message(plain)):
            raise DirectoryUnreachable(said("The directory refuses StartTLS."))
    except BaseException:
        plain.close()
        raise
    return plain


async def _message(plain: socket.socket) -> bytes:
    """Read the content of one LDAP message: a SEQUENCE, whose length is short or long."""
    tag, length = await _exactly(plain, 2)
    if tag != 0x30:
        return b""
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(await _exactly(plain, size)) if 1 <= size <= 4 else _MOST_ANSWER + 1
    return await _exactly(plain, length) if length <= _MOST_ANSWER else b""


async def _exactly(plain: socket.socket, count: int) -> bytes:
    loop, data = asyncio.get_running_loop(), b""
    while len(data) < count:
        piece = await loop.sock_recv(plain, count - len(data))
        if not piece:
            raise ConnectionResetError
        data += piece
    return data


def _agreed(message: bytes) -> bool:
    """Whether this is the answer to message 1 with the result code 0 (success)."""
    if message[:4] != bytes((0x02, 0x01, 0x01, _EXTENDED_RESPONSE)) or len(message) < 8:
        return False
    inner = message[5 + (message[4] & 0x7F if message[4] & 0x80 else 0) :]
    return inner[:3] == b"\x0a\x01\x00"


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes from one side to the other until either ends."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()
