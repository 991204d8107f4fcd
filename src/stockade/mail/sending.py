"""Sending: a letter is queued by the transaction that causes it, so that it leaves exactly if that one commits.

A tenant sends a bounded number an hour, so that nobody mails the world with somebody else's good name. The bound is
counted without a lock: requests that come in the same instant may pass it by as many as they are.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from stockade.database.statements import Statement, raw
from stockade.jobs.queue import enqueue
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict, Problem
from stockade.kernel.words import said
from stockade.mail.letters import Letter, sealed
from stockade.mail.setting import read_setting
from stockade.tenancy.transaction import Transaction

MOST_AN_HOUR = 200
DELIVER = "mail_deliver"
"""The job that hands a letter over; it carries the letter's id."""
State = Literal["queued", "sent", "failed", "given_up"]


class TooManyLetters(Problem):
    """A tenant sends a bounded number of letters an hour."""

    type = "/problems/mail/too-many-letters"
    title = "Too many letters for this hour"
    status = 429


class NotGivenUp(Conflict):
    """Only a letter that was given up is sent again by hand: any other one is on its way, or there."""

    type = "/problems/mail/not-given-up"
    title = "This letter is on its way already"


class Sent(msgspec.Struct, frozen=True):
    """A letter and what became of it. ``last_error`` is a code of ours or what the relay said."""

    id: UUID
    to_address: str
    subject: str
    state: State
    attempts: int
    last_error: str | None
    queued_at: datetime
    next_attempt_at: datetime
    sent_at: datetime | None
    attachment_id: UUID | None


_INSERT: Statement[bool] = raw(
    """
    insert into mail.message (tenant_id, id, to_address, reply_to, sender_name, subject, text, html, attachment_kind,
        attachment_id)
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
    where (select count(*) from mail.message where tenant_id = $1 and queued_at > $11) < $12
    returning true
    """,
    "this_tenant id to_address reply_to sender_name subject text html attachment_kind attachment_id since most",
    bool,
)
_SENT = """
    select id, to_address, subject, state, attempts, last_error, queued_at, next_attempt_at, sent_at, attachment_id
    from mail.message
"""
_ABOUT = raw(
    f"{_SENT} where tenant_id = $1 and attachment_id = $2 order by queued_at desc, id desc limit 50",
    "this_tenant attachment_id",
    Sent,
)
_READ = raw(f"{_SENT} where tenant_id = $1 and id = $2", "this_tenant id", Sent)
_COPY: Statement[bool] = raw(
    """
    insert into mail.message (tenant_id, id, to_address, reply_to, sender_name, subject, text, html, attachment_kind,
        attachment_id)
    select tenant_id, $3, to_address, reply_to, sender_name, subject, text, html, attachment_kind, attachment_id
    from mail.message m where m.tenant_id = $1 and m.id = $2 and m.state = 'given_up'
        and (select count(*) from mail.message where tenant_id = $1 and queued_at > $4) < $5
    returning true
    """,
    "this_tenant id new_id since most",
    bool,
)


async def send(tx: Transaction, letter: Letter, id: UUID | None = None) -> UUID:
    """Queue a letter, and the job that hands it over; return its id.

    Raises ``Invalid`` (an address or a line that cannot be) and ``TooManyLetters``.
    """
    message_id = id or new_id()
    signed = await read_setting(tx)
    made = sealed(letter, sender_name=signed.sender_name, reply_to=signed.reply_to, signature=signed.signature)
    kind, attachment_id = letter.attachment or (None, None)
    queued = await _INSERT.first(
        tx, id=message_id, attachment_kind=kind, attachment_id=attachment_id, since=now() - timedelta(hours=1),
        most=MOST_AN_HOUR, **msgspec.structs.asdict(made),
    )  # fmt: skip
    if queued is None:
        raise _too_many()
    await enqueue(tx, DELIVER, message=message_id)
    return message_id


async def send_again(tx: Transaction, message_id: UUID, id: UUID) -> UUID:
    """Queue a letter that was given up once more, as a new one; ``NotFound``, ``NotGivenUp``, ``TooManyLetters``."""
    found = await _READ.one(tx, id=message_id)
    if found.state != "given_up":
        raise NotGivenUp
    since = now() - timedelta(hours=1)
    if await _COPY.first(tx, id=message_id, new_id=id, since=since, most=MOST_AN_HOUR) is None:
        raise _too_many()
    await enqueue(tx, DELIVER, message=id)
    return id


async def read_letter(tx: Transaction, message_id: UUID) -> Sent:
    """Return a letter and what became of it."""
    return await _READ.one(tx, id=message_id)


async def letters_about(tx: Transaction, document_id: UUID) -> list[Sent]:
    """Return the newest letters that a document went with."""
    return await _ABOUT.all(tx, attachment_id=document_id)


def _too_many() -> TooManyLetters:
    return TooManyLetters(said("At most {most} letters leave in an hour. Send the rest later.", most=MOST_AN_HOUR))
