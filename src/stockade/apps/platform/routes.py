"""How a page of the console is declared: over the verbs of the operators' API, with an operator's permission."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from stockade.access.admission import PLATFORM
from stockade.access.routes import placed
from stockade.apps.admin.forms import Form
from stockade.apps.admin.reading import Command, Fields, read_form
from stockade.apps.platform.show import check_form, show
from stockade.apps.show import AnyRequest, Shown
from stockade.kernel.problems import Problem
from stockade.platform.permissions import OperatorPermission
from stockade.platform.routes import Call
from stockade.tenancy.transaction import Unauthenticated
from stockade.web.problems import problem_document

Verb = Callable[..., Awaitable[Any]]


def page(path: str, *, permission: OperatorPermission) -> Callable[[Verb], HTTPRouteHandler]:
    """Declare a page: ``verb(call, …) -> Shown``, or where to go instead."""

    def decorate(verb: Verb) -> HTTPRouteHandler:
        async def handle(request: AnyRequest, **given: Any) -> Any:
            return _answered(request, await verb(await _call(request), **given))

        return _handler("GET", path, permission, verb, handle, skip=1)

    return decorate


def form(path: str, *, permission: OperatorPermission) -> Callable[[Verb], HTTPRouteHandler]:
    """Declare what a form posts to: ``verb(call, fields, …)``. Its CSRF token is checked first."""

    def decorate(verb: Verb) -> HTTPRouteHandler:
        async def handle(request: AnyRequest, **given: Any) -> Any:
            fields = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
            check_form(request, fields.get("csrf_token"))
            return _answered(request, await verb(await _call(request), fields, **given))

        return _handler("POST", path, permission, verb, handle, skip=2)

    return decorate


async def submitted(
    fields: Fields, command: type[Command], act: Callable[[Command], Awaitable[Any]],
    again: Callable[[Form], Awaitable[Shown]],
) -> Any:  # fmt: skip
    """Read a form and do what it asks: ``act(command)``; whatever is wrong, the form again with what was typed."""
    read = read_form(fields, command)
    values = {name: value for name, value in fields.items() if "password" not in name and name != "present"}
    if read.command is None:
        return msgspec.structs.replace(await again(Form(values, read.errors)), status=422)
    try:
        return await act(_as_typed(read.command, fields))
    except Unauthenticated:
        raise
    except Problem as problem:
        told = {error["field"]: error["message"] for error in problem.members.get("errors", ())}
        named = {name: text for name, text in told.items() if name in fields}
        whole = None if named else problem_document(problem, None)
        return msgspec.structs.replace(await again(Form(values, named, whole)), status=problem.status)


def _as_typed(command: Command, fields: Fields) -> Command:
    """Return the command with its passwords to the letter: a blank at an end is part of one."""
    names = [name for name in ("password", "present") if hasattr(command, name) and name in fields]
    return msgspec.structs.replace(command, **{name: fields[name] for name in names})


async def _call(request: AnyRequest) -> Call:
    platform = await request.app.state.platform.opened()
    return Call(request, platform, request.scope["state"].get("acting"))


def _answered(request: AnyRequest, answer: Any) -> Any:
    if isinstance(answer, str):
        return Redirect(answer, status_code=303)
    return show(request, answer, request.scope["state"].get("acting")) if isinstance(answer, Shown) else answer


def _handler(
    method: str, path: str, permission: OperatorPermission, verb: Verb, handle: Verb, *, skip: int
) -> HTTPRouteHandler:  # fmt: skip
    signature = inspect.signature(verb, eval_str=True)
    kept = [
        item.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=placed(item.name, item.annotation, path))
        for item in list(signature.parameters.values())[skip:]
    ]
    request = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=AnyRequest)
    handle.__signature__ = inspect.Signature([request, *kept], return_annotation=Any)  # type: ignore[attr-defined]  # PEP 362
    handle.__annotations__ = {"request": AnyRequest, **{item.name: item.annotation for item in kept}, "return": Any}
    handle.__name__, handle.__module__, handle.__doc__ = verb.__name__, verb.__module__, verb.__doc__
    return HTTPRouteHandler(
        path, http_method=method, status_code=200, include_in_schema=False,  # type: ignore[arg-type]  # the method is one of Litestar's
        opt={"operator": permission, "surface": PLATFORM, "page": True, "form": method == "POST", "verb": verb},
    )(handle)  # fmt: skip
