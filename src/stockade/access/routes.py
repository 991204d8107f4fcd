"""The only ways to declare a route. Each names its permission; each opens the one transaction, and closes it before the
response leaves.

A handler is a thin function over a verb: its first parameter is the open transaction, the others come from the path,
the query and the body as Litestar reads them. The decorators make a Litestar handler of it:

    @get("/orders/{order_id:uuid}", permission=READ)
    async def read_order(tx: Transaction, order_id: UUID) -> OrderView: ...

A verb that has a ``request`` parameter besides gets the request. ``create`` is for what makes something: it demands an
``Idempotency-Key``, claims it in the same transaction, and answers a repetition with what the first call made.
``heavy=True`` bounds how many of these one person runs at once;
``finish`` turns a heavy verb's answer into the response once the transaction is over: typesetting holds no connection.
"""

import inspect
import re
import types
import typing
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Any

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, ParameterKwarg, PathParameter, QueryParameter

from stockade.access.permissions import PUBLIC, Forbidden, Permission
from stockade.access.problem_schema import ProblemDocument
from stockade.idempotency.service import Claim, claim
from stockade.identity.tokens.access import InvalidToken
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound, Problem
from stockade.tenancy.transaction import Busy, Transaction, Unauthenticated
from stockade.web.problems import (
    MalformedRequest,
    TooLarge,
    TooManyAtOnce,
    TooManyRequests,
    UnsupportedMediaType,
)

Verb = Callable[..., Awaitable[Any]]
AnyRequest = Request[Any, Any, Any]
HEAVY_AT_ONCE = 4
"""How many heavy operations (documents, exports) one person may run at once, over all processes of a host."""
IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key", min_length=8, max_length=200, pattern=r"^[\x21-\x7e]+$",
        description="A value of your own, unique to what you make. Repeat it to repeat the request safely.",
    ),
]  # fmt: skip


def get(
    path: str, *, permission: Permission, problems: Sequence[type[Problem]] = (), **options: Any
) -> Callable[[Verb], HTTPRouteHandler]:
    """Declare a route that reads."""
    return _route("GET", path, permission, problems, options)


def post(
    path: str, *, permission: Permission, problems: Sequence[type[Problem]] = (), **options: Any
) -> Callable[[Verb], HTTPRouteHandler]:
    """Declare an action on something that exists; it answers 200."""
    return _route("POST", path, permission, problems, {"status_code": 200} | options)


def put(
    path: str, *, permission: Permission, problems: Sequence[type[Problem]] = (), **options: Any
) -> Callable[[Verb], HTTPRouteHandler]:
    """Declare a replacement of something that exists."""
    return _route("PUT", path, permission, problems, options)


def patch(
    path: str, *, permission: Permission, problems: Sequence[type[Problem]] = (), **options: Any
) -> Callable[[Verb], HTTPRouteHandler]:
    """Declare a change of some fields."""
    return _route("PATCH", path, permission, problems, options)


def delete(
    path: str, *, permission: Permission, problems: Sequence[type[Problem]] = (), **options: Any
) -> Callable[[Verb], HTTPRouteHandler]:
    """Declare a removal; it answers 204."""
    return _route("DELETE", path, permission, problems, options)


def create(
    path: str, *, permission: Permission, read: HTTPRouteHandler | Verb, problems: Sequence[type[Problem]] = (),
    **options: Any,
) -> Callable[[Verb], HTTPRouteHandler]:  # fmt: skip
    """Declare what makes something: ``verb(tx, id=…, data=…)``. It answers 201, and a repetition with ``read(tx, id)``.

    A verb that has a ``request`` parameter gets the request, too; it is no part of what a repetition has to repeat.
    """

    def decorate(verb: Verb) -> HTTPRouteHandler:
        read_verb = verb_of(read)
        wants_request = "request" in inspect.signature(verb).parameters
        parameters, hints = _parameters_of(verb, path, without=frozenset({"id", "request"}))

        async def handle(request: AnyRequest, idempotency_key: str, **given: Any) -> Response[Any]:
            async with opened(request) as tx:
                made: Claim = await claim(tx, idempotency_key, verb.__name__, given, new_id())
                besides = {"request": request} if wants_request else {}
                answer = await (read_verb(tx, made.id) if made.replayed else verb(tx, id=made.id, **given, **besides))
            headers = {"Location": f"/api/v1{path}/{getattr(answer, 'id', made.id)}"}
            if made.replayed:
                headers["Idempotency-Replayed"] = "true"
            return Response(answer, status_code=201, headers=headers)

        key = inspect.Parameter("idempotency_key", inspect.Parameter.KEYWORD_ONLY, annotation=IdempotencyKey)
        hints = hints | {"idempotency_key": IdempotencyKey, "return": types.GenericAlias(Response, (hints["return"],))}
        return _handler("POST", path, permission, problems, options, verb, handle, [key, *parameters], hints)

    return decorate


