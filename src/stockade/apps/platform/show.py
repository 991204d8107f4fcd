"""How the console's pages are shown, and how its forms are known to be its own.

Its CSRF tokens are bound to the operator's cookie (before the sign-in: to a visitor's of the console) under a word of
their own, so that no token of an organisation's page is one of the console's, nor the other way round.
"""

import secrets
from typing import Any

from litestar import Response
from litestar.response import Redirect

from stockade.access.permissions import Forbidden
from stockade.apps.show import HTML, AnyRequest, Shown, locale_of, wants_page
from stockade.platform.admission import OPERATOR_COOKIE
from stockade.platform.permissions import Acting
from stockade.tenancy.transaction import Unauthenticated
from stockade.web import problems
from stockade.web.cookies import read_cookie, session_cookie
from stockade.web.headers import nonce_of

HOME = "/platform"
SIGN_IN = f"{HOME}/sign-in"
PASSWORD = f"{HOME}/password"
VISITOR = "__Host-operator-visitor"
VISITOR_SECONDS = 3600


def show(request: AnyRequest, shown: Shown, acting: Acting | None = None) -> Response[str]:
    """Render a page of the console."""
    state = request.app.state
    secret, cookie = _browser_secret(request)
    body = state.shower.pages.render(
        shown.template, locale=locale_of(request.scope), nonce=nonce_of(request.scope["state"]),
        csrf_token=state.csrf.token(secret), principal=None, may=_nothing, acting=acting,
        allowed=acting.permissions if acting is not None and not acting.password_is_once else frozenset(),
        **shown.context,
    )  # fmt: skip
    headers = {"vary": "Accept-Language", "cache-control": "no-store"}
    if cookie is not None:
        headers["set-cookie"] = cookie
    return Response(body, status_code=shown.status, media_type=HTML, headers=headers)


def check_form(request: AnyRequest, token: str | None) -> None:
    """Raise ``CsrfRejected`` unless the form comes from a page of the console that was shown in this browser."""
    request.app.state.csrf.check(request.scope["headers"], token, _browser_secret(request)[0])


def show_failure(request: AnyRequest, exc: Exception) -> Response[Any]:
    """Answer a failure on the console: to the sign-in where that is missing, else a page that says what happened."""
    if not wants_page(request.scope):
        return problems.handle_problem(request, exc)
    problem = problems.as_problem(request, exc)
    if isinstance(problem, Unauthenticated) and request.method == "GET":
        return Redirect(SIGN_IN, status_code=303)
    acting = request.scope["state"].get("acting")
    if isinstance(problem, Forbidden) and acting is not None and acting.password_is_once:
        return Redirect(PASSWORD, status_code=303)
    document = problems.problem_document(problem, request.scope["state"].get("request_id"))
    shown = Shown("console/problem.html", {"problem": document, "title": problem.title}, problem.status)
    answer = show(request, shown, acting)
    answer.headers.update({name.decode(): value.decode() for name, value in problems.problem_headers(problem)})
    return answer


def _browser_secret(request: AnyRequest) -> tuple[str, str | None]:
    """Return what the browser proves itself by on the console, and a cookie to set if it has nothing to do so."""
    header = b"; ".join(value for name, value in request.scope["headers"] if name == b"cookie")
    for name in (OPERATOR_COOKIE, VISITOR):
        if header and (known := read_cookie(header, name)):
            return f"console {known}", None
    fresh = secrets.token_urlsafe(32)
    cookie = session_cookie(VISITOR, fresh, VISITOR_SECONDS, same_site="Strict")[1].decode()
    return f"console {fresh}", cookie


def _nothing(permission: str) -> bool:
    return False
