"""How a page is declared: like a route of the API, over the same verbs, with a template instead of JSON."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from types import MappingProxyType
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from stockade.access.permissions import PUBLIC, Permission
from stockade.access.routes import held, opened, placed
from stockade.apps.show import AnyRequest, Shown, viewer_of

PageVerb = Callable[..., Awaitable[Any]]
FormVerb = Callable[..., Awaitable["Shown | str | Response[Any]"]]
Fields = Mapping[str, str]


def page(path: str, *, permission: Permission, heavy: bool = False) -> Callable[[PageVerb], HTTPRouteHandler]:
    """Declare a page: ``verb(tx, request, …) -> Shown``, or a response; public ones get ``verb(request, …)``.

    ``heavy`` bounds how many of these one person runs at once.
    """

    def decorate(verb: PageVerb) -> HTTPRouteHandler:
        async def show(request: AnyRequest, **given: Any) -> Any:
            with held(request) if heavy else nullcontext():
                async with opened(request) as tx:
                    answer = await verb(tx, request, **given)
                    viewer = await viewer_of(tx) if isinstance(answer, Shown) else None
                return request.app.state.shower.page(request, answer, viewer) if isinstance(answer, Shown) else answer

        async def show_public(request: AnyRequest, **given: Any) -> Any:
            answer = await verb(request, **given)
            return request.app.state.shower.page(request, answer) if isinstance(answer, Shown) else answer

        chosen = show_public if permission is PUBLIC else show
        return _handler("GET", path, permission, verb, chosen, skip=1 if permission is PUBLIC else 2)

    return decorate


def form(path: str, *, permission: Permission, **options: Any) -> Callable[[FormVerb], HTTPRouteHandler]:
    """Declare what a form posts to: ``verb(request, fields, …)``.

    The verb opens its own transactions and returns where to go next, a page or a file. The CSRF token is checked
    first.
    ``options`` are the handler's: ``request_max_body_size``, where files are sent.
    """

    def decorate(verb: FormVerb) -> HTTPRouteHandler:
        async def take(request: AnyRequest, **given: Any) -> Any:
            fields = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
            shower = request.app.state.shower
            shower.check_form(request, fields.get("csrf_token"))
            answer = await verb(request, fields, **given)
            if isinstance(answer, str):
                return Redirect(answer, status_code=303)
            if not isinstance(answer, Shown):
                return answer
            if request.scope["state"].get("principal") is None:
                return shower.page(request, answer)
            async with opened(request) as tx:
                viewer = await viewer_of(tx)
            return shower.page(request, answer, viewer)

        return _handler("POST", path, permission, verb, take, skip=2, form=True, options=options)

    return decorate


def _handler(
    method: str, path: str, permission: Permission, verb: Callable[..., Any], handle: Callable[..., Any], *, skip: int,
    form: bool = False, options: Mapping[str, Any] = MappingProxyType({}),
) -> HTTPRouteHandler:  # fmt: skip
    """Give the wrapper the verb's parameters, after the first ``skip``, and declare it."""
    signature = inspect.signature(verb, eval_str=True)
    kept = [
        item.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=placed(item.name, item.annotation, path))
        for item in list(signature.parameters.values())[skip:]
    ]
    request = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=AnyRequest)
    handle.__signature__ = inspect.Signature([request, *kept], return_annotation=Any)  # type: ignore[attr-defined]  # PEP 362
    handle.__annotations__ = {"request": AnyRequest, **{item.name: item.annotation for item in kept}, "return": Any}
    handle.__name__ = verb.__name__
    handle.__module__ = verb.__module__
    handle.__doc__ = verb.__doc__
    return HTTPRouteHandler(
        path, http_method=method, status_code=200, include_in_schema=False,  # type: ignore[arg-type]  # the method is one of Litestar's
        opt={"permission": permission, "surface": "page", "form": form, "verb": verb}, **options,
    )(handle)  # fmt: skip
