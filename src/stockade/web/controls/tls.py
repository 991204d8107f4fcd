"""TLS on the HTTPS port, and nothing but a redirect on the other (claim D1)."""

import asyncio
import ssl
import warnings
from datetime import UTC, datetime, timedelta

from stockade.kernel.clock import now
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.web.wire import ANSWER_SECONDS, Place, context_of, own_address, read_reply

_OFTEN = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_STANDARDS = ("OWASP ASVS 5.0 V12.1", "ISO 27001 A.8.24", "SOC 2 CC6.7", "PCI DSS 4.2.1")
LEAST_LEFT = timedelta(days=7)
_OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2)


@control(
    id="web.tls-modern-only", claims=("D1",), every=_OFTEN, max_age=_HOUR, standards=_STANDARDS,
    statement="The server agrees to TLS 1.3, refuses every older version (1.2 too, unless an operator turned it on), "
    "and shows a certificate that is valid for its name and for a week to come.",
)  # fmt: skip
async def tls_modern_only(installation: Installation) -> Finding:
    """Shake hands in each version of the protocol, and verify the certificate."""
    wrong: list[str] = []
    try:
        found = await _shake_hands(installation, context_of(installation, at_least=ssl.TLSVersion.TLSv1_3))
        left = found - now()
        if left < LEAST_LEFT:
            wrong.append(f"the certificate ends in {left.days} days")
    except ssl.SSLError as error:
        wrong.append(f"TLS 1.3 with a valid certificate is not to be had: {error.reason or type(error).__name__}")
    allowed = ssl.TLSVersion.TLSv1_2 if installation.settings.tls_minimum == "1.2" else ssl.TLSVersion.TLSv1_3
    for version in _OLD:
        refused = await _refuses(installation, version)
        if refused == (version >= allowed):
            wrong.append(f"{version.name} is {'refused' if refused else 'accepted'}")
    return finding(1 + len(_OLD), "versions of TLS", wrong)


@control(
    id="web.plain-http-is-redirected", claims=("D1",), every=_OFTEN, max_age=_HOUR, standards=_STANDARDS,
    statement="The plain HTTP port answers every request with a permanent redirect to the same path over TLS, and to "
    "nowhere else.",
)  # fmt: skip
async def plain_http_is_redirected(installation: Installation) -> Finding:
    """Ask for some paths in the clear, also under a stranger's name."""
    place, origin = Place.of(installation), installation.origin
    hosts = (place.name, "stranger.example", f"{place.name}@stranger.example")
    asked = [(path, host) for path in ("/", "/orders?stage=draft", "/api/v1/orders") for host in hosts]
    wrong = []
    for path, host in asked:
        status, location = await _ask_in_the_clear(place, int(installation.settings.http_port), path, host)
        if status != 308 or location != origin + path:
            wrong.append(f"GET {path} for {host} is answered with {status}, to {location}")
    return finding(len(asked), "requests over plain HTTP", wrong)


async def _shake_hands(installation: Installation, context: ssl.SSLContext) -> datetime:
    """Return when the server's certificate ends; ``ssl.SSLError`` if no connection comes about."""
    place = Place.of(installation)
    source = own_address(place)
    async with asyncio.timeout(ANSWER_SECONDS):
        _, writer = await asyncio.open_connection(
            place.address,
            place.port,
            ssl=context,
            server_hostname=place.name,
            local_addr=(source, 0) if source else None,
        )
        certificate = writer.get_extra_info("ssl_object").getpeercert()
        writer.close()
    seconds = ssl.cert_time_to_seconds(certificate["notAfter"]) if certificate else 0
    return datetime.fromtimestamp(seconds, UTC)


async def _refuses(installation: Installation, version: ssl.TLSVersion) -> bool:
    """Return whether the server refuses a version. That this side cannot speak it raises: it would prove nothing."""
    context = context_of(installation)
    # OpenSSL 3 offers versions before 1.2 only at security level 0; without that, the refusal would be our own.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = version
        context.maximum_version = version
    try:
        await _shake_hands(installation, context)
    except ssl.SSLError as error:
        if error.reason in ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE"):
            raise
        return True
    except ConnectionError:
        return True
    return False


async def _ask_in_the_clear(place: Place, port: int, path: str, host: str) -> tuple[int, str | None]:
    async with asyncio.timeout(ANSWER_SECONDS):
        reader, writer = await asyncio.open_connection(place.address, port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            reply = await read_reply(reader, "GET")
        finally:
            writer.close()
    return reply.status, reply.first("location")
