"""One action over many orders: started by a person, done by the worker, told order by order.

Each order is a transaction of its own, in the person's name and with the rights that the person has at that moment; one
that is refused holds nobody up. A worker that is killed leaves the orders that it had done done, and the next one goes
on with those that wait.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from stockade.access.acting import in_name_of
from stockade.commerce.desk.acting import ACTIONS
from stockade.database.statements import raw
from stockade.jobs.queue import Work, enqueue
from stockade.kernel.problems import Invalid, NotFound, Problem
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Transaction

JOB = "desk_bulk"
MOST_AT_ONCE = 500


class Item(msgspec.Struct, frozen=True):
    """One order of a bulk action, and what became of it; ``refusal`` is the problem's title and its detail, by line."""

    position: int
    order_id: UUID
    number: str
    customer_name: str
    outcome: str
    refusal: str | None


class Bulk(msgspec.Struct, frozen=True):
    """A bulk action with all its orders."""

    id: UUID
    action: str
    total: int
    items: list[Item]

    def count(self, outcome: str) -> int:
        """Return how many of its orders have an outcome."""
        return sum(item.outcome == outcome for item in self.items)

    @property
    def finished(self) -> bool:
        """Whether nothing waits any more."""
        return self.count("waiting") == 0


class _Run(msgspec.Struct, frozen=True):
    account_id: UUID
    action: str


_START = raw(
    "insert into desk.bulk (tenant_id, id, account_id, action, total) values ($1, $2, $3, $4, $5)",
    "this_tenant id account_id action total",
)
_ITEMS = raw(
    """
    insert into desk.bulk_item (tenant_id, bulk_id, position, order_id)
    select $1, $2, w.position, o.id from unnest($3::uuid[]) with ordinality as w(id, position)
    join orders.sales_order o on o.tenant_id = $1 and o.id = w.id
    """,
    "this_tenant id orders",
)
_READ = raw(
    """
    select b.action, b.total, i.position, i.order_id, o.number, c.name, i.outcome, i.refusal
    from desk.bulk b left join desk.bulk_item i on i.tenant_id = $1 and i.bulk_id = b.id
    left join orders.sales_order o on o.tenant_id = $1 and o.id = i.order_id
    left join parties.customer c on c.tenant_id = $1 and c.id = o.customer_id
    where b.tenant_id = $1 and b.id = $2 order by i.position
    """,
    "this_tenant id",
)
_RUN = raw(
    "select b.account_id, b.action from desk.bulk b where b.tenant_id = $1 and b.id = $2", "this_tenant id", _Run
)
_WAITING = raw(
    "select position from desk.bulk_item where tenant_id = $1 and bulk_id = $2 and outcome = 'waiting' "
    "order by position",
    "this_tenant id",
    int,
)
_TAKE = raw(
    """
    update desk.bulk_item i set outcome = 'done' from orders.sales_order o
    where i.tenant_id = $1 and i.bulk_id = $2 and i.position = $3 and i.outcome = 'waiting'
        and o.tenant_id = $1 and o.id = i.order_id
    returning o.id, o.version
    """,
    "this_tenant id position",
)
_REFUSE = raw(
    "update desk.bulk_item set outcome = 'refused', refusal = $4 "
    "where tenant_id = $1 and bulk_id = $2 and position = $3 and outcome = 'waiting'",
    "this_tenant id position refusal",
)


async def start_bulk(tx: Transaction, id: UUID, action: str, orders: Sequence[UUID]) -> None:
    """Write down what is to be done to which orders, and put it into the queue.

    ``Forbidden`` without the action's permission; ``Invalid`` for an action that is not for many, for no order, or for
    more than ``MOST_AT_ONCE``; ``NotFound`` if one of them is not there.
    """
    chosen = ACTIONS.get(action)
    if chosen is None or not chosen.many:
        raise Invalid("This cannot be done to many orders at once.", field="action")
    chosen.permission.require(tx.principal)
    wanted = list(dict.fromkeys(orders))
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise Invalid("Choose at least one order, and at most 500.", field="order_id")
    await _START.run(tx, id=id, account_id=tx.principal.actor_id, action=action, total=len(wanted))
    if await _ITEMS.run(tx, id=id, orders=wanted) < len(wanted):
        raise NotFound
    await enqueue(tx, JOB, bulk=id)


async def read_bulk(tx: Transaction, bulk_id: UUID) -> Bulk:
    """Return a bulk action with what became of each order; ``NotFound`` if there is none."""
    rows = await _READ.all(tx, id=bulk_id)
    if not rows:
        raise NotFound
    return Bulk(bulk_id, rows[0][0], rows[0][1], [Item(*row[2:]) for row in rows if row[2] is not None])


async def run_bulk(worker: Database, work: Work) -> None:
    """Do what waits of a bulk action (a job). What a job names is only believed if the tenant's own row says it."""
    bulk_id = work.ids["bulk"]
    async with worker.transaction(Principal.system(work.tenant_id, kind=ActorKind.JOB)) as tx:
        run = await _RUN.first(tx, id=bulk_id)
        waiting = await _WAITING.all(tx, id=bulk_id)
    if run is None:
        return
    for position in waiting:
        person = await in_name_of(worker, work.tenant_id, run.account_id)
        await _do_one(worker, person, bulk_id, run.action, position)


async def _do_one(worker: Database, person: Principal, bulk_id: UUID, action: str, position: int) -> None:
    try:
        async with worker.transaction(person) as tx:
            ACTIONS[action].permission.require(person)
            taken = await _TAKE.first(tx, id=bulk_id, position=position)
            if taken is not None:
                await ACTIONS[action].act(tx, *taken)
    except Problem as problem:
        told = "\n".join(filter(None, (problem.title, problem.detail)))
        async with worker.transaction(person) as tx:
            await _REFUSE.run(tx, id=bulk_id, position=position, refusal=told[:500])
