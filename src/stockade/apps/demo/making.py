"""Making the demo tenants, so that it can be cut off at any point and called again.

The steps of a tenant, each in its transaction: its row; company, master data and history, all of it or nothing; the
day's orders, one by one; its people, last. So a demo tenant is finished when it has an owner, nobody can enter one that
is not, and what a tenant has says which step comes next.
"""

import asyncio
from uuid import UUID

from stockade.apps.demo.history import make_history, write_history
from stockade.apps.demo.today import live_today
from stockade.apps.demo.trade import Trade, trades
from stockade.commerce.parties.service.company import read_company
from stockade.identity.service.members import Place, add_member, list_members
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.problems import NotFound
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import create_tenant, list_tenants
from stockade.tenancy.transaction import Database

MOST_TODAY = 60
PEOPLE = [("owner", 0), ("admin", 1), ("member", 2), ("viewer", 3)]
"""Roles, and places in the vocabulary's names; the address is ``role@slug.example``."""
VALID_SECONDS = 600


async def make_demo(platform: Database, database: Database, *, orders: int = 3_000) -> list[str]:
    """Make the two demo distributors with so many orders each, or complete them; return the slugs of those it touched.

    ``platform`` connects as the platform's role, ``database`` as the application's. Empty when both are finished.
    """
    known = {row.slug: row.id for row in await list_tenants(platform)}
    wanted = trades()
    touched = await asyncio.gather(
        *(_make(platform, database, trade, known.get(trade.slug), orders) for trade in wanted), return_exceptions=True
    )
    for outcome in touched:  # only now, so that no transaction of the other tenant is left under way
        if isinstance(outcome, BaseException):
            raise outcome
    return [trade.slug for trade, is_touched in zip(wanted, touched, strict=True) if is_touched]


async def _make(platform: Database, database: Database, trade: Trade, tenant_id: UUID | None, orders: int) -> bool:
    """Bring one demo tenant to its end; False if it was there."""
    if tenant_id is None:
        tenant_id = await create_tenant(platform, slug=trade.slug, name=trade.company.legal_name)
    principal = Principal.system(tenant_id)
    async with database.transaction(principal) as tx:
        if await list_members(tx):
            return False
        try:
            await read_company(tx)
            has_history = True
        except NotFound:
            has_history = False
    live = min(MOST_TODAY, orders // 3)
    if not has_history:
        history = make_history(trade, orders - live, today())
        importing = Principal.system(tenant_id, kind=ActorKind.IMPORT)
        async with database.transaction(importing, valid_seconds=VALID_SECONDS) as tx:
            await write_history(tx, history)
    await live_today(database, principal, trade, live)
    async with database.transaction(principal) as tx:
        for role, place in PEOPLE:
            name = f"{trade.words.first_names[place]} {trade.words.last_names[place]}"
            await add_member(tx, id=new_id(), email=f"{role}@{trade.slug}.example", name=name, place=Place(role=role))
    return True
