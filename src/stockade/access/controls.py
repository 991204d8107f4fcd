"""Every endpoint asks who it is and whether they may, before it does anything (claim C1)."""

import secrets
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec

from stockade.access.admission import PLATFORM
from stockade.access.permissions import PERMISSIONS, PUBLIC, RANK
from stockade.access.provisioning import PROVISION
from stockade.access.routes import HEAVY_AT_ONCE
from stockade.kernel.control import Finding, Installation, RouteInfo, control, finding
from stockade.web.limits import Concurrency
from stockade.web.problems import TooManyAtOnce
from stockade.web.wire import Line, Reply, as_json, filled

ROLES = tuple(RANK)
_SIGN_IN = "/sign-in"
_HEAVY = "/orders.csv"
"""An export: the lightest of the heavy ones."""


@control(
    id="access.every-route-asks", claims=("C1",), every=timedelta(minutes=30), max_age=timedelta(hours=2),
    needs_key=True, standards=("OWASP ASVS 5.0 V8.2", "OWASP A01:2021", "ISO 27001 A.5.15", "SOC 2 CC6.3"),
    statement="Every route that is served declares a permission or that it is public; without a credential, and with "
    "one that is made up, each route that is not public is refused; and each of the four roles is refused "
    "wherever its permissions end.",
)  # fmt: skip
async def every_route_asks(installation: Installation) -> Finding:
    """Call every route without a credential, with a made-up one, and with each role's key where it does not reach."""
    wrong = [
        f"{route.method} {route.path} declares no permission" for route in installation.routes if not _declared(route)
    ]
    closed = [it for it in installation.routes if it.permission != PUBLIC.name and it.surface != PLATFORM]
    made_up = f"sk_{secrets.token_hex(4)}_{installation.probes[0].tenant_id.hex}_{secrets.token_urlsafe(32)}"
    tried = 0
    for key in (None, made_up, made_up[:-1]):
        async with Line(installation) as line:
            for route in closed:
                tried += 1
                reply = await _call(line, route, key)
                if not _turned_away(reply):
                    wrong.append(f"{route.method} {route.path} answers a stranger with {reply.status}")
    for role in ROLES:
        beyond = [route for route in closed if _beyond(route, role)]
        async with installation.probe_key(role) as key, Line(installation) as line:
            for route in beyond:
                tried += 1
                reply = await _call(line, route, key)
                if reply.status != 403:
                    wrong.append(f"{route.method} {route.path} answers a {role} with {reply.status}")
    return finding(tried if closed else 0, f"calls of {len(closed)} routes", wrong)


def _declared(route: RouteInfo) -> bool:
    if route.surface == PLATFORM:
        return route.permission is not None  # an operators' own; ``platform.surface-apart`` asks who passes there
    return route.permission in (PUBLIC.name, PROVISION.name) or route.permission in PERMISSIONS


def _beyond(route: RouteInfo, role: str) -> bool:
    """Return whether a role does not reach a route; none reaches what is a directory's."""
    if route.permission == PROVISION.name:
        return True
    needed = PERMISSIONS.get(route.permission or "")
    return needed is not None and RANK[role] < RANK[needed.least]


def _turned_away(reply: Reply) -> bool:
    """A program gets 401; a browser that asks for a page is led to the sign-in."""
    return reply.status == 401 or (reply.status == 303 and (reply.first("location") or "").startswith(_SIGN_IN))


