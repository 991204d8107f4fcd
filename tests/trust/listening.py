"""The application behind real TLS, in this process: HTTP/1.1 in front of ASGI, with room for sabotage."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from tests.running import running_site

from stockade.apps.installation import Installation
from stockade.apps.live import Live
from stockade.apps.site import routes_of
from stockade.database.roles import Role
from stockade.tenancy.probes import ensure_probes
from stockade.tenancy.transaction import Database, open_pool
from stockade.web.certificates import ensure_local_certificate
from stockade.web.redirect import serve_redirects

Header = tuple[bytes, bytes]
Sabotage = Callable[[str, int, list[Header], bytes], tuple[int, list[Header], bytes]]


def honest(_path: str, status: int, headers: list[Header], body: bytes) -> tuple[int, list[Header], bytes]:
    """Change nothing."""
    return status, headers, body


@asynccontextmanager
async def listening(
    server: Any,
    database_name: str,
    home: Path,
    *,
    sabotage: Sabotage = honest,
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    served: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Live]:
    """A live installation on a test's database. ``served`` is what it does where it says ``settings``."""
    files = ensure_local_certificate(home / "certificates", [])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = oldest
    listener, redirector = (_free() for _ in range(2))
    ports = {"port": listener.getsockname()[1], "redirect_port": redirector.getsockname()[1]}
    redirector.close()
    roles = (Role.APPLICATION, Role.GATE, Role.WORKER, Role.PLATFORM)
    main, gate, *others = [await open_pool(server.dsn(role, database_name), server.signer, size=4) for role in roles]
    application, worker, platform = Database({"main": main}, gate=gate), *(Database({"main": pool}) for pool in others)
    run = home / "run"
    run.mkdir()
    secrets, given = server.keyring.folder.parent, ports | settings | (served or {})
    async with running_site(secrets, run, server.admin_dsn(database_name), application, **given) as site:
        told: Installation = site.installation
        told.settings = msgspec.structs.replace(told.settings, **settings)
        serve = partial(_serve, site.app, sabotage)
        tls = await asyncio.start_server(serve, sock=listener, ssl=context)
        plain = await serve_redirects(told.settings)
        try:
            yield Live(
                application,
                worker,
                platform,
                await ensure_probes(application, platform),
                told.settings.origin,
                files.authority,
                msgspec.structs.replace(told.settings, home=home),  # whose run folder the application has
                routes_of(),
                told,
            )
        finally:
            tls.close()
            plain.close()
            for database in (application, worker, platform):
                await database.close()


def without(live: Live, **changed: Any) -> Live:
    """A live installation with something else in the place of a part."""
    return replace(live, **changed)


def _free() -> socket.socket:
    # The protocol is named, since asyncio turns Nagle's algorithm off only where it is.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    return made


async def _serve(app: Any, sabotage: Sabotage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            pairs = [line.partition(":") for line in head[1:] if line]
            headers = [(name.lower().encode(), value.strip().encode("latin-1")) for name, _, value in pairs]
            length = int(dict(headers).get(b"content-length", b"0"))
            announced_only = length > 1_000_000
            body = b"" if announced_only else await reader.readexactly(length)
            path, _, query = target.partition("?")
            scope = {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": method,
                "scheme": "https",
                "path": unquote_to_bytes(path).decode("utf-8", "replace"),
                "raw_path": path.encode(),
                "query_string": query.encode(),
                "headers": headers,
                "client": writer.get_extra_info("peername"),
                "server": ("localhost", 443),
                "state": {},
                "root_path": "",
            }
            status, answered, content = sabotage(path, *await _ask(app, scope, body))
            answered = [item for item in answered if item[0] != b"content-length"]
            answered.append((b"content-length", b"%d" % len(content)))
            lines = b"".join(b"%s: %s\r\n" % item for item in answered)
            shown = b"" if method == "HEAD" else content
            writer.write(b"HTTP/1.1 %d X\r\n%s\r\n%s" % (status, lines, shown))
            await writer.drain()
            if announced_only:
                break
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def _ask(app: Any, scope: dict[str, Any], body: bytes) -> tuple[int, list[Header], bytes]:
    sent: list[dict[str, Any]] = []

    asked, answered = asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        if asked.is_set():  # Whoever streams listens for the client's leaving meanwhile: it stays for the whole answer.
            await answered.wait()
            return {"type": "http.disconnect"}
        asked.set()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    await app(scope, receive, send)
    return sent[0]["status"], list(sent[0]["headers"]), b"".join(item.get("body", b"") for item in sent[1:])
