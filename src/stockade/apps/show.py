"""Showing: pages with what every page is given, and problems as a page to people and as a document to programs."""

import secrets
from collections import OrderedDict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.response import Redirect

from stockade.access.admission import ACCESS_COOKIE, SESSION_COOKIE, credential_of, entered_in
from stockade.access.permissions import PERMISSIONS
from stockade.apps.admin.navigation import ACTIONS, NAVIGATION
from stockade.apps.installation import Installation
from stockade.database.statements import raw
from stockade.kernel.problems import Problem
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Transaction, Unauthenticated
from stockade.web import problems
from stockade.web.cookies import deleted_cookie, read_cookie, session_cookie
from stockade.web.csrf import Csrf
from stockade.web.headers import nonce_of
from stockade.web.languages import chosen
from stockade.web.pages import Pages, StaticFiles

SOURCE = Path(__file__).parents[1]
TEMPLATE_FOLDERS = (
    SOURCE / "web" / "templates",
    SOURCE / "apps" / "admin" / "templates",
    SOURCE / "apps" / "platform" / "templates",
    SOURCE / "trust" / "templates",
)
VISITOR_COOKIE = "__Host-visitor"
LOCALE_COOKIE = "__Host-locale"
VISITOR_SECONDS = 12 * 3600
MOST_VIEWERS = 1_000
HTML = "text/html; charset=utf-8"
AnyRequest = Request[Any, Any, Any]


class Viewer(msgspec.Struct, frozen=True):
    """Who looks at a page, as its frame shows it."""

    name: str
    tenant_name: str
    role: str
    principal: Principal
    looks_through: str = ""
    """The name of the role whose eyes the session looks through; empty for one's own."""

    def may(self, permission: str) -> bool:
        """Return whether a permission is granted, so that nothing is offered that would be refused.

        ``KeyError`` for a name that no slice declares: a button hidden by a slip of the pen would be missed by nobody.
        """
        return PERMISSIONS[permission].granted_to(self.principal)


class Shown(msgspec.Struct, frozen=True):
    """What a page's verb decided to show: a template, its context, and the status of the answer."""

    template: str
    context: dict[str, Any]
    status: int = 200


_FRAME = raw(
    "select coalesce((select p.name from identity.people() p where p.account_id = $2), 'API'), t.name, "
    "(select coalesce(r.name, initcap(s.viewing_as)) from identity.session s left join identity.role r "
    "on r.tenant_id = $1 and r.id = nullif(split_part(s.viewing_as, ':', 2), '')::uuid "
    "where s.tenant_id = $1 and s.id = $3 and s.viewing_as is not null) "
    "from tenancy.tenant t where t.id = $1",
    "this_tenant actor_id credential_id",
)


async def viewer_of(tx: Transaction) -> Viewer:
    """Return who looks, for the frame of a page."""
    who = tx.principal
    name, tenant_name, viewing = await _FRAME.one(tx, actor_id=who.actor_id, credential_id=who.credential_id)
    return Viewer(name, tenant_name, who.role, who, viewing or "")


