"""Addresses that organisations name: reached over TLS, in public networks, and never another one than was checked."""

import asyncio
import socket
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from stockade.identity.sso.reaching import ANSWER_BYTES, ProviderUnreachable, Reach, allowed
from stockade.web.certificates import ensure_local_certificate

INSIDE = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fc00::1", "::ffff:10.0.0.1",
    "64:ff9b::a00:1", "2002:a00:1::", "198.18.0.1", "192.0.2.1",
)  # fmt: skip
NEVER = ("169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe")


def test_no_inside_address_is_allowed_and_the_links_never() -> None:
    assert all(allowed(ip_address(text), private=False) for text in ("1.1.1.1", "2606:4700::1111"))
    assert not any(allowed(ip_address(text), private=False) for text in (*INSIDE, *NEVER))
    assert all(allowed(ip_address(text), private=True) for text in INSIDE)
    assert not any(allowed(ip_address(text), private=True) for text in NEVER)


class Answering:
    """A server over TLS that answers every request alike, and counts them."""

    def __init__(self, folder: Path, answer: bytes) -> None:
        self.files = ensure_local_certificate(folder, ["localhost"])
        self.answer = answer
        self.asked: list[bytes] = []

    async def __aenter__(self) -> "Answering":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.files.certificate, self.files.key)
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        writer.close()


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    listed = "".join(f"{line}\r\n" for line in (f"Content-Length: {len(body)}", *headers))
    return f"HTTP/1.1 {status}\r\n{listed}Connection: close\r\n\r\n".encode() + body


async def refusal(reach: Reach, address: str) -> str:
    with pytest.raises(ProviderUnreachable) as refused:
        await reach.json(address)
    return refused.value.detail


async def test_an_inside_address_is_not_even_connected_to(tmp_path: Path) -> None:
    async with Answering(tmp_path, answer(b"{}")) as server:
        reach = Reach(authorities=server.files.authority)
        for host in ("localhost", "127.0.0.1", "[::1]", "127.1"):
            assert "private network" in await refusal(reach, f"https://{host}:{server.port}/")
        assert server.asked == []
        assert (
            await Reach(private_networks=True, authorities=server.files.authority).json(
                f"https://localhost:{server.port}/"
            )
            == {}
        )


async def test_a_name_that_changes_its_address_meanwhile_leads_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    times: list[str] = []

    async def rebinding(host: Any, port: Any, **_: Any) -> Any:
        times.append(host)
        address = "203.0.114.1" if len(times) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    connected: list[Any] = []

    async def connect(factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:
        connected.append(host)
        raise OSError("nobody there")

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    monkeypatch.setattr(loop, "create_connection", connect)
    await refusal(Reach(), "https://provider.example/")
    assert connected == ["203.0.114.1"] or connected == []
    assert times == ["provider.example"]


@pytest.mark.parametrize("address", ["http://localhost/", "https://user:pw@localhost/", "ftp://localhost/"])
async def test_what_is_not_https_is_not_asked(address: str) -> None:
    await refusal(Reach(private_networks=True), address)


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async with Answering(tmp_path, answer(b"", "Location: https://localhost/", status="302 Found")) as server:
        reach = Reach(private_networks=True, authorities=server.files.authority)
        assert "status 302" in await refusal(reach, f"https://localhost:{server.port}/")
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        (b"[1]", (), "JSON object"), (b"<html>", (), "JSON object"),
        (b"x" * (ANSWER_BYTES + 1), (), "more than is sensible"),
        (b"\x1f\x8b", ("Content-Encoding: gzip",), "compresses"),
    ],
)  # fmt: skip
async def test_what_is_no_sensible_answer_is_refused(
    tmp_path: Path, body: bytes, headers: tuple[str, ...], words: str
) -> None:
    async with Answering(tmp_path, answer(body, *headers)) as server:
        reach = Reach(private_networks=True, authorities=server.files.authority)
        assert words in await refusal(reach, f"https://localhost:{server.port}/")


async def test_a_certificate_of_nobody_known_is_told(tmp_path: Path) -> None:
    async with Answering(tmp_path, answer(b"{}")) as server:
        assert "not to be trusted" in await refusal(Reach(private_networks=True), f"https://localhost:{server.port}/")
        assert server.asked == []
