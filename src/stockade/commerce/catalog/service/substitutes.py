"""Substitutes: what can be offered instead of a product that is short, best first. A list is set as a whole."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from stockade.access.fields import ExpectedVersion
from stockade.commerce.catalog.rules import ProductState
from stockade.database.statements import Statement, raw
from stockade.kernel.problems import Invalid, NotFound, VersionConflict
from stockade.tenancy.transaction import Transaction

MOST_SUBSTITUTES = 20


class Substitute(msgspec.Struct, frozen=True):
    """A product that stands in for another one."""

    id: UUID
    sku: str
    name: str
    state: ProductState


class Substitutes(msgspec.Struct, frozen=True):
    """A product's substitutes in the order in which they are offered; ``version`` is the product's."""

    product_id: UUID
    version: int
    substitutes: list[Substitute]


class SubstitutesSetting(ExpectedVersion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which products stand in for one from now on, best first; an empty list takes all of them back."""

    substitute_ids: Annotated[list[UUID], msgspec.Meta(max_length=MOST_SUBSTITUTES)]

    def __post_init__(self) -> None:
        if len(set(self.substitute_ids)) != len(self.substitute_ids):
            raise ValueError("Name each product once")


_READ: Statement[Any] = raw(
    """
    select o.version, p.id, p.sku, p.name, p.state
    from catalog.product as o
    left join catalog.substitute as s on s.tenant_id = $1 and s.product_id = o.id
    left join catalog.product as p on p.tenant_id = $1 and p.id = s.substitute_id
    where o.tenant_id = $1 and o.id = $2
    order by s.position
    """,
    "this_tenant product_id",
)
_STEP: Statement[Any] = raw(
    """
    update catalog.product set version = version + 1, updated_at = now()
    where tenant_id = $1 and id = $2 and version = $3
    """,
    "this_tenant product_id expected",
)
_KNOWN = raw("select id from catalog.product where tenant_id = $1 and id = any($2::uuid[])", "this_tenant ids", UUID)
_CLEAR: Statement[Any] = raw(
    "delete from catalog.substitute where tenant_id = $1 and product_id = $2", "this_tenant product_id"
)
_WRITE: Statement[Any] = raw(
    """
    insert into catalog.substitute (tenant_id, product_id, position, substitute_id)
    select $1::uuid, $2::uuid, s.position, s.id from unnest($3::uuid[]) with ordinality as s (id, position)
    """,
    "this_tenant product_id ids",
)


async def read_substitutes(tx: Transaction, product_id: UUID) -> Substitutes:
    """Return a product's substitutes, archived ones too; ``NotFound`` if there is no such product."""
    rows = await _READ.all(tx, product_id=product_id)
    if not rows:
        raise NotFound
    return Substitutes(product_id, rows[0][0], [Substitute(*row[1:]) for row in rows if row[1] is not None])


async def set_substitutes(tx: Transaction, product_id: UUID, setting: SubstitutesSetting) -> Substitutes:
    """Replace a product's substitutes and return them; the product's version goes up.

    ``VersionConflict`` unless it still is as the caller has read it; ``Invalid`` for the product itself, or for one
    that is not there.
    """
    wanted = setting.substitute_ids
    if not await _STEP.run(tx, product_id=product_id, expected=setting.expected_version):
        await read_substitutes(tx, product_id)
        raise VersionConflict
    known = set(await _KNOWN.all(tx, ids=wanted))
    for place, substitute_id in enumerate(wanted):
        if substitute_id == product_id:
            raise Invalid("A product is no substitute for itself.", field=f"substitute_ids.{place}")
        if substitute_id not in known:
            raise Invalid("There is no product with this id.", field=f"substitute_ids.{place}")
    await _CLEAR.run(tx, product_id=product_id)
    await _WRITE.run(tx, product_id=product_id, ids=wanted)
    return await read_substitutes(tx, product_id)
