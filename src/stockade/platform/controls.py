"""The operators' surface is closed to tenants (claim B11), and break-glass is guarded by the database (claim C6)."""

import re
from collections.abc import Awaitable, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

import asyncpg

from stockade.access.admission import ACCESS_COOKIE, PLATFORM, SESSION_COOKIE
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Problem
from stockade.platform.admission import OPERATOR_COOKIE
from stockade.platform.permissions import ANYBODY
from stockade.platform.probing import a_session, an_access, an_operator, over
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
    needs_key=True, standards=("OWASP ASVS 5.0 V8.2", "ISO 27001 A.8.2", "SOC 2 CC6.3"),
    statement="Every operators' route and page under /platform/ refuses a stranger and the key of an organisation's "
    "owner, as a bearer and in every cookie; every page of an organisation's panel refuses an operator's session in "
    "every cookie; and each is accepted where it belongs.",
)  # fmt: skip
async def surface_apart(installation: Installation) -> Finding:
    """Call every operators' route with an owner's key, and every page of the panel with an operator's session."""
    platform, credentials = installation.platform, installation.credentials  # type: ignore[attr-defined]  # of a live one
    closed = [it for it in installation.routes if it.surface == PLATFORM and it.permission != ANYBODY.name]
    calls: list[_Call] = []
    async with installation.probe_key("owner") as key, an_operator(platform, "control-surface") as operator:
        session = await a_session(platform, credentials, operator)
        for route in closed:
            path = _filled(route.path, installation)
            calls += [
                _Call(route.method, path, headers, HTTPStatus.UNAUTHORIZED)
                for headers in ({}, {"Authorization": f"Bearer {key}"}, in_every_cookie(key))
            ]
        calls += [
            _Call("GET", path, in_every_cookie(session), HTTPStatus.UNAUTHORIZED) for path, _ in _pages(installation)
        ]
        calls += [
            _Call("GET", "/api/v1/orders", {"Authorization": f"Bearer {key}"}, HTTPStatus.OK),
            _Call("GET", "/platform/tenants", {"Cookie": f"{OPERATOR_COOKIE}={session}"}, HTTPStatus.OK),
        ]
        wrong = await _answers(installation, calls)
    return finding(len(calls) if closed else 0, "calls across the surfaces", wrong)


@control(
    id="platform.access-bounded", claims=("C6",), every=timedelta(minutes=30), max_age=timedelta(hours=2),
    standards=("ISO 27001 A.8.2", "SOC 2 CC6.1", "CIS 6.8"),
    statement="An operator's access to the orders of a probe opens the orders in the panel, and no page of another "
    "module, no page of the console, no API by its cookie and no other organisation; once it is ended, it opens "
    "nothing.",
)  # fmt: skip
async def access_bounded(installation: Installation) -> Finding:
    """Enter a probe under an access, ask for every page, end it, and ask again."""
    credentials = getattr(installation, "credentials", None)
    if credentials is None:
        return Finding(False, "It cannot be checked: the installation does not say how credentials are kept.")
    platform, probe, other = installation.platform, *(it.tenant_id for it in installation.probes)
    async with (
        an_operator(platform, "control-asker") as asker,
        an_operator(platform, "control-approver") as approver,
        an_access(installation, credentials, asker, approver) as (access_id, token),
    ):
        entered = {"Cookie": f"{ACCESS_COOKIE}={token}"}
        strayed = {"Cookie": f"{ACCESS_COOKIE}={token.replace(probe.hex, other.hex)}"}
        calls = [
            _Call("GET", path, entered, HTTPStatus.FORBIDDEN)
            for path, module in _pages(installation) if module != "orders"
        ]  # fmt: skip
        inside = _Call("GET", "/orders", entered, HTTPStatus.OK)
        calls += [
            inside, _Call("GET", "/orders", strayed, HTTPStatus.UNAUTHORIZED),
            _Call("GET", "/api/v1/orders", entered, HTTPStatus.UNAUTHORIZED),
            _Call("GET", "/platform/tenants", in_every_cookie(token), HTTPStatus.UNAUTHORIZED),
        ]  # fmt: skip
        wrong = await _answers(installation, calls)
        await over(platform, probe, access_id, asker)
        wrong += await _answers(installation, [inside._replace(status=HTTPStatus.UNAUTHORIZED)])
    return finding(len(calls) + 1, "calls under an access", wrong)


class _Call(NamedTuple):
    """A request, and the status that it has to be answered with."""

    method: str
    path: str
    headers: Mapping[str, str]
    status: int


def in_every_cookie(credential: str) -> dict[str, str]:
    """Return a credential in the cookie of each kind."""
    return {"Cookie": "; ".join(f"{name}={credential}" for name in (OPERATOR_COOKIE, SESSION_COOKIE, ACCESS_COOKIE))}


async def _answers(installation: Installation, calls: Sequence[_Call]) -> list[str]:
    """Make calls; return what was answered otherwise than it has to be.

    Where operators come from networks of their own, this machine may be elsewhere: then nothing is there.
    """
    wrong = []
    async with Line(installation) as line:
        for call in calls:
            status = (await line.ask(call.method, call.path, call.headers)).status
            elsewhere = bool(installation.settings.operator_networks) and call.path.startswith("/platform")
            if status != call.status and not (elsewhere and status == HTTPStatus.NOT_FOUND):
                wrong.append(f"{call.method} {call.path} is answered with {status}, not with {int(call.status)}")
    return wrong


def _filled(path: str, installation: Installation) -> str:
    path = path.replace("{tenant_id:uuid}", str(installation.probes[0].tenant_id))
    return re.sub(r"\{[a-z_]+:uuid\}", str(new_id()), path)


def _pages(installation: Installation) -> list[tuple[str, str]]:
    """Return the pages of the panel that name no record, each with the module of its permission."""
    return [
        (it.path, str(it.permission).partition(":")[0])
        for it in installation.routes if it.surface == "page" and it.method == "GET" and "{" not in it.path
    ]  # fmt: skip


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
