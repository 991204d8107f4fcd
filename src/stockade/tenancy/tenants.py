"""Tenants: made and listed by the platform's operator."""

import re
from uuid import UUID

import msgspec
from sqlalchemy import insert, select

from stockade.database.statements import param, statement
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict, Invalid, NotFound
from stockade.tenancy.model import Tenant
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, on_violation

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class SlugTaken(Conflict):
    """Another tenant has this slug. Only the platform's operator, who sees all of them, is ever told."""

    type = "/problems/tenancy/slug-taken"
    title = "A tenant with this slug exists already"


on_violation("tenant_slug_key", SlugTaken)


class TenantRow(msgspec.Struct, frozen=True):
    """A tenant as the operator sees it."""

    id: UUID
    slug: str
    name: str
    state: str
    placement: str
    is_probe: bool


_INSERT = statement(
    insert(Tenant).values(
        id=param("id"),
        slug=param("slug"),
        name=param("name"),
        state="active",
        placement=param("placement"),
        is_probe=param("is_probe"),
    )
)
_COLUMNS = (Tenant.id, Tenant.slug, Tenant.name, Tenant.state, Tenant.placement, Tenant.is_probe)
_ALL = statement(select(*_COLUMNS).order_by(Tenant.slug), TenantRow)
_BY_SLUG = statement(select(*_COLUMNS).where(Tenant.slug == param("slug")), TenantRow)


async def create_tenant(
    platform: Database, *, slug: str, name: str, is_probe: bool = False, placement: str = "main"
) -> UUID:
    """Make a tenant and return its id; ``platform`` connects as the platform's role.

    It is pinned to the tenant that it makes, so that the trail's first entry lies with the tenant itself.
    """
    if not _SLUG.fullmatch(slug):
        raise Invalid(
            "A slug has 1 to 63 lower-case letters, digits and hyphens, and no hyphen at an end.", field="slug"
        )
    tenant_id = new_id()
    async with platform.transaction(Principal.system(tenant_id)) as tx:
        await _INSERT.run(tx, id=tenant_id, slug=slug, name=name, placement=placement, is_probe=is_probe)
    return tenant_id


async def list_tenants(platform: Database) -> list[TenantRow]:
    """Return every tenant; only the platform's role sees more than one."""
    async with platform.main().acquire() as connection:
        return [TenantRow(*row) for row in await connection.fetch(_ALL.sql)]


async def find_tenant(platform: Database, slug: str) -> TenantRow:
    """Return the tenant with this slug, or raise ``NotFound``."""
    async with platform.main().acquire() as connection:
        row = await connection.fetchrow(_BY_SLUG.sql, slug)
    if row is None:
        raise NotFound(f"There is no tenant {slug!r}.")
    return TenantRow(*row)
