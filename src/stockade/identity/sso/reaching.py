"""Reaching identity providers: whoever configures an address must not make us look around our own network.

Attack (server-side request forgery): an issuer such as ``https://169.254.169.254/``, or a name that resolves to an
inside address. So: https alone, no redirects, no credentials in addresses, and the connection goes to the very address
that was checked, whatever the name resolves to a moment later. Answers are bounded in size and time.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import msgspec

from stockade.kernel.problems import Problem
from stockade.kernel.settings import Settings
from stockade.kernel.words import said

ANSWER_BYTES = 512 * 1024
ANSWER_SECONDS = 10.0
_NAT64 = ip_network("64:ff9b::/96")
Ip = IPv4Address | IPv6Address


class ProviderUnreachable(Problem):
    """An identity provider does not answer, or not as its kind has to."""

    type = "/problems/identity/provider-unreachable"
    title = "Your organisation's identity provider cannot be reached safely"
    status = 503


class Reach:
    """How this installation reaches providers.

    ``private_networks`` allows addresses of its own networks; those of the link (cloud metadata) never.
    """

    def __init__(self, *, private_networks: bool = False, authorities: Path | None = None) -> None:
        self.private_networks = private_networks
        self.context = ssl.create_default_context()
        if authorities is not None:
            self.context.load_verify_locations(authorities)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    @classmethod
    def of(cls, settings: Settings) -> "Reach":
        """Return how the installation with these settings reaches them."""
        return cls(private_networks=settings.sso_private_networks, authorities=settings.sso_certificates)

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return a way for a client of httpx, guarded."""
        return _Guarded(self)

    async def check(self, host: str, port: int) -> None:
        """Raise ``ProviderUnreachable`` for a host that is not to be reached from here."""
        await _checked(host, port, private=self.private_networks)

    async def json(self, address: str) -> dict[str, Any]:
        """Return the JSON object at an address; ``ProviderUnreachable`` says why there is none."""
        host = httpx.URL(address).host
        try:
            async with asyncio.timeout(ANSWER_SECONDS), httpx.AsyncClient(
                transport=self.transport(), trust_env=False, follow_redirects=False
            ) as client:  # fmt: skip
                answer = await client.get(address, headers={"Accept": "application/json"})
        except TimeoutError:
            raise ProviderUnreachable(
                said("{host} does not answer within {seconds} seconds.", host=host, seconds=int(ANSWER_SECONDS))
            ) from None
        except httpx.HTTPError as error:
            raise failure(host, error) from error
        if answer.status_code != 200:
            raise ProviderUnreachable(
                said("{address} is answered with status {status}.", address=address, status=answer.status_code)
            )
        return _object(address, answer.content)


def failure(host: str, error: Exception) -> ProviderUnreachable:
    """Return in words why a provider was not reached."""
    if isinstance(error.__context__, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ProviderUnreachable(said("The certificate of {host} is not to be trusted.", host=host))
    if isinstance(error, httpx.TimeoutException):
        return ProviderUnreachable(
            said("{host} does not answer within {seconds} seconds.", host=host, seconds=int(ANSWER_SECONDS))
        )
    return ProviderUnreachable(said("Nothing answers safely at {host}.", host=host))


class _Guarded(httpx.AsyncBaseTransport):
    """Resolves, checks, and connects to what was checked; the certificate is checked against the name."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._inner = httpx.AsyncHTTPTransport(verify=reach.context, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        url = request.url
        if url.scheme != "https" or url.userinfo:
            raise ProviderUnreachable(said("{address} is not an https address.", address=str(url)))
        target = await _checked(url.host, url.port or 443, private=self._reach.private_networks)
        extensions = {"timeout": httpx.Timeout(ANSWER_SECONDS).as_dict()} | request.extensions
        inner = httpx.Request(
            request.method, url.copy_with(host=target), headers=request.headers, stream=request.stream,
            extensions=extensions | {"sni_hostname": url.host},
        )  # fmt: skip
        inner.headers["Accept-Encoding"] = "identity"
        answer = await self._inner.handle_async_request(inner)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        if answer.headers.get("content-encoding", "identity") != "identity":
            # Attack: a small compressed answer that unpacks to gigabytes.
            await answer.aclose()
            raise ProviderUnreachable(said("{host} compresses its answer, though it was not asked to.", host=url.host))
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=_Bounded(answer.stream, url.host),
            extensions=answer.extensions,
        )  # fmt: skip

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Bounded(httpx.AsyncByteStream):
    """An answer's bytes, up to a bound."""

    def __init__(self, stream: httpx.AsyncByteStream, host: str) -> None:
        self._stream = stream
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = ANSWER_BYTES
        async for piece in self._stream:
            left -= len(piece)
            if left < 0:
                raise ProviderUnreachable(said("{host} answers with more than is sensible.", host=self._host))
            yield piece

    async def aclose(self) -> None:
        """Close the answer."""
        await self._stream.aclose()


async def _checked(host: str, port: int, *, private: bool) -> str:
    """Return the address to connect to; ``ProviderUnreachable`` if any that the name has is not allowed."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ProviderUnreachable(said("There is no host {host}.", host=host)) from None
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(allowed(address, private=private) for address in addresses):
        raise ProviderUnreachable(said("{host} is inside a private network, which is not reached.", host=host))
    return str(addresses[0])


def allowed(address: Ip, *, private: bool) -> bool:
    """Return whether an address may be connected to. What is wrapped in IPv6 counts as what is inside."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return allowed(inner, private=private)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return private or address.is_global


def _object(address: str, content: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict):
        raise ProviderUnreachable(said("{address} is not answered with a JSON object.", address=address))
    return found
