"""Admission: from the credential of a request to its principal, and no further without the route's permission.

It runs after routing and before anything of the request is parsed: whoever is not admitted learns nothing about what
would have been valid.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

import msgspec
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from stockade.access.permissions import PUBLIC, Permission
from stockade.access.rights import shaped
from stockade.identity.credentials import CACHED_CREDENTIALS, SESSION, Credentials
from stockade.identity.service.sessions import NOTED_EVERY_SECONDS, note_use
from stockade.identity.sso.outside import OUTSIDE
from stockade.identity.suspicion.metering import Meter
from stockade.identity.tokens.access import InvalidToken
from stockade.kernel.problems import Problem
from stockade.tenancy.pin import ActorKind, pack_address
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Unauthenticated
from stockade.web.cookies import read_cookie
from stockade.web.csrf import SAFE_METHODS, Csrf
from stockade.web.limits import Limiter
from stockade.web.problems import TooManyRequests

SESSION_COOKIE = "__Host-session"
ACCESS_COOKIE = "__Host-breakglass"
"""An operator's access to one organisation, as the pages of its panel read it, and nothing else does."""
ACCESS = "bg_"
FOR_PROGRAMS = ("/api/", "/scim/", "/platform/")
TENANT_HEADER = b"stockade-tenant"
PLATFORM = "platform"
"""The surface of the platform's operators, which ``stockade.platform.admission`` guards."""
_packed = lru_cache(4096)(pack_address)


class Ungoverned(Problem):
    """A route without a permission was called. The start refuses such routes; this is the second line."""

    type = "/problems/ungoverned"
    title = "This address is closed"
    status = 403


class FromElsewhere(Problem):
    """The key may not be used from this address."""

    type = "/problems/identity/from-elsewhere"
    title = "This key may not be used from here"
    status = 403


class Admission:
    """The middleware that admits. Public routes pass with whatever principal there is, or none.

    ``database`` is set when the application starts.
    """

    database: Database

    def __init__(self, credentials: Credentials, csrf: Csrf, limiter: Limiter, per_minute: int) -> None:
        self.credentials = credentials
        self.csrf = csrf
        self.limiter = limiter
        self.per_minute = per_minute
        self._noted: OrderedDict[UUID, float] = OrderedDict()
        self._notes: set[asyncio.Task[None]] = set()
        self.meter = Meter()

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap the application."""

        async def admit(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP:
                await self._admit(scope)
            await app(scope, receive, send)

        return admit

    async def _admit(self, scope: Any) -> None:
        if scope["route_handler"].opt.get("surface") == PLATFORM:
            # Another admission follows, which knows nothing of these credentials, nor these of its.
            scope["state"] |= {"credential": None, "principal": None}
            return
        required = permission_of(scope["route_handler"])
        if required is None:
            raise Ungoverned
        text = credential_of(scope)
        state = scope["state"]
        state["credential"] = text
        principal = None if text is None else await self._identify(text, scope)
        state["principal"] = principal
        if required is PUBLIC:
            return
        if principal is None:
            raise refusal_of(text)
        self._limit(principal, state)
        self.meter.count(principal)
        if (
            principal.kind in (ActorKind.USER, ActorKind.OPERATOR)
            and scope["method"] not in SAFE_METHODS
            and not is_form_page(scope["route_handler"])
            and not str(text).startswith(OUTSIDE)  # A browser sends no such token by itself: see ``credential_of``.
        ):
            self.csrf.check_header(scope, str(text))
        if not required.granted_to(principal):
            # What is remembered may be a role of yesterday's: nobody is refused on the word of a memory.
            state["principal"] = await self.again(str(text), principal, required)

    async def _identify(self, text: str, scope: Any) -> Principal | None:
        found = self.credentials.known(text) or await self.credentials.look_up(self.database, text)
        if found is None:
            return None
        state = scope["state"]
        state["actor_id"] = found.actor_id
        if found.networks is not None and not within(state["address"], found.networks):
            raise FromElsewhere
        principal = msgspec.structs.replace(
            shaped(found), request_id=state["request_id"], address=_packed(state["address"])
        )
        self._note(principal, state["address"])
        return principal

    async def again(self, text: str, stale: Principal, required: Permission) -> Principal:
        """Look a credential up anew that the database did not confirm: its role may have changed, or it has ended."""
        self.credentials.forget(text)
        found = await self.credentials.look_up(self.database, text)
        if found is None:
            raise refusal_of(text)
        required.require(found)
        return msgspec.structs.replace(shaped(found), request_id=stale.request_id, address=stale.address)

    def _note(self, principal: Principal, address: str) -> None:
        """Have it noted, beside the request, that a credential was used: of each at most once in five minutes."""
        at = time.monotonic()
        if at - self._noted.get(principal.credential_id, -NOTED_EVERY_SECONDS) < NOTED_EVERY_SECONDS:
            return
        self._noted[principal.credential_id] = at
        self._noted.move_to_end(principal.credential_id)
        if len(self._noted) > CACHED_CREDENTIALS:
            self._noted.popitem(last=False)
        task = asyncio.create_task(self._write_use(principal, address))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _write_use(self, principal: Principal, address: str) -> None:
        # A credential that has ended meanwhile, or a database that is busy: nothing is owed to anybody.
        with contextlib.suppress(Exception):
            async with self.database.transaction(principal) as tx:
                await note_use(tx, address)

    def _limit(self, principal: Principal, state: dict[str, Any]) -> None:
        per_minute = min(principal.per_minute or self.per_minute, self.per_minute)
        verdict = self.limiter.hit(principal.credential_id.bytes, per_minute)
        state["credential_limit"] = verdict
        if not verdict.allowed:
            raise TooManyRequests(
                "This credential has used up its requests for now.", retry_after=verdict.retry_after_seconds
            )


def refusal_of(text: str | None) -> Unauthenticated:
    """Return what a credential that admits nobody is answered with; a signed token's says what to do (RFC 6750)."""
    return InvalidToken() if text is not None and text.startswith(OUTSIDE) else Unauthenticated()


