"""What authentication costs: its share of a request's CPU, and what a flood of wrong passwords does to others."""

import asyncio
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec

from bench.compare import Pace, admissions, ask, spread
from bench.fill import ORDER, made_id
from bench.load import Task
from bench.machine import LOAD_CORE, pinned
from bench.results import Measure
from bench.running import Running, running
from bench.world import Served, Site, Tenant, World, product_environment, serving
from stockade.access.admission import SESSION_COOKIE, Admission
from stockade.identity.service.members import Place, add_member, list_members
from stockade.identity.service.sign_in import Visitor, open_session
from stockade.kernel.ids import new_id
from stockade.kernel.logging import configure_logging
from stockade.tenancy.principal import Principal

MOST_SHARE = 0.10
MOST_TIMES = 2.0
GUESSES_PER_SECOND = 1000
SOURCES = 100
"""Addresses of 127.0.0.0/8 that the guesses come from: one alone would be refused at once."""
DRAIN_SECONDS = 4.0
"""Until the last guesses of the turn before are answered."""
BLOCK = 150
"""Requests that are measured in a row, before the other side's turn."""


def cost(site: Site, pace: Pace) -> list[Measure]:
    """Measure the share of a GET's CPU, in this process, that finding out who asks takes; for a key and a session."""
    with Path(os.devnull).open("w") as nowhere:
        configure_logging(nowhere)
        try:
            return asyncio.run(_cost(site, pace))
        finally:
            configure_logging()


async def _cost(site: Site, pace: Pace) -> list[Measure]:
    tenant, made = site.tenants[0], []
    async with running(site) as product:
        session = await _session(site, product, tenant)
        for name, header in (
            ("API key", (b"authorization", f"Bearer {tenant.key}".encode())),
            ("session", (b"cookie", f"{SESSION_COOKIE}={session}".encode())),
        ):
            shares = [await _share(product, tenant, header) for _ in range(max(pace.turns, 3) + 1)]
            made.append(
                spread(
                    f"authentication: share of a GET's CPU, {name}", shares[1:], "ratio", bar=MOST_SHARE, rule="at most"
                )
            )
    return made


async def _session(site: Site, product: Running, tenant: Tenant) -> str:
    """Return the token of a session of the tenant's first person."""
    database = product.state.database
    async with database.transaction(Principal.system(tenant.id)) as tx:
        members = await list_members(tx)
        account_id = members[0].account_id if members else await _person(tx)
    visitor = Visitor("127.0.0.1", "bench", new_id())
    opened = await open_session(
        database, site.installation.credentials, visitor, tenant.id, account_id, method="link"
    )  # fmt: skip
    return opened.token


async def _person(tx: Any) -> Any:
    return await add_member(
        tx, id=new_id(), email=f"{new_id().hex}@example.com", name="Bench", place=Place(role="owner")
    )


async def _share(product: Running, tenant: Tenant, header: tuple[bytes, bytes]) -> float:
    """Measure blocks by turns, as it is and with the principal handed over, and return the difference's share."""
    path = f"/api/v1/orders/{made_id(ORDER, tenant.number, 1)}"
    found: list[Principal] = []
    identify = Admission._identify

    async def remembering(self: Admission, text: str, scope: Any) -> Principal | None:
        principal = await identify(self, text, scope)
        found.append(principal)  # type: ignore[arg-type]  # it is admitted
        return principal

    async def handed(self: Admission, text: str, scope: Any) -> Principal | None:
        return found[0]

    seconds: dict[str, float] = defaultdict(float)
    try:
        for _ in range(4):
            for side, way in (("whole", remembering), ("without", handed)):
                Admission._identify = way  # type: ignore[method-assign]  # for the length of a block
                seconds[side] += await _block(product, path, header)
                del found[1:]
    finally:
        Admission._identify = identify  # type: ignore[method-assign]
    return (seconds["whole"] - seconds["without"]) / seconds["without"]


async def _block(product: Running, path: str, header: tuple[bytes, bytes]) -> float:
    """Return the CPU that a block of requests takes, the client's left out: it speaks ASGI."""
    edge = product.client._transport.app  # type: ignore[attr-defined]  # httpx's, which holds the application
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
        "scheme": "https", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", b"localhost:8443"), (b"accept", b"application/json"), header],
        "client": ("127.0.0.1", 12345), "server": ("localhost", 8443),
    }  # fmt: skip
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    began = time.process_time()
    for _ in range(BLOCK):
        await edge(scope | {"state": {}}, receive, send)
    spent = time.process_time() - began
    if set(statuses) != {200}:
        raise RuntimeError(f"The requests were answered with {set(statuses)}.")
    return spent


def flood(world: World, site: Site, pace: Pace) -> list[Measure]:
    """Measure other requests' p99 without and under a thousand wrong passwords a second."""
    times, rates, quiet = [], [], []
    task = Task("get", 0, admissions(site), connections=2, warm_up_seconds=pace.warm_up_seconds, seconds=pace.seconds)
    with serving(site.home, environment=product_environment(site)) as server:
        task = msgspec.structs.replace(task, port=server.port)
        for _ in range(max(pace.turns, 3)):
            time.sleep(DRAIN_SECONDS)
            calm = ask(server, world.server.pid, task)
            guessing = _guesses(server, pace)
            time.sleep(1)  # by then all guess
            busy = ask(server, world.server.pid, task)
            told, _ = guessing.communicate()
            rates.append(msgspec.json.decode(told)["requests_per_second"])
            times.append(busy.p99_ms / calm.p99_ms)
            quiet.append(calm.p99_ms)
    return [
        spread("flood of wrong passwords: others' p99", times, "times", bar=MOST_TIMES, rule="at most"),
        spread("flood of wrong passwords: answered", rates, "guesses/s"),
        spread("without the flood: p99", quiet, "ms"),
    ]


def _guesses(server: Served, pace: Pace) -> "subprocess.Popen[bytes]":
    """Begin to guess, for as long as the other load runs."""
    task = Task(
        "guess", server.port, [(0, "x-bench: guess")], connections=SOURCES, warm_up_seconds=1.0,
        seconds=pace.seconds + pace.warm_up_seconds, per_second=GUESSES_PER_SECOND,
    )  # fmt: skip
    with pinned(LOAD_CORE):
        load = subprocess.Popen([sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert load.stdin is not None
    load.stdin.write(msgspec.json.encode(task))
    load.stdin.close()
    load.stdin = None
    return load
