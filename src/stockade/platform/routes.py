"""How a route of the platform's surface is declared: ``verb(call, …)``, with the permission that an operator needs."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler

from stockade.access.admission import PLATFORM
from stockade.access.routes import placed
from stockade.platform.permissions import Acting, OperatorPermission
from stockade.tenancy.transaction import Database

PREFIX = "/platform/api"
AnyRequest = Request[Any, Any, Any]
Verb = Callable[..., Awaitable[Any]]


class Call(msgspec.Struct, frozen=True):
    """What a verb of the platform's surface works with: the request, who asks, and the platform's database."""

    request: AnyRequest
    platform: Database
    acting: Acting | None

    @property
    def operator_id(self) -> UUID:
        """The operator who asks; routes for anybody have none."""
        assert self.acting is not None
        return UUID(self.acting.operator_id)

    @property
    def state(self) -> Any:
        """The application's state."""
        return self.request.app.state


def route(method: str, path: str, *, permission: OperatorPermission) -> Callable[[Verb], HTTPRouteHandler]:
    """Declare a route under ``/platform/api``."""

    def decorate(verb: Verb) -> HTTPRouteHandler:
        async def handle(request: AnyRequest, **given: Any) -> Any:
            platform = await request.app.state.platform.opened()
            return await verb(Call(request, platform, request.scope["state"].get("acting")), **given)

        signature = inspect.signature(verb, eval_str=True)
        kept = [
            item.replace(
                kind=inspect.Parameter.KEYWORD_ONLY, annotation=placed(item.name, item.annotation, path)
            )
            for item in list(signature.parameters.values())[1:]
        ]  # fmt: skip
        first = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=AnyRequest)
        answer = signature.return_annotation
        handle.__signature__ = inspect.Signature([first, *kept], return_annotation=answer)  # type: ignore[attr-defined]  # PEP 362
        handle.__annotations__ = {
            "request": AnyRequest, **{item.name: item.annotation for item in kept}, "return": answer,
        }  # fmt: skip
        handle.__name__, handle.__module__, handle.__doc__ = verb.__name__, verb.__module__, verb.__doc__
        return HTTPRouteHandler(
            PREFIX + path, http_method=method, status_code=200, include_in_schema=False,  # type: ignore[arg-type]  # the method is one of Litestar's
            opt={"operator": permission, "surface": PLATFORM, "verb": verb},
        )(handle)  # fmt: skip

    return decorate
