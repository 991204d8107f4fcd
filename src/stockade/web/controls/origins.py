"""Other origins: read by a listed one only (claim D6)."""

from datetime import timedelta

from stockade.kernel.control import Finding, Installation, control, finding
from stockade.web.wire import Line, Reply, filled

_OFTEN = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_ALLOW = "access-control-allow-origin"


@control(
    id="web.origins-by-list", claims=("D6",), every=_OFTEN, max_age=_HOUR,
    standards=("OWASP ASVS 5.0 V3.4.2", "OWASP A05:2021"),
    statement="The API names an origin as allowed only if it is on the operator's list: not a stranger, not one that "
    "looks like ours, not null, and never a wildcard, in answers and in preflights.",
)  # fmt: skip
async def origins_by_list(installation: Installation) -> Finding:
    """Ask as pages of many origins would, with and without a preflight."""
    listed = tuple(str(origin) for origin in installation.settings.cors_origins)
    ours = installation.origin
    strangers = ("https://stranger.example", "null", ours + ".stranger.example", "http" + ours.removeprefix("https"),
                 *(origin + ".stranger.example" for origin in listed))  # fmt: skip
    path = next((filled(route.path) for route in installation.routes if route.surface == "api"), "/api/v1/nothing")
    wrong: list[str] = []
    tried = 0
    async with Line(installation) as line:
        for origin in (*strangers, *listed):
            preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            for method, target, headers in (
                ("GET", path, {"Origin": origin}), ("GET", "/api/openapi.json", {"Origin": origin}),
                ("GET", "/healthz", {"Origin": origin}), ("OPTIONS", path, preflight),
            ):  # fmt: skip
                tried += 1
                reply = await line.ask(method, target, headers)
                expected = [origin] if origin in listed and target.startswith("/api/") else []
                wrong += _breaches(reply, expected, f"{method} {target} from {origin}")
    return finding(tried, "requests of other origins", wrong)


def _breaches(reply: Reply, expected: list[str], what: str) -> list[str]:
    found = reply.all(_ALLOW)
    wrong = [] if found == expected else [f"{what}: {_ALLOW} is {found}"]
    if (reply.first("access-control-allow-credentials") or "").lower() == "true":
        wrong.append(f"{what}: with the visitor's cookies")
    return wrong