class Shower:
    """Renders pages and problems of one application."""

    def __init__(self, installation: Installation, csrf: Csrf) -> None:
        self.static = StaticFiles([SOURCE / "web" / "static"])
        self.pages = Pages(TEMPLATE_FOLDERS, self.static)
        self.csrf = csrf
        self.installation = installation
        self._viewers: OrderedDict[tuple[UUID, UUID], Viewer] = OrderedDict()

    def page(self, request: AnyRequest, shown: Shown, viewer: Viewer | None = None) -> Response[str]:
        """Render a page. Without a session, its CSRF token is bound to a visitor's cookie, set here if need be."""
        state = request.scope["state"]
        secret, cookie = self._browser_secret(request)
        looking_in = state.get("looking_in")
        if viewer is not None and looking_in is not None:
            viewer = msgspec.structs.replace(viewer, name=looking_in.name)
        if viewer is not None:
            self._remember(viewer)
        body = self.pages.render(
            shown.template, locale=locale_of(request.scope), nonce=nonce_of(state), csrf_token=self.csrf.token(secret),
            principal=viewer, may=viewer.may if viewer else _nothing, navigation=NAVIGATION, actions=ACTIONS,
            looking_in=looking_in, **shown.context,
        )  # fmt: skip
        headers = {"vary": "HX-Request, Accept-Language"}
        if cookie is not None:
            headers["set-cookie"] = cookie
        return Response(body, status_code=shown.status, media_type=HTML, headers=headers)

    def browser_of(self, request: AnyRequest) -> str:
        """Return what this browser proves itself by: its session's cookie, else the visitor's that a page set."""
        return self._browser_secret(request)[0]

    def csrf_token(self, request: AnyRequest) -> str:
        """Return a token for the forms of a page that is open in this browser already."""
        return self.csrf.token(self._browser_secret(request)[0])

    def check_form(self, request: AnyRequest, token: str | None) -> None:
        """Raise ``CsrfRejected`` unless the form comes from a page of ours that was shown in this browser."""
        secret, _ = self._browser_secret(request)
        self.csrf.check(request.scope["headers"], token, secret)

    def show_failure(self, request: AnyRequest, exc: Exception) -> Response[Any]:
        """Answer a failure: a page where a page was asked for, else ``application/problem+json``."""
        if not wants_page(request.scope):
            return problems.handle_problem(request, exc)
        problem = problems.as_problem(request, exc)
        if isinstance(problem, Unauthenticated) and entered_in(request.scope, _cookies_of(request)) is not None:
            return self._access_over(request)
        if isinstance(problem, Unauthenticated) and request.method == "GET":
            target = request.scope["path"]
            return Redirect(f"/sign-in?next={target}" if target != "/" else "/sign-in", status_code=303)
        shown = self._shown(problem, request.scope)
        answer = self.page(request, shown, None if isinstance(problem, Unauthenticated) else self._remembered(request))
        answer.headers.update({name.decode(): value.decode() for name, value in problems.problem_headers(problem)})
        return answer

    def _access_over(self, request: AnyRequest) -> Response[Any]:
        """Say to an operator that the access has ended, once: the browser forgets it with this page."""
        answer = self.page(request, Shown("operator_access/over.html", {}, Unauthenticated.status))
        answer.headers["set-cookie"] = deleted_cookie(ACCESS_COOKIE)[1].decode()
        return answer

    def show_at_edge(self, scope: Any, problem: Problem, request_id: UUID) -> problems.Answer:
        """Answer what the edge itself refused."""
        if not wants_page(scope):
            return problems.problem_response(problem, request_id)
        shown = self._shown(problem, scope)
        body = self.pages.render(
            shown.template, locale=locale_of(scope), nonce=nonce_of(scope["state"]), csrf_token="", principal=None,
            may=_nothing, **shown.context,
        ).encode()  # fmt: skip
        headers = [(b"content-type", HTML.encode()), (b"content-length", str(len(body)).encode())]
        return problem.status, headers + problems.problem_headers(problem), body

    def _shown(self, problem: Problem, scope: Any) -> Shown:
        request_id = scope["state"].get("request_id")
        query = scope["query_string"].decode("latin-1")
        retry = scope["path"] + (f"?{query}" if query else "") if scope["method"] == "GET" else None
        return Shown("errors/problem.html", {
            "problem": problems.problem_document(problem, request_id), "request_id": str(request_id),
            "back": _came_from(scope), "retry": retry,
        }, problem.status)  # fmt: skip

    def _remember(self, viewer: Viewer) -> None:
        key = (viewer.principal.tenant_id, viewer.principal.actor_id)
        self._viewers[key] = viewer
        self._viewers.move_to_end(key)
        if len(self._viewers) > MOST_VIEWERS:
            self._viewers.popitem(last=False)

    def _remembered(self, request: AnyRequest) -> Viewer | None:
        """Return who looks, without asking the database: what failed may be the database itself.

        An address that no route answers to was not admitted either: then it is whoever this process knows.
        """
        principal = request.scope["state"].get("principal")
        if principal is None and (credential := credential_of(request.scope)):
            principal = request.app.state.credentials.known(credential)
        return None if principal is None else self._viewers.get((principal.tenant_id, principal.actor_id))

    def _browser_secret(self, request: AnyRequest) -> tuple[str, str | None]:
        """Return what the browser proves itself by, and a cookie to set if it has nothing to do so."""
        header = _cookies_of(request)
        if header and (entered := entered_in(request.scope, header)):
            return entered, None
        # The session's cookie counts even where its session has ended: every process can tell that alike.
        for name in (SESSION_COOKIE, VISITOR_COOKIE):
            if header and (known := read_cookie(header, name)):
                return known, None
        fresh = secrets.token_urlsafe(32)
        return fresh, session_cookie(VISITOR_COOKIE, fresh, VISITOR_SECONDS)[1].decode()


def _cookies_of(request: AnyRequest) -> bytes:
    return b"; ".join(value for name, value in request.scope["headers"] if name == b"cookie")


def locale_of(scope: Any) -> str:
    """Return the language to answer in: the one chosen in this browser, else the best that it accepts."""
    given = dict(scope["headers"])
    return chosen(
        read_cookie(given.get(b"cookie", b""), LOCALE_COOKIE), given.get(b"accept-language", b"").decode("latin-1")
    )


def _came_from(scope: Any) -> str | None:
    """Return the page of ours that led here, or None: another site's address is nothing to go back to."""
    given = dict(scope["headers"])
    try:
        referrer = urlsplit(given.get(b"referer", b"").decode("latin-1"))
    except ValueError:
        return None
    if referrer.netloc != given.get(b"host", b"").decode("latin-1") or not referrer.path.startswith("/"):
        return None
    came_from = referrer.path + (f"?{referrer.query}" if referrer.query else "")
    return came_from if not came_from.startswith("//") and referrer.path != scope["path"] else None


def _nothing(permission: str) -> bool:
    return False


def wants_page(scope: Any) -> bool:
    """Return whether a browser asks for a page: a page's route, or no route of the API and HTML accepted."""
    if scope["path"].startswith(("/api/v1/", "/platform/api/")):
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
