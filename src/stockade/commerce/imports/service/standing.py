"""Where an import stands: its row, locked, and the worker called to it."""

from uuid import UUID

from stockade.commerce.imports.views import AT_WORK, NotNow, State
from stockade.database.statements import raw
from stockade.jobs.queue import enqueue
from stockade.tenancy.transaction import Transaction

ENTRYPOINT = "imports_work"
_LOCK = raw(
    "select r.state from imports.run r where r.tenant_id = $1 and r.id = $2 for no key update", "this_tenant id"
)


async def locked_state(tx: Transaction, import_id: UUID) -> State:
    """Lock an import to the transaction's end and return its state; ``NotFound`` if there is none."""
    row = await _LOCK.one(tx, id=import_id)
    state: State = row[0]
    return state


async def in_state(tx: Transaction, import_id: UUID, *allowed: State) -> State:
    """Lock an import and return its state, which is one of those; ``NotNow`` if it is another."""
    state = await locked_state(tx, import_id)
    if state not in allowed:
        raise NotNow("Wait until it is done." if state in AT_WORK else "It has ended: upload the file again.")
    return state


async def wake(tx: Transaction, import_id: UUID) -> None:
    """Call the worker to an import, once this transaction is committed."""
    await enqueue(tx, ENTRYPOINT, import_id=import_id)
