"""The security events, each with the fields that whoever reads the trail may count on.

They are written by the tables' own triggers in the transaction that they tell about, so that none is left out; a failed
sign-in, which has no tenant, is a row of ``identity.attempt``. What is secret or personal stands there masked.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec


class Opened(msgspec.Struct, frozen=True):
    """Somebody signed in: a browser, or a program for them (then ``client`` names it, and tokens were issued)."""

    account_id: UUID
    method: Literal["password", "link", "passkey", "sso"]
    proofs: list[Literal["password", "link", "passkey", "sso", "totp", "recovery"]]
    client: str | None
    must_enrol: bool
    expires_at: datetime


class Closed(msgspec.Struct, frozen=True):
    """A session or a family of tokens ended: signed out, revoked, or by the reuse of a refresh token."""

    ended_at: datetime


class KeyIssued(msgspec.Struct, frozen=True):
    """An API key was issued, with what it may do."""

    prefix: str
    role: str
    read_only: bool
    modules: list[str] | None
    created_by: UUID
    expires_at: datetime | None


class KeyRevoked(msgspec.Struct, frozen=True):
    """An API key was revoked."""

    revoked_at: datetime


class Failed(msgspec.Struct, frozen=True):
    """A sign-in that failed; whose address it was, only an HMAC tells."""

    at: datetime
    email_hash: str
    address: str
    reason: Literal["unknown", "password", "deactivated", "link"]


class Entry(msgspec.Struct, frozen=True):
    """What every entry says: when, who, as what, from where, in which request, and about what."""

    action: str
    recorded_at: datetime
    actor_id: UUID
    actor_kind: Literal["system", "user", "api_key", "job", "import", "control", "operator"]
    request_id: UUID
    address: str
    subject: str
    subject_id: UUID
    after: dict[str, Any]


EVENTS: dict[str, type[msgspec.Struct]] = {
    "identity.signed_in": Opened, "identity.signed_out": Closed, "identity.key_issued": KeyIssued,
    "identity.key_revoked": KeyRevoked,
}  # fmt: skip


def misfit(entry: dict[str, Any]) -> str | None:
    """Return what an entry of the trail has other than it is declared, None if it fits."""
    try:
        found = msgspec.convert(entry, Entry)
        msgspec.convert(found.after, EVENTS[found.action])
    except (msgspec.ValidationError, KeyError) as error:
        return str(error)
    return None if found.request_id.int else "it names no request"
