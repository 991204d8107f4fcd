"""SCIM 2.0 over HTTP (RFC 7644), under ``/scim/v2/``: errors, lists and patches in its own format.

Only an organisation's SCIM token is admitted, and it is admitted nowhere else: its role holds no permission, and the
permission of these routes is held by no other.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    ForbiddenException,
    InvalidSyntaxException,
    ListResponse,
    NotFoundException,
    PatchOp,
    PreconditionFailedException,
    Resource,
    ResponseParameters,
    SCIMException,
    SearchRequest,
)

from stockade.access.permissions import Permission, permission
from stockade.access.routes import delete, get, patch, post, put
from stockade.identity.credentials import PROVISIONER
from stockade.identity.scim import groups, users
from stockade.identity.scim.resources import (
    MOST_RESULTS,
    PREFIX,
    TOLERANT,
    Group,
    User,
    resource_types,
    schemas,
    service_config,
)
from stockade.identity.scim.tokens import note_use
from stockade.identity.service.members import AlreadyMember
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Transaction
from stockade.web.problems import as_problem, log_failure

AnyRequest = Request[Any, Any, Any]
MEDIA_TYPE = "application/scim+json"


class _Provisioning(Permission, frozen=True):
    """What only a directory's client has. It is not among the permissions that a role may hold."""

    def granted_to(self, principal: Principal) -> bool:
        """Return whether the principal is a directory's client."""
        return principal.role == PROVISIONER


READ_PROVISIONING = permission("provisioning:read", least="admin")
MANAGE_PROVISIONING = permission("provisioning:manage", least="admin", reserved=True)
PROVISION = _Provisioning("scim:provision", "owner", changes=True)


class _Kind(msgspec.Struct, frozen=True):
    """One kind of resource: its model, and the verbs that keep it."""

    model: Any
    every: Callable[[Transaction], Awaitable[Any]]
    one: Callable[[Transaction, UUID], Awaitable[Any]]
    make: Callable[[Transaction, Any], Awaitable[Any]]
    save: Callable[[Transaction, Any, Any], Awaitable[Any]]
    remove: Callable[[Transaction, UUID], Awaitable[None]]
    shown: Callable[[Any, str], Any]


KINDS = {
    "Users": _Kind(User, users.list_users, users.read_user, users.make_user, users.save_user, users.remove_user,
        users.as_resource),
    "Groups": _Kind(Group, groups.list_groups, groups.read_group, groups.make_group, groups.save_group,
        groups.remove_group, groups.as_resource),
}  # fmt: skip


def show_scim_failure(request: AnyRequest, exc: Exception) -> Response[Any]:
    """Answer a failure as a SCIM error (RFC 7644 section 3.12)."""
    if isinstance(exc, ValidationError):
        error = Error.from_validation_errors(exc)[0]
    elif isinstance(exc, SCIMException):
        error = exc.to_error()
    else:
        problem = as_problem(request, exc)
        if problem.status >= 500:
            log_failure(exc, request.scope["state"].get("request_id"))
        unique = "uniqueness" if isinstance(problem, AlreadyMember) else None
        error = Error(status=problem.status, scim_type=unique, detail=str(problem))
    return _answer(error.model_dump(), int(error.status or 500))


def _answer(body: Any, status: int = 200, **headers: str) -> Response[Any]:
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _of(message: Any, model: Any) -> Any:
    """Return a message about a kind of resource that is known at run time only."""
    return message[model]


def _origin(request: AnyRequest) -> str:
    return str(request.app.state.installation.settings.origin)


def _version(resource: Any) -> str:
    """Return the entity tag of a resource: a digest of what it says."""
    said = resource.model_copy(update={"meta": None}).model_dump_json()
    return f'W/"{hashlib.sha256(said.encode()).hexdigest()[:20]}"'


def _resource(kind: _Kind, row: Any, location: str) -> Any:
    made = kind.shown(row, location)
    made.meta.version = _version(made)
    return made


def _query(request: AnyRequest, of: Any) -> Any:
    return of.model_validate(dict(request.query_params), scim_ctx=Context.DEFAULT)


