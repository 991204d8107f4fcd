"""Nothing is exposed but HTTPS and its redirect, and nothing on it is for developers (claim D13)."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from stockade.kernel.control import Finding, Installation, control, finding
from stockade.web.addresses import listed
from stockade.web.wire import Line

_OFTEN = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_STANDARDS = ("OWASP ASVS 5.0 V13.4", "OWASP A05:2021", "ISO 27001 A.8.20")
_PROC = Path("/proc")
_LISTENING = "0A"
_DEBUG_PATHS = (
    "/debug", "/debug/vars", "/debug/pprof/", "/debug/default/view", "/_debug", "/__debug__/", "/_debug_toolbar/",
    "/console", "/_profiler", "/profiler", "/trace", "/dump", "/heapdump", "/actuator", "/actuator/env",
    "/actuator/heapdump", "/jolokia", "/server-status", "/server-info", "/status/config", "/env", "/.env",
    "/.git/HEAD", "/.git/config", "/.svn/entries", "/config", "/phpinfo.php", "/elmah.axd", "/trace.axd", "/schema",
    "/schema/swagger", "/docs", "/redoc", "/swagger", "/openapi.json", "/graphql", "/graphiql", "/admin/debug",
    "/api/debug", "/api/v1/debug", "/api/litestar", "/static/", "/static/../pyproject.toml",
    "/static/%2e%2e/%2e%2e/kernel/secrets.py", "/internal", "/test", "/.well-known/debug",
)  # fmt: skip


@control(
    id="web.no-debug-endpoint", claims=("D13",), every=_OFTEN, max_age=_HOUR, standards=_STANDARDS,
    statement="None of the addresses at which frameworks and careless operators leave consoles, dumps, settings or "
    "sources "
    "answers with anything but 404, and the measurements are refused to an address that is not listed.",
)  # fmt: skip
async def no_debug_endpoint(installation: Installation) -> Finding:
    """Ask for each of them, and for the measurements, from an address that nobody listed."""
    served = {route.path for route in installation.routes}
    wrong: list[str] = []
    async with Line(installation) as line:
        for path in _DEBUG_PATHS:
            reply = await line.ask("GET", path)
            if reply.status != 404 and path not in served:
                wrong.append(f"{path} answers with {reply.status}")
        scrapers = installation.settings.metrics_scrapers
        if line.source is None or listed(scrapers)(line.source):
            wrong.append(
                "whether the measurements are refused to strangers cannot be checked: every address here is listed"
            )
        elif (status := (await line.ask("GET", "/metrics")).status) not in (403, 404):
            wrong.append(f"/metrics answers a stranger with {status}")
    return finding(len(_DEBUG_PATHS) + 1, "addresses", wrong)


@control(
    id="web.only-https-listens", claims=("D13",), every=_OFTEN, max_age=_HOUR, standards=_STANDARDS,
    statement="Of all processes of this installation, none listens on a TCP port but the HTTPS port and the one that "
    "redirects to it.",
)  # fmt: skip
async def only_https_listens(installation: Installation) -> Finding:
    """Find the process behind the HTTPS port, its whole family, and every port that one of them listens on."""
    settings = installation.settings
    allowed = {int(settings.port), int(settings.http_port)}
    sockets = _listening()
    holders = {
        pid: found for pid in _pids() if (found := {sockets[inode] for inode in _inodes(pid) if inode in sockets})
    }
    servers = [pid for pid, ports in holders.items() if int(settings.port) in ports]
    if not servers:
        return Finding(
            False, "It cannot be checked here: the process behind the HTTPS port is not to be seen in /proc."
        )
    family = _family(_eldest(servers[0]))
    ports = set().union(*(holders.get(pid, set()) for pid in family))
    wrong = [f"port {port} is open" for port in sorted(ports - allowed)]
    return finding(len(family), "processes", wrong)


def _listening() -> dict[int, int]:
    """Return the port of each listening TCP socket by its inode (proc(5))."""
    found = {}
    for name in ("tcp", "tcp6"):
        path = _PROC / "net" / name
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            fields = line.split()
            if fields[3] == _LISTENING:
                found[int(fields[9])] = int(fields[1].rpartition(":")[2], 16)
    return found


def _pids() -> list[int]:
    return [int(path.name) for path in _PROC.iterdir() if path.name.isdigit()] if _PROC.exists() else []


def _inodes(pid: int) -> Iterator[int]:
    """Yield the inodes of a process' sockets; none of a process that is gone, or not ours to look at."""
    try:
        for entry in os.scandir(_PROC / str(pid) / "fd"):
            target = os.readlink(entry.path)
            if target.startswith("socket:["):
                yield int(target[8:-1])
    except OSError:
        return


def _parent(pid: int) -> int:
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return 0
    # The name in parentheses may hold anything; after it come the state and the parent.
    return int(stat[stat.rindex(b")") + 2 :].split()[1])


def _is_ours(pid: int) -> bool:
    """Return whether a process was started as ``stockade …`` or ``python -m stockade.…``."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return False
    return any(word.startswith("stockade.") for word in words) or any(
        Path(word).name.startswith("stockade") for word in words[:2]
    )


def _eldest(pid: int) -> int:
    """Return the first ancestor of a process, or the process itself, whose own parent is not ours."""
    while (parent := _parent(pid)) > 1 and _is_ours(parent):
        pid = parent
    return pid


def _family(eldest: int) -> set[int]:
    """Return a process and all that descend from it."""
    parents = {pid: _parent(pid) for pid in _pids()}
    family = {eldest}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family