def verb_of(handler: HTTPRouteHandler | Verb) -> Verb:
    """Return the function behind a declared route, to call it inside a transaction that is open already."""
    return handler.opt["verb"] if isinstance(handler, HTTPRouteHandler) else handler


class opened:  # noqa: N801  # reads as what it does: async with opened(request) as tx
    """The transaction of a request's principal. A credential that the database does not confirm is looked up again."""

    __slots__ = ("_opening", "_request")

    def __init__(self, request: AnyRequest) -> None:
        self._request = request

    async def __aenter__(self) -> Transaction:
        state = self._request.scope["state"]
        app = self._request.app.state
        principal = state["principal"]
        if principal is None:
            raise Unauthenticated
        self._opening = app.database.transaction(principal)
        try:
            tx = await self._opening.__aenter__()
        except Unauthenticated:
            required = self._request.route_handler.opt["permission"]
            state["principal"] = await app.admission.again(state["credential"], principal, required)
            self._opening = app.database.transaction(state["principal"])
            tx = await self._opening.__aenter__()
        if app.observe_transaction is not None:
            app.observe_transaction(tx)
        return tx  # type: ignore[no-any-return]  # Litestar's state is untyped

    async def __aexit__(self, *error: Any) -> None:
        await self._opening.__aexit__(*error)


def held(request: AnyRequest) -> AbstractContextManager[None]:
    """One of the few places that a person has for heavy operations; ``TooManyAtOnce`` if all are taken."""
    principal = request.scope["state"]["principal"]
    return request.app.state.concurrency.hold(principal.actor_id.bytes, HEAVY_AT_ONCE)  # type: ignore[no-any-return]  # Litestar's state is untyped


def _route(
    method: str, path: str, permission: Permission, problems: Sequence[type[Problem]], options: dict[str, Any]
) -> Callable[[Verb], HTTPRouteHandler]:  # fmt: skip
    heavy, finish = options.pop("heavy", False), options.pop("finish", None)
    problems = [*problems, TooManyAtOnce] if heavy else problems

    def decorate(verb: Verb) -> HTTPRouteHandler:
        wants_request = permission is not PUBLIC and "request" in inspect.signature(verb).parameters
        parameters, hints = _parameters_of(verb, path, frozenset({"request"}) if wants_request else frozenset())

        async def handle_heavy(request: AnyRequest, **given: Any) -> Any:
            with held(request):
                answer = await handle(request, **given)
                return answer if finish is None else await finish(answer)

        async def handle(request: AnyRequest, **given: Any) -> Any:
            besides = {"request": request} if wants_request else {}
            async with opened(request) as tx:
                answer = await verb(tx, **_given(given), **besides)
            return answer  # noqa: RET504  # after the block, that is: after COMMIT

        async def handle_public(request: AnyRequest, **given: Any) -> Any:
            return await verb(request, **given)

        chosen = handle_public if permission is PUBLIC else handle_heavy if heavy else handle
        return _handler(method, path, permission, problems, options, verb, chosen, parameters, hints)

    return decorate


def _parameters_of(
    verb: Verb, path: str, without: frozenset[str] = frozenset()
) -> tuple[list[inspect.Parameter], dict[str, Any]]:  # fmt: skip
    """Return a verb's parameters after the transaction, and its resolved type hints.

    ``state`` is a word of Litestar's own, and a filter of ours: the wrapper takes it as ``state_``.
    """
    signature = inspect.signature(verb)
    found = typing.get_type_hints(verb, include_extras=True)
    hints = {name: placed(name, _hoisted(hint), path) for name, hint in found.items()}
    first, *others = signature.parameters.values()
    renamed = {"state": "state_"}
    if "state" in hints:
        hints["state_"] = hints.pop("state")
    kept = [
        item.replace(
            name=renamed.get(item.name, item.name), kind=inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[renamed.get(item.name, item.name)],
        )
        for item in others if item.name not in without
    ]  # fmt: skip
    return kept, {name: hint for name, hint in hints.items() if name not in {*without, first.name}}


