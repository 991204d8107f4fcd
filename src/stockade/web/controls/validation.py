"""Malformed input stops at the boundary (claim D8)."""

import os
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from stockade.kernel.control import Finding, Installation, RouteInfo, control, finding
from stockade.web.wire import Line, Reply, filled

_BODIES = (
    b"{",
    b"[]",
    b"null",
    b'{"unexpected":"\\u0000"}',
    b'{"expected_version":1e999}',
    b'"\xff\xfe"',
    b"[" * 20_000,
)
_QUERY = "?limit=-1&after=%00&unexpected=%ff"
_OF_PEOPLE = b"/problems/people-only"
_REFUSALS = frozenset({400, 404, 409, 413, 415, 422})
_ENTRIES = "select count(*) from audit.entry where tenant_id = $1 and request_id = any($2::uuid[])"


@control(
    id="web.malformed-input-refused", claims=("D8",), every=timedelta(minutes=30), max_age=timedelta(hours=2),
    needs_key=True, standards=("OWASP ASVS 5.0 V2.2", "OWASP A03:2021"),
    statement="With a key that may do everything, malformed bodies, paths and queries are refused at every endpoint "
    "with a "
    "status of their own and never an internal error, and none of those requests leaves a trace in the data.",
)  # fmt: skip
async def malformed_input_refused(installation: Installation) -> Finding:
    """Send rubbish to every endpoint of the API as a probe's owner, and look for the requests in the audit trail."""
    routes = [route for route in installation.routes if route.surface == "api"]
    wrong: list[str] = []
    seen: list[UUID] = []
    async with installation.probe_key("owner") as key, Line(installation) as line:
        for route in routes:
            for what, path, body in _malformed(route):
                headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": os.urandom(16).hex()}
                if body is not None:
                    headers["Content-Type"] = "application/json"
                reply = await line.ask(route.method, path, headers, body or b"")
                seen += _request_of(reply)
                if reply.status >= 500 or (body is not None and not _refused(reply)):
                    wrong.append(f"{route.method} {route.path} answers {what} with {reply.status}")
        first = await line.ask("GET", filled(routes[0].path), {"Authorization": f"Bearer {key}"}) if routes else None
    if first is not None and first.status in (401, 429):
        wrong.append(f"the key was refused ({first.status}), so that the refusals prove nothing")
    async with installation.application.transaction(installation.probes[0].principal) as tx:
        if entries := (await tx.fetchrow(_ENTRIES, installation.probes[0].tenant_id, seen))[0]:
            wrong.append(f"{entries} changes were made by malformed requests")
    return finding(len(seen), "malformed requests", wrong)


def _malformed(route: RouteInfo) -> Iterator[tuple[str, str, bytes | None]]:
    """Yield what is wrong, the path and the body of requests to a route."""
    path = filled(route.path)
    if route.method in ("GET", "DELETE"):
        yield "a malformed query", path + _QUERY, None
    else:
        for body in _BODIES:
            yield f"the body {body[:30]!r}", path, body
    if "{" in route.path:
        broken = "/".join("%27%00%ff" if part[:1] == "{" else part for part in route.path.split("/"))
        yield "a malformed path", broken, None if route.method in ("GET", "DELETE") else b"{}"


def _refused(reply: Reply) -> bool:
    """What answers people alone refuses a key, whatever it says."""
    return reply.status in _REFUSALS or (reply.status == 403 and _OF_PEOPLE in reply.body)


def _request_of(reply: Reply) -> list[UUID]:
    try:
        return [UUID(reply.first("x-request-id") or "")]
    except ValueError:
        return []
