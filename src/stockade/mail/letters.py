"""Letters: what one says, and how that becomes the two bodies and the message that travels.

A body is written once, as plain text; the HTML is made from the same words by a template that escapes them.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from uuid import UUID

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from stockade.mail.addresses import checked_address, checked_line

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True, autoescape=select_autoescape(("html",)),
)  # fmt: skip
_BLANK_LINES = re.compile(r"\n\s*\n")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to send: to one address, a subject, paragraphs, facts worth a table, and a document.

    ``action`` is the one thing to do: what its button says, and the address that it leads to.
    ``sender_name`` and ``reply_to`` stand in where the tenant's settings name none.
    """

    to: str
    subject: str
    body: str
    sender_name: str
    reply_to: str | None = None
    facts: Sequence[tuple[str, str]] = ()
    attachment: tuple[str, UUID] | None = None
    action: tuple[str, str] | None = None
    locale: str = "en"


class Attached(msgspec.Struct, frozen=True):
    """A file that goes with a letter."""

    name: str
    media_type: str
    content: bytes


class Sealed(msgspec.Struct, frozen=True):
    """A letter as it is kept: both bodies made, its head checked."""

    to_address: str
    reply_to: str | None
    sender_name: str
    subject: str
    text: str
    html: str


def sealed(letter: Letter, *, sender_name: str | None, reply_to: str | None, signature: str) -> Sealed:
    """Return a letter with its bodies made and its head checked; ``Invalid`` names what cannot stand there."""
    answer_to = reply_to or letter.reply_to
    content = {
        "subject": letter.subject, "sender_name": sender_name or letter.sender_name, "facts": letter.facts,
        "action": letter.action,
        "body": letter.body.replace("\r\n", "\n").strip(), "signature": signature.replace("\r\n", "\n").strip(),
        "locale": letter.locale,
    }  # fmt: skip
    paragraphs = {name: _BLANK_LINES.split(str(content[name])) if content[name] else [] for name in _LONG}
    return Sealed(
        to_address=checked_address(letter.to, "to"),
        reply_to=checked_address(answer_to, "reply_to") if answer_to else None,
        sender_name=checked_line(str(content["sender_name"]), "sender_name"),
        subject=checked_line(letter.subject, "subject"),
        text=_TEMPLATES.get_template("letter.txt").render(content),
        html=_TEMPLATES.get_template("letter.html").render(content | paragraphs),
    )


_LONG = ("body", "signature")


def message_of(
    letter: Sealed, *, from_address: str, message_id: str, dated: datetime, attached: Attached | None
) -> EmailMessage:  # fmt: skip
    """Return the message that travels (RFC 5322, MIME): plain text, HTML beside it, the document behind both.

    ``email.message`` refuses a line break in any header, whatever was checked before.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = _mailbox(letter.sender_name, from_address)
    message["To"] = _mailbox("", letter.to_address)
    if letter.reply_to:
        message["Reply-To"] = _mailbox("", letter.reply_to)
    message["Subject"] = letter.subject
    message["Date"] = dated
    message["Message-ID"] = message_id
    # No answer by machines: out-of-office notes would go to the platform (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    if attached is not None:
        kind, _, subtype = attached.media_type.partition("/")
        message.add_attachment(attached.content, maintype=kind, subtype=subtype, filename=attached.name)
    return message


def _mailbox(name: str, address: str) -> Mailbox:
    local, _, domain = address.rpartition("@")
    return Mailbox(display_name=name, username=local, domain=domain)
