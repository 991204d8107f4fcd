"""Sign-ins under way at a provider: begun by a browser, finished by the same one, once, within ten minutes.

The ``state`` travels through the provider, the browser's cookie does not; both are needed. PKCE verifier and nonce are
made of both, so that the database, which holds only their hashes, could not finish a sign-in.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Literal
from uuid import UUID

import msgspec

from stockade.identity.sealing import Sealer
from stockade.identity.sso.steps import SignOnRefused
from stockade.kernel.ids import new_id
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Database

ATTEMPT_VALID = timedelta(minutes=10)
Purpose = Literal["sign_in", "test"]
_BEGIN = "select identity.begin_sso($1, $2, $3, $4, $5, $6, $7, $8)"
_TAKE = "select id, tenant_id, connection_id, purpose, going_to, answer_sealed from identity.take_sso($1, $2)"
_FIND = "select id from identity.find_sso($1, $2)"
_ANSWER = "select identity.answer_sso($1, $2)"
_PLACE = ("identity.sso_attempt", "answer_sealed")
STATE_TEXT = 43


class Attempt(msgspec.Struct, frozen=True):
    """A sign-in under way, as the browser that began it knows it."""

    state: str
    browser: str

    @property
    def verifier(self) -> str:
        """The PKCE verifier (RFC 7636)."""
        return self._derived("pkce")

    @property
    def nonce(self) -> str:
        """What the ID token repeats."""
        return self._derived("nonce")

    @property
    def request_id(self) -> str:
        """The id of a SAML request (an XML name), which its answer repeats."""
        made = hmac.digest(self.browser.encode(), f"saml {self.state}".encode(), hashlib.sha256)
        return f"_{made.hex()}"

    def _derived(self, what: str) -> str:
        made = hmac.digest(self.browser.encode(), f"{what} {self.state}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


class Taken(msgspec.Struct, frozen=True):
    """An attempt that its browser came back with: whose it is, what for, and what was posted meanwhile."""

    id: UUID
    tenant_id: UUID
    connection_id: UUID
    purpose: Purpose
    going_to: str
    answer: bytes | None


def new_browser() -> str:
    """Return a fresh secret for a browser's cookie."""
    return secrets.token_urlsafe(32)


def is_browser(text: str | None) -> bool:
    """Return whether a cookie's text can be such a secret."""
    return text is not None and len(text) == STATE_TEXT and text.isascii() and text.isprintable()


async def begin(
    database: Database, *, browser: str, tenant_id: UUID, connection_id: UUID, purpose: Purpose, going_to: str
) -> Attempt:  # fmt: skip
    """Begin a sign-in in a browser."""
    attempt = Attempt(secrets.token_urlsafe(32), browser)
    async with database.gate().acquire() as connection:
        await connection.execute(
            _BEGIN, new_id(), _hash(attempt.state), _hash(browser), tenant_id, connection_id, purpose, going_to[:500],
            ATTEMPT_VALID,
        )  # fmt: skip
    return attempt


async def take(database: Database, sealer: Sealer, attempt: Attempt) -> Taken:
    """Use an attempt up; ``SignOnRefused`` if it is over, was used, or another browser's."""
    async with database.gate().acquire() as connection:
        row = await connection.fetchrow(_TAKE, _hash(attempt.state), _hash(attempt.browser))
    if row is None:
        raise SignOnRefused(
            N_("This sign-in took too long, was used already, or began in another browser. Start again.")
        )
    found = dict(row)
    sealed = found.pop("answer_sealed")
    return Taken(**found, answer=None if sealed is None else sealer.open(sealed, *_PLACE, found["id"]))


async def find(database: Database, state: str, connection_id: UUID) -> UUID | None:
    """Return the id of the attempt that a post from another site is about, None if there is none."""
    async with database.gate().acquire() as connection:
        row = await connection.fetchrow(_FIND, _hash(state), connection_id)
    return None if row is None else row["id"]


async def answer(database: Database, sealer: Sealer, attempt_id: UUID, given: bytes) -> bool:
    """Keep what was posted for an attempt; once."""
    async with database.gate().acquire() as connection:
        return bool(await connection.fetchval(_ANSWER, attempt_id, sealer.seal(given, *_PLACE, attempt_id)))


def _hash(text: str) -> bytes:
    return hashlib.sha256(f"sso {text}".encode()).digest()
