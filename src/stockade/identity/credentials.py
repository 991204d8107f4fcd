"""Credentials: what a browser or a program sends to say who it is, and how it becomes a principal.

Both kinds carry the tenant in the open and 256 random bits. We keep HMAC-SHA256 of the whole, under a key that the
database never sees: whoever reads the table can neither use a credential nor guess one.

    API key   sk_ + 8 digits to recognise it + _ + tenant (32 hex digits) + _ + secret
    session   se_ + tenant (32 hex digits) + _ + secret
"""

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import func, or_, select

from stockade.database.statements import TENANT, param, statement
from stockade.identity.model import ApiKey, Membership, Session
from stockade.tenancy.model import Tenant
from stockade.tenancy.pin import NOBODY, ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

Kind = Literal["session", "api_key"]
_API_KEY = re.compile(r"sk_([0-9a-f]{8})_([0-9a-f]{32})_[A-Za-z0-9_-]{43}")
_SESSION = re.compile(r"se_([0-9a-f]{32})_[A-Za-z0-9_-]{43}")
CACHED_CREDENTIALS = 10_000


class Token(msgspec.Struct, frozen=True):
    """A parsed credential: its kind, the tenant it claims, and its text."""

    kind: Kind
    tenant_id: UUID
    text: str


def new_api_key(tenant_id: UUID) -> tuple[str, str]:
    """Return a fresh API key and the prefix that it is recognised by."""
    prefix = f"sk_{secrets.token_hex(4)}"
    return f"{prefix}_{tenant_id.hex}_{secrets.token_urlsafe(32)}", prefix


def new_session_token(tenant_id: UUID) -> str:
    """Return a fresh session token."""
    return f"se_{tenant_id.hex}_{secrets.token_urlsafe(32)}"


def parse(text: str) -> Token | None:
    """Return the parts of a credential, None if it is none of ours."""
    if found := _API_KEY.fullmatch(text):
        return Token("api_key", UUID(hex=found[2]), text)
    if found := _SESSION.fullmatch(text):
        return Token("session", UUID(hex=found[1]), text)
    return None


class _Found(msgspec.Struct, frozen=True):
    credential_id: UUID
    actor_id: UUID
    role: str
    read_only: bool


_SESSION_BY_HASH = statement(
    select(
        Session.id.label("credential_id"), Session.account_id.label("actor_id"), Membership.role,
        (Session.id == None).label("read_only"),  # noqa: E711  # SQL for false: a session is bound by its role alone
    )
    .join(Membership, (Membership.tenant_id == Session.tenant_id) & (Membership.account_id == Session.account_id))
    .join(Tenant, Tenant.id == Session.tenant_id)
    .where(
        Session.tenant_id == TENANT, Session.token_hash == param("hash"), Session.ended_at.is_(None),
        Session.expires_at > func.now(), Membership.state == "active", Tenant.state == "active",
    ),
    _Found,
)  # fmt: skip
_KEY_BY_HASH = statement(
    select(ApiKey.id.label("credential_id"), ApiKey.id.label("actor_id"), ApiKey.role, ApiKey.read_only)
    .join(Tenant, Tenant.id == ApiKey.tenant_id)
    .where(
        ApiKey.tenant_id == TENANT, ApiKey.secret_hash == param("hash"), ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()), Tenant.state == "active",
    ),
    _Found,
)  # fmt: skip


class Credentials:
    """Turns credentials into principals.

    What was found once is remembered, and confirmed by the database in the message that begins each transaction
    (``identity.confirm``): the look-up is spared, the check is not, so a revocation holds from the next request on.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: OrderedDict[bytes, Principal] = OrderedDict()

    def hash(self, text: str) -> bytes:
        """Return the HMAC-SHA256 under which a credential is stored."""
        return hmac.digest(self._key, text.encode(), hashlib.sha256)

    def known(self, text: str) -> Principal | None:
        """Return the principal of a credential seen before; still to be confirmed by the transaction that uses it."""
        return self._known.get(self.hash(text))

    def forget(self, text: str) -> None:
        """Forget a credential, so that it is looked up anew."""
        self._known.pop(self.hash(text), None)

    async def look_up(self, database: Database, text: str) -> Principal | None:
        """Find a credential inside the wall of the tenant that it names; None if it admits nobody."""
        token = parse(text)
        if token is None:
            return None
        hashed = self.hash(text)
        seeker = Principal(tenant_id=token.tenant_id, actor_id=NOBODY, kind=ActorKind.SYSTEM, role="nobody")
        async with database.transaction(seeker) as tx:
            by_hash = _SESSION_BY_HASH if token.kind == "session" else _KEY_BY_HASH
            found = await by_hash.first(tx, hash=hashed)
        return None if found is None else self._remember(token, hashed, found)

    def _remember(self, token: Token, hashed: bytes, found: _Found) -> Principal:
        principal = Principal(
            tenant_id=token.tenant_id,
            actor_id=found.actor_id,
            kind=ActorKind.USER if token.kind == "session" else ActorKind.API_KEY,
            role=found.role,
            read_only=found.read_only,
            credential_id=found.credential_id,
            confirmation=f"identity.confirm('{token.kind}', '\\x{hashed.hex()}', '{found.role}')",
        )
        self._known[hashed] = principal
        if len(self._known) > CACHED_CREDENTIALS:
            self._known.popitem(last=False)
        return principal
