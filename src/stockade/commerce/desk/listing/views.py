"""Saved views: a list as somebody wants to see it again."""

from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, insert, or_, select

from stockade.access.fields import Text80
from stockade.access.permissions import permission
from stockade.commerce.desk.model import View
from stockade.database.statements import TENANT, param, statement
from stockade.kernel.problems import Conflict, NotFound
from stockade.tenancy.transaction import Transaction

KEEP_VIEWS = permission("desk:keep_views", least="viewer", personal=True)
MOST_VIEWS = 50
"""How many views one person keeps of one list."""


class TooManyViews(Conflict):
    """A person keeps a bounded number of views."""

    type = "/problems/views/too-many"
    title = "There are too many saved views of this list"


class NewView(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question to keep: the address's query, and what to call it."""

    name: Text80
    query: Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^[\x21-\x7e]*$")] = ""
    shared: bool = False


class SavedView(msgspec.Struct, frozen=True):
    """A kept question. ``owned`` says whether it is the reader's own."""

    id: UUID
    name: str
    query: str
    shared: bool
    owned: bool


_MINE = View.owner_id == param("actor_id")
_VIEWS = statement(
    select(View.id, View.name, View.query, View.shared, _MINE.label("owned"))
    .where(View.tenant_id == TENANT, View.listing == param("listing"), or_(_MINE, View.shared))
    .order_by(View.name, View.id)
    .limit(500),
    SavedView,
)
_COUNT = statement(select(func.count()).where(View.tenant_id == TENANT, View.listing == param("listing"), _MINE), int)
_SAVE = statement(
    insert(View).values(
        tenant_id=TENANT, id=param("id"), listing=param("listing"), owner_id=param("actor_id"), name=param("name"),
        query=param("query"), shared=param("shared"),
    )
)  # fmt: skip
_REMOVE = statement(delete(View).where(View.tenant_id == TENANT, View.id == param("id"), _MINE))


async def views_of(tx: Transaction, listing: str) -> list[SavedView]:
    """Return the person's own views of a list and the shared ones, by name."""
    return await _VIEWS.all(tx, listing=listing, actor_id=tx.principal.actor_id)


async def save_view(tx: Transaction, id: UUID, listing: str, new: NewView) -> None:
    """Keep a view of a list; ``TooManyViews`` beyond ``MOST_VIEWS``."""
    if await _COUNT.one(tx, listing=listing, actor_id=tx.principal.actor_id) >= MOST_VIEWS:
        raise TooManyViews("Remove one that you do not need any more.")
    await _SAVE.run(
        tx, id=id, listing=listing, actor_id=tx.principal.actor_id, name=new.name, query=new.query, shared=new.shared
    )


async def remove_view(tx: Transaction, id: UUID) -> None:
    """Forget a view of one's own; ``NotFound`` if it is somebody else's."""
    if not await _REMOVE.run(tx, id=id, actor_id=tx.principal.actor_id):
        raise NotFound
