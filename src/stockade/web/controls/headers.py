"""The headers of every response, refusals included (claims D2 and D5)."""

import re
from datetime import timedelta

from stockade.kernel.control import Finding, Installation, control, finding
from stockade.web.wire import HTML, Line, Reply, filled

_HOUR = timedelta(hours=1)
_EXPIRES = timedelta(hours=3)
_STANDARDS = ("OWASP ASVS 5.0 V3.4", "OWASP Secure Headers", "ISO 27001 A.8.26")
YEAR_SECONDS = 31_536_000
NEEDED = frozenset({200, 401, 404, 405, 413, 415, 421, 429})
"""The statuses that have to be among what is looked at; without them the check would say less than the claim."""
_EXPECTED = {
    "x-content-type-options": re.compile(r"nosniff"),
    "referrer-policy": re.compile(r"no-referrer|same-origin|strict-origin|strict-origin-when-cross-origin"),
    "permissions-policy": re.compile(r".*camera=\(\).*geolocation=\(\).*microphone=\(\).*"),
    "cross-origin-opener-policy": re.compile(r"same-origin"),
    "cross-origin-resource-policy": re.compile(r"same-origin"),
}
_MAX_AGE = re.compile(r"max-age=\"?(\d+)\"?")


@control(
    id="web.https-for-a-year", claims=("D2",), every=_HOUR, max_age=_EXPIRES, standards=_STANDARDS,
    statement="Strict-Transport-Security for at least a year is on a page, on the API's answers, and on refusals of "
    "every kind.",
)  # fmt: skip
async def https_for_a_year(installation: Installation) -> Finding:
    """Look at Strict-Transport-Security on one response of each kind."""
    replies = await sample(installation)
    wrong = missing(replies)
    for label, reply in replies:
        values = reply.all("strict-transport-security")
        # A browser heeds the first of two headers only (RFC 6797 section 8.1).
        seconds = _MAX_AGE.search(values[0]) if values else None
        if len(values) != 1 or seconds is None or int(seconds[1]) < YEAR_SECONDS:
            wrong.append(f"{label}: {values}")
    return finding(len(replies), "responses", wrong)


@control(
    id="web.headers-everywhere", claims=("D5",), every=_HOUR, max_age=_EXPIRES, standards=_STANDARDS,
    statement="X-Content-Type-Options, Referrer-Policy, Permissions-Policy, Cross-Origin-Opener-Policy and "
    "Cross-Origin-Resource-Policy are on every kind of response, with strict values, each once.",
)  # fmt: skip
async def headers_everywhere(installation: Installation) -> Finding:
    """Look at the five headers on one response of each kind."""
    replies = await sample(installation)
    wrong = missing(replies)
    for label, reply in replies:
        for name, expected in _EXPECTED.items():
            values = reply.all(name)
            if len(values) != 1 or not expected.fullmatch(values[0]):
                wrong.append(f"{label}: {name} is {values}")
        if banner := [
            name for name in ("server", "x-powered-by") if any(char.isdigit() for char in reply.first(name) or "")
        ]:
            wrong.append(f"{label}: {banner[0]} tells a version")
    return finding(len(replies), "responses", wrong)


async def sample(installation: Installation) -> list[tuple[str, Reply]]:
    """Return one labelled response of each kind: pages, answers of the API, and every sort of refusal."""
    most = int(installation.settings.body_limit_bytes)
    api = next(
        (filled(route.path) for route in installation.routes if route.surface == "api" and route.method == "GET"), "/"
    )
    page = {"Accept": HTML}
    json = {"Content-Type": "application/json"}
    asked: tuple[tuple[str, str, dict[str, str], int | None], ...] = (
        ("GET", "/healthz", {}, None), ("GET", "/trust", page, None), ("GET", "/sign-in", page, None),
        ("GET", "/api/openapi.json", {}, None), ("GET", "/orders", page, None), ("GET", api, {}, None),
        ("GET", "/nothing-is-here", {}, None), ("GET", "/nothing-is-here", page, None),
        ("GET", "/api/v1/nothing", {}, None),
        ("DELETE", "/healthz", {}, None), ("OPTIONS", "/api/v1/nothing", {"Origin": "https://stranger.example"}, None),
        ("POST", api, json, most + 1), ("POST", api, {"Content-Type": "text/plain"}, None),
        ("GET", "/healthz", {"Host": "stranger.example"}, None), ("HEAD", "/healthz", {}, None),
    )  # fmt: skip
    replies = []
    async with Line(installation) as line:
        for method, path, headers, announce in asked:
            reply = await line.ask(method, path, headers, announce=announce)
            replies.append((f"{method} {path} ({reply.status})", reply))
    return [*replies, await _refused_by_limit(installation)]


def missing(replies: list[tuple[str, Reply]]) -> list[str]:
    """Return a breach for each status that has to be among the responses and is not."""
    return [
        f"no response with status {status} was seen"
        for status in sorted(NEEDED - {reply.status for _, reply in replies})
    ]


async def _refused_by_limit(installation: Installation) -> tuple[str, Reply]:
    """Ask from one address of our own until it is refused."""
    limit = int(installation.settings.address_requests_per_minute)
    async with Line(installation) as line:
        for _ in range(2 * limit):
            reply = await line.ask("GET", "/healthz")
            if reply.status == 429:
                break
        return f"GET /healthz too often ({reply.status})", reply
