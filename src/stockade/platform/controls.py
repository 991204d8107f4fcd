"""The operators' surface is closed to tenants (claim B11), and break-glass is guarded by the database (claim C6)."""

import re
from collections.abc import Awaitable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import asyncpg

from stockade.access.admission import PLATFORM
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Problem
from stockade.platform.permissions import ANYBODY
from stockade.web.wire import Line

_REQUEST = (
    "insert into platform.break_glass (id, tenant_id, operator_id, reason, ticket, scope, minutes, needs_customer) "
    "values ($1, $2, $3, 'A control asks for access', 'none', '[\"orders\"]', $4, false)"
)
_OPERATOR = (
    "insert into platform.operator (id, email, name, password_hash, totp_sealed, permissions, state) "
    "values ($1, $2, 'Control', '', '', '[]', 'active')"
)
_APPROVE = "update platform.break_glass set approved_by = $2, approved_at = now() where id = $1"


class _Undone(Exception):
    """Nothing of what a control tried stays."""


@control(
    id="platform.surface-apart", claims=("B11",), every=timedelta(minutes=30), max_age=timedelta(hours=2),
    standards=("OWASP ASVS 5.0 V8.2", "ISO 27001 A.8.2", "SOC 2 CC6.3"),
    statement="Every operators' route under /platform/ refuses a stranger and the key of an organisation's owner; the "
    "same key is accepted on the organisation's own surface.",
)  # fmt: skip
async def surface_apart(installation: Installation) -> Finding:
    """Call every operators' route as a stranger and with an owner's key."""
    probe_key = getattr(installation, "probe_key", None)
    if probe_key is None:
        return Finding(False, "It cannot be checked: the installation gives no key of a probe.")
    closed = [it for it in installation.routes if it.surface == PLATFORM and it.permission != ANYBODY.name]
    wrong, tried = [], 0
    async with probe_key("owner") as key, Line(installation) as line:
        for route in closed:
            path = route.path.replace("{tenant_id:uuid}", str(installation.probes[0].tenant_id))
            path = re.sub(r"\{[a-z_]+:uuid\}", str(new_id()), path)
            for headers in ({}, {"Authorization": f"Bearer {key}"}, {"Cookie": f"__Host-operator={key}"}):
                tried += 1
                status = (await line.ask(route.method, path, headers)).status
                if status != HTTPStatus.UNAUTHORIZED:
                    wrong.append(f"{route.method} {route.path} is answered with {status}")
        reply = await line.ask("GET", "/api/v1/orders", {"Authorization": f"Bearer {key}"})
        if reply.status != HTTPStatus.OK:
            wrong.append(f"a good key is refused with {reply.status} where it belongs, so that refusals prove nothing")
    return finding(tried if closed else 0, "calls of operators' routes", wrong)


@control(
    id="platform.access-guarded", claims=("C6",), every=timedelta(hours=1), max_age=timedelta(hours=3),
    standards=("ISO 27001 A.8.2", "SOC 2 CC6.1", "CIS 6.8"),
    statement="The database itself refuses break-glass access that is approved by whoever asked for it, approved "
    "twice, approved from the start, longer than four hours, widened or prolonged after approval, or approved in the "
    "customer's name by the platform; and it takes another operator's approval.",
)  # fmt: skip
async def access_guarded(installation: Installation) -> Finding:
    """As the platform's role, try each in raw SQL on a probe, in a transaction that is undone."""
    wrong: list[str] = []
    tried = 0
    try:
        async with installation.platform.transaction(installation.probes[0].principal) as tx:
            tried, wrong = await _attack(tx)
            raise _Undone
    except _Undone:
        pass
    return finding(tried, "attempts at an access", wrong)


async def _attack(tx: Any) -> tuple[int, list[str]]:
    asker, other, access = new_id(), new_id(), new_id()
    for operator in (asker, other):
        await tx.execute(_OPERATOR, operator, f"{operator.hex}@stockade.invalid")
    await tx.execute(_REQUEST, access, tx.tenant_id, asker, 30)
    wrong: list[str] = []
    early = (
        ("it was approved by whoever asked for it", _APPROVE, (access, asker)),
        ("four hours were exceeded", _REQUEST, (new_id(), tx.tenant_id, asker, 241)),
        ("it was approved from the start", _REQUEST.replace("needs_customer)", "needs_customer, approved_by, "
         "approved_at)").replace("false)", "false, $5, now())"), (new_id(), tx.tenant_id, asker, 30, other)),
    )  # fmt: skip
    for what, sql, values in early:
        if not await _refused(tx, tx.execute(sql, *values)):
            wrong.append(what)
    await tx.execute(_APPROVE, access, other)
    row = await tx.fetchrow("select approved_by from platform.break_glass where id = $1", access)
    if row["approved_by"] != other:
        wrong.append("a proper approval is not taken, so that refusals prove nothing")
    change = "update platform.break_glass set {} where id = $1"
    late = (
        ("it was approved twice", change.format("approved_by = gen_random_uuid()")),
        ("its scope was widened", change.format("scope = '[\"parties\"]'")),
        ("it was given more minutes", change.format("minutes = 240")),
        ("it was made to write", change.format("read_only = false")),
        ("it was prolonged", change.format("starts_at = now(), expires_at = now() + interval '5 hours'")),
        ("the platform spoke for the customer", change.format("customer_approved_by = gen_random_uuid()")),
    )
    for what, sql in late:
        if not await _refused(tx, tx.execute(sql, access)):
            wrong.append(what)
    return len(early) + len(late) + 1, wrong


async def _refused(tx: Any, work: Awaitable[Any]) -> bool:
    await tx.execute("savepoint attempt")
    try:
        await work
    except (asyncpg.PostgresError, Problem):
        await tx.execute("rollback to savepoint attempt")
        return True
    await tx.execute("rollback to savepoint attempt")
    return False
