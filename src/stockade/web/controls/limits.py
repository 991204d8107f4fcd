"""The limits: asked for more than they allow, from an address and with a key of our own (claim D7).

Nobody else is held up: the address is one of the loopback network that no one uses, the key a probe tenant's own, and
what is asked for costs the server next to nothing. So as not to make load for its own sake, it is done rarely.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

from stockade.kernel.control import Finding, Installation, control, finding
from stockade.web.wire import Line, Place, Reply, own_address

_STANDARDS = ("OWASP ASVS 5.0 V2.4", "OWASP API4:2023", "SOC 2 CC6.6")
CONNECTIONS = 4
"""Several, so that several workers answer: the limit has to hold for them together."""
MOST_REQUESTS = 20_000
_NAMES = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


@dataclass(frozen=True)
class Burst:
    """What became of many requests: how many were let through, the refusals, and answers that name no limit."""

    allowed: int
    refused: tuple[Reply, ...]
    untold: int
    seconds: float


@control(
    id="web.address-limit-holds", claims=("D7",), every=timedelta(hours=1), max_age=timedelta(hours=3),
    standards=_STANDARDS,
    statement="An address gets its requests per minute and not more, over all processes together; every answer names "
    "the limit, and a refusal is 429 and says when to come again.",
)  # fmt: skip
async def address_limit_holds(installation: Installation) -> Finding:
    """Ask over several connections from one address until each is refused, and count."""
    limit = int(installation.settings.address_requests_per_minute)
    if own_address(Place.of(installation)) is None:
        return Finding(
            False, "It cannot be checked here: only Linux's loopback network gives a control an address of its own."
        )
    found = await _burst(installation, limit, ["/healthz"] * CONNECTIONS, {}, one_address=True)
    return _judged(found, limit, "the address")


@control(
    id="web.credential-limit-holds", claims=("D7",), every=timedelta(hours=6), max_age=timedelta(hours=18),
    standards=_STANDARDS,
    statement="A credential gets its requests per minute and not more, from however many addresses it is used.",
)  # fmt: skip
async def credential_limit_holds(installation: Installation) -> Finding:
    """Use a viewer's key from many addresses, for what a viewer may not do: that counts, and costs no transaction."""
    probe_key = getattr(installation, "probe_key", None)
    path = next(
        (route.path for route in installation.routes if route.path.endswith("/api-keys") and route.method == "GET"),
        None,
    )
    if probe_key is None or path is None or own_address(Place.of(installation)) is None:
        return Finding(
            False,
            "It cannot be checked here: there is no probe's key, no route to use it on, or no address of our own.",
        )
    limit = int(installation.settings.credential_requests_per_minute)
    addresses = CONNECTIONS + 2 * limit // int(installation.settings.address_requests_per_minute)
    async with probe_key("viewer") as key:
        found = await _burst(
            installation, limit, [path] * addresses, {"Authorization": f"Bearer {key}"}, one_address=False
        )
    return _judged(found, limit, "the credential")


def _judged(found: Burst, limit: int, whose: str) -> Finding:
    wrong = []
    # What comes back at an even pace while we ask is owed as well.
    owed = limit + limit / 60 * found.seconds + 1
    if found.allowed > owed or not found.refused:
        wrong.append(
            f"{found.allowed} requests of {whose} were let through in {found.seconds:.1f} s, where {limit} a minute "
            f"are allowed"
        )
    if found.allowed < limit * 0.9:
        wrong.append(f"{whose} was refused after {found.allowed} requests, where {limit} are allowed")
    if found.untold:
        wrong.append(f"{found.untold} answers do not name the limit")
    for reply in found.refused:
        if not (reply.first("retry-after") or "").isdigit() or b"/problems/too-many-requests" not in reply.body:
            wrong.append("a refusal does not say that it is one, or when to come again")
    return finding(found.allowed + len(found.refused), f"requests of {whose}", wrong)


async def _burst(
    installation: Installation, limit: int, paths: list[str], headers: dict[str, str], *, one_address: bool
) -> Burst:  # fmt: skip
    """Ask as fast as answers come, each connection until it is refused; a credential's connections share its bucket."""
    shared = own_address(Place.of(installation)) if one_address else None
    # Beyond the limit by the half, each connection has been let through what none should be: that is told, not awaited.
    most = min(limit * 3 // 2 + 100, MOST_REQUESTS) // (len(paths) if one_address else CONNECTIONS) + 1
    allowed = untold = 0
    refused: list[Reply] = []
    busy = asyncio.Semaphore(CONNECTIONS)

    async def ask(path: str) -> None:
        nonlocal allowed, untold
        async with busy, Line(installation, source=shared) as line:
            for _ in range(most):
                if not one_address and refused:
                    return
                reply = await line.ask("GET", path, headers)
                untold += any(not (reply.first(name) or "").isdigit() for name in _NAMES)
                if reply.status == 429:
                    if one_address or b"credential" in reply.body:
                        refused.append(reply)
                    return
                allowed += 1

    begun = time.perf_counter()
    await asyncio.gather(*(ask(path) for path in paths))
    return Burst(allowed, tuple(refused), untold, time.perf_counter() - begun)