def _single(request: AnyRequest, kind: _Kind, resource: Any, context: Context, status: int = 200) -> Response[Any]:
    wanted = _query(request, _of(ResponseParameters, kind.model))
    headers = {"ETag": resource.meta.version}
    if status == 201:
        headers["Location"] = resource.meta.location
    return _answer(resource.model_dump(scim_ctx=context, response_parameters=wanted), status, **headers)


def _list(model: Any, query: Any, found: list[Any]) -> Response[Any]:
    """Filter, order and page a list (RFC 7644 section 3.4.2)."""
    if query.filter is not None:
        found = [resource for resource in found if query.filter.match(resource)]
    found, total = query.sort(found), len(found)
    first = query.start_index or 1
    count = MOST_RESULTS if query.count is None else min(query.count, MOST_RESULTS)
    part = found[first - 1 : first - 1 + count]
    body = _of(ListResponse, model)(total_results=total, start_index=first, items_per_page=len(part), resources=part)
    return _answer(body.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=query))


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFoundException(detail="There is no such resource.") from None


def _require_match(request: AnyRequest, resource: Any) -> None:
    wanted = request.headers.get("if-match")
    if wanted and wanted != "*" and resource.meta.version not in {tag.strip() for tag in wanted.split(",")}:
        raise PreconditionFailedException(detail="This was changed in the meantime: read it again.")


def _object(data: Any, **default: Any) -> dict[str, Any]:
    """Return a body that is an object, with what is to stand in for attributes that the client left out."""
    if not isinstance(data, dict):
        raise InvalidSyntaxException(detail="The body is to be a JSON object.")
    given = {str(name).lower() for name in data}
    return data | {name: value for name, value in default.items() if name not in given}


def _resource_routes(name: str, kind: _Kind) -> list[HTTPRouteHandler]:
    """Return the seven routes of a kind of resource."""
    options: dict[str, Any] = {"permission": PROVISION, "include_in_schema": False,
        "exception_handlers": {Exception: show_scim_failure}}  # fmt: skip
    path, model = f"{PREFIX}/{name}", kind.model

    async def listed(tx: Transaction, request: AnyRequest) -> Response[Any]:
        """List resources."""
        await note_use(tx, request.scope["state"]["address"])
        where = _origin(request) + path
        query = _query(request, _of(SearchRequest, model))
        return _list(model, query, [_resource(kind, row, where) for row in await kind.every(tx)])

    async def searched(tx: Transaction, request: AnyRequest, data: Any) -> Response[Any]:
        """List resources; what is asked for stands in the body (RFC 7644 section 3.4.3)."""
        where = _origin(request) + path
        query = _of(SearchRequest, model).model_validate(_object(data), scim_ctx=Context.SEARCH_REQUEST)
        return _list(model, query, [_resource(kind, row, where) for row in await kind.every(tx)])

    async def read(tx: Transaction, request: AnyRequest, id: str) -> Response[Any]:
        """Read one resource; 304 if it is still what the client has."""
        shown = _resource(kind, await kind.one(tx, _id(id)), _origin(request) + path)
        if request.headers.get("if-none-match") == shown.meta.version:
            return Response(None, status_code=304, headers={"ETag": shown.meta.version})
        return _single(request, kind, shown, Context.RESOURCE_QUERY_RESPONSE)

    async def made(tx: Transaction, request: AnyRequest, data: Any) -> Response[Any]:
        """Make a resource."""
        await note_use(tx, request.scope["state"]["address"])
        given = _object(data, active=True)
        asked = model.model_validate(given, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=TOLERANT)
        shown = _resource(kind, await kind.make(tx, asked), _origin(request) + path)
        return _single(request, kind, shown, Context.RESOURCE_CREATION_RESPONSE, 201)

    async def replaced(tx: Transaction, request: AnyRequest, id: str, data: Any) -> Response[Any]:
        """Replace a resource."""
        row = await kind.one(tx, _id(id))
        standing = _resource(kind, row, _origin(request) + path)
        _require_match(request, standing)
        given = _object(data, active=getattr(standing, "active", None))
        asked = model.model_validate(given, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST, scim_policy=TOLERANT)
        asked.replace(standing)
        shown = _resource(kind, await kind.save(tx, row, asked), _origin(request) + path)
        return _single(request, kind, shown, Context.RESOURCE_REPLACEMENT_RESPONSE)

    async def patched(tx: Transaction, request: AnyRequest, id: str, data: Any) -> Response[Any]:
        """Change parts of a resource."""
        row = await kind.one(tx, _id(id))
        standing = _resource(kind, row, _origin(request) + path)
        _require_match(request, standing)
        asked = _of(PatchOp, model).model_validate(
            _object(data), scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=TOLERANT
        )
        if asked.patch(standing, scim_policy=TOLERANT):
            row = await kind.save(tx, row, standing)
        shown = _resource(kind, row, _origin(request) + path)
        return _single(request, kind, shown, Context.RESOURCE_PATCH_RESPONSE)

    async def removed(tx: Transaction, request: AnyRequest, id: str) -> None:
        """Remove a resource: a member's access ends at once."""
        _require_match(request, _resource(kind, await kind.one(tx, _id(id)), _origin(request) + path))
        await kind.remove(tx, _id(id))

    one = path + "/{id:str}"
    declared = ((get, path, listed), (post, path + "/.search", searched), (post, path, made), (get, one, read),
        (put, one, replaced), (patch, one, patched), (delete, one, removed))  # fmt: skip
    return [
        declare(where, operation_id=f"scim_{name}_{verb.__name__}".lower(), **options)(verb)
        for declare, where, verb in declared
    ]


