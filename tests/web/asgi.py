"""What the web tests share: an ASGI client of a few lines, which sees exactly what the application sent."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from stockade.kernel.settings import Settings
from stockade.web.edge import Edge
from stockade.web.limits import Limiter, prepare_limits
from stockade.web.metrics import Metrics, prepare_metrics

App = Callable[[Any, Any, Any], Awaitable[None]]
Header = tuple[bytes, bytes]


class Lines:
    """An access log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append({"event": event} | fields)


@dataclass
class Answered:
    """A response."""

    status: int
    headers: list[Header]
    body: bytes
    scope: dict[str, Any]

    def header(self, name: str) -> str | None:
        found = [value.decode() for key, value in self.headers if key == name.encode()]
        assert len(found) < 2, f"{name} is there {len(found)} times"
        return found[0] if found else None

    def document(self) -> dict[str, Any]:
        return msgspec.json.decode(self.body)  # type: ignore[no-any-return]


async def ask(
    app: App, path: str = "/", method: str = "GET", *, headers: Sequence[Header] = (), chunks: Sequence[bytes] = (),
    host: bytes | None = b"localhost:8443", client: str | None = "198.51.100.7", query: bytes = b"", state: Any = None,
) -> Answered:  # fmt: skip
    """Send one request and return the response."""
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": query, "scheme": "https", "root_path": "", "server": ("localhost", 8443),
        "headers": [*([(b"host", host)] if host is not None else []), *headers],
        "client": (client, "4711") if client else None, "state": {} if state is None else state,
    }  # fmt: skip
    await app(scope, receive, send)
    start = sent[0]
    return Answered(start["status"], start["headers"], b"".join(item.get("body", b"") for item in sent[1:]), scope)


def make_edge(app: App, folder: Path, **settings: Any) -> tuple[Edge, Lines]:
    """Return an edge around an application, with limits and measurements of its own, and its access log."""
    prepare_limits(folder / "limits")
    prepare_metrics(folder / "metrics")
    log = Lines()
    made = Settings(home=folder, **({"names": ("localhost", "shop.example")} | settings))
    return Edge(app, made, Limiter(folder / "limits"), Metrics(folder / "metrics"), log=log), log
