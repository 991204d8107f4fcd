"""Problems on the wire (RFC 9457): how each is rendered, and which one an exception of the framework becomes.

Nothing that the machine says of itself reaches a caller: no trace, no statement, no value that was sent. What cannot be
named is a 500 that carries its request's id and nothing else; the log has the rest.

Problem
 +-- MalformedRequest        400  before anything of it could be understood
 +-- NotOurHost              421
 +-- OriginRefused           403
 +-- TooLarge                413
 +-- UnsupportedMediaType    415
 +-- TooManyRequests         429
 |    +-- TooManyAtOnce
 +-- ClientLeft              499  only ever logged: there is nobody to tell
 +-- RefusedByStatus         4xx  what the framework refuses by number only
 +-- MethodNotAllowed        405
 +-- ServerError             500
"""

import re
import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)

from stockade.kernel.logging import logger
from stockade.kernel.problems import Invalid, NotFound, Problem

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_LONGEST_MESSAGE = 200
_PARSING = "deserializing"
"""What msgspec says in a ``RecursionError`` of its own.

Brackets without end are the caller's fault, other recursion is ours.
"""
_MISSING = re.compile(r"Missing required (\w+) parameter '([^']{1,80})'")
# msgspec's messages name types and bounds, but these two repeat what was sent, which may be a secret in a wrong place.
_ECHOES = re.compile(r"(Invalid enum value|Invalid value) .*", re.DOTALL)
# A sentence that remembers its values (``Said``) is plain text on the wire.
_encode = msgspec.json.Encoder(enc_hook=str).encode

AnyRequest = Request[Any, Any, Any]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers, body."""


class MalformedRequest(Problem):
    """The request breaks the rules of HTTP itself."""

    type = "/problems/malformed-request"
    title = "The request is malformed"
    status = 400


class NotOurHost(Problem):
    """The request names a host that this installation does not answer for (RFC 9110 section 15.5.20)."""

    type = "/problems/not-our-host"
    title = "This host is not served here"
    status = 421


class OriginRefused(Problem):
    """A page of another origin asked whether it may use the API, and is not on the list."""

    type = "/problems/origin-refused"
    title = "This origin may not use the API"
    status = 403


class MethodNotAllowed(Problem):
    """The address exists, but does not answer to the method; ``allow`` lists those that it does answer to."""

    type = "/problems/method-not-allowed"
    title = "This address does not answer to that method"
    status = 405


class TooLarge(Problem):
    """The body is larger than is accepted."""

    type = "/problems/too-large"
    title = "What was sent is too large"
    status = 413


class UnsupportedMediaType(Problem):
    """The body is of a kind that is not understood here."""

    type = "/problems/unsupported-media-type"
    title = "This media type is not understood here"
    status = 415


class TooManyRequests(Problem):
    """An address or a credential has used up its requests; ``retry_after`` seconds later it has one again."""

    type = "/problems/too-many-requests"
    title = "Too many requests"
    status = 429


class TooManyAtOnce(TooManyRequests):
    """Too many heavy operations of one account are running."""

    type = "/problems/too-many-at-once"
    title = "Too many of these are running"


class ClientLeft(Problem):
    """The client closed the connection before its request was whole; the number is nginx's, for logs only."""

    type = "/problems/client-left"
    title = "The client left"
    status = 499


class RefusedByStatus(Problem):
    """A refusal that has no kind of its own: it is what its status says (RFC 9457 section 4.2.1)."""

    def __init__(self, status: int) -> None:
        super().__init__()
        # The one kind whose status, and so its title, differ from case to case.
        self.status = status  # type: ignore[misc]  # see above
        self.title = HTTPStatus(status).phrase  # type: ignore[misc]  # see above


class ServerError(Problem):
    """It is our fault; what it was is in the log, under the request's id."""

    type: ClassVar[str] = "/problems/server-error"
    title = "Something went wrong on our side"
    status = 500


def problem_document(problem: Problem, request_id: UUID | str | None) -> dict[str, Any]:
    """Return the members of the answer; ``instance`` names the request by its id."""
    document = problem.document()
    if request_id is not None:
        document["instance"] = f"/requests/{request_id}"
    return document


