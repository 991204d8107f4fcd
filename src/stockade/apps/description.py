"""The API's description: Litestar's OpenAPI 3.1 document, with each route's permission and how to authenticate."""

from typing import Any

from litestar import Litestar

from stockade.access.admission import permission_of
from stockade.access.permissions import PUBLIC
from stockade.kernel.problems import all_problems

API_PREFIX = "/api/v1"
_INTRODUCTION = (
    "Authenticate with an API key: `Authorization: Bearer sk_…`; or sign in as a person at `/api/v1/tokens` and send "
    "the access token in its place. Money is in minor units with its ISO 4217 currency, moments are RFC 3339 in UTC, "
    "unit prices are decimal strings. What makes something wants an `Idempotency-Key`; what changes something wants "
    "the `expected_version` that you read. Lists go on at `after=<next>`. Refusals are RFC 9457 problems."
)


def describe(app: Litestar) -> dict[str, Any]:
    """Return the document as plain data."""
    document: dict[str, Any] = app.openapi_schema.to_schema()
    document["info"]["description"] = _INTRODUCTION
    document.setdefault("components", {})["securitySchemes"] = {
        "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key of one tenant, or an access token."}
    }
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            permission = permission_of(handler)
            if permission is None or permission is PUBLIC:
                continue
            for method in handler.http_methods:
                operation = document["paths"].get(route.path_format, {}).get(method.lower())
                if operation is not None:
                    operation["security"] = [{"apiKey": []}]
                    operation["x-permission"] = permission.name
    document["x-problems"] = [
        {"type": problem.type, "title": problem.title, "status": problem.status}
        for problem in sorted(set(all_problems()), key=lambda kind: kind.type)
        if problem.type != "about:blank"
    ]
    return document
