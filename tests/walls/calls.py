"""Every route of the live application as something that can be called, by anybody, about anything."""

import inspect
import re
import typing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from tests.running import Site
from tests.walls.values import IdOf, body_of, value_of

from stockade.access.admission import PLATFORM, SESSION_COOKIE, permission_of
from stockade.access.factors import PeopleOnly
from stockade.access.permissions import PUBLIC, Permission
from stockade.apps.site import handlers_of
from stockade.kernel.ids import new_id
from stockade.web.csrf import SAFE_METHODS, Csrf

FIELDS = {"expected_version": "1", "email": "nobody@example.com", "password": "not the password", "token": "none"}


@dataclass(frozen=True)
class Call:
    """A route, and how to call it."""

    method: str
    path: str
    handler: HTTPRouteHandler
    permission: Permission

    @property
    def name(self) -> str:
        """How a failure names it."""
        return f"{self.method} {self.path}"

    @property
    def is_form(self) -> bool:
        """Whether a browser's form posts to it."""
        return bool(self.handler.opt.get("form"))

    @property
    def is_api(self) -> bool:
        """Whether it belongs to the API."""
        return self.path.startswith("/api/v1/")

    @property
    def is_page(self) -> bool:
        """Whether people look at it, and are not sent on to somebody else's."""
        return self.handler.opt.get("surface") == "page" and not self.path.endswith("/try")

    @property
    def of_people(self) -> bool:
        """Whether it answers people alone, by their sessions."""
        return PeopleOnly in self.handler.opt.get("problems", ())

    @property
    def path_ids(self) -> list[str]:
        """The names of the ids in its path."""
        return re.findall(r"{(\w+):uuid}", self.path)

    def content(self, id_of: IdOf) -> tuple[str, dict[str, Any], Any]:
        """Return its path, query and body with the ids that ``id_of`` gives."""
        path = re.sub(r"{(\w+):uuid}", lambda found: str(id_of(found[1])), self.path)
        verb = self.handler.opt["verb"]
        hints = typing.get_type_hints(verb, include_extras=True)
        taken = {"tx", "request", "fields", "id", "data", *self.path_ids}
        query = {
            name: value_of(hints[name], name, id_of)
            for name, given in inspect.signature(verb).parameters.items()
            if name not in taken and given.default is inspect.Parameter.empty
        }
        return path, query, body_of(hints["data"], id_of) if "data" in hints else None

    async def make(self, site: Site, id_of: IdOf, credential: str | None = None, **headers: str) -> httpx.Response:
        """Call it as the holder of a credential (a key, or a session's token), with the CSRF token that it has."""
        path, query, body = self.content(id_of)
        sent = dict(headers)
        csrf: Csrf = inside(site).state.csrf
        given: dict[str, Any] = {}
        if credential is not None and credential.startswith("se_"):
            sent["Cookie"] = f"{SESSION_COOKIE}={credential}"
            sent["X-CSRF-Token"] = csrf.token(credential)
        elif credential is not None:
            sent.setdefault("Authorization", f"Bearer {credential}")
        if self.is_form:
            given["data"] = FIELDS | {"csrf_token": csrf.token(credential or "")}
        elif body is not None:
            given["json"] = body
        if self.method == "POST" and self.is_api:
            sent["Idempotency-Key"] = new_id().hex
        return await site.client.request(self.method, path, params=query, headers=sent, **given)


def inside(site: Site) -> Litestar:
    """The application behind the edge."""
    app: Any = site.app
    return app.app.app  # type: ignore[no-any-return]  # the wrappers are untyped


def calls_of(site: Site) -> list[Call]:
    """Every method of every route that the running application answers to."""
    found = []
    for handler in handlers_of(inside(site)):
        if handler.opt.get("surface") == PLATFORM:
            continue  # tests/platform knows who may come in there
        permission = permission_of(handler)
        assert permission is not None
        if handler.http_methods == {"OPTIONS"}:
            continue
        for path in {_prefixed(inside(site), handler, path) for path in handler.paths}:
            found += [Call(method, path, handler, permission) for method in handler.http_methods]
    return sorted(found, key=lambda call: call.name)


def governed(calls: list[Call]) -> list[Call]:
    """Those that ask for a permission."""
    return [call for call in calls if call.permission is not PUBLIC]


def changing(calls: list[Call]) -> list[Call]:
    """Those that a browser counts as changing something."""
    return [call for call in calls if call.method not in SAFE_METHODS]


def ids_from(made: dict[str, UUID]) -> IdOf:
    """Ids of what was made, by name; a new parameter fails the tests until ``Trader.furnish`` makes it one."""
    return lambda name: made[name]


def no_ids() -> IdOf:
    """Ids that nothing has; the same one for the same name."""
    made: dict[str, UUID] = {}
    return lambda name: made.setdefault(name, new_id())


def _prefixed(app: Litestar, handler: HTTPRouteHandler, path: str) -> str:
    for route in app.routes:
        if handler in getattr(route, "route_handlers", []) and route.path.endswith(path):
            return route.path
    raise AssertionError(path)
