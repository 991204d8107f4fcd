"""The peer: ``pgbench -M prepared`` with the application's own statements, policies and pins, and nothing around them.

Each of its clients works for tenants of its own, as the application's connections do, with statements and values as
they were recorded; a create gets a fresh id and a fresh idempotency key each time. The pin is made in advance, valid
for hours and not bound to a backend (as behind a pooler), and verified by the database as ever.
"""

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bench.machine import LOAD_CORE, pinned
from bench.recording import Recorded
from stockade.database.embedded import tool
from stockade.database.roles import Role
from stockade.tenancy.pin import ActorKind, Signer

CLIENTS = 16
WARM_UP_SECONDS = 2
PIN_SECONDS = 6 * 3600
_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True)
class Script:
    """A pgbench script with the variables that it needs."""

    path: Path
    variables: dict[str, str]


def write_script(folder: Path, recorded: Sequence[Recorded], signer: Signer) -> Script:
    """Write the script of one operation; each client gets one of the recordings."""
    variables = {"n": "0"}
    lines = ["\\set n :n + 1"]
    for client, one in enumerate(recorded):
        lines.append(f"\\{'elif' if client else 'if'} :client_id = {client}")
        lines += _transaction(one, f"c{client}", variables, signer)
    lines.append("\\endif")
    path = folder / f"{recorded[0].operation}.pgbench"
    path.write_text("\n".join(lines) + "\n")
    return Script(path, variables)


def _transaction(one: Recorded, name: str, variables: dict[str, str], signer: Signer) -> list[str]:
    """Return one transaction's lines; BEGIN and the pin travel together, as the application sends them."""
    variables[f"{name}_pin"] = signer.pin(
        one.tenant.id, one.tenant.id, ActorKind.API_KEY, pid=0, valid_seconds=PIN_SECONDS
    )
    pin = f"select pg_catalog.set_config('stockade.pin', :{name}_pin, true);"
    lines = ["\\startpipeline", "begin;", pin, "\\endpipeline"]
    if one.operation == "create":
        variables[f"{name}_tail"] = f"-{len(variables):04x}-7000-8000-"
    for number, (sql, values) in enumerate(one.statements):
        lines.append(" ".join(_inserted(sql, values, f"{name}s{number}", one, name, variables).split()) + ";")
    return [*lines, "commit;"]


def _inserted(sql: str, values: Sequence[Any], place: str, one: Recorded, name: str, variables: dict[str, str]) -> str:
    """Return the statement with pgbench's variables in the place of ``$n``."""

    def name_of(found: re.Match[str]) -> str:
        value = values[int(found[1]) - 1]
        if value is None:
            return "null"
        if one.made and str(value) == one.made:
            # Ordered like UUIDv7, so that the indexes grow at their right edge here, too.
            return f"(:run || :{name}_tail || lpad(:n::text, 12, '0'))::uuid"
        if one.made and value == one.key:
            return f"(:run || :{name}_tail || :n::text)"
        variables[f"{place}p{found[1]}"] = literal(value)
        return f":{place}p{found[1]}"

    return _PARAMETER.sub(name_of, sql)


def literal(value: Any) -> str:
    """Return a value as PostgreSQL reads it from text."""
    if isinstance(value, (list, tuple)):
        return (
            "{" + ",".join('"' + literal(item).replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value) + "}"
        )
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, bool):
        return "t" if value else "f"
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def run(script: Script, dsn: str, seconds: float) -> tuple[float, int]:
    """Run it from the load core; return the transactions a second, and how many there were with those of the warm-up.

    The first two seconds warm up and do not count: each client's first five executions of a statement are planned anew.
    """
    parts = urlsplit(dsn)
    place = parse_qs(parts.query)
    environment = os.environ | {
        "PGHOST": place["host"][0], "PGPORT": place["port"][0], "PGUSER": str(parts.username),
        "PGPASSWORD": unquote(str(parts.password)), "PGDATABASE": parts.path.lstrip("/"),
    }  # fmt: skip
    assert parts.username == Role.APPLICATION.login
    variables = script.variables | {"run": f"{int(time.time()):08x}"}
    given = [f"-D{name}={value}" for name, value in variables.items()]
    argv: list[str | Path] = [
        tool("pgbench"), "-n", "-M", "prepared", "-P", "1", "-c", str(CLIENTS),
        "-T", str(WARM_UP_SECONDS + max(1, round(seconds))),        "-f", script.path, *given,
    ]  # fmt: skip
    with pinned(LOAD_CORE):
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    found = re.search(r"processed: (\d+)", done.stdout)
    rates = [float(rate) for rate in re.findall(r"progress: [\d.]+ s, ([\d.]+) tps", done.stderr)][WARM_UP_SECONDS:]
    if done.returncode or found is None or not rates or "failed transactions: 0 " not in done.stdout:
        raise RuntimeError(f"pgbench failed: {done.stderr[-2000:]}{done.stdout[-500:]}")
    return sum(rates) / len(rates), int(found[1])