def _discovery_routes() -> list[HTTPRouteHandler]:
    options: dict[str, Any] = {"permission": PROVISION, "include_in_schema": False,
        "exception_handlers": {Exception: show_scim_failure}}  # fmt: skip

    def shown(found: Resource[Any]) -> Response[Any]:
        return _answer(found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))

    def many(request: AnyRequest, found: list[Any]) -> Response[Any]:
        if request.query_params.get("filter"):
            raise ForbiddenException(detail="These lists take no filter.")  # RFC 7644 section 4
        body = _of(ListResponse, type(found[0]))(
            total_results=len(found), start_index=1, items_per_page=len(found), resources=found
        )
        return _answer(body.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))

    def named(found: list[Any], id: str) -> Response[Any]:
        for item in found:
            if str(item.id) == id:
                return shown(item)
        raise NotFoundException(detail="There is no such description.")

    @get(f"{PREFIX}/ServiceProviderConfig", **options)
    async def scim_config(tx: Transaction, request: AnyRequest) -> Response[Any]:
        """What this service can do."""
        return shown(service_config(_origin(request)))

    @get(f"{PREFIX}/ResourceTypes", **options)
    async def scim_types(tx: Transaction, request: AnyRequest) -> Response[Any]:
        """The kinds of resources."""
        return many(request, resource_types(_origin(request)))

    @get(PREFIX + "/ResourceTypes/{id:str}", **options)
    async def scim_type(tx: Transaction, request: AnyRequest, id: str) -> Response[Any]:
        """One kind of resource."""
        return named(resource_types(_origin(request)), id)

    @get(f"{PREFIX}/Schemas", **options)
    async def scim_schemas(tx: Transaction, request: AnyRequest) -> Response[Any]:
        """The schemas of the resources."""
        return many(request, schemas(_origin(request)))

    @get(PREFIX + "/Schemas/{id:str}", **options)
    async def scim_schema(tx: Transaction, request: AnyRequest, id: str) -> Response[Any]:
        """One schema."""
        return named(schemas(_origin(request)), id)

    @post(f"{PREFIX}/.search", **options)
    async def scim_search(tx: Transaction, request: AnyRequest, data: Any) -> Response[Any]:
        """Search among users and groups at once."""
        query = SearchRequest[User | Group].model_validate(_object(data), scim_ctx=Context.SEARCH_REQUEST)
        found = []
        for name, kind in KINDS.items():
            where = f"{_origin(request)}{PREFIX}/{name}"
            found += [_resource(kind, row, where) for row in await kind.every(tx)]
        return _list(User | Group, query, found)

    @get(PREFIX + "/{rest:path}", **options)
    async def scim_nothing(tx: Transaction, request: AnyRequest, rest: str) -> Response[Any]:
        """What is nowhere is answered as SCIM answers."""
        raise NotFoundException(detail="There is no such endpoint.")

    return [scim_config, scim_types, scim_type, scim_schemas, scim_schema, scim_search, scim_nothing]


ROUTES = [
    *_discovery_routes(),
    *(route for name, kind in KINDS.items() for route in _resource_routes(name, kind)),
]