def _hoisted(hint: Any) -> Any:
    """Turn ``Annotated[X, bounds] | None`` into ``Annotated[X | None, bounds]``.

    Litestar ignores bounds inside a union, and what they would have refused reaches the database.
    """
    bounded = [part for part in typing.get_args(hint) if typing.get_origin(part) is Annotated]
    if typing.get_origin(hint) not in (typing.Union, types.UnionType) or len(bounded) != 1:
        return hint
    others = [part for part in typing.get_args(hint) if part is not bounded[0]]
    content, *metadata = typing.get_args(bounded[0])
    return Annotated[(typing.Union[(content, *others)], *metadata)]  # built at run time


def placed(name: str, hint: Any, path: str) -> Any:
    """Say where a parameter comes from: the path that names it, the body (``data``), else the query."""
    said = any(isinstance(part, ParameterKwarg) for part in typing.get_args(hint))
    if said or name in ("return", "data"):
        return hint
    return Annotated[hint, PathParameter() if f"{{{name}:" in path else QueryParameter(name=name)]


def _given(given: dict[str, Any]) -> dict[str, Any]:
    """Return what Litestar read, under the verb's own names."""
    if "state_" in given:
        given["state"] = given.pop("state_")
    return given


def _handler(
    method: str, path: str, permission: Permission, problems: Sequence[type[Problem]], options: dict[str, Any],
    verb: Verb, handle: Callable[..., Any], parameters: list[inspect.Parameter], hints: dict[str, Any],
) -> HTTPRouteHandler:  # fmt: skip
    """Give the wrapper the verb's face, and declare it to Litestar with everything that it may answer."""
    request = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=AnyRequest)
    optional = [item for item in parameters if item.default is not inspect.Parameter.empty]
    required = [item for item in parameters if item.default is inspect.Parameter.empty]
    handle.__signature__ = inspect.Signature([request, *required, *optional], return_annotation=hints["return"])  # type: ignore[attr-defined]  # PEP 362
    handle.__annotations__ = {"request": AnyRequest, **hints}
    handle.__name__ = verb.__name__
    handle.__qualname__ = verb.__qualname__
    handle.__module__ = verb.__module__
    handle.__doc__ = verb.__doc__
    summary, _, description = inspect.cleandoc(verb.__doc__ or "").partition("\n")
    settings: dict[str, Any] = {
        "summary": summary.rstrip("."),
        "description": description.strip() or None,
        "operation_id": verb.__name__,
        "tags": [re.sub(r"[^a-z]+", " ", path.strip("/").split("/")[0]).capitalize()],
        "responses": _responses(method, path, permission, problems),
        "opt": {"permission": permission, "verb": verb, "problems": tuple(problems)},
        "raises": (),
    }
    return HTTPRouteHandler(path, http_method=method, **(settings | options))(handle)  # type: ignore[arg-type]  # the method is one of Litestar's


def _responses(
    method: str, path: str, permission: Permission, problems: Sequence[type[Problem]]
) -> dict[int, ResponseSpec]:  # fmt: skip
    """Return the documented refusals of a route, by status."""
    possible: list[type[Problem]] = [MalformedRequest, Invalid, TooManyRequests, Busy, *problems]
    if method != "GET":
        possible += [TooLarge, UnsupportedMediaType]
    if permission is not PUBLIC:
        possible += [Unauthenticated, InvalidToken, Forbidden]
    if "{" in path:
        possible.append(NotFound)
    listed: dict[int, list[str]] = {}
    for problem in possible:
        listed.setdefault(problem.status, []).append(problem.type)
    return {
        status: ResponseSpec(
            ProblemDocument, generate_examples=False, media_type="application/problem+json",
            description="Refused: " + ", ".join(f"`{name}`" for name in dict.fromkeys(types)),
        )
        for status, types in sorted(listed.items())
    }  # fmt: skip