@lru_cache(4096)
def within(address: str, networks: tuple[str, ...]) -> bool:
    """Return whether an address lies in one of some networks (CIDR). What is no address lies nowhere."""
    try:
        given = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(given, "ipv4_mapped", None)
    return any((mapped or given) in ip_network(network) for network in networks)


def permission_of(handler: Any) -> Permission | None:
    """Return the permission that a route declares, or None. Litestar's own OPTIONS only names methods: public."""
    if isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}:
        return PUBLIC
    found = handler.opt.get("permission") if isinstance(handler, HTTPRouteHandler) else None
    return found if isinstance(found, Permission) else None


def is_form_page(handler: Any) -> bool:
    """Return whether a route takes a form, whose CSRF token it checks itself (``access.pages.form``)."""
    return bool(handler.opt.get("form"))


def credential_of(scope: Any) -> str | None:
    """Return the credential of a request: a bearer key first, else a cookie (RFC 6750, RFC 6265bis)."""
    cookie = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, text = value.decode("latin-1").partition(" ")
            return _placed(text.strip(), scope) if scheme.lower() == "bearer" else ""
        if name == b"cookie":
            cookie += value + b"; "
    if not cookie:
        return None
    if (entered := entered_in(scope, cookie)) is not None:
        return entered
    found = read_cookie(cookie, SESSION_COOKIE)
    # What a browser sends by itself is a session, never a program's credential, for which no CSRF token is asked.
    return found if found is not None and found.startswith(SESSION) else None


def entered_in(scope: Any, cookie: bytes) -> str | None:
    """Return the access that a browser has entered a panel by, on the panel's pages alone; None if there is none."""
    if scope["path"].startswith(FOR_PROGRAMS):
        return None
    found = read_cookie(cookie, ACCESS_COOKIE)
    return found if found is not None and found.startswith(ACCESS) else None


def _placed(text: str, scope: Any) -> str:
    """Return a bearer's text; that of an outside token, which names no tenant of ours, with the one that is asked."""
    named = next((value for name, value in scope["headers"] if name == TENANT_HEADER), b"")
    return f"{text} {named.decode('latin-1').strip()}" if named and text.startswith(OUTSIDE) else text
