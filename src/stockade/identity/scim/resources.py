"""The resources as a directory sees them: the part of RFC 7643 that this service keeps, and what it says of itself."""

from typing import Annotated, Any

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Mutability,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    Schema,
    ScimPolicy,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)
from scim2_models import Bulk as BulkSupport
from scim2_models import Filter as FilterSupport

PREFIX = "/scim/v2"
MOST_RESULTS = 1000
TOLERANT = ScimPolicy(unknown=ScimPolicy.Unknown.ignore, remove_value_as_filter=ScimPolicy.RemoveValue.apply)
"""Directories send attributes that we do not keep (phone numbers, titles), and Entra names what it removes by value."""


class PersonName(ComplexAttribute):
    """The parts of a name."""

    family_name: str | None = None
    given_name: str | None = None


class User(Resource[Any]):
    """A member of the organisation. ``userName`` is the e-mail address, which a directory cannot change afterwards:
    it belongs to the person, who may work for other organisations with it.
    """

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Required.true, Mutability.immutable, Uniqueness.server] = None
    name: PersonName | None = None
    display_name: str | None = None
    active: Annotated[bool | None, Required.true] = None
    """What a client leaves out is kept as it is; a new user is active."""


class GroupMember(ComplexAttribute):
    """A member of a group: always a user."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    display: Annotated[str | None, Mutability.read_only] = None


class Group(Resource[Any]):
    """A group of the directory."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true, Uniqueness.server] = None
    members: list[GroupMember] | None = None


RESOURCES: dict[str, type[Resource[Any]]] = {"User": User, "Group": Group}


def service_config(origin: str) -> ServiceProviderConfig:
    """Return what this service can do."""
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=BulkSupport(supported=False, max_operations=0, max_payload_size=0),
        filter=FilterSupport(supported=True, max_results=MOST_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer token",
                description="The token of the organisation, as Bearer.",
            )
        ],
        meta={"resourceType": "ServiceProviderConfig", "location": f"{origin}{PREFIX}/ServiceProviderConfig"},  # type: ignore[arg-type]  # pydantic reads it
    )


def resource_types(origin: str) -> list[ResourceType]:
    """Return the kinds of resources and where they are."""
    return [
        ResourceType(
            id=name,
            name=name,
            endpoint=f"/{name}s",  # type: ignore[arg-type]  # pydantic reads it
            schema=str(model.__schema__),  # type: ignore[arg-type]  # pydantic reads it
            meta={"resourceType": "ResourceType", "location": f"{origin}{PREFIX}/ResourceTypes/{name}"},  # type: ignore[arg-type]  # pydantic reads it
        )
        for name, model in RESOURCES.items()
    ]


def schemas(origin: str) -> list[Schema]:
    """Return the schemas of the resources."""
    found = []
    for model in RESOURCES.values():
        schema = model.to_schema()
        schema.meta = {"resourceType": "Schema", "location": f"{origin}{PREFIX}/Schemas/{schema.id}"}  # type: ignore[assignment]  # pydantic reads it
        found.append(schema)
    return found
