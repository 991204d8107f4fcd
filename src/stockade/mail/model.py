"""Mail's tables: every letter with what became of it, and how a tenant signs its letters."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Integer, Text, Uuid, func
from sqlalchemy.orm import Mapped

from stockade.tenancy.declaration import TenantTable, business, check, column, index, personal, stages, technical
from stockade.tenancy.masks import hidden, mail_mask

STATES = ("queued", "sent", "failed", "given_up")
KEPT = "ten years, as business letters are (HGB section 257)"


class Message(TenantTable, table="mail.message", insert_event="mail.queued"):
    """A letter, whole but for its attachment, which is typeset anew from the document that it names.

    ``failed`` is tried again at ``next_attempt_at``; ``given_up`` is not. ``leased_until`` keeps two workers from one
    letter. ``handed_over_at`` is written before the relay is given the letter's text: where it stands and no answer
    does, nobody knows whether the letter left, and it is not sent again by itself.
    """

    to_address: Mapped[str] = column(
        Text, personal("correspondence", mask=mail_mask, erase="pseudonym", retention=KEPT), fixed=True
    )
    reply_to: Mapped[str | None] = column(
        Text, personal("correspondence", mask=mail_mask, erase="drop", retention=KEPT), fixed=True
    )
    sender_name: Mapped[str] = column(Text, business(), fixed=True)
    subject: Mapped[str] = column(Text, business(retention=KEPT), fixed=True)
    text: Mapped[str] = column(
        Text, personal("correspondence", mask=hidden, erase="pseudonym", retention=KEPT), fixed=True
    )
    html: Mapped[str] = column(
        Text, personal("correspondence", mask=hidden, erase="pseudonym", retention=KEPT), fixed=True
    )
    attachment_kind: Mapped[str | None] = column(Text, business(), fixed=True)
    attachment_id: Mapped[UUID | None] = column(Uuid, business(), fixed=True)
    """The document that goes with it, and that it is about."""
    state: Mapped[str] = stages(*STATES, rule=business(event="mail.state_changed"), server_default="queued")
    attempts: Mapped[int] = column(Integer, technical(), server_default="0")
    last_error: Mapped[str | None] = column(Text, personal("correspondence", mask=hidden, erase="drop"))
    """What the relay said; it may name the address."""
    message_id: Mapped[str | None] = column(Text, technical())
    """RFC 5322, section 3.6.4; the same one at each attempt."""
    queued_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    next_attempt_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())
    leased_until: Mapped[datetime | None] = column(DateTime(timezone=True), technical())
    handed_over_at: Mapped[datetime | None] = column(DateTime(timezone=True), technical())
    sent_at: Mapped[datetime | None] = column(DateTime(timezone=True), business())

    __constraints__ = (
        check("attachment", "num_nulls(attachment_kind, attachment_id) in (0, 2)"),
        check("lines", "subject !~ '[\\r\\n]' and to_address !~ '[\\r\\n]' and reply_to !~ '[\\r\\n]'"),
        index("queued_at"),
        index("next_attempt_at", where="state in ('queued', 'failed')"),
        index("attachment_id", "queued_at", where="attachment_id is not null"),
    )


class Setting(TenantTable, table="mail.setting"):
    """How a tenant's letters are signed. One row; its id is the tenant's."""

    sender_name: Mapped[str | None] = column(Text, business())
    reply_to: Mapped[str | None] = column(Text, personal("correspondence", mask=mail_mask, erase="drop"))
    signature: Mapped[str] = column(Text, business(), server_default="")
    version: Mapped[int] = column(Integer, technical(), server_default="1")

    __constraints__ = (check("single", "id = tenant_id"),)
