"""The edge: what every request passes before anything of it is understood, and every response before it leaves.

A plain ASGI wrapper around the application, on the path of every request, so it does little and prepares much. In
order: where the request comes from, the limit of that address, the host, the size and kind of the body, the origin of a
foreign page; then the application; then headers on whatever comes back, a line in the access log, and the measurements.

``scope["state"]`` carries between the two: the edge sets ``request_id`` (UUID) and ``address`` (text); the application
may set ``actor_id``, ``credential_limit`` (a ``Verdict``), ``nonce`` (through ``nonce_of``), and ``route``, where it is
not a Litestar route.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, BinaryIO
from uuid import UUID

import msgspec

from stockade.kernel.ids import new_id
from stockade.kernel.logging import redact
from stockade.kernel.problems import NotFound, Problem
from stockade.kernel.settings import Settings
from stockade.web import problems
from stockade.web.addresses import NOWHERE, Source, behind_proxies, listed, source_of
from stockade.web.csrf import SAFE_METHODS
from stockade.web.headers import PREFLIGHT, VARY_ORIGIN, Header, readable_by, secured
from stockade.web.limits import Limiter, Verdict
from stockade.web.metrics import Metrics

Scope = Any
Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
ShowProblem = Callable[[Scope, Problem, UUID], problems.Answer]

API_PREFIX = "/api/"
UPLOADS = frozenset({"/imports", "/api/v1/imports"})
"""Where whole files are taken in; who sends one has been admitted before any of it is read."""
UNMATCHED = "unmatched"
LONGEST_LOGGED_PATH = 200
_LOOPBACK_HOSTS = frozenset({b"127.0.0.1", b"[::1]", b"localhost"})
_POLICY_VIOLATION = 1008
_LENGTH_DIGITS = 18


def show_as_json(_scope: Scope, problem: Problem, request_id: UUID) -> problems.Answer:
    """Render a problem for callers of the API; the pages bring one that looks at Accept."""
    return problems.problem_response(problem, request_id)


class AccessLog:
    """Writes one JSON line a request. Not through structlog, whose chain would be a tenth of what the edge costs."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream or sys.stderr.buffer
        self._encode = msgspec.json.Encoder().encode

    def info(self, event: str, **fields: Any) -> None:
        """Write the fields, the event and the moment (RFC 3339, UTC) in one piece: no other line comes between."""
        line = {"level": "info", **fields, "event": event, "timestamp": datetime.now(UTC)}
        self._stream.write(self._encode(line) + b"\n")
        self._stream.flush()


class Edge:
    """The wrapper: an ASGI application around another."""

    def __init__(
        self, app: App, settings: Settings, limiter: Limiter, metrics: Metrics, *, log: Any = None,
        show: ShowProblem = show_as_json,
    ) -> None:  # fmt: skip
        self.app = app
        self.limiter = limiter
        self.metrics = metrics
        self.show = show
        self.log_request = (log or AccessLog()).info
        self.per_minute = settings.address_requests_per_minute
        self.body_limit = settings.body_limit_bytes
        self.upload_limit = settings.upload_limit_bytes
        self.trusts = listed(settings.trusted_proxies) if settings.trusted_proxies else None
        self.names = frozenset(name.lower().encode() for name in settings.names)
        self.hosts = self.names | {b"%s:%d" % (name, settings.port) for name in self.names}
        self.origins = {origin.encode(): readable_by(origin.encode()) for origin in settings.cors_origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; pass the application's start and end through; open no WebSocket."""
        if scope["type"] == "http":
            await _Exchange(self, scope, receive, send).run()
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})

    def source(self, scope: Scope) -> Source:
        """Return where a request comes from; proxies are believed only if they are listed."""
        client = scope.get("client")
        peer = client[0] if client else ""
        if self.trusts is not None and self.trusts(peer):
            forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            peer = behind_proxies(peer, forwarded, self.trusts)
        return source_of(peer) or NOWHERE

    def serves(self, host: bytes, source: Source) -> bool:
        """Return whether a Host names us; besides our names, loopback's do for who comes from there (health checks).

        Attack: a foreign name that resolves to us (DNS rebinding) makes a browser take us for that site.
        """
        if host in self.hosts:
            return True
        name, colon, port = host.lower().rpartition(b":")
        if not colon or not port.isdigit():
            name = host.lower()
        return name in self.names or (source.loopback and name in _LOOPBACK_HOSTS)


