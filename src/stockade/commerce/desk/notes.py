"""Notes: what colleagues write beside an order or a customer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from stockade.access.fields import Text2000
from stockade.database.statements import raw
from stockade.kernel.problems import Conflict, NotFound
from stockade.tenancy.transaction import Transaction

MOST_NOTES = 200
"""How many notes a record may have: they are shown in one piece."""


class TooManyNotes(Conflict):
    """A record has as many notes as it may have."""

    type = "/problems/notes/too-many"
    title = "This has as many notes as it may have; take one back first"


class NewNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note to be written."""

    text: Annotated[Text2000, msgspec.Meta(min_length=1)]


class Note(msgspec.Struct, frozen=True):
    """A note; ``owned`` says whether the reader wrote it."""

    id: UUID
    author: str
    text: str
    written_at: datetime
    owned: bool


_OF = raw(
    """
    select n.id, coalesce(p.name, k.name, (select 'Operator ' || w.name from platform.operators() w
        where w.operator_id = n.author_id), 'Stockade'), n.text, n.written_at, n.author_id = $3
    from desk.note n
    left join identity.people() p on p.account_id = n.author_id
    left join identity.api_key k on k.tenant_id = $1 and k.id = n.author_id
    where n.tenant_id = $1 and n.subject_id = $2 order by n.written_at desc, n.id desc limit 200
    """,
    "this_tenant subject_id actor_id",
    Note,
)
_COUNT = raw("select count(*) from desk.note where tenant_id = $1 and subject_id = $2", "this_tenant subject_id", int)
_WRITE = raw(
    "insert into desk.note (tenant_id, id, subject_id, author_id, text) values ($1, $2, $3, $4, $5)",
    "this_tenant id subject_id actor_id text",
)
_TAKE_BACK = raw(
    "delete from desk.note where tenant_id = $1 and id = $2 and subject_id = $3 and author_id = $4 returning text",
    "this_tenant id subject_id actor_id",
    str,
)


async def notes_of(tx: Transaction, subject_id: UUID) -> list[Note]:
    """Return the notes beside a record, the newest first."""
    return await _OF.all(tx, subject_id=subject_id, actor_id=tx.principal.actor_id)


async def write_note(tx: Transaction, id: UUID, subject_id: UUID, new: NewNote) -> None:
    """Write a note beside a record of this tenant that the caller has read; ``TooManyNotes`` beyond ``MOST_NOTES``."""
    if await _COUNT.one(tx, subject_id=subject_id) >= MOST_NOTES:
        raise TooManyNotes
    await _WRITE.run(tx, id=id, subject_id=subject_id, actor_id=tx.principal.actor_id, text=new.text)


async def take_back_note(tx: Transaction, note_id: UUID, subject_id: UUID) -> str:
    """Take a note of one's own back and return its text; ``NotFound`` if it is somebody else's."""
    text = await _TAKE_BACK.first(tx, id=note_id, subject_id=subject_id, actor_id=tx.principal.actor_id)
    if text is None:
        raise NotFound
    return text
