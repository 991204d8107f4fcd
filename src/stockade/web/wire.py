"""The wire: how a control talks to the running server: as a stranger would, over a socket of its own, with TLS.

Written out, because a control has to send what a client library would refuse to, and to see what one would hide. Each
``Line`` comes from an address of its own in 127.64.0.0/10: on Linux all of 127.0.0.0/8 is this host. So what a control
uses up of a limit is its own, and no other program on this machine waits for it.
"""

import asyncio
import ipaddress
import os
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

import msgspec

from stockade.kernel.control import Installation

ANSWER_SECONDS = 10.0
LONGEST_HEAD_BYTES = 65_536
LONGEST_BODY_BYTES = 16_000_000
HTML = "text/html"
_ANYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # compared with, not listened on


class BrokenAnswer(Exception):
    """What came back is not HTTP/1.1."""


@dataclass(frozen=True)
class Place:
    """Where the server listens, and by what name it is asked."""

    address: str
    port: int
    name: str
    host_header: str

    @classmethod
    def of(cls, installation: Installation) -> "Place":
        """The place of an installation's HTTPS port, reached without leaving the machine."""
        parts = urlsplit(installation.origin)
        listens_on = str(installation.settings.host)
        address = "127.0.0.1" if listens_on in _ANYWHERE else listens_on
        return cls(address, int(installation.settings.port), parts.hostname or "", parts.netloc)


@dataclass(frozen=True)
class Reply:
    """One answer; header names are in lower case, in the order and as often as they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key == name]

    def first(self, name: str) -> str | None:
        """Return the first value of a header, None if it is not there."""
        return next(iter(self.all(name)), None)


def own_address(place: Place) -> str | None:
    """Return a fresh loopback address to come from; None where the server or the system does not allow a choice."""
    try:
        local = ipaddress.ip_address(place.address)
    except ValueError:
        local = None
    if not sys.platform.startswith("linux") or (local is not None and not (local.version == 4 and local.is_loopback)):
        return None
    first, second, third = os.urandom(3)
    return f"127.{64 + first % 63}.{second}.{1 + third % 254}"


def context_of(installation: Installation, *, at_least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ssl.SSLContext:
    """Return a client's context that believes the installation's own authority, or a public one if it has none."""
    authority = installation.certificate_authority
    context = ssl.create_default_context(cafile=str(authority) if authority else None)
    context.minimum_version = at_least
    context.set_alpn_protocols(["http/1.1"])
    return context


class Line:
    """A connection to the server that is kept open from question to question, and opened anew when it was closed."""

    def __init__(self, installation: Installation, *, source: str | None = None) -> None:
        self.place = Place.of(installation)
        self.source = source or own_address(self.place)
        self._context = context_of(installation)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> "Line":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"", *,
        announce: int | None = None,
    ) -> Reply:  # fmt: skip
        """Send a request and return its answer. With ``announce``, a body of that length is promised and not sent."""
        given = {"Host": self.place.host_header, "Accept": "*/*", "User-Agent": "stockade-control"} | dict(
            headers or {}
        )
        if body or announce is not None or method in ("POST", "PUT", "PATCH"):
            given["Content-Length"] = str(len(body) if announce is None else announce)
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
        message = "\r\n".join(lines).encode("latin-1") + body
        reused = self._writer is not None
        try:
            reply = await self._exchange(message, method)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            if not reused:
                raise
            reply = await self._exchange(message, method)
        if announce is not None or (reply.first("connection") or "").lower() == "close":
            self.close()
        return reply

    async def _exchange(self, message: bytes, method: str) -> Reply:
        async with asyncio.timeout(ANSWER_SECONDS):
            if self._reader is None or self._writer is None:
                self._reader, self._writer = await asyncio.open_connection(
                    self.place.address, self.place.port, ssl=self._context, server_hostname=self.place.name,
                    local_addr=(self.source, 0) if self.source else None, limit=LONGEST_HEAD_BYTES,
                )  # fmt: skip
            self._writer.write(message)
            await self._writer.drain()
            return await read_reply(self._reader, method)


async def read_reply(reader: asyncio.StreamReader, method: str) -> Reply:
    """Read one answer (RFC 9112); ``BrokenAnswer`` if it is none."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    version, _, rest = head[0].partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise BrokenAnswer(head[0][:80])
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
    status = int(rest[:3])
    if method == "HEAD" or status in (204, 304):
        return Reply(status, headers, b"")
    return Reply(status, headers, await _read_body(reader, dict(headers)))


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
            if len(body) > LONGEST_BODY_BYTES:
                raise BrokenAnswer("The answer does not end.")
        await reader.readline()
        return body
    length = int(headers.get("content-length", "0"))
    if length > LONGEST_BODY_BYTES:
        raise BrokenAnswer("The answer is too long.")
    return await reader.readexactly(length)


def as_json(reply: Reply) -> dict[str, object]:
    """Return an answer's JSON object, an empty one if it is none."""
    try:
        found = msgspec.json.decode(reply.body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def filled(path: str) -> str:
    """Return a route's path with something in the place of each parameter that has the right form and names nothing."""
    parts = []
    for part in path.split("/"):
        _, _, kind = part.strip("{}").partition(":")
        parts.append(
            {"uuid": "00000000-0000-7000-8000-00000000dead", "int": "0"}.get(kind, "nothing")
            if part[:1] == "{"
            else part
        )
    return "/".join(parts)
