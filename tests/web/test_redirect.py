"""Plain HTTP leads to TLS and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stockade.kernel.problems import Refusal
from stockade.kernel.settings import Settings
from stockade.web import redirect
from stockade.web.redirect import answer_to, serve_redirects

SETTINGS = Settings(home=Path("/nowhere"), names=("localhost", "shop.example"))


def location(target: str, host: str = "localhost:8080") -> str | None:
    answer = answer_to(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nX: y\r\n\r\n".encode(), SETTINGS).decode()
    assert answer.endswith("\r\n\r\n")
    found = [line.removeprefix("Location: ") for line in answer.split("\r\n") if line.startswith("Location: ")]
    assert len(found) == (1 if answer.startswith("HTTP/1.1 308 ") else 0)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", "https://localhost:8443/"),
        ("/orders?q=a%20b&c", "https://localhost:8443/orders?q=a%20b&c"),
        ("//evil.example/x", "https://localhost:8443//evil.example/x"),
        ("http://evil.example/x?y", "https://localhost:8443/x?y"),
        ("http://evil.example", "https://localhost:8443/"),
        ("http://[evil", "https://localhost:8443/"),
        ("@evil.example", "https://localhost:8443/"),
        (".evil.example/", "https://localhost:8443/"),
        ("evil.example:443", "https://localhost:8443/"),
        ("javascript:alert(1)", "https://localhost:8443/"),
        ("*", "https://localhost:8443/"),
    ],
)
def test_a_target_leads_to_its_path_at_our_origin(target: str, expected: str) -> None:
    assert location(target) == expected


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "", "evil.example:8080"]
)
def test_an_unlisted_host_is_never_echoed(host: str) -> None:
    assert location("/x", host) == "https://localhost:8443/x"


@pytest.mark.parametrize("host", ["shop.example", "SHOP.example:8080"])
def test_a_listed_host_is_kept(host: str) -> None:
    assert location("/x", host) == "https://shop.example:8443/x"


@pytest.mark.parametrize(
    "line", ["GET /\r HTTP/1.1", "GET /\nX: y HTTP/1.1", "GET /\0 HTTP/1.1", "GET /é HTTP/1.1", "GET / x HTTP/1.1",
             "GET /", "get / HTTP/1.1", "\x16\x03\x01", f"GET /{'x' * 5000} HTTP/1.1", ""],
)  # fmt: skip
def test_what_is_no_request_is_answered_400_without_a_location(line: str) -> None:
    answer = answer_to(line.encode() + b"\r\nHost: localhost\r\n\r\n", SETTINGS)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Location" not in answer


@pytest.fixture
async def server(unused_tcp_port: int) -> AsyncIterator[asyncio.Server]:
    settings = Settings(home=Path("/nowhere"), redirect_port=unused_tcp_port)
    made = await serve_redirects(settings)
    async with made:
        yield made


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def exchange(server: asyncio.Server, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    writer.write(sent)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


async def test_a_request_over_a_socket_is_redirected_and_the_connection_closed(server: asyncio.Server) -> None:
    answer = await exchange(server, b"GET /orders HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 308 ")
    assert b"\r\nLocation: https://localhost:8443/orders\r\n" in answer
    assert b"strict-transport-security" not in answer.lower()


async def test_a_request_with_a_body_still_gets_its_answer(server: asyncio.Server) -> None:
    sent = b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000
    assert (await exchange(server, sent)).startswith(b"HTTP/1.1 308 ")


async def test_an_over_long_head_is_refused(server: asyncio.Server) -> None:
    sent = b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"
    assert (await exchange(server, sent)).startswith(b"HTTP/1.1 431 ")


async def test_a_client_that_says_nothing_is_hung_up_on(
    server: asyncio.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redirect, "HEAD_WITHIN_SECONDS", 0.05)
    assert await exchange(server, b"GET / HT") == b""


async def test_a_taken_port_is_refused_in_a_sentence_that_says_what_to_do(server: asyncio.Server) -> None:
    with pytest.raises(Refusal, match="STOCKADE_REDIRECT_PORT"):
        await serve_redirects(Settings(home=Path("/nowhere"), redirect_port=port_of(server)))