class _Exchange:
    """One request and its response."""

    __slots__ = (
        "api", "begun_at", "body_bytes", "body_limit", "edge", "limit", "origin", "receive", "request_id",
        "request_name", "scope", "send", "source", "state", "status",
    )  # fmt: skip

    def __init__(self, edge: Edge, scope: Scope, receive: Receive, send: Send) -> None:
        self.edge = edge
        self.scope = scope
        self.receive = receive
        self.send = send
        self.begun_at = time.perf_counter()
        self.status = 0
        self.body_bytes = 0
        self.body_limit = edge.upload_limit if scope["path"] in UPLOADS else edge.body_limit
        self.origin: tuple[Header, ...] | None = None
        self.api = scope["path"].startswith(API_PREFIX)
        self.request_id = new_id()
        self.request_name = str(self.request_id)
        self.state = scope.setdefault("state", {})
        self.state["request_id"] = self.request_id
        self.source = edge.source(scope)
        self.state["address"] = self.source.text
        self.limit: Verdict = edge.limiter.hit(self.source.key, edge.per_minute)

    async def run(self) -> None:
        """Refuse the request or have it answered; whatever happens, it is answered, logged and counted."""
        self.edge.metrics.began()
        try:
            if not await self._answered_here():
                await self.edge.app(self.scope, self._receive_bounded, self._send_secured)
            if not self.status:
                raise RuntimeError("The application answered nothing.")
        except asyncio.CancelledError:
            self.status = self.status or problems.ClientLeft.status
            raise
        except Exception as error:
            if self.status or not isinstance(error, Problem):
                problems.log_failure(error, self.request_id)
            if self.status:  # Half an answer must not look like a whole one: the server cuts the connection.
                raise
            await self._refuse(error if isinstance(error, Problem) else problems.ServerError())
        finally:
            self._record()

    async def _answered_here(self) -> bool:
        """Answer what needs no application, or raise the problem; return whether the request is done with."""
        if not self.limit.allowed:
            self.edge.metrics.limited("address")
            raise problems.TooManyRequests(
                "This address has used up its requests for now.", retry_after=self.limit.retry_after_seconds
            )
        headers = self.scope["headers"]
        given = dict(headers)
        self._check_host(headers, given)
        if "//" in self.scope["path"]:
            # Attack: routers join doubled slashes, so that //api/ would be the API without being called so above.
            raise NotFound
        if self.scope["method"] not in SAFE_METHODS:
            self._check_body(given)
        if self.api and (origin := given.get(b"origin")) is not None:
            self.origin = self.edge.origins.get(origin)
            if self.scope["method"] == "OPTIONS" and b"access-control-request-method" in given:
                await self._answer_preflight()
                return True
        return False

    def _check_host(self, headers: list[Header], given: dict[bytes, bytes]) -> None:
        host = given.get(b"host", b"")
        # Attack: two hosts, of which a proxy believes one and we the other (RFC 9112 section 3.2).
        if not host or (len(given) != len(headers) and sum(name == b"host" for name, _ in headers) > 1):
            raise problems.MalformedRequest("The request has to name exactly one host.")
        if not self.edge.serves(host, self.source):
            raise problems.NotOurHost

    def _check_body(self, given: dict[bytes, bytes]) -> None:
        length = given.get(b"content-length", b"0")
        if not length.isdigit():
            raise problems.MalformedRequest("The Content-Length is not a number.")
        if len(length) > _LENGTH_DIGITS or int(length) > self.body_limit:
            raise self._too_large()
        # Attack: a form of another site can send JSON as text/plain, without a preflight. So the API takes JSON only
        # where it is called that (RFC 9110 section 15.5.16).
        kind = given.get(b"content-type")
        if self.api and (kind is not None or length != b"0" or b"transfer-encoding" in given):
            name = (kind or b"").partition(b";")[0].strip().lower()
            if name != b"application/json" and not name.endswith(b"+json"):
                raise problems.UnsupportedMediaType("The API takes application/json.")

    async def _answer_preflight(self) -> None:
        if self.origin is None:
            raise problems.OriginRefused
        headers = [*PREFLIGHT, (b"content-length", b"0")]
        await self._send_secured({"type": "http.response.start", "status": 204, "headers": headers})
        await self.send({"type": "http.response.body", "body": b""})

    async def _receive_bounded(self) -> Message:
        """Pass on the body, but no more of it than is allowed, whatever its announced length."""
        message = await self.receive()
        if message["type"] == "http.disconnect" and not self.status:
            # It would count as a failure of ours, which anybody could cause by hanging up.
            raise problems.ClientLeft
        if body := message.get("body"):
            self.body_bytes += len(body)
            if self.body_bytes > self.body_limit:
                raise self._too_large()
        return message

    def _too_large(self) -> Problem:
        return problems.TooLarge(f"At most {self.body_limit} bytes are accepted.")

    async def _send_secured(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            credential: Verdict | None = self.state.get("credential_limit")
            limit = self.limit
            if credential is not None and credential.remaining <= limit.remaining:
                limit = credential
            headers = secured(message.get("headers", ()), self.state, limit, self.request_name.encode())
            if self.api and self.edge.origins:
                headers.append(VARY_ORIGIN)
                headers += self.origin or ()
            message = message | {"headers": headers}
        await self.send(message)

    async def _refuse(self, problem: Problem) -> None:
        status, headers, body = self.edge.show(self.scope, problem, self.request_id)
        await self._send_secured({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": b"" if self.scope["method"] == "HEAD" else body})

    def _record(self) -> None:
        """Log and count: the route's template and not the path, no query, no body, no header."""
        seconds = time.perf_counter() - self.begun_at
        scope, state = self.scope, self.state
        method = scope["method"]
        route = state.get("route") or scope.get("path_template") or UNMATCHED
        fields: dict[str, Any] = {
            "method": method,
            "route": route,
            "status": self.status,
            "duration_ms": round(seconds * 1000, 2),
            "request_id": self.request_name,
        }
        if (actor := state.get("actor_id")) is not None:
            fields["actor_id"] = str(actor)
        if route is UNMATCHED:
            fields["path"] = redact(None, "", {"path": scope["path"][:LONGEST_LOGGED_PATH]})["path"]
        credential: Verdict | None = state.get("credential_limit")
        if credential is not None and not credential.allowed:
            self.edge.metrics.limited("credential")
        self.edge.log_request("request", **fields)
        self.edge.metrics.ended(method, route, self.status, seconds)