async def _call(line: Line, route: RouteInfo, key: str | None) -> Reply:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    body = b"" if route.method in ("GET", "DELETE") else b"{}"
    if body:
        headers |= {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
    return await line.ask(route.method, filled(route.path), headers, body)


@control(
    id="access.heavy-operations-bounded", claims=("D7",), every=timedelta(minutes=30), max_age=timedelta(hours=2),
    needs_key=True, standards=("OWASP API4:2023", "SOC 2 CC6.6"),
    statement="Nobody runs more than a few heavy operations at once, over all processes together.",
)  # fmt: skip
async def heavy_operations_bounded(installation: Installation) -> Finding:
    """Take all places of a key, ask for an export with it, give them back, and ask again."""
    places = Concurrency(installation.settings.home / "run" / "concurrency")
    try:
        async with installation.probe_key("owner") as key, Line(installation) as line:
            headers = {"Authorization": f"Bearer {key}"}
            listed = msgspec.json.decode((await line.ask("GET", "/api/v1/api-keys", headers)).body)
            owner = next(UUID(item["id"]) for item in listed if key.startswith(item["prefix"]))
            with ExitStack() as held:
                for _ in range(HEAVY_AT_ONCE):
                    held.enter_context(places.hold(owner.bytes, HEAVY_AT_ONCE))
                full = await line.ask("GET", _HEAVY, headers)
            free = await line.ask("GET", _HEAVY, headers)
    finally:
        places.close()
    wrong = []
    if full.status != TooManyAtOnce.status:
        wrong.append(f"one more than {HEAVY_AT_ONCE} at once is answered with {full.status}")
    if free.status != HTTPStatus.OK:
        wrong.append(f"with a place free it is answered with {free.status}")
    return finding(2, "heavy requests", wrong)


@control(
    id="access.own-roles-hold", claims=("C2", "C3"), every=timedelta(hours=1), max_age=timedelta(hours=3),
    needs_key=True, standards=("OWASP ASVS 5.0 V8.2", "ISO 27001 A.5.15", "SOC 2 CC6.3"),
    statement="A role that a company made does what it lists and no more, sees its own customers and no others, and "
    "not the credit limit that is hidden from it; and making it is in the audit trail.",
)  # fmt: skip
async def own_roles_hold(installation: Installation) -> Finding:
    """Make roles in a probe tenant, and read customers with keys that have them."""
    wrong: list[str] = []
    async with installation.probe_key("owner") as owner, Line(installation) as line:
        customer = await _with_limit(line, owner)
        seen = {"permissions": ["parties:read"], "customers": "own"}, {"permissions": ["parties:read"]}
        async with _key_of(line, owner, "limited", seen[0]) as own, _key_of(line, owner, "fields", seen[1]) as fields:
            listed = [await _read(line, key, "/customers?limit=200") for key in (owner, own, fields)]
            if not listed[0].get("items"):
                return Finding(False, "It cannot be checked: the probe has no customer.")
            if listed[1].get("items") != []:
                wrong.append("a role that is limited to its own customers sees others")
            if (await line.ask("GET", f"/api/v1/customers/{customer}", _bearer(own))).status != 404:
                wrong.append("a customer of others is there by its id")
            shown = await _read(line, fields, f"/customers/{customer}")
            if shown.get("credit_limit_minor", 0) is not None:
                wrong.append("the credit limit is shown without its permission")
            if (await _read(line, owner, f"/customers/{customer}")).get("credit_limit_minor") != _LIMIT_MINOR:
                wrong.append("the credit limit is not shown to those who may see it")
            if (await line.ask("GET", "/api/v1/orders", _bearer(own))).status != HTTPStatus.FORBIDDEN:
                wrong.append("a role does what it does not list")
    async with installation.application.transaction(installation.probes[0].principal) as tx:
        noted = await tx.fetchrow(_NOTED, installation.probes[0].tenant_id)
    if not noted or not noted[0]:
        wrong.append("making a role is not in the audit trail")
    return finding(7, "properties of roles", wrong)


@control(
    id="access.sweeping-work-reserved", claims=("C4",), every=timedelta(hours=1), max_age=timedelta(hours=3),
    needs_key=True, standards=("OWASP ASVS 5.0 V8.2", "ISO 27001 A.8.2", "SOC 2 CC6.3"),
    statement="A company's imports and directories, by which data and people come in and go in numbers, are an "
    "owner's or admin's alone: members, viewers and roles of the company's own are refused at each of their "
    "routes, no such role can be given them, and nothing else deletes more than one record at once.",
)  # fmt: skip
async def sweeping_work_reserved(installation: Installation) -> Finding:
    """Call the reserved routes as a member, a viewer and with a role that holds all it can; ask for one with more."""
    reserved = [route for route in installation.routes if _reserved(route)]
    wrong = [
        f"{route.method} {route.path} deletes in numbers and is not reserved"
        for route in installation.routes if _deletes_in_numbers(route) and not _reserved(route)
    ]  # fmt: skip
    grantable = sorted(name for name, asked in PERMISSIONS.items() if not asked.personal and not asked.reserved)
    everything = {"permissions": grantable}
    async with (
        Line(installation) as line, installation.probe_key("owner") as owner,
        installation.probe_key("member") as member, installation.probe_key("viewer") as viewer,
        _key_of(line, owner, "everything", everything) as own,
    ):  # fmt: skip
        for name, key in (("member", member), ("viewer", viewer), ("role of the company's own", own)):
            wrong += await _not_refused(line, name, key, reserved)
        for sweeping in sorted({route.permission or "" for route in reserved}):
            asked = {"name": f"Control: {secrets.token_hex(8)}", "permissions": [sweeping]}
            if "id" in await _make(line, owner, "/roles", asked):
                wrong.append(f"a role of the company's own was given {sweeping}")
    return finding(3 * len(reserved), "calls of reserved routes", wrong)


async def _not_refused(line: Line, name: str, key: str, routes: list[RouteInfo]) -> list[str]:
    wrong = []
    for route in routes:
        reply = await _call(line, route, key)
        if reply.status != HTTPStatus.FORBIDDEN:
            wrong.append(f"{route.method} {route.path} answers a {name} with {reply.status}")
    return wrong


def _deletes_in_numbers(route: RouteInfo) -> bool:
    """Return whether a route deletes without naming a record, and not just what is one's own."""
    asked = PERMISSIONS.get(route.permission or "")
    return route.method == "DELETE" and "{" not in route.path and not (asked and asked.personal)


def _reserved(route: RouteInfo) -> bool:
    found = PERMISSIONS.get(route.permission or "")
    return found is not None and found.reserved


_LIMIT_MINOR = 123_456
_NOTED = "select exists (select from audit.entry where tenant_id = $1 and action = 'identity.role_made')"


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}


