"""The tenants as operators see them: their plan, state and size, and no row of theirs."""

from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.kernel.problems import NotFound
from stockade.platform.accesses import as_operator
from stockade.tenancy.pin import NOBODY, ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import TenantRow, list_tenants
from stockade.tenancy.transaction import Database


class TenantHealth(msgspec.Struct, frozen=True):
    """A tenant in figures."""

    id: UUID
    slug: str
    name: str
    state: str
    placement: str
    members: int
    orders: int


_FIGURES = raw(
    "select (select count(*) from identity.membership m where m.tenant_id = $1 and m.state = 'active'), "
    "(select count(*) from orders.sales_order o where o.tenant_id = $1)",
    "this_tenant",
)
_SET_STATE = raw("update tenancy.tenant set state = $2 where id = $1", "this_tenant state")


async def list_health(platform: Database, database: Database) -> list[TenantHealth]:
    """Return every customer with its counts; each is counted inside its own wall, and nothing but counts comes out."""
    return [await _counted(database, tenant) for tenant in await list_tenants(platform) if not tenant.is_probe]


async def read_health(platform: Database, database: Database, tenant_id: UUID) -> TenantHealth:
    """Return one customer with its counts; ``NotFound`` if there is none."""
    for tenant in await list_tenants(platform):
        if tenant.id == tenant_id and not tenant.is_probe:
            return await _counted(database, tenant)
    raise NotFound


async def _counted(database: Database, tenant: TenantRow) -> TenantHealth:
    async with database.transaction(counting(tenant.id)) as tx:
        members, orders = await _FIGURES.one(tx)
    return TenantHealth(tenant.id, tenant.slug, tenant.name, tenant.state, tenant.placement, members, orders)


def counting(tenant_id: UUID) -> Principal:
    """Whoever counts inside a tenant: nobody, without any right."""
    return Principal(tenant_id=tenant_id, actor_id=NOBODY, kind=ActorKind.SYSTEM, role="nobody")


async def set_state(platform: Database, tenant_id: UUID, operator_id: UUID, state: str) -> None:
    """Suspend a tenant or let it in again, in the operator's name; ``NotFound`` if there is none."""
    known = {tenant.id for tenant in await list_tenants(platform) if not tenant.is_probe}
    if tenant_id not in known:
        raise NotFound
    async with platform.transaction(as_operator(tenant_id, operator_id)) as tx:
        await _SET_STATE.run(tx, state=state)
