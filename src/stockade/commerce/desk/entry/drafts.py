"""Drafts: orders while they are typed, kept on the server, so that no reload, other desk or dead computer loses them.

A draft is its author's alone. Each saving names the version that it is based on, so that two windows do not overwrite
each other; one that is repeated because its answer was lost counts once.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from stockade.commerce.desk.model import EntryDraft
from stockade.commerce.orders.commands import MAX_LINES
from stockade.database.statements import TENANT, param, statement
from stockade.idempotency.service import made_under
from stockade.kernel.problems import Conflict, NotFound, VersionConflict
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction

MOST_DRAFTS = 20
"""How many orders one person may have under way."""
KnownVersion = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""The version that a saving is based on; 0 if there was none yet."""
_HARMLESS = r"^[^\u0000-\u0008\u000b-\u001f]*$"
Typed20 = Annotated[str, msgspec.Meta(max_length=20, pattern=_HARMLESS)]
Typed80 = Annotated[str, msgspec.Meta(max_length=80, pattern=_HARMLESS)]
Typed200 = Annotated[str, msgspec.Meta(max_length=200, pattern=_HARMLESS)]
Typed2000 = Annotated[str, msgspec.Meta(max_length=2000, pattern=_HARMLESS)]
"""What was typed may be wrong in every way but these: an order's own bounds count when it is placed."""


class DraftGone(Conflict):
    """The draft was placed (``order_id``) or discarded elsewhere."""

    type = "/problems/orders/draft-gone"
    title = "This draft is not open any more"


class TooManyDrafts(Conflict):
    """A person has a bounded number of orders under way."""

    type = "/problems/orders/too-many-drafts"
    title = "Too many orders are under way"


class EntryLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line as it was typed, right or wrong; ``label`` is what was shown beside a product that was chosen."""

    typed: Typed200 = ""
    label: Typed200 = ""
    product_id: UUID | None = None
    quantity: Typed20 = ""
    unit_price: Typed20 = ""
    discount_percent: Typed20 = ""
    whole: bool = False


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order as it was typed so far."""

    customer: Typed200 = ""
    customer_id: UUID | None = None
    warehouse_id: UUID | None = None
    delivery_address_id: UUID | None = None
    customer_reference: Typed80 = ""
    requested_on: Typed20 = ""
    note: Typed2000 = ""
    lines: Annotated[list[EntryLine], msgspec.Meta(max_length=MAX_LINES)] = []


class Saving(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a draft holds from now on."""

    expected_version: KnownVersion
    content: Entry


class Saved(msgspec.Struct, frozen=True):
    """That a draft was saved: the version to name next."""

    id: UUID
    version: int
    updated_at: datetime


class Draft(msgspec.Struct, frozen=True):
    """An open draft."""

    id: UUID
    version: int
    updated_at: datetime
    content: Entry


class _Kept(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    updated_at: datetime
    content: dict[str, object]

    def opened(self) -> Draft:
        return Draft(self.id, self.version, self.updated_at, msgspec.convert(self.content, Entry))


_OWN = (EntryDraft.tenant_id == TENANT, EntryDraft.account_id == param("account_id"))
_THIS = (*_OWN, EntryDraft.id == param("id"))
_COLUMNS = (EntryDraft.id, EntryDraft.version, EntryDraft.updated_at)
_LIST = statement(select(*_COLUMNS, EntryDraft.content).where(*_OWN).order_by(EntryDraft.id).limit(MOST_DRAFTS), _Kept)
_ONE = statement(select(*_COLUMNS, EntryDraft.content).where(*_THIS), _Kept)
_COUNT = statement(select(func.count()).where(*_OWN), int)
_OPEN = statement(
    insert(EntryDraft)
    .values(tenant_id=TENANT, id=param("id"), account_id=param("account_id"), content=param("new_content"))
    .on_conflict_do_nothing()
    .returning(*_COLUMNS),
    Saved,
)
_SAVE = statement(
    update(EntryDraft)
    .where(*_THIS, EntryDraft.version == param("expected"))
    .values(content=param("new_content"), version=EntryDraft.version + 1, updated_at=func.now())
    .returning(*_COLUMNS),
    Saved,
)
_TAKE = statement(delete(EntryDraft).where(*_THIS))


def key_of(draft_id: UUID) -> str:
    """Return the idempotency key under which a draft becomes an order."""
    return f"entry {draft_id}"


async def list_drafts(tx: Transaction) -> list[Draft]:
    """Return the person's open drafts, oldest first."""
    return [row.opened() for row in await _LIST.all(tx, account_id=tx.principal.actor_id)]


async def save_draft(tx: Transaction, draft_id: UUID, saving: Saving) -> Saved:
    """Keep what was typed.

    ``VersionConflict`` if another window saved something else meanwhile, ``DraftGone`` if the draft was placed or
    discarded there, ``TooManyDrafts`` beyond ``MOST_DRAFTS``.
    """
    this = {"account_id": tx.principal.actor_id, "id": draft_id}
    content = msgspec.json.encode(saving.content).decode()
    if saving.expected_version:
        saved = await _SAVE.first(tx, **this, expected=saving.expected_version, new_content=content)
    else:
        await _check_room(tx, draft_id)
        saved = await _OPEN.first(tx, **this, new_content=content)
    if saved is not None:
        return saved
    kept = await _ONE.first(tx, **this)
    if kept is None:
        raise DraftGone(order_id=await made_under(tx, key_of(draft_id)))
    if kept.opened().content == saving.content:
        return Saved(kept.id, kept.version, kept.updated_at)
    raise _changed(saving.expected_version, kept)


async def discard_draft(tx: Transaction, draft_id: UUID) -> None:
    """Forget a draft; ``NotFound`` if the person has no such."""
    if not await _TAKE.run(tx, account_id=tx.principal.actor_id, id=draft_id):
        raise NotFound


async def take_draft(tx: Transaction, draft_id: UUID, expected_version: int) -> None:
    """Take a draft away to make an order of it. One that never reached the server (version 0) need not be there.

    Raises what ``save_draft`` raises.
    """
    this = {"account_id": tx.principal.actor_id, "id": draft_id}
    if expected_version:
        kept = await _ONE.first(tx, **this)
        if kept is None:
            raise DraftGone(order_id=None)
        if kept.version != expected_version:
            raise _changed(expected_version, kept)
    await _TAKE.run(tx, **this)


async def _check_room(tx: Transaction, draft_id: UUID) -> None:
    """Refuse one draft too many, and one that comes after it was placed: a saving that was under way for long."""
    made = await made_under(tx, key_of(draft_id))
    if made is not None:
        raise DraftGone(order_id=made)
    if await _COUNT.one(tx, account_id=tx.principal.actor_id) >= MOST_DRAFTS:
        raise TooManyDrafts("Place or discard one first.")


def _changed(expected_version: int, kept: _Kept) -> VersionConflict:
    return VersionConflict(
        said("You have version {expected_version}; it is at {version} now.", expected_version=expected_version,
             version=kept.version),
        current_version=kept.version,
    )  # fmt: skip
