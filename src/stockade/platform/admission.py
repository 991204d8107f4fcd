"""Admission to the platform's own surface: by an operator's bearer, and by nothing else.

It runs after the tenants' admission, which steps aside for these routes. What a tenant's credential is worth here, and
an operator's there, is nothing: neither admission can read the other's. It also writes down, before it is answered,
whatever is asked for under a break-glass access.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from stockade.access.admission import ACCESS, PLATFORM, Ungoverned, credential_of, permission_of
from stockade.access.permissions import PUBLIC
from stockade.identity.credentials import FURTHER, Credentials
from stockade.platform.accesses import LookingIn, find_principal, note_use
from stockade.platform.operators import find_acting
from stockade.platform.permissions import ANYBODY, OperatorPermission
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Database, Unauthenticated
from stockade.web.cookies import read_cookie

FURTHER[ACCESS] = find_principal
OPERATOR_COOKIE = "__Host-operator"


class Door:
    """The platform's connections, opened when the first operator comes and closed with the application."""

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[Database]]) -> None:
        self._connect = connect
        self._stack = AsyncExitStack()
        self._opened: Database | None = None
        self._lock = asyncio.Lock()

    async def opened(self) -> Database:
        """Return the database as the platform's role sees it."""
        async with self._lock:
            if self._opened is None:
                self._opened = await self._stack.enter_async_context(self._connect())
            return self._opened

    async def close(self) -> None:
        """Close what was opened."""
        await self._stack.aclose()


class PlatformAdmission:
    """The middleware that admits operators to their surface, and logs them in a tenant's."""

    database: Database

    def __init__(self, credentials: Credentials, door: Door) -> None:
        self.credentials = credentials
        self.door = door

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap the application."""

        async def admit(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP:
                if scope["route_handler"].opt.get("surface") == PLATFORM:
                    await self._admit(scope)
                elif (looking := await self._write_down(scope)) is not None:
                    scope["state"]["looking_in"] = looking
                    send = marking(send, looking)
            await app(scope, receive, send)

        return admit

    async def _admit(self, scope: Any) -> None:
        required = operator_permission_of(scope["route_handler"])
        if required is None:
            raise Ungoverned
        if required is ANYBODY:
            return
        text = operator_cookie_of(scope) if is_page(scope["route_handler"]) else _bearer_of(scope)
        acting = None if not text else await find_acting(await self.door.opened(), self.credentials, text)
        if acting is None:
            raise Unauthenticated
        scope["state"]["acting"] = acting
        acting.require(required)

    async def _write_down(self, scope: Any) -> LookingIn | None:
        state = scope["state"]
        principal = state.get("principal")
        if principal is None or principal.kind is not ActorKind.OPERATOR:
            return None
        if permission_of(scope["route_handler"]) is PUBLIC:
            return None
        return await note_use(
            self.database, principal, self.credentials.hash(str(state["credential"])), method=scope["method"],
            path=scope["path"], request_id=principal.request_id,
        )  # fmt: skip


def is_page(handler: Any) -> bool:
    """Return whether a route of the operators is a page, which takes the operator's cookie: the API takes none."""
    return bool(handler.opt.get("page"))


def operator_cookie_of(scope: Any) -> str | None:
    """Return the operator's session that a browser holds."""
    header = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    return read_cookie(header, OPERATOR_COOKIE) if header else None


def _bearer_of(scope: Any) -> str | None:
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    return credential_of(scope) if given else None


def marking(send: Send, looking: LookingIn) -> Send:
    """Return a ``send`` that names every file which leaves under an access after the operator and the moment."""

    async def marked(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, _named(value, looking) if name.lower() == b"content-disposition" else value)
                for name, value in message["headers"]
            ]
        await send(message)

    return marked


def _named(disposition: bytes, looking: LookingIn) -> bytes:
    mark = f'filename="{looking.slug}-'.encode()
    return disposition.replace(b'filename="', mark) if b'filename="' in disposition else disposition


def operator_permission_of(handler: Any) -> OperatorPermission | None:
    """Return the operators' permission that a route declares, or None."""
    found = handler.opt.get("operator") if isinstance(handler, HTTPRouteHandler) else None
    return found if isinstance(found, OperatorPermission) else None