def problem_headers(problem: Problem) -> list[tuple[bytes, bytes]]:
    """Return the headers that a status demands: Retry-After, Allow, WWW-Authenticate (RFC 9110, RFC 6585)."""
    headers = []
    if (retry_after := problem.members.get("retry_after")) is not None:
        headers.append((b"retry-after", str(int(retry_after)).encode()))
    if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", ", ".join(problem.members.get("allow", ())).encode()))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", getattr(problem, "challenge", "Bearer").encode()))
    return headers


def problem_response(problem: Problem, request_id: UUID | str | None) -> Answer:
    """Render a problem as ``application/problem+json``."""
    body = _encode(problem_document(problem, request_id))
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    return problem.status, headers + problem_headers(problem), body


def handle_problem(request: AnyRequest, exc: Exception) -> Response[bytes]:
    """Answer any exception (Litestar's exception handler for ``Exception``, so that none is answered by its own)."""
    problem = as_problem(request, exc)
    status, headers, body = problem_response(problem, request.scope["state"].get("request_id"))
    texts = {name.decode(): value.decode() for name, value in headers if name != b"content-length"}
    return Response(body, status_code=status, headers=texts, media_type=MEDIA_TYPE)


def as_problem(request: AnyRequest, exc: Exception) -> Problem:
    """Return the problem that an exception is to its caller. What is nobody's but ours is logged here."""
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, MethodNotAllowedException):
        return MethodNotAllowed(allow=_allowed_methods(request))
    if isinstance(exc, NotFoundException):
        return NotFound()
    unreadable = (SerializationException, UnicodeDecodeError)
    if isinstance(exc, unreadable) or isinstance(exc.__cause__, SerializationException):
        return Invalid("The body cannot be read: it is not well-formed.", field="body")
    if isinstance(exc, RecursionError) and _PARSING in str(exc):
        return Invalid("The body cannot be read: it is nested too deeply.", field="body")
    if isinstance(exc, ValidationException):
        return _invalid(exc)
    if isinstance(exc, HTTPException) and exc.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _by_status(exc.status_code)
    log_failure(exc, request.scope["state"].get("request_id"))
    return ServerError()


def log_failure(exc: BaseException, request_id: UUID | str | None) -> None:
    """Log an exception by its kind and the places that it passed.

    Not by its message or local values: databases and parsers quote the row or the input, which may be anybody's name
    or password.
    """
    chain = [exc]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    kinds = [f"{type(item).__module__}.{type(item).__qualname__}" for item in chain]
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(exc.__traceback__)]
    logger.error("request failed", request_id=str(request_id), kinds=kinds, frames=frames[-30:])


def _invalid(exc: ValidationException) -> Invalid:
    if missing := _MISSING.match(exc.detail):
        return Invalid(f"The {missing[1]} parameter is missing.", field=missing[2])
    extra: Sequence[Any] = exc.extra if isinstance(exc.extra, list) else []
    problem = Invalid("Some of what was sent is not acceptable.")
    if errors := [_error(item) for item in extra if isinstance(item, Mapping)]:
        problem.members["errors"] = errors
    return problem


def _error(item: Mapping[str, Any]) -> dict[str, str]:
    key = str(item.get("key", "body"))
    field = "body" if key == "data" else key.removeprefix("data.")
    message = _ECHOES.sub(r"\1", str(item.get("message", "Not acceptable")))
    return {"field": field[:_LONGEST_MESSAGE], "message": message[:_LONGEST_MESSAGE]}


def _by_status(status: int) -> Problem:
    """Return the problem for a refusal that the framework raised by number."""
    for kind in (TooLarge, UnsupportedMediaType, TooManyRequests):
        if kind.status == status:
            return kind()
    if status == HTTPStatus.BAD_REQUEST:
        return Invalid("What was sent cannot be read.")

    return RefusedByStatus(status)


def _allowed_methods(request: AnyRequest) -> list[str]:
    """Return the methods that the address answers to, by asking the router for each."""
    router = request.app.asgi_router
    found = []
    for method in METHODS:
        try:
            router.handle_routing(path=request.scope["path"].rstrip("/") or "/", method=method)
        except (MethodNotAllowedException, NotFoundException):
            continue
        found.append(method)
    return found