async def _read(line: Line, key: str, path: str) -> dict[str, Any]:
    return as_json(await line.ask("GET", f"/api/v1{path}", _bearer(key)))


async def _make(line: Line, key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = _bearer(key) | {"Idempotency-Key": secrets.token_hex(16)}
    return as_json(await line.ask("POST", f"/api/v1{path}", headers, msgspec.json.encode(body)))


async def _with_limit(line: Line, owner: str) -> str:
    """Return the id of the probe's customer that has a credit limit; made at the first run."""
    known = await _read(line, owner, "/customers?search=CONTROL-LIMIT")
    for item in known.get("items", []):
        return str(item["id"])
    new = {"name": "Controls", "number": "CONTROL-LIMIT", "country": "DE", "currency": "EUR"}
    return str((await _make(line, owner, "/customers", new | {"credit_limit_minor": _LIMIT_MINOR})).get("id"))


@asynccontextmanager
async def _key_of(line: Line, owner: str, name: str, role: dict[str, Any]) -> AsyncIterator[str]:
    """A key with a role of the probe's own, which is made at the first run; revoked when the block is left."""
    listed = msgspec.json.decode((await line.ask("GET", "/api/v1/roles", _bearer(owner))).body)
    called = f"Control: {name}"
    known = [item["id"] for item in listed if item["name"] == called]
    role_id = known[0] if known else (await _make(line, owner, "/roles", {"name": called} | role)).get("id")
    issued = await _make(line, owner, "/api-keys", {"name": called, "role": "own", "own_role_id": role_id})
    try:
        yield str(issued.get("secret"))
    finally:
        await line.ask("POST", f"/api/v1/api-keys/{issued.get('key', {}).get('id')}/revoke", _bearer(owner))
