"""The load: keep-alive TLS connections that each ask one request after the other, and count what comes back.

A process of its own (``python -m bench.load``), on the load core. It reads a ``Task`` as JSON from standard input and
writes a ``Tally``. It speaks raw HTTP/1.1 over uvloop, so that asking costs far less than answering; its own share of
the core is reported, to show that it is not what limits.
"""

import asyncio
import random
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from typing import cast

import msgspec
import uvloop

from bench.fill import CUSTOMER, CUSTOMERS_EACH, LINES_EACH, ORDER, ORDERS_EACH, PRODUCT, PRODUCTS_EACH, made_id

OPERATIONS = ("get", "list", "create")
_EXPECTED: dict[str, tuple[bytes, ...]] = {
    "get": (b"200",), "list": (b"200",), "create": (b"201",), "guess": (b"401", b"429", b"503"),
}  # fmt: skip
"""A guess is wrong, or braked, or one of more than are looked at in one moment."""


class Task(msgspec.Struct, frozen=True):
    """What to ask, whom, for how long. ``tenants`` are pairs of the fill's number and the header that admits."""

    operation: str
    port: int
    tenants: list[tuple[int, str]]
    connections: int = 16
    warm_up_seconds: float = 1.0
    seconds: float = 4.0
    per_second: float = 0.0
    """How many to ask in all, each connection from an address of its own; without it, as many as are answered."""


class Tally(msgspec.Struct, frozen=True):
    """What came of it: answers a second, latencies, and the generator's share of its core."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    own_cpu_share: float
    requests_in_all: int
    """With those of the warm-up."""


class Unexpected(Exception):
    """An answer was not what it should be; nothing is measured then."""


class Connection(asyncio.Protocol):
    """One connection: writes the next request as soon as the answer to the last one is complete."""

    def __init__(
        self, requests: Iterator[bytes], expected: tuple[bytes, ...], latencies_ns: list[int],
        failed: Callable[[Exception], None], pause_seconds: float = 0.0,
    ) -> None:  # fmt: skip
        self.requests = requests
        self.expected = expected
        self.latencies_ns = latencies_ns
        self.failed = failed
        self.pause_seconds = pause_seconds
        self.buffer = b""
        self.missing = 0
        self.asked_at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: those that pause at some moment of their pause, not all at once."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own, which is no subclass
        asyncio.get_running_loop().call_later(random.uniform(0, self.pause_seconds), self._ask)

    def _ask(self) -> None:
        request = next(self.requests)
        self.asked_at = time.perf_counter_ns()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Read on; when the answer is whole, count it and ask again."""
        if not self.missing:
            data = self.buffer + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = data
                return
            self.buffer = b""
            if not data[9:12].startswith(self.expected):
                self.failed(Unexpected(data.decode(errors="replace")[:2000]))
                return
            at = data.index(b"content-length: ", 0, end) + 16
            self.missing = int(data[at : data.index(b"\r\n", at)]) + end + 4
        self.missing -= len(data)
        if not self.missing:
            took_ns = time.perf_counter_ns() - self.asked_at
            self.latencies_ns.append(took_ns)
            if self.pause_seconds:
                asyncio.get_running_loop().call_later(max(self.pause_seconds - took_ns / 1e9, 0), self._ask)
            else:
                self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so, unless the measurement is over."""
        self.failed(exc or Unexpected("The server closed the connection."))


def requests_of(task: Task, connection: int) -> Iterator[bytes]:
    """Yield the requests of one connection: its share of the tenants in turn, orders and products at random."""
    chance = random.Random(connection)  # a repeatable load, no secret
    tenants = task.tenants[connection :: task.connections] or [task.tenants[connection % len(task.tenants)]]
    prefix = f"{time.time_ns()}-{connection}-"
    count = 0
    while True:
        for number, admission in tenants:
            count += 1
            yield _request(task.operation, number, admission, chance, f"{prefix}{count}")


def _request(operation: str, number: int, admission: str, chance: random.Random, name: str) -> bytes:
    common = f"host: localhost\r\n{admission}\r\naccept: application/json\r\n"
    if operation == "get":
        order = made_id(ORDER, number, chance.randint(1, ORDERS_EACH))
        return f"GET /api/v1/orders/{order} HTTP/1.1\r\n{common}\r\n".encode()
    if operation == "list":
        return f"GET /api/v1/orders HTTP/1.1\r\n{common}\r\n".encode()
    if operation == "guess":
        body = msgspec.json.encode({"email": f"{name}@example.com", "password": f"wrong {name}", "client": "bench"})
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        return f"POST /api/v1/tokens HTTP/1.1\r\n{common}{head}\r\n".encode() + body
    body = new_order(number, chance)
    head = f"content-type: application/json\r\nidempotency-key: {name}\r\ncontent-length: {len(body)}\r\n"
    return f"POST /api/v1/orders HTTP/1.1\r\n{common}{head}\r\n".encode() + body


def new_order(number: int, chance: random.Random) -> bytes:
    """Return the body of a new order of a tenant with five lines."""
    products = chance.sample(range(1, PRODUCTS_EACH + 1), LINES_EACH)
    return msgspec.json.encode(
        {
            "customer_id": made_id(CUSTOMER, number, chance.randint(1, CUSTOMERS_EACH)),
            "customer_reference": f"PO {chance.randint(1, 10**6)}",
            "lines": [{"product_id": made_id(PRODUCT, number, product), "quantity": 5} for product in products],
        }
    )


async def measure(task: Task) -> Tally:
    """Open the connections, let them warm up, and count."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    latencies_ns: list[int] = []

    def failed(error: Exception) -> None:
        if not over.done():
            over.set_exception(error)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    expected, pause = _EXPECTED[task.operation], task.connections / task.per_second if task.per_second else 0.0
    for connection in range(task.connections):
        requests = requests_of(task, connection)
        await loop.create_connection(
            lambda given=requests: Connection(given, expected, latencies_ns, failed, pause),
            "127.0.0.1", task.port, ssl=context, local_addr=(f"127.9.0.{connection % 250 + 1}", 0) if pause else None,
        )  # fmt: skip
    await asyncio.wait([over], timeout=task.warm_up_seconds)
    warm_up = len(latencies_ns)
    latencies_ns.clear()
    began_at, cpu_began = time.monotonic(), time.process_time()
    await asyncio.wait([over], timeout=task.seconds)
    seconds, cpu_seconds, counted = time.monotonic() - began_at, time.process_time() - cpu_began, sorted(latencies_ns)
    if over.done():
        over.result()
    over.cancel()
    return Tally(
        len(counted) / seconds, counted[len(counted) // 2] / 1e6, counted[len(counted) * 99 // 100] / 1e6,
        cpu_seconds / seconds, warm_up + len(counted),
    )  # fmt: skip


def main() -> None:
    """Do the task on standard input."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(measure(task))))


if __name__ == "__main__":
    main()
