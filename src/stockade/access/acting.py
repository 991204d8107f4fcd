"""In somebody's name: what runs in the background does what its person, or key, may do at that moment, and no more."""

from uuid import UUID

import msgspec

from stockade.access.rights import shaped
from stockade.database.statements import raw
from stockade.identity.model import OWN
from stockade.tenancy.pin import ActorKind, limits_of
from stockade.tenancy.principal import SYSTEM_ACTOR, Principal
from stockade.tenancy.transaction import Database


class _Rights(msgspec.Struct, frozen=True):
    role: str
    permissions: list[str] | None
    customers: str | None
    warehouses: str | None
    read_only: bool
    modules: list[str] | None


_RIGHTS = raw(
    """
    select m.role, r.permissions, r.customers, r.warehouses, false, null::jsonb
    from identity.membership m left join identity.role r on r.tenant_id = $1 and r.id = m.own_role_id
    where m.tenant_id = $1 and m.account_id = $2 and m.state = 'active'
    union all
    select k.role, r.permissions, r.customers, r.warehouses, k.read_only, k.modules
    from identity.api_key k left join identity.role r on r.tenant_id = $1 and r.id = k.own_role_id
    where k.tenant_id = $1 and k.id = $2 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    """,
    "this_tenant id",
    _Rights,
)
_NONE = _Rights(OWN, [], None, None, read_only=True, modules=None)


async def in_name_of(worker: Database, tenant_id: UUID, actor_id: UUID) -> Principal:
    """Return a job's principal with the rights that a member or an API key has now; with none if they have gone."""
    system = Principal.system(tenant_id, kind=ActorKind.JOB)
    if actor_id == SYSTEM_ACTOR:
        return system
    async with worker.transaction(system) as tx:
        found = await _RIGHTS.first(tx, id=actor_id) or _NONE
    return shaped(
        Principal(
            tenant_id=tenant_id,
            actor_id=actor_id,
            kind=ActorKind.JOB,
            role=found.role,
            read_only=found.read_only,
            grants=frozenset(found.permissions or ()) if found.role == OWN else None,
            modules=None if found.modules is None else frozenset(found.modules),
            limits=limits_of(found.customers or "all", found.warehouses or "all"),
        )
    )
